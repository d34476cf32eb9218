//! Commands that become durable in a log, together with whatever else came while the last append was being flushed: what
//! the engine's writer does, without an engine.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context;
use event_log::{Append, EventLog, Head};
use events::{RecordedEvent, chain};
use tokio::sync::{mpsc, oneshot};
use vocabulary::{MerchantId, Position, StreamVersion, Timestamp};

/// What one append takes at most.
const TOGETHER_MAX: usize = 4_096;
/// As long as most events are.
pub(crate) const PAYLOAD: &str = r#"{"order":"order-0198c1f0a7e07b3a9d1c2e4f5a6b7c8d","account":"generic/own","external_no":"B-000000000","lines":[{"sku":"steam-50","quantity":1,"amount":{"minor":2888,"currency":"CNY"}}],"total":{"minor":2888,"currency":"CNY"},"delivery":"reply"}"#;
const METADATA: &str = r#"{"event_id":"0198c1f0-a7e0-7b3a-9d1c-2e4f5a6b7c8d","actor":{"kind":"channel","id":"generic/own"},"unit":1}"#;

/// The merchants of a run, and where each log ends.
pub(crate) struct Ends(BTreeMap<MerchantId, Head>);

impl Ends {
    /// Takes merchants over: `name-0`, `name-1`, …
    pub(crate) async fn claim(log: &dyn EventLog, name: &str, merchants: usize) -> anyhow::Result<Self> {
        let mut ends = BTreeMap::new();
        for n in 0..merchants {
            let merchant: MerchantId = format!("{name}-{n}").parse().context("a merchant's name")?;
            let head = log.claim(&merchant).await?;
            ends.insert(merchant, head);
        }
        Ok(Self(ends))
    }

    /// The merchants.
    pub(crate) fn merchants(&self) -> Vec<MerchantId> {
        self.0.keys().cloned().collect()
    }

    /// So many further events of a merchant, each of a stream of its own, as an append. Its end moves.
    pub(crate) fn append(&mut self, merchant: &MerchantId, events: usize) -> anyhow::Result<Append> {
        let head = self.0.get_mut(merchant).context("a merchant of the run")?;
        let expected_position = head.position;
        let made = (0..events).map(|_| further(merchant, head)).collect::<anyhow::Result<_>>()?;
        let (merchant, epoch) = (merchant.clone(), head.epoch);
        Ok(Append {
            merchant,
            epoch,
            expected_position,
            events: made,
            inbox: Vec::new(),
            numbers: Vec::new(),
        })
    }
}

fn further(merchant: &MerchantId, head: &mut Head) -> anyhow::Result<RecordedEvent> {
    let position = Position(head.position.0 + 1);
    let at = Timestamp::from_micros(1_767_322_800_000_000 + i64::try_from(position.0)?);
    let mut event = RecordedEvent {
        merchant: merchant.clone(),
        position,
        stream: format!("order-{:032x}", position.0).parse().context("a stream's name")?,
        version: StreamVersion(0),
        type_name: "OrderPlaced".to_owned(),
        schema_version: 1,
        payload: PAYLOAD.to_owned(),
        metadata: METADATA.to_owned(),
        occurred_at: at,
        recorded_at: at,
        hash: [0; 32],
    };
    event.hash = chain::link(&head.hash, &event);
    (head.position, head.hash, head.recorded_at) = (position, event.hash, at);
    Ok(event)
}

/// Commands per second that are answered durably: `clients` of them send one after the other, in turns to all merchants.
/// Every command is one event of a stream of its own.
pub(crate) async fn commands_per_s(
    log: Arc<dyn EventLog>,
    ends: Ends,
    clients: usize,
    limit: Duration,
) -> anyhow::Result<(f64, Ends)> {
    let merchants: Arc<[MerchantId]> = ends.merchants().into();
    let (send, receive) = mpsc::channel(TOGETHER_MAX);
    let writer = tokio::spawn(write(log, ends, receive));
    let (answered, started) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let clients = (0..clients).map(|client| {
        let (send, answered, merchants) = (send.clone(), answered.clone(), merchants.clone());
        tokio::spawn(async move {
            let mut turn = client;
            while started.elapsed() < limit {
                let (answer, durable) = oneshot::channel();
                let merchant = merchants[turn % merchants.len()].clone();
                turn += 1;
                // A writer that failed says why when it is waited for.
                if send.send((merchant, answer)).await.is_err() || durable.await.is_err() {
                    return;
                }
                answered.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await?;
    }
    let took = started.elapsed().as_secs_f64();
    drop(send);
    let ends = writer.await??;
    Ok((answered.load(Ordering::Relaxed) as f64 / took.max(1e-9), ends))
}

type Command = (MerchantId, oneshot::Sender<()>);

async fn write(
    log: Arc<dyn EventLog>,
    mut ends: Ends,
    mut receive: mpsc::Receiver<Command>,
) -> anyhow::Result<Ends> {
    let mut batch = Vec::new();
    while receive.recv_many(&mut batch, TOGETHER_MAX).await > 0 {
        let mut counts: BTreeMap<MerchantId, usize> = BTreeMap::new();
        for (merchant, _) in &batch {
            *counts.entry(merchant.clone()).or_default() += 1;
        }
        let parts = counts.iter().map(|(merchant, count)| ends.append(merchant, *count));
        let parts = parts.collect::<anyhow::Result<Vec<_>>>()?;
        log.append(&parts).await?;
        for (_, answer) in batch.drain(..) {
            // A client that has gone counts nothing.
            answer.send(()).unwrap_or_default();
        }
    }
    Ok(ends)
}

/// Fills a merchant's log up to a position.
pub(crate) async fn fill(
    log: &dyn EventLog,
    ends: &mut Ends,
    merchant: &MerchantId,
    until: u64,
) -> anyhow::Result<()> {
    loop {
        let at = ends.0.get(merchant).map_or(until, |head| head.position.0);
        let left = usize::try_from(until.saturating_sub(at)).unwrap_or(usize::MAX);
        if left == 0 {
            return Ok(());
        }
        log.append(&[ends.append(merchant, left.min(TOGETHER_MAX))?]).await?;
    }
}

/// Events per second that the log takes in appends of `together`, and how many a raw insert of the very same batches takes
/// on the same server.
pub(crate) async fn against_raw_inserts(
    log: &dyn EventLog,
    url: &str,
    together: usize,
    limit: Duration,
) -> anyhow::Result<(f64, f64)> {
    // As many as a fast server may take in that time, and memory should hold.
    let batches = 200_000 / together.max(1);
    let mut ends = Ends::claim(log, "raw", 1).await?;
    let merchant = ends.merchants().remove(0);
    let parts = (0..batches).map(|_| ends.append(&merchant, together)).collect::<anyhow::Result<Vec<_>>>()?;
    let (started, mut stored) = (Instant::now(), 0);
    for part in &parts {
        if started.elapsed() >= limit {
            break;
        }
        log.append(std::slice::from_ref(part)).await?;
        stored += part.events.len();
    }
    let appended = stored as f64 / started.elapsed().as_secs_f64().max(1e-9);
    let same: Vec<_> = parts.into_iter().map(|part| part.events).collect();
    let (stored, took) = event_log_postgres::raw_inserts(url, &same, limit).await?;
    Ok((appended, stored as f64 / took.as_secs_f64().max(1e-9)))
}
