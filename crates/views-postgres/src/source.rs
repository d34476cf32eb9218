//! The folds' own database: what changed in it since it was carried last.
//!
//! Every row says which event changed it last, so what changed since a position is found by an index. What is deleted
//! says nothing any more: a trigger notes the table, which is then carried whole. The trigger goes with the table, so
//! where it is missing the table was made anew, and nothing is known of what was carried before.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use futures::stream::BoxStream;
use projection::{Column, Kind, Projection, Table};
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection, query, query_as, query_scalar, raw_sql,
};
use vocabulary::MerchantId;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS ship_head (
  name TEXT NOT NULL, merchant TEXT NOT NULL, head_pos INTEGER NOT NULL, head_hash TEXT NOT NULL,
  PRIMARY KEY (name, merchant)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ship_lost (
  merchant TEXT NOT NULL, table_name TEXT NOT NULL, PRIMARY KEY (merchant, table_name)
) STRICT, WITHOUT ROWID;";

/// Where a read model stands: position, hash there, version, and when that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) head_pos: i64,
    pub(crate) head_hash: String,
    pub(crate) version: i64,
    pub(crate) head_recorded_at: String,
}

/// Which position, and which log.
pub(crate) type Mark = (i64, String);

pub(crate) struct Source {
    connection: SqliteConnection,
    merchant: String,
}

/// What is to be carried, as it stood at one moment.
pub(crate) struct Snapshot {
    pub(crate) heads: BTreeMap<String, Head>,
    /// What was carried last, by read model.
    pub(crate) carried: BTreeMap<String, Mark>,
    /// Tables that lost rows since.
    pub(crate) lost: BTreeSet<String>,
}

/// The values of some rows, column by column.
pub(crate) enum Values {
    Int(Vec<Option<i64>>),
    Real(Vec<Option<f64>>),
    Text(Vec<Option<String>>),
}

impl Source {
    pub(crate) async fn open(
        path: &Path,
        projections: &[Arc<dyn Projection>],
        merchant: &MerchantId,
    ) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new().filename(path).disable_statement_logging();
        let mut connection = options.connect().await?;
        raw_sql(TABLES).execute(&mut connection).await?;
        let mut source = Self { connection, merchant: merchant.as_str().to_owned() };
        source.watch(projections).await?;
        Ok(source)
    }

    pub(crate) async fn close(self) -> Result<(), sqlx::Error> {
        self.connection.close().await
    }

    /// Makes index and trigger of each table that has none, and forgets what was carried of it.
    async fn watch(&mut self, projections: &[Arc<dyn Projection>]) -> Result<(), sqlx::Error> {
        let watched: Vec<String> =
            query_scalar("SELECT tbl_name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'ship_%'")
                .fetch_all(&mut self.connection)
                .await?;
        for projection in projections {
            for table in projection.tables().iter().filter(|table| !watched.iter().any(|w| w == table.name)) {
                let name = table.name;
                let sql = format!(
                    "CREATE INDEX IF NOT EXISTS ship_{name} ON {name} (merchant, last_pos);
                     CREATE TRIGGER ship_{name} AFTER DELETE ON {name} BEGIN
                       INSERT OR IGNORE INTO ship_lost VALUES (old.merchant, '{name}');
                     END;"
                );
                let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await?;
                raw_sql(AssertSqlSafe(sql)).execute(&mut *tx).await?;
                let forget = query("DELETE FROM ship_head WHERE name = ?").bind(projection.name());
                forget.execute(&mut *tx).await?;
                tx.commit().await?;
            }
        }
        Ok(())
    }

    /// Begins to read, at one moment. What was lost is noted here alone from now on: until it is carried, nothing is
    /// said to have been.
    pub(crate) async fn begin(
        &mut self,
        projections: &[Arc<dyn Projection>],
    ) -> Result<Snapshot, sqlx::Error> {
        self.watch(projections).await?;
        let lost: Vec<String> = query_scalar("SELECT table_name FROM ship_lost WHERE merchant = ?")
            .bind(&self.merchant)
            .fetch_all(&mut self.connection)
            .await?;
        let lost: BTreeSet<String> = lost.into_iter().collect();
        let carried = self.carried().await?;
        if !lost.is_empty() {
            let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await?;
            for statement in
                ["DELETE FROM ship_lost WHERE merchant = ?", "DELETE FROM ship_head WHERE merchant = ?"]
            {
                query(statement).bind(&self.merchant).execute(&mut *tx).await?;
            }
            tx.commit().await?;
        }
        raw_sql("BEGIN").execute(&mut self.connection).await?;
        let heads: Vec<(String, i64, String, i64, String)> = query_as(
            "SELECT name, head_pos, head_hash, version, head_recorded_at FROM sys_projection WHERE merchant = ?",
        )
        .bind(&self.merchant)
        .fetch_all(&mut self.connection)
        .await?;
        let heads = heads.into_iter().map(|(name, head_pos, head_hash, version, head_recorded_at)| {
            (name, Head { head_pos, head_hash, version, head_recorded_at })
        });
        Ok(Snapshot { heads: heads.collect(), carried, lost })
    }

    async fn carried(&mut self) -> Result<BTreeMap<String, Mark>, sqlx::Error> {
        let rows: Vec<(String, i64, String)> =
            query_as("SELECT name, head_pos, head_hash FROM ship_head WHERE merchant = ?")
                .bind(&self.merchant)
                .fetch_all(&mut self.connection)
                .await?;
        Ok(rows.into_iter().map(|(name, pos, hash)| (name, (pos, hash))).collect())
    }

    /// Ends reading.
    pub(crate) async fn end(&mut self) -> Result<(), sqlx::Error> {
        raw_sql("ROLLBACK").execute(&mut self.connection).await.map(drop)
    }

    /// Notes what was carried.
    pub(crate) async fn carried_to(&mut self, heads: &BTreeMap<String, Head>) -> Result<(), sqlx::Error> {
        let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await?;
        for (name, head) in heads {
            query("INSERT OR REPLACE INTO ship_head VALUES (?, ?, ?, ?)")
                .bind(name)
                .bind(&self.merchant)
                .bind(head.head_pos)
                .bind(&head.head_hash)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await
    }

    /// The rows of a table that changed after a position.
    pub(crate) fn rows(
        &mut self,
        table: &Table,
        after: i64,
    ) -> BoxStream<'_, Result<SqliteRow, sqlx::Error>> {
        let columns: Vec<&str> = table.stored_columns().collect();
        let sql =
            format!("SELECT {} FROM {} WHERE merchant = ? AND last_pos > ?", columns.join(", "), table.name);
        query(AssertSqlSafe(sql)).bind(&self.merchant).bind(after).fetch(&mut self.connection)
    }
}

/// Columns of a table without a value yet, from `merchant` to `last_pos`.
pub(crate) fn empty(table: &Table) -> Vec<Values> {
    let of = |column: &Column| match column.kind {
        Kind::Int | Kind::Flag => Values::Int(Vec::new()),
        Kind::Real => Values::Real(Vec::new()),
        Kind::Text | Kind::At | Kind::Date | Kind::Json => Values::Text(Vec::new()),
    };
    let ends = (Values::Text(Vec::new()), Values::Int(Vec::new()));
    std::iter::once(ends.0).chain(table.columns.iter().map(of)).chain([ends.1]).collect()
}

impl Values {
    /// Adds the value of a row's column.
    pub(crate) fn push(&mut self, row: &SqliteRow, column: usize) -> Result<(), sqlx::Error> {
        match self {
            Self::Int(values) => values.push(row.try_get(column)?),
            Self::Real(values) => values.push(row.try_get(column)?),
            Self::Text(values) => values.push(row.try_get::<Option<String>, _>(column)?.map(storable)),
        }
        Ok(())
    }
}

/// PostgreSQL stores no U+0000; its picture stands for it.
fn storable(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{2400}") } else { text }
}
