//! Reading the read models' tables as rows of JSON, by their declared columns.

use projection::{Column, Kind, Projection, Table, View};
use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, Row, SqliteConnection, TypeInfo, ValueRef, query::Query, sqlite::SqliteRow};
use std::sync::Arc;
use vocabulary::{MerchantId, Position};

use crate::{api::Api, problem::Problem};

/// Rows of the small tables (accounts, items) that are read as a whole.
const ALL: u32 = 100_000;

/// What can be asked for by name: a table, or a view over tables.
pub(crate) struct Source {
    /// Whose it is.
    pub(crate) projection: Arc<dyn Projection>,
    pub(crate) name: &'static str,
    pub(crate) en: &'static str,
    pub(crate) zh: &'static str,
    /// How many columns, from the first, tell rows apart.
    pub(crate) key: usize,
    pub(crate) columns: &'static [Column],
    /// The projections it reads, by name.
    pub(crate) reads: Vec<&'static str>,
}

impl Source {
    fn of_table(projection: &Arc<dyn Projection>, table: &'static Table) -> Self {
        let Table { name, en, zh, key, columns, .. } = *table;
        Self { projection: projection.clone(), name, en, zh, key, columns, reads: vec![projection.name()] }
    }
    fn of_view(projection: &Arc<dyn Projection>, view: &'static View) -> Self {
        let View { name, en, zh, key, columns, reads, .. } = *view;
        Self { projection: projection.clone(), name, en, zh, key, columns, reads: reads.to_vec() }
    }
    fn key_columns(&self) -> impl Iterator<Item = &'static str> {
        self.columns[..self.key].iter().map(|column| column.name)
    }
}

/// Every table and view of the projections.
pub(crate) fn sources(projections: &[Arc<dyn Projection>]) -> Vec<Source> {
    let mut all = Vec::new();
    for projection in projections {
        all.extend(projection.tables().iter().map(|table| Source::of_table(projection, table)));
        all.extend(projection.views().iter().map(|view| Source::of_view(projection, view)));
    }
    all
}

/// A part of a table.
pub(crate) struct Rows {
    /// The names of the columns.
    pub(crate) columns: Vec<String>,
    /// The cells, row by row.
    pub(crate) cells: Vec<Vec<Value>>,
    /// Where the next part begins; none after the last.
    pub(crate) next: Option<Vec<Value>>,
    /// The last position the rows contain.
    pub(crate) head: Position,
}

impl Rows {
    /// One row as an object.
    pub(crate) fn object(&self, row: &[Value]) -> Value {
        let members: Map<String, Value> = self.columns.iter().cloned().zip(row.iter().cloned()).collect();
        Value::Object(members)
    }
}

/// All rows of a small table, by its key.
pub(crate) async fn all(api: &Api, name: &str) -> Result<Vec<Value>, Problem> {
    let sources = sources(api.views().projections());
    let Some(source) = sources.iter().find(|source| source.name == name) else { return Ok(Vec::new()) };
    let mut conn = api.views().reader().acquire().await?;
    let rows = page(&mut conn, api.merchant(), source, None, ALL).await?;
    Ok(rows.cells.iter().map(|row| rows.object(row)).collect())
}

/// At most `limit` rows after `after`, in the order of the table's key, all of one moment.
pub(crate) async fn page(
    conn: &mut SqliteConnection,
    merchant: &MerchantId,
    source: &Source,
    after: Option<&[Value]>,
    limit: u32,
) -> Result<Rows, sqlx::Error> {
    use sqlx::Connection;
    let mut tx = conn.begin().await?;
    // A view is as new as the oldest of what it reads.
    let head: Option<i64> = sqlx::query_scalar(
        "SELECT MIN(head_pos) FROM sys_projection
         WHERE merchant = ?1 AND name IN (SELECT value FROM json_each(?2))",
    )
    .bind(merchant.as_str())
    .bind(serde_json::json!(source.reads).to_string())
    .fetch_one(&mut *tx)
    .await?;
    let columns = columns_of(source);
    let key: Vec<&str> = source.key_columns().collect();
    let sql = statement(source, &columns, &key, after.is_some());
    // The text is made of names that this build declares; values are bound.
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(merchant.as_str().to_owned());
    for value in after.unwrap_or_default() {
        query = bound(query, value);
    }
    let rows = query.bind(i64::from(limit) + 1).fetch_all(&mut *tx).await?;
    tx.commit().await?;
    let more = rows.len() > limit as usize;
    let cells: Vec<Vec<Value>> = rows
        .iter()
        .take(limit as usize)
        .map(|row| columns.iter().enumerate().map(|(n, (_, kind))| cell(row, n, *kind)).collect())
        .collect::<Result<_, _>>()?;
    let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
    let key_of = |row: &Vec<Value>| -> Vec<Value> {
        let place = |wanted: &&str| names.iter().position(|name| name == wanted);
        key.iter().filter_map(|name| place(name).map(|n| row[n].clone())).collect()
    };
    let next = cells.last().filter(|_| more).map(key_of);
    Ok(Rows {
        columns: names,
        cells,
        next,
        head: Position(head.and_then(|h| u64::try_from(h).ok()).unwrap_or(0)),
    })
}

/// What is selected: the columns, the computed seconds beside each instant, the last position and whose version.
fn columns_of(source: &Source) -> Vec<(String, Option<Kind>)> {
    let mut columns = Vec::new();
    for Column { name, kind, .. } in source.columns {
        columns.push(((*name).to_owned(), Some(*kind)));
        if let (Kind::At, Some(stem)) = (kind, name.strip_suffix("_at")) {
            columns.push((format!("{stem}_epoch"), Some(Kind::Int)));
        }
    }
    columns.push(("last_pos".to_owned(), Some(Kind::Int)));
    columns.push(("projector_version".to_owned(), Some(Kind::Int)));
    columns
}

fn statement(source: &Source, columns: &[(String, Option<Kind>)], key: &[&str], after: bool) -> String {
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let beyond = if after {
        format!(" AND ({}) > ({})", key.join(", "), vec!["?"; key.len()].join(", "))
    } else {
        String::new()
    };
    format!(
        "SELECT {} FROM {} WHERE merchant = ?{beyond} ORDER BY {} LIMIT ?",
        names.join(", "),
        source.name,
        key.join(", ")
    )
}

type SqliteQuery<'q> = Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

fn bound<'q>(query: SqliteQuery<'q>, value: &Value) -> SqliteQuery<'q> {
    match value {
        Value::String(text) => query.bind(text.clone()),
        Value::Bool(flag) => query.bind(*flag),
        Value::Number(number) => query.bind(number.as_i64().unwrap_or_default()),
        other => query.bind(other.to_string()),
    }
}

fn cell(row: &SqliteRow, place: usize, kind: Option<Kind>) -> Result<Value, sqlx::Error> {
    let raw = row.try_get_raw(place)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    Ok(match (kind, raw.type_info().name()) {
        (Some(Kind::Flag), _) => Value::Bool(row.try_get(place)?),
        (Some(Kind::Json), _) => {
            let text: &str = row.try_get(place)?;
            serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))?
        }
        (_, "INTEGER") => Value::from(row.try_get::<i64, _>(place)?),
        (_, "REAL") => Value::from(row.try_get::<f64, _>(place)?),
        _ => Value::from(row.try_get::<&str, _>(place)?),
    })
}
