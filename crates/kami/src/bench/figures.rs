//! The figures of a run, as a line of JSON and as a table.

use serde::Serialize;
use serde_json::Value;

use super::{machine::Machine, read::Reading};

/// What was measured. Rates are per second, times in milliseconds, memory in MiB.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Figures {
    /// Answers per second with the keys or the refusal recorded durably.
    pub(crate) orders_per_s: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Keys sold twice, and sales beyond the keys there were.
    pub(crate) oversold: u64,
    /// Sales that were answered and are not in the log.
    pub(crate) lost: u64,
    /// What `kami verify` found.
    pub(crate) violations: u64,
    /// Answers that are neither a sale nor a refusal for want of stock.
    pub(crate) unexpected: u64,
    /// Repeats that were not answered with the bytes of the first answer.
    pub(crate) repeats_differing: u64,
    /// The bare server's answers per second to the same client.
    pub(crate) http_ceiling_per_s: f64,
    /// Orders' worth of events per second that the log alone makes durable.
    pub(crate) log_ceiling_per_s: f64,
    /// `orders_per_s` as a share of `http_ceiling_per_s`.
    pub(crate) of_http_ceiling: f64,
    /// `orders_per_s` as a share of `log_ceiling_per_s`.
    pub(crate) of_log_ceiling: f64,
    pub(crate) orders: u64,
    pub(crate) sold: u64,
    pub(crate) refused: u64,
    pub(crate) repeats: u64,
    pub(crate) events_per_order: f64,
    pub(crate) log_events: u64,
    /// The server's processor time for each answer, on all cores, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server_us_per_order: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server_peak_mib: Option<u64>,
    #[serde(flatten)]
    pub(crate) more: More,
    #[serde(flatten)]
    pub(crate) shape: Option<Shape>,
}

/// What only some scenarios measure.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct More {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) p99_ms_at_half_load: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sold_per_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) answers_per_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) import_keys: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) import_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) import_keys_per_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) peak_mib_before_import: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) peak_mib_after_import: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rebuild_events_per_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rebuild_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ready_ms_after_kill: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ready_ms_after_stop: Option<f64>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(crate) reading: Option<Reading>,
}

/// How it was measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Shape {
    pub(crate) scenario: &'static str,
    pub(crate) connections: usize,
    pub(crate) seconds: u64,
    pub(crate) machine: Machine,
}

impl Figures {
    /// Whether every promise was kept. Speed is not a promise.
    pub(crate) fn kept(&self) -> bool {
        let read = self
            .more
            .reading
            .map_or(0, |read| read.finds_missed + read.steps_missed + read.digests_differing);
        self.oversold + self.lost + self.violations + self.unexpected + self.repeats_differing + read == 0
    }

    /// One line of JSON; numbers with at most three digits behind the point.
    pub(crate) fn line(&self) -> anyhow::Result<String> {
        Ok(rounded(serde_json::to_value(self)?).to_string())
    }

    /// The figures for people, with the machine they were taken on.
    pub(crate) fn table(&self) -> String {
        let Self { orders_per_s, p50_ms, p99_ms, more, .. } = self;
        let mut table = Table::default();
        if let Some(Shape { scenario, connections, machine, .. }) = &self.shape {
            let memory = machine.memory_mib.map(|mib| format!(", {mib} MiB of memory")).unwrap_or_default();
            table.row("scenario", format!("{scenario}, {connections} connections"));
            table.row("machine", format!("{} cores{memory}, {}", machine.cores, machine.cpu));
        }
        let (of_http, of_log) = (self.of_http_ceiling, self.of_log_ceiling);
        table.row(
            "orders",
            format!("{orders_per_s:.0} /s: {of_http:.3} of the bare server, {of_log:.3} of the log alone"),
        );
        table.row("answered within", format!("{p50_ms:.1} ms (p50), {p99_ms:.1} ms (p99)"));
        table.maybe("at half load", more.p99_ms_at_half_load.map(|ms| format!("{ms:.1} ms (p99)")));
        let rates = more.sold_per_s.zip(more.answers_per_s);
        table.maybe(
            "flash sale",
            rates.map(|(sold, all)| format!("{sold:.0} sold /s, {all:.0} answers /s in all")),
        );
        table.maybe("import", self.import());
        let rebuilt = more.rebuild_events_per_s.zip(more.rebuild_s);
        table.maybe("rebuild", rebuilt.map(|(rate, secs)| format!("{rate:.0} events /s, {secs:.1} s")));
        let ready = more.ready_ms_after_kill.zip(more.ready_ms_after_stop);
        let ready = ready.map(|(kill, stop)| format!("{kill:.0} ms after a kill, {stop:.0} ms after a stop"));
        table.maybe("ready again", ready);
        for (name, text) in more.reading.iter().flat_map(Reading::rows) {
            table.row(name, text);
        }
        let log = format!("{} events, {:.1} for each order", self.log_events, self.events_per_order);
        table.row("log", log);
        let used = self.server_us_per_order.map(|us| format!("{us:.0} µs of processor time for each order"));
        table.maybe("server", used);
        table.maybe("server's memory", self.server_peak_mib.map(|mib| format!("{mib} MiB at its peak")));
        let (http, log) = (self.http_ceiling_per_s, self.log_ceiling_per_s);
        table.row("ceilings", format!("bare server {http:.0} /s, log alone {log:.0} orders /s"));
        let (sold, refused, repeats) = (self.sold, self.refused, self.repeats);
        table.row("answers", format!("{sold} sold, {refused} refused, {repeats} repeats"));
        let (oversold, lost, violations) = (self.oversold, self.lost, self.violations);
        table.row("broken promises", format!("{oversold} oversold, {lost} lost, {violations} violations"));
        let (unexpected, differing) = (self.unexpected, self.repeats_differing);
        table.row("odd answers", format!("{unexpected} unexpected, {differing} repeats answered otherwise"));
        table.0
    }

    fn import(&self) -> Option<String> {
        let More { import_keys: Some(keys), import_s: Some(secs), import_keys_per_s: Some(rate), .. } =
            self.more
        else {
            return None;
        };
        let memory = self.more.peak_mib_before_import.zip(self.more.peak_mib_after_import);
        let memory =
            memory.map(|(before, after)| format!("; memory peak {before} MiB before, {after} MiB after"));
        Some(format!("{keys} keys in {secs:.1} s ({rate:.0} /s){}", memory.unwrap_or_default()))
    }
}

#[derive(Default)]
struct Table(String);

impl Table {
    fn row(&mut self, name: &str, text: String) {
        let line = if self.0.is_empty() { "" } else { "\n" };
        self.0.extend([line, &format!("{name:<18}"), &text]);
    }
    fn maybe(&mut self, name: &str, text: Option<String>) {
        if let Some(text) = text {
            self.row(name, text);
        }
    }
}

fn rounded(value: Value) -> Value {
    match value {
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, rounded(value))).collect(),
        Value::Number(number) if number.is_f64() => {
            let exact = number.as_f64().unwrap_or_default();
            Value::from((exact * 1_000.0).round() / 1_000.0)
        }
        other => other,
    }
}
