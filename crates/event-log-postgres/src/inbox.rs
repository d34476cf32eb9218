//! Looking up messages and numbers.

use std::str::FromStr;

use event_log::{InboxFilter, InboxRow, InboxTally, LogError, NumberKind, NumberRow, Spans, Verdict};
use sqlx::{AssertSqlSafe, PgConnection, Postgres, QueryBuilder, Row, postgres::PgRow};
use vocabulary::{MerchantId, MessageId, Position, Timestamp};

use crate::{
    error::{damaged, from_sql, store, to_sql},
    reading::{hash_of, limit_of},
    text::{from_stored, to_stored},
};

pub(crate) const COLUMNS: &str = "SELECT message, account, dedupe_key, content_hash, verdict, reason, sealed_request, \
                                  sealed_answer, first_position, last_position, received_at FROM kami_log.inbox ";
pub(crate) const BY_KEY: &str = "WHERE merchant = $1 AND dedupe_key = ANY($2)";
const BY_ID: &str = "WHERE merchant = $1 AND message = $2";
/// One look-up for each number: the planner must not come to think of reading all of them.
pub(crate) const BY_NUMBER: &str = "SELECT n.* FROM unnest($2::text[], $3::text[], $4::text[]) AS wanted (kind, namespace, number) \
     CROSS JOIN LATERAL (SELECT kind, namespace, number, order_id FROM kami_log.number AS one \
     WHERE one.merchant = $1 AND one.kind = wanted.kind AND one.namespace = wanted.namespace \
     AND one.number = wanted.number LIMIT 1) AS n";

/// The messages with these keys.
pub(crate) async fn find(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    dedupe_keys: &[String],
) -> Result<Vec<InboxRow>, LogError> {
    let keys: Vec<_> = dedupe_keys.iter().map(|key| to_stored(key)).collect();
    let rows = sqlx::query(AssertSqlSafe([COLUMNS, BY_KEY].concat()))
        .bind(merchant.as_str())
        .bind(keys)
        .fetch_all(connection)
        .await
        .map_err(store)?;
    let mut found = rows.iter().map(message_of).collect::<Result<Vec<_>, _>>()?;
    found.sort_by(|a, b| a.message.cmp(&b.message));
    Ok(found)
}

/// One message.
pub(crate) async fn read(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    message: &MessageId,
) -> Result<Option<InboxRow>, LogError> {
    let row = sqlx::query(AssertSqlSafe([COLUMNS, BY_ID].concat()))
        .bind(merchant.as_str())
        .bind(message.as_str())
        .fetch_optional(connection)
        .await
        .map_err(store)?;
    row.as_ref().map(message_of).transpose()
}

/// Messages by a filter, newest first; among those of one instant, the greatest id first.
pub(crate) async fn list(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    filter: &InboxFilter,
    limit: usize,
) -> Result<Vec<InboxRow>, LogError> {
    let rows = listing(merchant, filter, limit)?.build().fetch_all(connection).await.map_err(store)?;
    rows.iter().map(message_of).collect()
}

pub(crate) fn listing(
    merchant: &MerchantId,
    filter: &InboxFilter,
    limit: usize,
) -> Result<QueryBuilder<Postgres>, LogError> {
    let mut query = QueryBuilder::new(COLUMNS);
    query.push("WHERE merchant = ").push_bind(merchant.as_str().to_owned());
    if let Some(account) = &filter.account {
        query.push(" AND account = ").push_bind(account.as_str().to_owned());
    }
    if let Some(verdict) = filter.verdict {
        query.push(" AND verdict = ").push_bind(verdict.as_str());
        if verdict != Verdict::Accepted {
            // Said again in the words of the partial index, or it is not used.
            query.push(" AND verdict <> 'accepted'");
        }
    }
    if let Some(before) = filter.before {
        query.push(" AND received_at < ").push_bind(before.micros());
    }
    if let Some((first, last)) = filter.caused {
        let last = to_sql(last.0.min(i64::MAX as u64))?;
        query.push(" AND last_position >= ").push_bind(to_sql(first.0)?);
        query.push(" AND first_position <= ").push_bind(last);
    }
    // Events are caused by few messages: those are found first and sorted then, not looked for in order of time.
    let newest = if filter.caused.is_some() { "received_at + 0" } else { "received_at" };
    query.push(" ORDER BY ").push(newest).push(" DESC, message DESC LIMIT ").push_bind(limit_of(limit));
    Ok(query)
}

/// Each message finds its first event by its place; what is sealed is not read.
const TALLY: &str = "
SELECT received_at / $4, account, verdict, COUNT(*), MIN(received_at), MAX(received_at), COUNT(first_position),
       COALESCE(SUM(GREATEST(e.recorded_at - i.received_at, 0) / 1000), 0)::bigint,
       COALESCE(MAX(GREATEST(e.recorded_at - i.received_at, 0) / 1000), 0),
       COALESCE(MAX(last_position), 0)
FROM kami_log.inbox AS i LEFT JOIN kami_log.event AS e ON e.merchant = i.merchant AND e.position = i.first_position
WHERE i.merchant = $1 AND received_at >= $2 AND received_at < $3
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";

/// Counts messages by span, account and verdict.
pub(crate) async fn tally(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    spans: &Spans,
) -> Result<Vec<InboxTally>, LogError> {
    let rows = sqlx::query(TALLY)
        .bind(merchant.as_str())
        .bind(spans.from.micros())
        .bind(spans.until.micros())
        .bind(spans.every_micros())
        .fetch_all(connection)
        .await
        .map_err(store)?;
    rows.iter().map(|row| tally_of(row, spans)).collect()
}

fn tally_of(row: &PgRow, spans: &Spans) -> Result<InboxTally, LogError> {
    let number = |column: usize| row.try_get::<i64, _>(column).map_err(store);
    Ok(InboxTally {
        from: Timestamp::from_micros(number(0)?.saturating_mul(spans.every_micros())),
        account: parsed(row, 1, "account")?,
        verdict: word(row, 2, "verdict", Verdict::parse)?,
        messages: from_sql(number(3)?)?,
        first_at: Timestamp::from_micros(number(4)?),
        last_at: Timestamp::from_micros(number(5)?),
        caused: from_sql(number(6)?)?,
        lag_ms_sum: from_sql(number(7)?)?,
        lag_ms_max: from_sql(number(8)?)?,
        last_position: Position(from_sql(number(9)?)?),
    })
}

/// Where numbers were first used.
pub(crate) async fn find_numbers(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    keys: &[(NumberKind, String, String)],
) -> Result<Vec<NumberRow>, LogError> {
    let rows = sqlx::query(BY_NUMBER)
        .bind(merchant.as_str())
        .bind(keys.iter().map(|(kind, ..)| kind.as_str()).collect::<Vec<_>>())
        .bind(keys.iter().map(|(_, namespace, _)| to_stored(namespace)).collect::<Vec<_>>())
        .bind(keys.iter().map(|(.., number)| to_stored(number)).collect::<Vec<_>>())
        .fetch_all(connection)
        .await
        .map_err(store)?;
    let mut found = rows.iter().map(number_of).collect::<Result<Vec<_>, _>>()?;
    found.sort_by(|a, b| (a.kind, &a.namespace, &a.number).cmp(&(b.kind, &b.namespace, &b.number)));
    found.dedup(); // a number that was asked for twice
    Ok(found)
}

/// Messages after one, in the order of their ids.
pub(crate) async fn page(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    after: Option<&MessageId>,
    limit: usize,
) -> Result<Vec<InboxRow>, LogError> {
    let page = "WHERE merchant = $1 AND message > $2 ORDER BY message LIMIT $3";
    let rows = sqlx::query(AssertSqlSafe([COLUMNS, page].concat()))
        .bind(merchant.as_str())
        .bind(after.map_or("", |message| message.as_str()))
        .bind(limit_of(limit))
        .fetch_all(connection)
        .await
        .map_err(store)?;
    rows.iter().map(message_of).collect()
}

/// Numbers after one, in the order of kind, namespace and number.
pub(crate) async fn page_of_numbers(
    connection: &mut PgConnection,
    merchant: &MerchantId,
    after: Option<&NumberRow>,
    limit: usize,
) -> Result<Vec<NumberRow>, LogError> {
    let rows = sqlx::query(
        "SELECT kind, namespace, number, order_id FROM kami_log.number \
         WHERE merchant = $1 AND (kind, namespace, number) > ($2, $3, $4) \
         ORDER BY kind, namespace, number LIMIT $5",
    )
    .bind(merchant.as_str())
    .bind(after.map_or("", |row| row.kind.as_str()))
    .bind(to_stored(after.map_or("", |row| &row.namespace)))
    .bind(to_stored(after.map_or("", |row| &row.number)))
    .bind(limit_of(limit))
    .fetch_all(connection)
    .await
    .map_err(store)?;
    rows.iter().map(number_of).collect()
}

fn message_of(row: &PgRow) -> Result<InboxRow, LogError> {
    let positions = match (row.try_get(8).map_err(store)?, row.try_get(9).map_err(store)?) {
        (Some(first), Some(last)) => Some((Position(from_sql(first)?), Position(from_sql(last)?))),
        _ => None,
    };
    let dedupe_key: Option<String> = row.try_get(2).map_err(store)?;
    Ok(InboxRow {
        message: parsed(row, 0, "message id")?,
        account: parsed(row, 1, "account")?,
        dedupe_key: dedupe_key.map(from_stored).transpose()?,
        content_hash: hash_of(row, 3)?,
        verdict: word(row, 4, "verdict", Verdict::parse)?,
        reason: row.try_get(5).map_err(store)?,
        sealed_request: row.try_get(6).map_err(store)?,
        sealed_answer: row.try_get(7).map_err(store)?,
        positions,
        received_at: Timestamp::from_micros(row.try_get(10).map_err(store)?),
    })
}

fn number_of(row: &PgRow) -> Result<NumberRow, LogError> {
    Ok(NumberRow {
        kind: word(row, 0, "kind of number", NumberKind::parse)?,
        namespace: from_stored(row.try_get(1).map_err(store)?)?,
        number: from_stored(row.try_get(2).map_err(store)?)?,
        order: parsed(row, 3, "order id")?,
    })
}

fn parsed<T: FromStr>(row: &PgRow, column: usize, what: &str) -> Result<T, LogError> {
    word(row, column, what, |text| text.parse().ok())
}

fn word<T>(row: &PgRow, column: usize, what: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, LogError> {
    let text: &str = row.try_get(column).map_err(store)?;
    read(text).ok_or_else(|| damaged(format!("a stored {what} is none")))
}
