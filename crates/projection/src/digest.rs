//! One hash over the rows of a projection, to tell whether two foldings gave the same.

use std::fmt::Write;

use futures::TryStreamExt;
use ring::digest::{Context, SHA256};
use sqlx::{AssertSqlSafe, SqliteConnection};
use vocabulary::MerchantId;

use crate::{Projection, View};

/// SHA-256 (hex) over all stored values of all tables, in the order of their keys. Columns that SQLite computes
/// are left out: they say nothing new.
pub(crate) async fn digest(
    projection: &dyn Projection,
    conn: &mut SqliteConnection,
    merchant: &MerchantId,
) -> Result<String, sqlx::Error> {
    let mut context = Context::new(&SHA256);
    for table in projection.tables() {
        let (columns, key) = (table.stored_columns().collect(), table.key_columns().collect());
        add(&mut context, conn, merchant, (table.name, columns, key)).await?;
    }
    Ok(hex(context.finish().as_ref()))
}

/// SHA-256 (hex) over the rows of a view, in the order of its key.
pub(crate) async fn view_digest(
    view: &View,
    conn: &mut SqliteConnection,
    merchant: &MerchantId,
) -> Result<String, sqlx::Error> {
    let mut context = Context::new(&SHA256);
    let columns: Vec<&str> = view.columns.iter().map(|column| column.name).chain(["last_pos"]).collect();
    let key = columns[..view.key].to_vec();
    add(&mut context, conn, merchant, (view.name, columns, key)).await?;
    Ok(hex(context.finish().as_ref()))
}

/// Adds the rows of a table or view, given its name, columns and key.
async fn add(
    context: &mut Context,
    conn: &mut SqliteConnection,
    merchant: &MerchantId,
    (name, columns, key): (&str, Vec<&str>, Vec<&str>),
) -> Result<(), sqlx::Error> {
    context.update(name.as_bytes());
    let sql = format!(
        "SELECT json_array({}) FROM {name} WHERE merchant = ? ORDER BY {}",
        columns.join(","),
        key.join(",")
    );
    let mut rows = sqlx::query_scalar::<_, String>(AssertSqlSafe(sql)).bind(merchant.as_str()).fetch(conn);
    while let Some(row) = rows.try_next().await? {
        context.update(&(row.len() as u64).to_be_bytes());
        context.update(row.as_bytes());
    }
    Ok(())
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
