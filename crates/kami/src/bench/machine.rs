//! What the figures were taken on, and how much memory a process held.

use std::{fs, time::Duration};

use serde::Serialize;

/// The machine. Figures of different machines say nothing beside each other.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    /// In MiB; none where the system does not say.
    pub(crate) memory_mib: Option<u64>,
    pub(crate) cpu: String,
}

impl Machine {
    /// This machine.
    pub(crate) fn this() -> Self {
        let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: field("/proc/meminfo", "MemTotal").and_then(|text| mib(&text)),
            cpu,
        }
    }
}

/// The most memory a process has held so far, in MiB; none where the system does not say.
pub(crate) fn peak_mib(process: u32) -> Option<u64> {
    field(&format!("/proc/{process}/status"), "VmHWM").and_then(|text| mib(&text))
}

/// The processor time a process has used so far, by all its threads; none where the system does not say.
pub(crate) fn processor_time(process: u32) -> Option<Duration> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // Behind the name, which may hold anything: user time is the 12th field, system time the 13th.
    let mut fields =
        text.rsplit_once(')')?.1.split_whitespace().skip(11).map_while(|field| field.parse::<u64>().ok());
    let ticks = fields.next()? + fields.next()?;
    Some(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
}

/// The first value under a name in a file of `name: value` lines.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(found, _)| found.trim() == name).map(|(_, value)| value.trim().to_owned())
}

/// From the kernel's `123 kB`.
fn mib(text: &str) -> Option<u64> {
    Some(text.split_whitespace().next()?.parse::<u64>().ok()? / 1_024)
}
