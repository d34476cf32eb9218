//! One hash over the rows of a projection, to tell whether two foldings gave the same.

use std::fmt::Write;

use futures::TryStreamExt;
use ring::digest::{Context, SHA256};
use sqlx::{AssertSqlSafe, SqliteConnection};
use vocabulary::MerchantId;

use crate::{Projection, Table};

/// SHA-256 (hex) over all stored values of all tables, in the order of their keys. Columns that SQLite computes
/// are left out: they say nothing new.
pub(crate) async fn digest(
    projection: &dyn Projection,
    conn: &mut SqliteConnection,
    merchant: &MerchantId,
) -> Result<String, sqlx::Error> {
    let mut context = Context::new(&SHA256);
    for table in projection.tables() {
        context.update(table.name.as_bytes());
        let mut rows = sqlx::query_scalar::<_, String>(AssertSqlSafe(select(table)))
            .bind(merchant.as_str())
            .fetch(&mut *conn);
        while let Some(row) = rows.try_next().await? {
            context.update(&(row.len() as u64).to_be_bytes());
            context.update(row.as_bytes());
        }
    }
    Ok(hex(context.finish().as_ref()))
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn select(table: &Table) -> String {
    let columns: Vec<&str> = table.stored_columns().collect();
    let key: Vec<&str> = table.key_columns().collect();
    format!(
        "SELECT json_array({}) FROM {} WHERE merchant = ? ORDER BY {}",
        columns.join(","),
        table.name,
        key.join(",")
    )
}
