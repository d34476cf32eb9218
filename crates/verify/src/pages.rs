//! The merchant's events, in order and a page at a time.
//!
//! The driver hands over every column of every row by itself, which costs more than all the checks together. So
//! SQLite is asked for a page of events as one text. A page that cannot be had or read like that (a value that is
//! not of the documented type, a text that is none, more than fits into one value, damage) is read again row by
//! row, so that the row at fault is named and the others are still checked.

use futures::TryStreamExt;
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use crate::{
    error::VerifyError,
    rows::{EventRow, Unreadable, number},
};

/// How many positions a page spans. (A range of positions, not a number of rows: a position that is there twice
/// is read twice.)
const PAGE: i64 = 64;

/// Every page after a position, each as one row: its first position and its events. The numbers of an event come
/// first, then the lengths of its texts in bytes, then the hash in hex and the texts. What is not as documented
/// becomes `?`, which no number begins with.
const PACKED: &str = "
    WITH RECURSIVE page (first) AS (
        SELECT min(position) FROM event WHERE merchant = ?1 AND position > ?2
        UNION ALL
        SELECT (SELECT min(position) FROM event WHERE merchant = ?1 AND position > first + ?3)
        FROM page WHERE first IS NOT NULL
    )
    SELECT first, (
        SELECT group_concat(packed, '') FROM (
            SELECT iif(
                typeof(position) = 'integer' AND typeof(stream) = 'text' AND typeof(version) = 'integer'
                AND typeof(type) = 'text' AND typeof(schema_version) = 'integer' AND typeof(payload) = 'text'
                AND typeof(metadata) = 'text' AND typeof(occurred_at) = 'integer'
                AND typeof(recorded_at) = 'integer' AND typeof(hash) = 'blob' AND octet_length(hash) = 32,
                concat_ws(' ', position, version, schema_version, occurred_at, recorded_at,
                    octet_length(stream), octet_length(type), octet_length(payload), octet_length(metadata),
                    concat(hex(hash), stream, type, payload, metadata)),
                '?') AS packed
            FROM event WHERE merchant = ?1 AND position BETWEEN first AND first + ?3 ORDER BY position
        )
    ) FROM page WHERE first IS NOT NULL";

const NEXT: &str = "SELECT min(position) FROM event WHERE merchant = ? AND position > ?";

const ROWS: &str = "SELECT position, stream, version, type, schema_version, payload, metadata, occurred_at, \
     recorded_at, hash FROM event WHERE merchant = ? AND position BETWEEN ? AND ? ORDER BY position";

/// Shows every event of the merchant to `each`.
pub(crate) async fn events(
    connection: &mut SqliteConnection,
    merchant: &str,
    mut each: impl FnMut(Result<EventRow<'_>, Unreadable>),
) -> Result<(), VerifyError> {
    let mut after = i64::MIN;
    while !packed(connection, merchant, &mut after, &mut each).await {
        let next = sqlx::query_scalar(NEXT).bind(merchant).bind(after).fetch_one(&mut *connection);
        let Some(first) = next.await.map_err(VerifyError::read("the events"))? else { break };
        after = last_of(first);
        row_by_row(connection, merchant, (first, after), &mut each).await?;
    }
    Ok(())
}

fn last_of(first: i64) -> i64 {
    first.saturating_add(PAGE - 1)
}

/// Reads pages until one cannot be read, and returns whether there was none such. `after` is then the last
/// position of the page before it: whatever is wrong will show again when its rows are read.
async fn packed(
    connection: &mut SqliteConnection,
    merchant: &str,
    after: &mut i64,
    each: &mut impl FnMut(Result<EventRow<'_>, Unreadable>),
) -> bool {
    let mut pages = sqlx::query(PACKED).bind(merchant).bind(*after).bind(PAGE - 1).fetch(connection);
    loop {
        let row = match pages.try_next().await {
            Ok(Some(row)) => row,
            Ok(None) => return true,
            Err(_) => return false,
        };
        let (Ok(first), Ok(text)) = (row.try_get(0), row.try_get(1)) else { return false };
        let Some(events) = unpack(text) else { return false };
        events.into_iter().for_each(|event| each(Ok(event)));
        *after = last_of(first);
    }
}

async fn row_by_row(
    connection: &mut SqliteConnection,
    merchant: &str,
    (first, last): (i64, i64),
    each: &mut impl FnMut(Result<EventRow<'_>, Unreadable>),
) -> Result<(), VerifyError> {
    let mut rows = sqlx::query(ROWS).bind(merchant).bind(first).bind(last).fetch(connection);
    while let Some(row) = rows.try_next().await.map_err(VerifyError::read("the events"))? {
        each(read(&row).map_err(|error| Unreadable {
            position: row.try_get::<i64, _>(0).ok().and_then(|position| position.try_into().ok()),
            why: error.to_string(),
        }));
    }
    Ok(())
}

fn read(row: &SqliteRow) -> Result<EventRow<'_>, sqlx::Error> {
    let hash: &[u8] = row.try_get(9)?;
    Ok(EventRow {
        position: number(row, 0)?,
        stream: row.try_get(1)?,
        version: number(row, 2)?,
        type_name: row.try_get(3)?,
        schema_version: number(row, 4)?,
        payload: row.try_get(5)?,
        metadata: row.try_get(6)?,
        occurred_at: row.try_get(7)?,
        recorded_at: row.try_get(8)?,
        hash: hash.try_into().ok(),
    })
}

/// The events of a page; `None` where the text is not made as it should be.
fn unpack(text: &str) -> Option<Vec<EventRow<'_>>> {
    let mut rest = text;
    let mut events = Vec::new();
    while !rest.is_empty() {
        let (position, version) = (take_number(&mut rest)?, take_number(&mut rest)?);
        let schema_version = take_number(&mut rest)?;
        let (occurred_at, recorded_at) = (take_number(&mut rest)?, take_number(&mut rest)?);
        let (stream, type_name) = (take_number(&mut rest)?, take_number(&mut rest)?);
        let (payload, metadata) = (take_number(&mut rest)?, take_number(&mut rest)?);
        let mut hash = [0; 32];
        hex::decode_to_slice(take(&mut rest, 64)?, &mut hash).ok()?;
        events.push(EventRow {
            position,
            version,
            schema_version,
            occurred_at,
            recorded_at,
            hash: Some(hash),
            stream: take(&mut rest, stream)?,
            type_name: take(&mut rest, type_name)?,
            payload: take(&mut rest, payload)?,
            metadata: take(&mut rest, metadata)?,
        });
    }
    Some(events)
}

fn take_number<T: std::str::FromStr>(rest: &mut &str) -> Option<T> {
    let (number, after) = rest.split_once(' ')?;
    *rest = after;
    number.parse().ok()
}

fn take<'a>(rest: &mut &'a str, length: usize) -> Option<&'a str> {
    let (text, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_unpacked_whole_or_not_at_all() {
        let hash = "0b".repeat(32);
        let event = format!("7 0 1 -5 20 7 4 13 2 {hash}order-1Paid{{\"key\":\"键\"}}{{}}");
        let page = [&event[..], &event].concat();
        let events = unpack(&page).unwrap();
        assert_eq!(events.len(), 2);
        let last = events[1];
        assert_eq!((last.position, last.occurred_at, last.hash), (7, -5, Some([11; 32])));
        assert_eq!(
            (last.stream, last.type_name, last.payload, last.metadata),
            ("order-1", "Paid", "{\"key\":\"键\"}", "{}")
        );
        for cut in (1..page.len()).filter(|cut| *cut != event.len() && page.is_char_boundary(*cut)) {
            assert!(unpack(&page[..cut]).is_none(), "cut at {cut}");
        }
        for bad in [format!("{event}?"), format!("-{event}"), event.replace(" 13 2 ", " 9 6 ")] {
            assert!(unpack(&bad).is_none(), "{bad}");
        }
    }
}
