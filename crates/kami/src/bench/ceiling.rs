//! What the figures are held against: the same client on a server that does nothing, and the log alone.

use std::{
    collections::HashSet,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use axum::{Router, body::Bytes, http::header, routing};
use event_log::{Append, EventLog};
use event_log_sqlite::SqliteLog;
use events::RecordedEvent;
use tokio::net::TcpListener;
use vocabulary::{MerchantId, Position};

use super::{
    load::{self, Call, Load, Pace},
    server::Server,
};
use crate::cli::say;

/// How long each ceiling is measured at most.
const MEASURED: Duration = Duration::from_secs(3);
/// How many events are read at once.
const PAGE: usize = 10_000;
/// As long as the answer to an order of one key.
const ANSWER: &str = r#"{"amount_minor":2888,"currency":"CNY","external_order_id":"B-000000000","keys":[{"code":"0000-000000000000","sku":"bench-0000"}],"order_id":"order-00000000000000000000000000000000","state":"delivered","status":"accepted"}"#;

/// Serves a handler that reads the body and answers, until the process is told to stop.
pub(crate) async fn serve_bare(stop: impl Future<Output = ()>) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("a free port")?;
    let address = listener.local_addr().context("the address")?;
    let answer = |_body: Bytes| async { ([(header::CONTENT_TYPE, "application/json")], ANSWER) };
    let router = Router::new().route("/", routing::get(answer)).fallback(routing::any(answer));
    say(&format!("The bare server listens on http://{address} and does nothing"));
    http_api::serve(listener, router, stop).await.context("the bare server")
}

/// Answers per second of the bare server to the same calls over as many connections.
pub(crate) async fn http_per_s(
    directory: &Path,
    calls: Arc<[Call]>,
    connections: usize,
) -> anyhow::Result<f64> {
    let server = Server::bare(directory).await?;
    let address = server.address;
    let run = load::run(Load { address, calls, connections, pace: Pace::Cycle, limit: MEASURED }).await?;
    server.stop().await?;
    Ok(run.per_s())
}

/// What a log says about the orders of a bench.
pub(crate) struct Told {
    /// The streams of the orders that were delivered.
    pub(crate) delivered: HashSet<String>,
    /// The events after `from` and up to `to`, as many as the ceiling can take in its time.
    pub(crate) events: Vec<RecordedEvent>,
}

/// Reads the log of a stopped server.
pub(crate) async fn read(data: &Path, from: u64, to: u64) -> anyhow::Result<Told> {
    let log = SqliteLog::open_read_only(data).await.context("the log")?;
    let merchant =
        log.merchants().await.context("the log")?.into_iter().next().context("the log is empty")?;
    let mut told = Told { delivered: HashSet::new(), events: Vec::new() };
    let mut after = Position(0);
    loop {
        let page = log.read_log(&merchant, after, PAGE).await.context("the log")?;
        let Some(last) = page.last() else { break };
        after = last.position;
        for event in page {
            if event.type_name == "OrderDelivered" {
                told.delivered.insert(event.stream.as_str().to_owned());
            }
            if (from + 1..=to).contains(&event.position.0) && told.events.len() < EVENTS_MAX {
                told.events.push(event);
            }
        }
    }
    log.close().await.context("the log")?;
    Ok(told)
}

/// More events than a log takes in the time of the measurement, and not more than memory should hold.
const EVENTS_MAX: usize = 1_000_000;

/// Events per second that the log alone takes: the same events in a new log on the same disk, `together` in each
/// durable append.
pub(crate) async fn log_events_per_s(
    directory: &Path,
    events: Vec<RecordedEvent>,
    together: usize,
) -> anyhow::Result<f64> {
    let merchant: MerchantId = events.first().context("no events were recorded")?.merchant.clone();
    let log = SqliteLog::open(directory).await.context("a second log")?;
    let head = log.claim(&merchant).await.context("a second log")?;
    let mut expected_position = head.position;
    let mut parts = Vec::new();
    let mut events = events.into_iter().enumerate().map(|(n, mut event)| {
        event.position = Position(head.position.0 + n as u64 + 1);
        event
    });
    loop {
        let events: Vec<_> = events.by_ref().take(together.max(1)).collect();
        let Some(last) = events.last().map(|event| event.position) else { break };
        let (merchant, epoch, inbox, numbers) = (merchant.clone(), head.epoch, Vec::new(), Vec::new());
        parts.push(Append { merchant, epoch, expected_position, events, inbox, numbers });
        expected_position = last;
    }
    let started = Instant::now();
    let mut stored = 0;
    for part in &parts {
        log.append(std::slice::from_ref(part)).await.context("a second log")?;
        stored += part.events.len();
        if started.elapsed() >= MEASURED {
            break;
        }
    }
    let per_s = stored as f64 / started.elapsed().as_secs_f64().max(1e-9);
    log.close().await.context("a second log")?;
    Ok(per_s)
}
