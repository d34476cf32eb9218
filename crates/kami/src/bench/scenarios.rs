//! The scenarios: what is done to the server, and what is measured beside the rate of orders.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use serde_json::Value;

use super::{
    Stand,
    figures::{Figures, More},
    ledger,
    load::{Answered, Call, Pace},
    server,
    stand::UNLIMITED,
};
use crate::cli::Bench;

type Progress<'a> = &'a dyn Fn(&str);

/// Many SKUs, never out of stock; then at half the rate, with calls that do not wait for each other.
pub(super) async fn steady(options: &Bench, progress: Progress<'_>) -> anyhow::Result<Figures> {
    let mut stand = Stand::open(options, progress, options.skus).await?;
    let measured = stand.steady_load().await?;
    progress("importing keys, signing orders");
    let (half, limit) = (measured.per_s / 2.0, Duration::from_secs(options.seconds.div_ceil(2)));
    let calls = stand.orders((half * limit.as_secs_f64()) as u64 + 1).await?;
    progress("selling at half the rate");
    let paced = stand.load(calls, Pace::PerSecond(half), limit, |_| ()).await?;
    let more = More { p99_ms_at_half_load: Some(paced.times.percentile_ms(99)), ..More::default() };
    stand.close().await?.figures(measured, more).await
}

/// One SKU and more buyers than keys; three calls in ten repeat an earlier one. The rate is taken until the last key
/// is sold.
pub(super) async fn flash(options: &Bench, progress: Progress<'_>) -> anyhow::Result<Figures> {
    let mut stand = Stand::open(options, progress, 1).await?;
    let keys = options.size.unwrap_or(30_000);
    progress("importing keys, signing orders");
    stand.shop.stock_for(&stand.server, keys).await?;
    let calls = with_repeats(stand.shop.orders(keys + keys / 2));
    progress("selling");
    let mut sold_out = SoldOut::default();
    let mut measured =
        stand.load(calls, Pace::Closed, UNLIMITED, |answered| sold_out = SoldOut::of(answered)).await?;
    let secs = sold_out.at.as_secs_f64().max(1e-9);
    let more = More {
        sold_per_s: Some(sold_out.sold as f64 / secs),
        answers_per_s: Some(measured.per_s),
        ..More::default()
    };
    measured.per_s = sold_out.answers as f64 / secs;
    stand.close().await?.figures(measured, more).await
}

/// Puts repeats between the calls, so that three in ten of all are repeats: of a call that may still be under way, or
/// of one that was answered long ago.
fn with_repeats(calls: Vec<Call>) -> Vec<Call> {
    let mut all: Vec<Call> = Vec::with_capacity(calls.len() * 10 / 7 + 1);
    let mut seed: usize = 1;
    for (n, call) in calls.iter().enumerate() {
        all.push(call.clone());
        // Three after seven: after the 3rd, 5th and 7th.
        if matches!(n % 7, 2 | 4 | 6) {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let reach = if n % 7 == 2 { n + 1 } else { 64.min(n + 1) };
            all.push(calls[n - (seed >> 33) % reach].clone());
        }
    }
    all
}

/// When the last key was sold.
#[derive(Default)]
struct SoldOut {
    at: Duration,
    sold: u64,
    /// Answers until then, repeats and refusals among them.
    answers: u64,
}

impl SoldOut {
    fn of(answered: &[Answered]) -> Self {
        let mut sold = HashSet::new();
        let mut by_time: Vec<&Answered> = answered.iter().collect();
        by_time.sort_by_key(|one| one.at);
        let mut found = Self::default();
        for (n, one) in by_time.into_iter().enumerate() {
            if ledger::is_sale(one.order, &one.answer) && sold.insert(one.order) {
                found = Self { at: one.at, sold: sold.len() as u64, answers: n as u64 + 1 };
            }
        }
        found
    }
}

/// A million keys in one file, in flat memory; then orders for them.
pub(super) async fn import(options: &Bench, progress: Progress<'_>) -> anyhow::Result<Figures> {
    let mut stand = Stand::open(options, progress, 1).await?;
    let keys = options.size.unwrap_or(1_000_000);
    // A file of some chunks first: what the import needs at all is allocated then.
    stand.shop.stock_for(&stand.server, keys.div_ceil(100)).await?;
    let peak_mib_before_import = stand.server.peak_mib();
    progress("importing keys");
    let started = Instant::now();
    stand.shop.stock(&stand.server, keys).await?;
    let secs = started.elapsed().as_secs_f64();
    let more = More {
        import_keys: Some(keys),
        import_s: Some(secs),
        import_keys_per_s: Some(keys as f64 / secs.max(1e-9)),
        peak_mib_before_import,
        peak_mib_after_import: stand.server.peak_mib(),
        ..More::default()
    };
    let measured = stand.steady_load().await?;
    stand.close().await?.figures(measured, more).await
}

/// The rebuild of all read models, from a log that orders wrote.
pub(super) async fn replay(options: &Bench, progress: Progress<'_>) -> anyhow::Result<Figures> {
    let mut stand = Stand::open(options, progress, options.skus).await?;
    let measured = stand.steady_load().await?;
    stand.grow(options.size.unwrap_or(500_000)).await?;
    let closed = stand.close().await?;
    (closed.progress)("rebuilding the read models");
    let data = closed.data();
    let mut rebuild = server::program(&data)?;
    rebuild.arg("--data").arg(&data).args(["rebuild", "--json"]).kill_on_drop(true);
    let output = rebuild.output().await.context("`kami rebuild`")?;
    if !output.status.success() {
        bail!("`kami rebuild` failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let told: Value = serde_json::from_slice(&output.stdout).context("what `kami rebuild` says")?;
    let more = More {
        rebuild_events_per_s: told["events_per_s"].as_f64(),
        rebuild_s: told["seconds"].as_f64(),
        ..More::default()
    };
    closed.figures(measured, more).await
}

/// How soon a server on a large log is ready: after it was killed, and after it was stopped in good order.
pub(super) async fn start(options: &Bench, progress: Progress<'_>) -> anyhow::Result<Figures> {
    let mut stand = Stand::open(options, progress, options.skus).await?;
    let measured = stand.steady_load().await?;
    stand.grow(options.size.unwrap_or(1_000_000)).await?;
    progress("starting anew");
    let (stand, killed) = stand.restart(true).await?;
    let (stand, stopped) = stand.restart(false).await?;
    let ms = |time: Duration| Some(time.as_secs_f64() * 1_000.0);
    let more = More { ready_ms_after_kill: ms(killed), ready_ms_after_stop: ms(stopped), ..More::default() };
    stand.close().await?.figures(measured, more).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_calls_in_ten_repeat_one_that_was_sent_before() {
        let calls = (0..700).map(|order| Call { order, bytes: [].into() }).collect();
        let all = with_repeats(calls);
        assert_eq!(all.len(), 1_000);
        let mut sent = HashSet::new();
        let repeats = all.iter().filter(|call| !sent.insert(call.order)).count();
        assert_eq!((sent.len(), repeats), (700, 300));
    }
}
