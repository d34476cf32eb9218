//! Carrying what changed, in one transaction.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use projection::{Projection, Table};
use sqlx::{AssertSqlSafe, Connection, PgConnection, query, query_as};
use vocabulary::{MerchantId, Position};

use crate::source::{Head, Mark, Snapshot, Source, Values, empty};
use crate::{Mirror, MirrorError, Shipped};

/// Rows that are written with one statement.
const AT_ONCE: usize = 1_000;

impl Mirror {
    /// Carries what changed since the last call: rows and checkpoints in one transaction. A read model whose rows in
    /// PostgreSQL are not known to be those that were carried last is carried whole; others see its old rows until the
    /// transaction is over.
    pub async fn ship(&mut self) -> Result<Shipped, MirrorError> {
        let snapshot = self.source.begin(&self.projections).await.map_err(MirrorError::Sqlite)?;
        let carried = self.carry(&snapshot).await;
        self.source.end().await.map_err(MirrorError::Sqlite)?;
        let mut shipped = carried?;
        self.source.carried_to(&snapshot.heads).await.map_err(MirrorError::Sqlite)?;
        let head = |name| snapshot.heads.get(name).map_or(0, |head| head.head_pos);
        let heads = self.projections.iter().map(|projection| head(projection.name()));
        shipped.head = Position(heads.min().unwrap_or_default().unsigned_abs());
        Ok(shipped)
    }

    async fn carry(&mut self, snapshot: &Snapshot) -> Result<Shipped, MirrorError> {
        let Self { postgres, source, projections, merchant, .. } = self;
        let mut shipped = Shipped::default();
        let mut tx = postgres.begin().await.map_err(MirrorError::Postgres)?;
        let there = there(&mut tx, merchant).await.map_err(MirrorError::Postgres)?;
        for projection in projections.iter() {
            let name = projection.name();
            let Some(head) = snapshot.heads.get(name) else { continue };
            let known = snapshot.carried.get(name);
            let since = known.filter(|mark| there.get(name) == Some(mark) && mark.0 <= head.head_pos);
            shipped.whole += usize::from(since.is_none());
            for table in projection.tables() {
                let is_whole = since.is_none() || snapshot.lost.contains(table.name);
                let after = since.filter(|_| !is_whole).map_or(-1, |mark| mark.0);
                shipped.rows += table_rows(source, &mut tx, merchant, table, (is_whole, after)).await?;
            }
            if since != Some(&(head.head_pos, head.head_hash.clone())) {
                let kept = checkpoint(&mut tx, projection.as_ref(), merchant, head).await;
                kept.map_err(MirrorError::Postgres)?;
            }
        }
        tx.commit().await.map_err(MirrorError::Postgres)?;
        Ok(shipped)
    }
}

/// How far each read model is in PostgreSQL.
async fn there(
    postgres: &mut PgConnection,
    merchant: &MerchantId,
) -> Result<BTreeMap<String, Mark>, sqlx::Error> {
    let rows: Vec<(String, i64, String)> =
        query_as("SELECT name, head_pos, head_hash FROM kami_rows.sys_projection WHERE merchant = $1")
            .bind(merchant.as_str())
            .fetch_all(postgres)
            .await?;
    Ok(rows.into_iter().map(|(name, pos, hash)| (name, (pos, hash))).collect())
}

/// Writes the rows of a table that changed after a position, or all of them in place of what is there.
async fn table_rows(
    source: &mut Source,
    postgres: &mut PgConnection,
    merchant: &MerchantId,
    table: &Table,
    (is_whole, after): (bool, i64),
) -> Result<u64, MirrorError> {
    if is_whole {
        let delete = format!("DELETE FROM kami_rows.{} WHERE merchant = $1", table.name);
        let delete = query(AssertSqlSafe(delete)).bind(merchant.as_str());
        delete.execute(&mut *postgres).await.map_err(MirrorError::Postgres)?;
    }
    let (sql, mut written) = (upsert(table), 0);
    let (mut values, mut count) = (empty(table), 0);
    let mut rows = source.rows(table, after);
    while let Some(row) = rows.try_next().await.map_err(MirrorError::Sqlite)? {
        for (n, column) in values.iter_mut().enumerate() {
            column.push(&row, n).map_err(MirrorError::Sqlite)?;
        }
        count += 1;
        if count == AT_ONCE {
            write(postgres, &sql, std::mem::replace(&mut values, empty(table))).await?;
            (written, count) = (written + AT_ONCE as u64, 0);
        }
    }
    if count > 0 {
        write(postgres, &sql, values).await?;
    }
    Ok(written + count as u64)
}

async fn write(postgres: &mut PgConnection, sql: &str, values: Vec<Values>) -> Result<(), MirrorError> {
    let mut statement = query(AssertSqlSafe(sql.to_owned()));
    for column in values {
        statement = match column {
            Values::Int(values) => statement.bind(values),
            Values::Real(values) => statement.bind(values),
            Values::Text(values) => statement.bind(values),
        };
    }
    statement.execute(postgres).await.map(drop).map_err(MirrorError::Postgres)
}

/// The statement that writes rows, given each column as an array.
fn upsert(table: &Table) -> String {
    let names: Vec<&str> = table.stored_columns().collect();
    let marks: Vec<String> = (1..=names.len()).map(|n| format!("${n}")).collect();
    let key: Vec<&str> = table.key_columns().collect();
    let changing: Vec<String> = names
        .iter()
        .filter(|name| !key.contains(name))
        .map(|name| format!("{name} = excluded.{name}"))
        .collect();
    format!(
        "INSERT INTO kami_rows.{} ({}) SELECT * FROM unnest({}) ON CONFLICT ({}) DO UPDATE SET {}",
        table.name,
        names.join(", "),
        marks.join(", "),
        key.join(", "),
        changing.join(", ")
    )
}

async fn checkpoint(
    postgres: &mut PgConnection,
    projection: &dyn Projection,
    merchant: &MerchantId,
    head: &Head,
) -> Result<(), sqlx::Error> {
    query(
        "INSERT INTO kami_rows.sys_projection (name, merchant, version, head_pos, head_hash, head_recorded_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name, merchant) DO UPDATE SET version = excluded.version,
         head_pos = excluded.head_pos, head_hash = excluded.head_hash, head_recorded_at = excluded.head_recorded_at",
    )
    .bind(projection.name())
    .bind(merchant.as_str())
    .bind(head.version)
    .bind(head.head_pos)
    .bind(&head.head_hash)
    .bind(&head.head_recorded_at)
    .execute(postgres)
    .await
    .map(drop)
}
