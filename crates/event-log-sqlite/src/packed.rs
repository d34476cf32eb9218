//! Reading events.
//!
//! The driver hands over every column of every row by itself, which costs more than SQLite's own work. So
//! SQLite writes each event as one text, its numbers and lengths first, and a page of the log as one row.
//! That is two to three times as fast as rows of columns.

use event_log::LogError;
use events::RecordedEvent;
use sqlx::{AssertSqlSafe, Row, SqliteConnection, sqlite::SqliteRow};
use vocabulary::{MerchantId, Position, StreamId, StreamVersion, Timestamp};

use crate::{
    error::{damaged, from_sql, is_too_big, store, to_sql},
    values::Rows,
};

/// One event as text; [`Unpack::event`] reads it.
macro_rules! packed {
    () => {
        "concat_ws(' ', position, version, schema_version, occurred_at, recorded_at, octet_length(stream), \
         octet_length(type), octet_length(payload), octet_length(metadata), \
         concat(hex(hash), stream, type, payload, metadata))"
    };
}

pub(crate) const PAGE: &str = concat!(
    "SELECT group_concat(",
    packed!(),
    ", '') FROM event WHERE merchant = ?1 AND position BETWEEN ?2 AND ?3"
);
const PAGE_IN_ROWS: &str = concat!(
    "SELECT ",
    packed!(),
    " FROM event WHERE merchant = ?1 AND position BETWEEN ?2 AND ?3 ORDER BY position"
);
pub(crate) const STREAM: &str = concat!(
    "SELECT ",
    packed!(),
    " FROM event WHERE merchant = ?1 AND stream = ?2 AND version >= ?3 ORDER BY version LIMIT ?4"
);
pub(crate) const STREAMS: &str = concat!("SELECT ", packed!(), " FROM ");
pub(crate) const OF_STREAMS: &str =
    " AS wanted CROSS JOIN event ON event.merchant = wanted.column1 AND event.stream = wanted.column2";

/// Events per page: larger pages gain little and come in pieces of memory that are costly to get.
const PAGE_EVENTS: usize = 512;

/// At most `limit` events after a position. A missing position is damage, and reported.
pub(crate) async fn read_log(
    connection: &mut SqliteConnection,
    merchant: &MerchantId,
    after: Position,
    limit: usize,
) -> Result<Vec<RecordedEvent>, LogError> {
    let mut events = Vec::new();
    while events.len() < limit {
        let wanted = PAGE_EVENTS.min(limit - events.len());
        let first = after.0.saturating_add(events.len() as u64).saturating_add(1);
        let last = first.saturating_add(wanted as u64 - 1).min(i64::MAX as u64);
        let Ok(range) = to_sql(first).and_then(|first| Ok((first, to_sql(last)?))) else { break };
        let before = events.len();
        read_page(connection, merchant, range, &mut events).await?;
        check_positions(first, &events[before..])?;
        if events.len() - before < wanted {
            break;
        }
    }
    Ok(events)
}

pub(crate) async fn read_page(
    connection: &mut SqliteConnection,
    merchant: &MerchantId,
    range: (i64, i64),
    events: &mut Vec<RecordedEvent>,
) -> Result<(), LogError> {
    let bound = sqlx::query(PAGE).bind(merchant.as_str()).bind(range.0).bind(range.1);
    match bound.fetch_one(&mut *connection).await {
        Ok(row) => unpack_row(merchant, &row, events),
        Err(error) if is_too_big(&error) => read_page_in_rows(connection, merchant, range, events).await,
        Err(error) => Err(store(error)),
    }
}

/// A page of events so large that they do not fit into one value.
pub(crate) async fn read_page_in_rows(
    connection: &mut SqliteConnection,
    merchant: &MerchantId,
    range: (i64, i64),
    events: &mut Vec<RecordedEvent>,
) -> Result<(), LogError> {
    let bound = sqlx::query(PAGE_IN_ROWS).bind(merchant.as_str()).bind(range.0).bind(range.1);
    let rows = bound.fetch_all(connection).await.map_err(store)?;
    rows.iter().try_for_each(|row| unpack_row(merchant, row, events))
}

fn check_positions(first: u64, events: &[RecordedEvent]) -> Result<(), LogError> {
    match events.iter().zip(first..).find(|(event, expected)| event.position.0 != *expected) {
        None => Ok(()),
        Some((event, expected)) => Err(damaged(format!(
            "position {expected} of {} is missing, {} follows",
            event.merchant, event.position
        ))),
    }
}

/// At most `limit` events of a stream from a version on.
pub(crate) async fn read_stream(
    connection: &mut SqliteConnection,
    merchant: &MerchantId,
    stream: &StreamId,
    from: StreamVersion,
    limit: usize,
) -> Result<Vec<RecordedEvent>, LogError> {
    let bound = sqlx::query(STREAM)
        .bind(merchant.as_str())
        .bind(stream.as_str())
        .bind(to_sql(from.0)?)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let rows = bound.fetch_all(connection).await.map_err(store)?;
    let mut events = Vec::with_capacity(rows.len());
    rows.iter().try_for_each(|row| unpack_row(merchant, row, &mut events))?;
    Ok(events)
}

/// All events of several streams, by stream and version.
pub(crate) async fn read_streams(
    connection: &mut SqliteConnection,
    merchant: &MerchantId,
    streams: &[StreamId],
) -> Result<Vec<RecordedEvent>, LogError> {
    let mut wanted = Rows::of(2);
    for stream in streams {
        wanted.put(merchant.as_str())?.put(stream.as_str())?;
    }
    let mut events = Vec::new();
    for values in wanted.finish() {
        let sql = AssertSqlSafe([STREAMS, &values.sql, OF_STREAMS].concat());
        let rows =
            sqlx::query_with(sql, values.arguments).fetch_all(&mut *connection).await.map_err(store)?;
        rows.iter().try_for_each(|row| unpack_row(merchant, row, &mut events))?;
    }
    events.sort_by(|a, b| (&a.stream, a.version).cmp(&(&b.stream, b.version)));
    events.dedup_by(|a, b| a.position == b.position); // a stream that was asked for twice
    Ok(events)
}

fn unpack_row(
    merchant: &MerchantId,
    row: &SqliteRow,
    events: &mut Vec<RecordedEvent>,
) -> Result<(), LogError> {
    let packed: Option<&str> = row.try_get(0).map_err(store)?;
    let mut unpack = Unpack(packed.unwrap_or_default());
    while !unpack.0.is_empty() {
        match unpack.event(merchant) {
            Some(event) => events.push(event),
            None => {
                let last = events.last().map_or(Position(0), |event| event.position);
                return Err(damaged(format!(
                    "the event of {merchant} after position {last} is not readable"
                )));
            }
        }
    }
    Ok(())
}

/// What is left of a packed text.
struct Unpack<'a>(&'a str);

impl Unpack<'_> {
    fn event(&mut self, merchant: &MerchantId) -> Option<RecordedEvent> {
        let position = Position(self.counter()?);
        let version = StreamVersion(self.counter()?);
        let schema_version = u16::try_from(self.number()?).ok()?;
        let occurred_at = Timestamp::from_micros(self.number()?);
        let recorded_at = Timestamp::from_micros(self.number()?);
        let [stream, type_name, payload, metadata] =
            [self.length()?, self.length()?, self.length()?, self.length()?];
        let mut hash = [0; 32];
        hex::decode_to_slice(self.text(64)?, &mut hash).ok()?;
        Some(RecordedEvent {
            merchant: merchant.clone(),
            position,
            stream: self.text(stream)?.parse().ok()?,
            version,
            type_name: self.text(type_name)?.to_owned(),
            schema_version,
            payload: self.text(payload)?.to_owned(),
            metadata: self.text(metadata)?.to_owned(),
            occurred_at,
            recorded_at,
            hash,
        })
    }
    fn number(&mut self) -> Option<i64> {
        let (number, rest) = self.0.split_once(' ')?;
        self.0 = rest;
        number.parse().ok()
    }
    fn counter(&mut self) -> Option<u64> {
        self.number().and_then(|number| from_sql(number).ok())
    }
    fn length(&mut self) -> Option<usize> {
        self.number().and_then(|number| usize::try_from(number).ok())
    }
    fn text(&mut self, length: usize) -> Option<&str> {
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(text)
    }
}
