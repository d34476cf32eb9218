//! The scenario `read`: how soon an order is found, and sales are summed up, over a shop of many orders; how soon an order
//! with a long history is shown as it was at any step; and how long all read models take to be made anew.
//!
//! The orders name their buyers and happened over the last year, so that the sales lie in as many hours as a shop's do.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Instant};

use anyhow::{Context, bail};
use event_log::EventLog;
use event_log_sqlite::SqliteLog;
use projection::{Follower, Views};
use projection_sales::{Filter, by_day};
use serde::Serialize;
use serde_json::Value;
use vocabulary::{BusinessDay, MerchantId, Timestamp};

use super::{
    Stand,
    figures::{Figures, More},
    ledger::Known,
    load::{self, Load, Pace},
    server,
    stand::UNLIMITED,
    times::Times,
};
use crate::{channels, cli::Bench};

/// How many orders there are.
const ORDERS: u64 = 1_000_000;
/// How many orders are looked for, in each way.
const SOUGHT: usize = 1_000;
/// How many people look at once.
const SEEKERS: usize = 4;
/// How many events the order has whose states are looked at.
const STEPS: usize = 500;
/// How often sales are summed up, in each way.
const SUMS: u32 = 30;
/// How often the server is asked whether its read models are there; each question waits for two seconds.
const PATIENCE: u32 = 1_800;

/// The figures of the scenario. Times are in milliseconds unless they say otherwise.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Reading {
    /// Orders in the log.
    pub(crate) orders_in_log: u64,
    pub(crate) find_number_p50_ms: f64,
    pub(crate) find_number_p95_ms: f64,
    pub(crate) find_id_p50_ms: f64,
    pub(crate) find_id_p95_ms: f64,
    pub(crate) find_key_p50_ms: f64,
    pub(crate) find_key_p95_ms: f64,
    pub(crate) find_buyer_p50_ms: f64,
    pub(crate) find_buyer_p95_ms: f64,
    /// Questions that were not answered with the order.
    pub(crate) finds_missed: u64,
    /// The state of an order after each of its events.
    pub(crate) order_steps: u64,
    pub(crate) order_step_p50_ms: f64,
    pub(crate) order_step_p95_ms: f64,
    pub(crate) order_step_max_ms: f64,
    /// States that were not those at the step.
    pub(crate) steps_missed: u64,
    /// A month's sales, by day and SKU.
    pub(crate) sales_month_p50_ms: f64,
    pub(crate) sales_month_p95_ms: f64,
    /// A year's sales of one SKU, by day.
    pub(crate) sales_sku_p95_ms: f64,
    /// A year's sales, by day and SKU.
    pub(crate) sales_year_p95_ms: f64,
    /// All read models, deleted and made anew.
    pub(crate) remade_s: f64,
    pub(crate) remade_events: u64,
    pub(crate) remade_s_per_million: f64,
    /// Read models that had other rows after.
    pub(crate) digests_differing: u64,
}

pub(super) async fn read(options: &Bench, progress: &dyn Fn(&str)) -> anyhow::Result<Figures> {
    let mut stand = Stand::open(options, progress, options.skus).await?;
    let orders = options.size.unwrap_or(ORDERS);
    stand.shop.tell_a_year(orders);
    let measured = stand.steady_load().await?;
    while stand.ledger.sold() < orders {
        progress(&format!("selling: {} of {orders} orders", stand.ledger.sold()));
        let calls = stand.orders((orders - stand.ledger.sold()).min(20_000)).await?;
        stand.load(calls, Pace::Closed, UNLIMITED, |_| ()).await?;
    }
    progress("waiting for the read models");
    wait(&stand).await?;
    let mut reading = Reading { orders_in_log: stand.ledger.sold(), ..Reading::default() };
    find(&stand, &mut reading).await?;
    step(&stand, &mut reading).await?;
    let closed = stand.close().await?;
    sum(&closed.data(), progress, &mut reading).await?;
    remake(&closed.data(), progress, &mut reading).await?;
    closed.figures(measured, More { reading: Some(reading), ..More::default() }).await
}

/// Waits until the read models contain the whole log.
async fn wait(stand: &Stand<'_>) -> anyhow::Result<()> {
    let position = stand.server.position().await?;
    for _ in 0..PATIENCE {
        let call = stand.shop.find(0, "nothing", Some(position));
        let answer = load::once(stand.server.address, &call).await?;
        if answer.status == 200 {
            return Ok(());
        }
    }
    bail!("the read models do not get to {position}");
}

/// Looks for orders by the channel's number, our id, the card key and what the channel calls the buyer.
async fn find(stand: &Stand<'_>, reading: &mut Reading) -> anyhow::Result<()> {
    let known = stand.ledger.known(SOUGHT);
    let by_number = look(stand, &known, reading, |sale| sale.number.clone()).await?;
    let by_id = look(stand, &known, reading, |sale| sale.id.clone()).await?;
    let by_key = look(stand, &known, reading, |sale| sale.key.clone()).await?;
    let by_buyer = look(stand, &known, reading, |sale| stand.shop.buyer(sale.order)).await?;
    let percentiles = |times: &Times| (times.percentile_ms(50), times.percentile_ms(95));
    (reading.find_number_p50_ms, reading.find_number_p95_ms) = percentiles(&by_number);
    (reading.find_id_p50_ms, reading.find_id_p95_ms) = percentiles(&by_id);
    (reading.find_key_p50_ms, reading.find_key_p95_ms) = percentiles(&by_key);
    (reading.find_buyer_p50_ms, reading.find_buyer_p95_ms) = percentiles(&by_buyer);
    Ok(())
}

async fn look(
    stand: &Stand<'_>,
    known: &[Known],
    reading: &mut Reading,
    name: impl Fn(&Known) -> String,
) -> anyhow::Result<Times> {
    (stand.progress)("looking for orders");
    let calls = known.iter().map(|sale| stand.shop.find(sale.order, &name(sale), None)).collect();
    let (address, connections) = (stand.server.address, SEEKERS.min(stand.options.connections));
    let run = load::run(Load { address, calls, connections, pace: Pace::Closed, limit: UNLIMITED }).await?;
    let ids: BTreeMap<u32, &str> = known.iter().map(|sale| (sale.order, sale.id.as_str())).collect();
    for one in &run.answered {
        let text = String::from_utf8_lossy(&one.answer.body);
        let found = one.answer.status == 200 && ids.get(&one.order).is_some_and(|id| text.contains(id));
        reading.finds_missed += u64::from(!found);
    }
    Ok(Times::of(&run.answered))
}

/// Gives an order a long history, and looks at its state after each event, one after another, as a slider does.
async fn step(stand: &Stand<'_>, reading: &mut Reading) -> anyhow::Result<()> {
    (stand.progress)("looking at an order's past");
    let known = stand.ledger.known(SOUGHT);
    let Known { order, id, .. } = known.get(known.len() / 2).context("nothing was sold")?;
    let run = async |calls: Arc<[load::Call]>| {
        let address = stand.server.address;
        load::run(Load { address, calls, connections: 1, pace: Pace::Closed, limit: UNLIMITED }).await
    };
    let history = stand.shop.get(*order, &format!("/v1/orders/{id}/events?limit={STEPS}"));
    let positions = async || -> anyhow::Result<Vec<u64>> {
        let answer = load::once(stand.server.address, &history).await?;
        let told: Value = serde_json::from_slice(&answer.body).context("an order's history")?;
        let events = told["events"].as_array().context("an order's history")?;
        Ok(events.iter().filter_map(|event| event["position"].as_u64()).collect())
    };
    let missing = STEPS.saturating_sub(positions().await?.len());
    run((0..missing).map(|n| stand.shop.note(*order, id, &format!("step {n}"))).collect()).await?;
    let positions = positions().await?;
    let state = |at: &u64| stand.shop.get(*order, &format!("/v1/orders/{id}/state?at={at}"));
    let states = run(positions.iter().map(state).collect()).await?;
    for (at, one) in positions.iter().zip(&states.answered) {
        let told: Value = serde_json::from_slice(&one.answer.body).unwrap_or_default();
        // What happened to its keys is of the pool's history: the order is then as after its own event before.
        let is_right = one.answer.status == 200 && told["as_of_pos"].as_u64().is_some_and(|then| then <= *at);
        reading.steps_missed += u64::from(!is_right);
    }
    let times = Times::of(&states.answered);
    reading.order_steps = states.answered.len() as u64;
    (reading.order_step_p50_ms, reading.order_step_p95_ms) =
        (times.percentile_ms(50), times.percentile_ms(95));
    reading.order_step_max_ms = times.percentile_ms(100);
    Ok(())
}

/// The read models of a stopped server, and whose they are.
async fn views(data: &Path) -> anyhow::Result<(Arc<Views>, MerchantId)> {
    const PAGE: usize = 4_096;
    let views = Views::open(&data.join("views.db"), channels::projections()).await;
    let views = Arc::new(views.context("the read models")?);
    let log = SqliteLog::open_read_only(data).await.context("the log")?;
    let merchant = log.merchants().await.context("the merchants of the log")?.into_iter().next();
    let merchant = merchant.context("the log is empty")?;
    // A server that was stopped may have recorded more than its read models had taken in.
    let mut follower = Follower::new(views.clone(), &merchant).await.context("the read models")?;
    loop {
        let events = log.read_log(&merchant, follower.head(), PAGE).await.context("the log")?;
        if events.is_empty() {
            views.tally(&log, &merchant, None).await.context("counting messages")?;
            return Ok((views, merchant));
        }
        follower.apply(events).await.context("the read models")?;
    }
}

/// Sums sales up, from the read models alone.
async fn sum(data: &Path, progress: &dyn Fn(&str), reading: &mut Reading) -> anyhow::Result<()> {
    progress("summing sales up");
    let (views, merchant) = views(data).await?;
    let year = by_day(views.reader(), &merchant, &Filter::default()).await.context("a year's sales")?;
    let middle = year.get(year.len() / 2).context("there are no sales")?;
    let noon = Timestamp::parse_rfc3339(&format!("{}T12:00:00Z", middle.business_date))?;
    let day = |days: i64| noon.plus_secs(days * 86_400).business_day(BusinessDay::SHANGHAI_OFFSET);
    let month = Filter { from: Some(day(-15)), to: Some(day(14)), ..Filter::default() };
    let of_one = Filter { sku: Some(middle.sku_id.parse()?), ..Filter::default() };
    let times = async |filter: &Filter| -> anyhow::Result<Times> {
        let mut times = Vec::new();
        for _ in 0..SUMS {
            let started = Instant::now();
            by_day(views.reader(), &merchant, filter).await.context("summing sales up")?;
            times.push(started.elapsed());
        }
        Ok(Times::from(times))
    };
    let by_month = times(&month).await?;
    (reading.sales_month_p50_ms, reading.sales_month_p95_ms) =
        (by_month.percentile_ms(50), by_month.percentile_ms(95));
    reading.sales_sku_p95_ms = times(&of_one).await?.percentile_ms(95);
    reading.sales_year_p95_ms = times(&Filter::default()).await?.percentile_ms(95);
    Ok(())
}

/// Deletes the read models, has them made anew, and compares their digests.
async fn remake(data: &Path, progress: &dyn Fn(&str), reading: &mut Reading) -> anyhow::Result<()> {
    progress("making the read models anew");
    let mut before = BTreeMap::new();
    {
        let (views, merchant) = views(data).await?;
        for projection in channels::projections() {
            let name = projection.name();
            before.insert(name, views.digest(name, &merchant).await.context("a digest")?);
        }
    }
    for file in ["views.db", "views.db-wal", "views.db-shm"] {
        let path = data.join(file);
        if path.exists() {
            std::fs::remove_file(path).context("deleting the read models")?;
        }
    }
    let mut rebuild = server::program(data)?;
    rebuild.arg("--data").arg(data).args(["rebuild", "--json"]).kill_on_drop(true);
    let output = rebuild.output().await.context("`kami rebuild`")?;
    if !output.status.success() {
        bail!("`kami rebuild` failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let told: Value = serde_json::from_slice(&output.stdout).context("what `kami rebuild` says")?;
    reading.remade_s = told["seconds"].as_f64().unwrap_or_default();
    reading.remade_events = told["events"].as_u64().unwrap_or_default();
    reading.remade_s_per_million = reading.remade_s * 1e6 / reading.remade_events.max(1) as f64;
    let same = |(name, digest): (&&str, &String)| told["digests"][*name].as_str() == Some(digest.as_str());
    reading.digests_differing = before.iter().filter(|entry| !same(*entry)).count() as u64;
    Ok(())
}

impl Reading {
    /// Rows of the table for people: what it is, and the figure.
    pub(crate) fn rows(&self) -> [(&'static str, String); 5] {
        let find = format!(
            "p95 {:.1} ms by number, {:.1} by our id, {:.1} by card key, {:.1} by buyer; {} orders, {} missed",
            self.find_number_p95_ms,
            self.find_id_p95_ms,
            self.find_key_p95_ms,
            self.find_buyer_p95_ms,
            self.orders_in_log,
            self.finds_missed
        );
        let steps = format!(
            "p95 {:.1} ms, at most {:.1}, for each of {} states; {} missed",
            self.order_step_p95_ms, self.order_step_max_ms, self.order_steps, self.steps_missed
        );
        let sums = format!(
            "p95 {:.1} ms for a month, {:.1} for a SKU's year, {:.1} for the year",
            self.sales_month_p95_ms, self.sales_sku_p95_ms, self.sales_year_p95_ms
        );
        let remade = format!("{} events in {:.1} s", self.remade_events, self.remade_s);
        let rate = format!(
            "{:.1} s for a million events, {} digests differ",
            self.remade_s_per_million, self.digests_differing
        );
        [
            ("found", find),
            ("an order's past", steps),
            ("sales summed up", sums),
            ("remade", remade),
            ("", rate),
        ]
    }
}
