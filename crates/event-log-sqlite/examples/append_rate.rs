//! Prints how many events a second the log takes, by batch size, and how many it gives back.
//!
//! `cargo run --release -p event-log-sqlite --example append_rate [directory [seconds]]`

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use event_log::{Append, EventLog, InboxRow, LogError, NumberKind, NumberRow, Verdict};
use event_log_sqlite::SqliteLog;
use events::{RecordedEvent, chain};
use uuid::Uuid;
use vocabulary::{Account, Epoch, MerchantId, MessageId, OrderId, Position, StreamVersion, Timestamp};

const EVENTS_PER_ORDER: u64 = 5;

/// Makes events as a sequencer would: short streams of a few events each, linked.
struct Maker {
    merchant: MerchantId,
    epoch: Epoch,
    position: Position,
    hash: [u8; 32],
    order: OrderId,
    account: Account,
}

impl Maker {
    fn event(&mut self) -> RecordedEvent {
        let position = Position(self.position.0 + 1);
        let version = self.position.0 % EVENTS_PER_ORDER;
        if version == 0 {
            self.order = OrderId::from_uuid(Uuid::now_v7());
        }
        let (order, id) = (self.order, chain::event_id(&self.merchant, position));
        let mut event = RecordedEvent {
            merchant: self.merchant.clone(),
            position,
            stream: order.stream(),
            version: StreamVersion(version),
            type_name: "KeysAllocated".to_owned(),
            schema_version: 1,
            payload: format!(
                r#"{{"order":"{order}","line":0,"keys":["b3-{position}"],"note":"{}"}}"#,
                "x".repeat(208)
            ),
            metadata: format!(
                r#"{{"event_id":"{id}","actor":{{"kind":"timer","id":"x"}},"epoch":{},"unit":{position}}}"#,
                self.epoch
            ),
            occurred_at: Timestamp::from_secs(1_767_000_000),
            recorded_at: Timestamp::from_secs(1_767_000_000),
            hash: [0; 32],
        };
        event.hash = chain::link(&self.hash, &event);
        (self.position, self.hash) = (position, event.hash);
        event
    }

    /// An append of `size` events, with a message and a number for each order if asked.
    fn append(&mut self, size: usize, full: bool) -> Append {
        let mut part = self.events_only(size);
        let orders =
            if full { part.events.iter().filter(|event| event.version.0 == 0).collect() } else { Vec::new() };
        for first in orders {
            let id = MessageId::from_uuid(Uuid::now_v7());
            part.numbers.push(NumberRow {
                kind: NumberKind::Order,
                namespace: "taobao/shop-1".to_owned(),
                number: hex::encode(&first.hash[..12]),
                order: first.stream.as_str().parse().unwrap_or(self.order),
            });
            part.inbox.push(InboxRow {
                dedupe_key: Some(format!("taobao/shop-1:{id}")),
                message: id,
                account: self.account.clone(),
                content_hash: first.hash,
                verdict: Verdict::Accepted,
                reason: String::new(),
                sealed_request: vec![7; 900],
                sealed_answer: vec![7; 300],
                positions: Some((first.position, Position(first.position.0 + EVENTS_PER_ORDER - 1))),
                received_at: first.recorded_at,
            });
        }
        part
    }

    fn events_only(&mut self, size: usize) -> Append {
        Append {
            merchant: self.merchant.clone(),
            epoch: self.epoch,
            expected_position: self.position,
            events: (0..size).map(|_| self.event()).collect(),
            inbox: Vec::new(),
            numbers: Vec::new(),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().map_or_else(|| std::env::temp_dir().join("kami-append-rate"), PathBuf::from);
    let seconds = arguments.next().map_or(Ok(3), |text| text.parse())?;
    let log = SqliteLog::open(&dir).await?;
    let time = Duration::from_secs(seconds);
    for size in [1, 16, 64, 256, 1024] {
        let merchant: MerchantId = format!("batch-{size}").parse()?;
        let rate = append_rate(&log, &merchant, size, false, time).await?;
        say(&format!("append, batches of {size}: {rate:.0} events/s"));
    }
    for orders in [16, 64, 256] {
        let merchant: MerchantId = format!("orders-{orders}").parse()?;
        let size = orders * usize::try_from(EVENTS_PER_ORDER)?;
        let rate = append_rate(&log, &merchant, size, true, time).await? / EVENTS_PER_ORDER as f64;
        say(&format!(
            "append, batches of {orders} orders (5 events, a message, a number): {rate:.0} orders/s"
        ));
    }
    for size in [1_000, 10_000] {
        let merchant: MerchantId = "batch-1024".parse()?;
        let rate = read_rate(&log, &merchant, size).await?;
        say(&format!("read, pages of {size}: {rate:.0} events/s"));
    }
    log.close().await?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "what an example is for")]
fn say(line: &str) {
    println!("{line}");
}

/// Only the time inside the log counts, not that of making the events.
async fn append_rate(
    log: &SqliteLog,
    merchant: &MerchantId,
    size: usize,
    full: bool,
    time: Duration,
) -> Result<f64, Box<dyn std::error::Error>> {
    let head = log.claim(merchant).await?;
    let order = OrderId::from_uuid(Uuid::now_v7());
    let (epoch, position, hash, account) = (head.epoch, head.position, head.hash, "taobao/shop-1".parse()?);
    let mut maker = Maker { merchant: merchant.clone(), epoch, position, hash, order, account };
    let mut spent = Duration::ZERO;
    while spent < time {
        let part = maker.append(size, full);
        let began = Instant::now();
        log.append(&[part]).await?;
        spent += began.elapsed();
    }
    Ok((maker.position.0 - position.0) as f64 / spent.as_secs_f64())
}

async fn read_rate(log: &SqliteLog, merchant: &MerchantId, size: usize) -> Result<f64, LogError> {
    let began = Instant::now();
    let mut after = Position(0);
    loop {
        let page = log.read_log(merchant, after, size).await?;
        match page.last() {
            Some(last) => after = last.position,
            None => return Ok(after.0 as f64 / began.elapsed().as_secs_f64()),
        }
    }
}
