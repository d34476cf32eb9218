//! Reading the rows of a source, page by page.

use projection::Kind;
use serde_json::Value;
use sqlx::{
    AssertSqlSafe, Connection, Row, SqliteConnection, TypeInfo, ValueRef,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};
use vocabulary::{MerchantId, Position};

use crate::{Filter, Heading, Sheet, Source};

/// Some rows of a source.
#[derive(Debug, Clone)]
pub struct Page {
    /// The rows, in the order of the key.
    pub sheet: Sheet,
    /// The key of the last row, where more follow.
    pub next: Option<Vec<Value>>,
    /// The last position the rows contain.
    pub head: Position,
}

/// At most `limit` rows that pass all filters, after the key `after`, in the order of the source's key, all of one
/// moment.
pub async fn page(
    conn: &mut SqliteConnection,
    merchant: &MerchantId,
    source: &Source,
    filters: &[Filter],
    after: Option<&[Value]>,
    limit: u32,
) -> Result<Page, sqlx::Error> {
    let mut tx = conn.begin().await?;
    let head = head(&mut tx, merchant, &source.reads).await?;
    let headings = source.headings();
    let sql = statement(source, &headings, filters, after.is_some());
    // The text is made of names that this build declares; values are bound.
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(merchant.as_str().to_owned());
    let values = filters.iter().flat_map(|filter| &filter.values);
    for value in values.chain(after.unwrap_or_default()) {
        query = bound(query, value);
    }
    let found = query.bind(i64::from(limit) + 1).fetch_all(&mut *tx).await?;
    tx.commit().await?;
    let more = found.len() > limit as usize;
    let rows: Vec<Vec<Value>> = found
        .iter()
        .take(limit as usize)
        .map(|row| headings.iter().enumerate().map(|(n, heading)| cell(row, n, heading.kind)).collect())
        .collect::<Result<_, _>>()?;
    let sheet = Sheet { headings, rows };
    let places: Vec<usize> = source.key_columns().filter_map(|column| sheet.place(column.name)).collect();
    let last = sheet.rows.last().filter(|_| more);
    let next = last.map(|row| places.iter().map(|place| row[*place].clone()).collect());
    Ok(Page { sheet, next, head })
}

/// The last position that all of these projections contain. A view is as new as the oldest of what it reads.
pub(crate) async fn head(
    conn: &mut SqliteConnection,
    merchant: &MerchantId,
    projections: &[&str],
) -> Result<Position, sqlx::Error> {
    let head: Option<i64> = sqlx::query_scalar(
        "SELECT MIN(head_pos) FROM sys_projection
         WHERE merchant = ?1 AND name IN (SELECT value FROM json_each(?2))",
    )
    .bind(merchant.as_str())
    .bind(Value::from(projections.to_vec()).to_string())
    .fetch_one(conn)
    .await?;
    Ok(Position(head.and_then(|head| u64::try_from(head).ok()).unwrap_or(0)))
}

fn statement(source: &Source, headings: &[Heading], filters: &[Filter], after: bool) -> String {
    let names: Vec<&str> = headings.iter().map(|heading| heading.name.as_str()).collect();
    let key = source.key_columns().map(|column| column.name).collect::<Vec<_>>().join(", ");
    let mut conditions = vec!["merchant = ?".to_owned()];
    conditions.extend(filters.iter().map(Filter::condition));
    if after {
        conditions.push(format!("({key}) > ({})", vec!["?"; source.key].join(", ")));
    }
    format!(
        "SELECT {} FROM {} WHERE {} ORDER BY {key} LIMIT ?",
        names.join(", "),
        source.name,
        conditions.join(" AND ")
    )
}

type SqliteQuery<'q> = Query<'q, sqlx::Sqlite, SqliteArguments>;

pub(crate) fn bound<'q>(query: SqliteQuery<'q>, value: &Value) -> SqliteQuery<'q> {
    match value {
        Value::Null => query.bind(None::<String>),
        Value::String(text) => query.bind(text.clone()),
        Value::Bool(flag) => query.bind(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => query.bind(whole),
            None => query.bind(number.as_f64().unwrap_or_default()),
        },
        other => query.bind(other.to_string()),
    }
}

pub(crate) fn cell(row: &SqliteRow, place: usize, kind: Kind) -> Result<Value, sqlx::Error> {
    let raw = row.try_get_raw(place)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    Ok(match (kind, raw.type_info().name()) {
        (Kind::Flag, _) => Value::Bool(row.try_get(place)?),
        (Kind::Json, _) => {
            let text: &str = row.try_get(place)?;
            serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))?
        }
        (_, "INTEGER") => Value::from(row.try_get::<i64, _>(place)?),
        (_, "REAL") => Value::from(row.try_get::<f64, _>(place)?),
        _ => Value::from(row.try_get::<&str, _>(place)?),
    })
}
