//! How many messages came in, when, where, and what became of them: numbers, without opening a message.

use std::collections::BTreeMap;

use vocabulary::{Account, MerchantId, Position, Timestamp};

use crate::{EventLog, InboxFilter, InboxRow, LogError, Verdict};

const MICROS: i64 = 1_000_000;
const MICROS_PER_MILLI: i64 = 1_000;

/// Messages read at once.
const PAGE: usize = 1_000;

/// Which messages are counted, and how finely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spans {
    /// From this instant on.
    pub from: Timestamp,
    /// Up to this instant, which is not in.
    pub until: Timestamp,
    /// How long a span is, in seconds, above 0. Spans begin at multiples of it since 1970.
    pub every_secs: u32,
}

impl Spans {
    /// When the span begins that an instant is in.
    pub fn start(&self, at: Timestamp) -> Timestamp {
        let every = self.every_micros();
        Timestamp::from_micros(at.micros().div_euclid(every) * every)
    }

    /// How long a span is, in microseconds.
    pub fn every_micros(&self) -> i64 {
        i64::from(self.every_secs.max(1)) * MICROS
    }
}

/// Messages of one account with one verdict that came in within one span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxTally {
    /// When the span begins.
    pub from: Timestamp,
    /// Where they came in.
    pub account: Account,
    /// What became of them.
    pub verdict: Verdict,
    /// How many. A repeat is answered from what is stored and is no message of its own.
    pub messages: u64,
    /// When the first one came in.
    pub first_at: Timestamp,
    /// When the last one came in.
    pub last_at: Timestamp,
    /// How many of them caused events.
    pub caused: u64,
    /// For those, the milliseconds from coming in to the first event being recorded, each rounded down, in all.
    pub lag_ms_sum: u64,
    /// For those, the longest such time.
    pub lag_ms_max: u64,
    /// The last position that any of them caused; 0 where none did.
    pub last_position: Position,
}

/// Tallies by reading every message and the first event of each: right on any log, and slow.
///
/// # Errors
/// Those of the log.
pub async fn tally_by_pages<L: EventLog + ?Sized>(
    log: &L,
    merchant: &MerchantId,
    spans: &Spans,
) -> Result<Vec<InboxTally>, LogError> {
    let mut tallies = BTreeMap::new();
    let (mut before, mut limit) = (spans.until, PAGE);
    loop {
        let filter = InboxFilter { before: Some(before), ..InboxFilter::default() };
        let page = log.list_inbox(merchant, &filter, limit).await?;
        let is_last = page.len() < limit || page.last().is_none_or(|row| row.received_at < spans.from);
        // Of the oldest instant of a full page there may be more than are in it.
        let oldest = page.last().map(|row| row.received_at).filter(|_| !is_last);
        let whole = page.iter().filter(|row| Some(row.received_at) != oldest);
        let mut took = false;
        for row in whole.filter(|row| row.received_at >= spans.from) {
            took = true;
            put(&mut tallies, spans, row, lag_ms(log, merchant, row).await?);
        }
        match oldest {
            None => return Ok(tallies.into_values().collect()),
            Some(_) if !took => limit = limit.saturating_mul(2),
            Some(at) => (before, limit) = (Timestamp::from_micros(at.micros() + 1), PAGE),
        }
    }
}

/// How long it took until the first event of a message was recorded; none where it caused none.
async fn lag_ms<L: EventLog + ?Sized>(
    log: &L,
    merchant: &MerchantId,
    row: &InboxRow,
) -> Result<Option<u64>, LogError> {
    let Some((first, _)) = row.positions else { return Ok(None) };
    let events = log.read_log(merchant, Position(first.0.saturating_sub(1)), 1).await?;
    let Some(event) = events.first() else { return Ok(None) };
    let micros = event.recorded_at.micros().saturating_sub(row.received_at.micros()).max(0);
    Ok(Some((micros / MICROS_PER_MILLI).unsigned_abs()))
}

/// By span, account and verdict, in that order.
type Tallies = BTreeMap<(Timestamp, Account, &'static str), InboxTally>;

fn put(tallies: &mut Tallies, spans: &Spans, row: &InboxRow, lag_ms: Option<u64>) {
    let (from, at) = (spans.start(row.received_at), row.received_at);
    let none = || InboxTally {
        from,
        account: row.account.clone(),
        verdict: row.verdict,
        messages: 0,
        first_at: at,
        last_at: at,
        caused: 0,
        lag_ms_sum: 0,
        lag_ms_max: 0,
        last_position: Position(0),
    };
    let tally = tallies.entry((from, row.account.clone(), row.verdict.as_str())).or_insert_with(none);
    tally.messages += 1;
    tally.first_at = tally.first_at.min(at);
    tally.last_at = tally.last_at.max(at);
    if let Some((_, last)) = row.positions {
        tally.caused += 1;
        tally.last_position = tally.last_position.max(last);
    }
    if let Some(lag) = lag_ms {
        tally.lag_ms_sum = tally.lag_ms_sum.saturating_add(lag);
        tally.lag_ms_max = tally.lag_ms_max.max(lag);
    }
}
