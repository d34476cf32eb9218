//! The test stand: one server with its shop and its ledger, and what is asked of all three after the run.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use tempfile::TempDir;

use super::{
    ceiling,
    figures::{Figures, More, Shape},
    ledger::Ledger,
    load::{self, Answered, Call, Load, Pace},
    machine::Machine,
    server::Server,
    shop::Shop,
    times::Times,
};
use crate::cli::Bench;

/// How long a load without a time of its own may take.
pub(crate) const UNLIMITED: Duration = Duration::from_secs(3_600);
/// How many orders warm the server up, and for how long at most.
const WARM_UP: (u64, Duration) = (8_000, Duration::from_secs(2));
/// How many orders the ceilings are fed from.
const KEPT_CALLS: usize = 10_000;

/// A running server and its client.
pub(crate) struct Stand<'a> {
    pub(crate) options: &'a Bench,
    pub(crate) progress: &'a dyn Fn(&str),
    directory: TempDir,
    pub(crate) server: Server,
    pub(crate) shop: Shop,
    pub(crate) ledger: Ledger,
}

/// A load that was run, and the part of the log it wrote.
pub(crate) struct Phase {
    /// Answers per second.
    pub(crate) per_s: f64,
    pub(crate) times: Times,
    pub(crate) answers: u64,
    /// The processor time the server used.
    processor_time: Option<Duration>,
    /// The last position before and after.
    pub(crate) positions: (u64, u64),
    /// Some of the calls.
    pub(crate) calls: Arc<[Call]>,
}

impl<'a> Stand<'a> {
    /// Starts a server on a fresh directory and opens a shop of so many SKUs.
    pub(crate) async fn open(
        options: &'a Bench,
        progress: &'a dyn Fn(&str),
        skus: u32,
    ) -> anyhow::Result<Self> {
        progress("setting up");
        let directory =
            tempfile::Builder::new().prefix("kami-bench-").tempdir().context("a temporary directory")?;
        let data = data(&directory);
        std::fs::create_dir(&data).context("the data directory")?;
        let server = Server::kami(&data).await?;
        let shop = Shop::open(&server, &data, skus).await?;
        Ok(Self { options, progress, directory, server, shop, ledger: Ledger::default() })
    }

    /// Runs a load and enters its answers. `look` sees them before.
    pub(crate) async fn load<L>(
        &mut self,
        calls: Vec<Call>,
        pace: Pace,
        limit: Duration,
        look: L,
    ) -> anyhow::Result<Phase>
    where
        L: FnOnce(&[Answered]),
    {
        let calls: Arc<[Call]> = calls.into();
        let before = self.server.position().await?;
        let used_before = self.server.processor_time();
        let (address, connections) = (self.server.address, self.options.connections);
        let run = load::run(Load { address, calls: calls.clone(), connections, pace, limit }).await?;
        let used =
            self.server.processor_time().zip(used_before).map(|(after, before)| after.saturating_sub(before));
        let after = self.server.position().await?;
        look(&run.answered);
        let phase = Phase {
            per_s: run.per_s(),
            times: Times::of(&run.answered),
            answers: run.answered.len() as u64,
            processor_time: used,
            positions: (before, after),
            calls: calls.iter().take(KEPT_CALLS).cloned().collect(),
        };
        self.ledger.enter(run.answered);
        Ok(phase)
    }

    /// Signed orders for which there are keys.
    pub(crate) async fn orders(&mut self, count: u64) -> anyhow::Result<Vec<Call>> {
        self.shop.stock_for(&self.server, count).await?;
        Ok(self.shop.orders(count))
    }

    /// Orders as fast as they are answered, after a warm-up that also says how many will be needed.
    pub(crate) async fn steady_load(&mut self) -> anyhow::Result<Phase> {
        (self.progress)("warming up");
        let (count, limit) = WARM_UP;
        let count = self.options.size.map_or(count, |size| size.min(count));
        let calls = self.orders(count).await?;
        let warm = self.load(calls, Pace::Closed, limit, |_| ()).await?;
        let limit = Duration::from_secs(self.options.seconds);
        let needed = (warm.per_s * limit.as_secs_f64() * 1.5) as u64 + self.options.connections as u64;
        (self.progress)("importing keys, signing orders");
        let calls = self.orders(needed).await?;
        (self.progress)("selling");
        self.load(calls, Pace::Closed, limit, |_| ()).await
    }

    /// Sells until the log has so many events.
    pub(crate) async fn grow(&mut self, events: u64) -> anyhow::Result<()> {
        loop {
            let position = self.server.position().await?;
            (self.progress)(&format!("growing the log: {position} of {events} events"));
            if position >= events {
                return Ok(());
            }
            // In pieces: signatures are good for some minutes only.
            let orders = ((events - position) / 5 + 1).min(20_000);
            let calls = self.orders(orders).await?;
            self.load(calls, Pace::Closed, UNLIMITED, |_| ()).await?;
        }
    }

    /// Replaces the server by one that is started anew on the same data; says how long it took to be ready.
    pub(crate) async fn restart(self, kill: bool) -> anyhow::Result<(Self, Duration)> {
        let Self { options, progress, directory, server, shop, ledger } = self;
        if kill {
            server.kill().await?
        } else {
            server.stop().await?
        }
        let server = Server::kami(&data(&directory)).await?;
        let ready_after = server.ready_after;
        Ok((Self { options, progress, directory, server, shop, ledger }, ready_after))
    }

    /// Stops the server.
    pub(crate) async fn close(self) -> anyhow::Result<Closed<'a>> {
        let Self { options, progress, directory, server, shop, ledger } = self;
        progress("stopping");
        let server_peak_mib = server.peak_mib();
        server.stop().await?;
        Ok(Closed { options, progress, directory, keys: shop.keys(), ledger, server_peak_mib })
    }
}

/// What is left when the server has stopped.
pub(crate) struct Closed<'a> {
    options: &'a Bench,
    pub(crate) progress: &'a dyn Fn(&str),
    directory: TempDir,
    keys: u64,
    ledger: Ledger,
    server_peak_mib: Option<u64>,
}

impl Closed<'_> {
    /// Where the data is.
    pub(crate) fn data(&self) -> PathBuf {
        data(&self.directory)
    }

    /// Compares answers and log, checks the log, measures the ceilings.
    pub(crate) async fn figures(self, measured: Phase, more: More) -> anyhow::Result<Figures> {
        let Self { options, progress, directory, keys, ledger, server_peak_mib } = self;
        let data = data(&directory);
        progress("checking the log");
        let report =
            verify::verify_dir(&data, |_| ()).await.context("the data directory cannot be checked")?;
        let (from, to) = measured.positions;
        let told = ceiling::read(&data, from, to).await?;
        let lost = ledger.lost(&told.delivered);
        progress("measuring what the log alone can do");
        let events_per_order = (to - from) as f64 / measured.answers.max(1) as f64;
        let second = directory.path().join("log-alone");
        std::fs::create_dir(&second).context("a directory for a second log")?;
        let together = (options.connections as f64 * events_per_order) as usize;
        let log_events_per_s = ceiling::log_events_per_s(&second, told.events, together).await?;
        progress("measuring what the client alone can do");
        let http = ceiling::http_per_s(directory.path(), measured.calls, options.connections).await?;
        if let Some(example) = &ledger.example {
            tracing::error!(%example, "an answer was not expected");
        }
        for violation in report.violations.iter().take(10) {
            tracing::error!(invariant = ?violation.invariant, what = violation.message, "an invariant is broken");
        }
        let log_ceiling_per_s = log_events_per_s / events_per_order.max(1e-9);
        Ok(Figures {
            orders_per_s: measured.per_s,
            p50_ms: measured.times.percentile_ms(50),
            p99_ms: measured.times.percentile_ms(99),
            oversold: ledger.oversold(keys),
            lost,
            violations: report.violations.len() as u64,
            unexpected: ledger.unexpected,
            repeats_differing: ledger.repeats_differing,
            http_ceiling_per_s: http,
            log_ceiling_per_s,
            of_http_ceiling: measured.per_s / http.max(1e-9),
            of_log_ceiling: measured.per_s / log_ceiling_per_s.max(1e-9),
            orders: measured.answers,
            sold: ledger.sold(),
            refused: ledger.refused,
            repeats: ledger.repeats,
            events_per_order,
            log_events: report.merchants.iter().map(|merchant| merchant.events).sum(),
            server_us_per_order: measured
                .processor_time
                .map(|used| used.as_secs_f64() * 1e6 / measured.answers.max(1) as f64),
            server_peak_mib,
            more,
            shape: Some(Shape {
                scenario: options.scenario.name(),
                connections: options.connections,
                seconds: options.seconds,
                machine: Machine::this(),
            }),
        })
    }
}

fn data(directory: &TempDir) -> PathBuf {
    directory.path().join("data")
}
