//! The tables of the runner itself, and making the projections' tables match this build.

use std::fmt::Write;

use sqlx::{AssertSqlSafe, Row, SqliteConnection};

use crate::{Column, Kind, Projection};

/// What the runner keeps. Analysts may read these too.
const SYSTEM: &str = "
CREATE TABLE IF NOT EXISTS sys_projection (
  name TEXT NOT NULL,
  merchant TEXT NOT NULL,
  version INTEGER NOT NULL,
  head_pos INTEGER NOT NULL,
  head_hash TEXT NOT NULL,
  head_recorded_at TEXT NOT NULL,
  head_recorded_epoch INTEGER GENERATED ALWAYS AS (unixepoch(substr(head_recorded_at, 1, 19))) VIRTUAL,
  PRIMARY KEY (name, merchant)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sys_quarantine (
  name TEXT NOT NULL,
  merchant TEXT NOT NULL,
  pos INTEGER NOT NULL,
  error TEXT NOT NULL,
  PRIMARY KEY (name, merchant, pos)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sys_rebuild (
  name TEXT NOT NULL,
  merchant TEXT NOT NULL,
  pos INTEGER NOT NULL,
  last_rebuild_s REAL NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (name, merchant)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sys_schema (
  name TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  ddl TEXT NOT NULL,
  objects TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS sys_column (
  projection TEXT NOT NULL,
  table_name TEXT NOT NULL,
  column_name TEXT NOT NULL,
  place INTEGER NOT NULL,
  meaning_en TEXT NOT NULL,
  meaning_zh TEXT NOT NULL,
  PRIMARY KEY (table_name, column_name)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _metabase_metadata (
  keypath TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Makes the system tables, and every projection's tables that are absent or of another version or shape. Those
/// start empty, without a checkpoint.
pub(crate) async fn prepare<'p>(
    conn: &mut SqliteConnection,
    projections: impl Iterator<Item = &'p dyn Projection>,
) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(SYSTEM).execute(&mut *conn).await?;
    for projection in projections {
        let stored = sqlx::query("SELECT version, ddl FROM sys_schema WHERE name = ?")
            .bind(projection.name())
            .fetch_optional(&mut *conn)
            .await?;
        let same = match stored {
            Some(row) => {
                let shape: (i64, String) = (row.try_get(0)?, row.try_get(1)?);
                shape == (projection.version().into(), ddl(projection))
            }
            None => false,
        };
        if !same {
            tracing::info!(projection = projection.name(), "tables of the read model are made anew");
            recreate(conn, projection).await?;
        }
        describe_to_metabase(conn, projection).await?;
    }
    Ok(())
}

/// Drops a projection's tables, checkpoints and quarantine, and makes the tables anew and empty.
pub(crate) async fn recreate(
    conn: &mut SqliteConnection,
    projection: &dyn Projection,
) -> Result<(), sqlx::Error> {
    let name = projection.name();
    let objects: Vec<(String, String)> = sqlx::query_as(
        "SELECT o.value ->> 0, o.value ->> 1 FROM sys_schema, json_each(objects) AS o WHERE name = ? ORDER BY o.key DESC",
    )
    .bind(name)
    .fetch_all(&mut *conn)
    .await?;
    for (kind, object) in objects {
        sqlx::raw_sql(AssertSqlSafe(format!("DROP {kind} IF EXISTS {object}"))).execute(&mut *conn).await?;
    }
    for statement in [
        "DELETE FROM sys_projection WHERE name = ?",
        "DELETE FROM sys_quarantine WHERE name = ?",
        "DELETE FROM sys_rebuild WHERE name = ?",
        "DELETE FROM sys_schema WHERE name = ?",
        "DELETE FROM sys_column WHERE projection = ?",
    ] {
        sqlx::query(statement).bind(name).execute(&mut *conn).await?;
    }
    sqlx::raw_sql(AssertSqlSafe(ddl(projection))).execute(&mut *conn).await?;
    let tables = projection.tables().iter().map(|table| ["TABLE", table.name]);
    let views = projection.views().iter().map(|view| ["VIEW", view.name]);
    let objects: Vec<[&str; 2]> = tables.chain(views).collect();
    sqlx::query("INSERT INTO sys_schema (name, version, ddl, objects) VALUES (?, ?, ?, ?)")
        .bind(name)
        .bind(i64::from(projection.version()))
        .bind(ddl(projection))
        .bind(serde_json::json!(objects).to_string())
        .execute(&mut *conn)
        .await?;
    describe(conn, projection).await
}

/// Writes down what each table, view and column means. A table's own meaning stands under the empty column name.
async fn describe(conn: &mut SqliteConnection, projection: &dyn Projection) -> Result<(), sqlx::Error> {
    let tables = projection.tables().iter().map(|table| (table.name, table.en, table.zh, table.columns));
    let views = projection.views().iter().map(|view| (view.name, view.en, view.zh, view.columns));
    for (name, en, zh, columns) in tables.chain(views) {
        let columns = columns.iter().map(|c| (c.name, c.en, c.zh));
        let rows = std::iter::once(("", en, zh)).chain(columns);
        for (place, (column, en, zh)) in rows.enumerate() {
            sqlx::query("INSERT INTO sys_column VALUES (?, ?, ?, ?, ?, ?)")
                .bind(projection.name())
                .bind(name)
                .bind(column)
                .bind(i64::try_from(place).unwrap_or(i64::MAX))
                .bind(en)
                .bind(zh)
                .execute(&mut *conn)
                .await?;
        }
    }
    Ok(())
}

/// The same for Metabase, which reads this table when it looks at a database: descriptions, and what a column is.
async fn describe_to_metabase(
    conn: &mut SqliteConnection,
    projection: &dyn Projection,
) -> Result<(), sqlx::Error> {
    let tables =
        projection.tables().iter().map(|table| (table.name, table.en, table.zh, table.key, table.columns));
    let views = projection.views().iter().map(|view| (view.name, view.en, view.zh, view.key, view.columns));
    let mut rows = Vec::new();
    for (name, en, zh, key, columns) in tables.chain(views) {
        rows.push([format!("{name}.description"), format!("{en} {zh}")]);
        for column in columns {
            let path = format!("{name}.{}", column.name);
            rows.push([format!("{path}.description"), format!("{} {}", column.en, column.zh)]);
            if let Some(what) = semantic_type(column, key == 1 && column.name == columns[0].name) {
                rows.push([format!("{path}.semantic_type"), what.to_owned()]);
            }
        }
    }
    sqlx::query(
        "INSERT OR REPLACE INTO _metabase_metadata (keypath, value)
         SELECT value ->> 0, value ->> 1 FROM json_each(?)",
    )
    .bind(serde_json::json!(rows).to_string())
    .execute(conn)
    .await?;
    Ok(())
}

/// What Metabase calls a column, where its kind does not say it.
fn semantic_type(column: &Column, is_only_key: bool) -> Option<&'static str> {
    match (column.kind, column.name) {
        _ if is_only_key => Some("type/PK"),
        (
            Kind::Text,
            "channel" | "channel_id" | "channel_code" | "shop" | "shop_id" | "sku" | "sku_id" | "currency"
            | "state" | "kind" | "type",
        ) => Some("type/Category"),
        (Kind::Flag, _) => Some("type/Category"),
        (Kind::Json, _) => Some("type/SerializedJSON"),
        _ => None,
    }
}

fn ddl(projection: &dyn Projection) -> String {
    let mut text = String::new();
    let version = projection.version();
    let tables = projection.tables().iter().flat_map(|table| table.ddl(version));
    for statement in tables.chain(projection.views().iter().map(|view| view.ddl(version))) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{statement};");
    }
    text
}
