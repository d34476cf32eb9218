//! The rows of `log.db`, as its documented schema has them. A row that does not fit is reported, not skipped.

use futures::TryStreamExt;
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use crate::error::VerifyError;

/// How many rows a connection reads ahead, so that neither side of it waits for the other row by row. A page of
/// events is a row too, which is why it is not more.
pub(crate) const ROWS_AHEAD: usize = 64;

/// One event, with its texts as stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EventRow<'a> {
    pub(crate) position: u64,
    pub(crate) stream: &'a str,
    pub(crate) version: u64,
    pub(crate) type_name: &'a str,
    pub(crate) schema_version: u16,
    pub(crate) payload: &'a str,
    pub(crate) metadata: &'a str,
    pub(crate) occurred_at: i64,
    pub(crate) recorded_at: i64,
    /// None where it has not the length of a hash.
    pub(crate) hash: Option<[u8; 32]>,
}

/// A row that is no event.
pub(crate) struct Unreadable {
    /// Its position, if that much could be read.
    pub(crate) position: Option<u64>,
    pub(crate) why: String,
}

/// Where the merchant's row says the log ends.
#[derive(Debug, Clone)]
pub(crate) struct HeadRow {
    pub(crate) epoch: u64,
    pub(crate) position: u64,
    pub(crate) hash: Vec<u8>,
    pub(crate) recorded_at: i64,
}

/// One stored message, without its sealed bytes.
#[derive(Debug, Clone)]
pub(crate) struct InboxRow {
    pub(crate) message: String,
    pub(crate) dedupe_key: Option<String>,
    pub(crate) verdict: String,
    pub(crate) first_position: Option<i64>,
    pub(crate) last_position: Option<i64>,
}

/// One of the channels' own numbers.
#[derive(Debug, Clone)]
pub(crate) struct NumberRow {
    pub(crate) kind: String,
    pub(crate) namespace: String,
    pub(crate) number: String,
    pub(crate) order_id: String,
}

/// Every merchant that any table names, by name.
pub(crate) async fn merchants(connection: &mut SqliteConnection) -> Result<Vec<String>, VerifyError> {
    // Each table is walked from one name to the next, so that its rows are not all read.
    let mut names = std::collections::BTreeSet::new();
    for next in [
        "SELECT min(merchant) FROM event WHERE merchant > ?",
        "SELECT min(merchant) FROM merchant WHERE merchant > ?",
        "SELECT min(merchant) FROM inbox WHERE merchant > ?",
        "SELECT min(merchant) FROM number WHERE merchant > ?",
    ] {
        let mut after = String::new();
        loop {
            let found: Option<String> = sqlx::query_scalar(next)
                .bind(&after)
                .fetch_one(&mut *connection)
                .await
                .map_err(VerifyError::read("the merchants"))?;
            let Some(name) = found else { break };
            names.insert(name.clone());
            after = name;
        }
    }
    Ok(names.into_iter().collect())
}

/// The merchant's row, if there is one.
pub(crate) async fn head(
    connection: &mut SqliteConnection,
    merchant: &str,
) -> Result<Option<HeadRow>, VerifyError> {
    let row = sqlx::query("SELECT epoch, position, hash, recorded_at FROM merchant WHERE merchant = ?")
        .bind(merchant)
        .fetch_optional(connection)
        .await
        .map_err(VerifyError::read("the merchant's row"))?;
    let read = |row: SqliteRow| {
        Ok(HeadRow {
            epoch: number(&row, 0)?,
            position: number(&row, 1)?,
            hash: row.try_get(2)?,
            recorded_at: row.try_get(3)?,
        })
    };
    row.map(read).transpose().map_err(VerifyError::read("the merchant's row"))
}

/// The merchant's stored messages, in no particular order.
pub(crate) async fn inbox(
    connection: &mut SqliteConnection,
    merchant: &str,
    mut each: impl FnMut(InboxRow),
) -> Result<(), VerifyError> {
    let query =
        "SELECT message, dedupe_key, verdict, first_position, last_position FROM inbox WHERE merchant = ?";
    rows(connection, query, merchant, "the inbox", |row| {
        each(InboxRow {
            message: row.try_get(0)?,
            dedupe_key: row.try_get(1)?,
            verdict: row.try_get(2)?,
            first_position: row.try_get(3)?,
            last_position: row.try_get(4)?,
        });
        Ok(())
    })
    .await
}

/// The merchant's numbers, in no particular order.
pub(crate) async fn numbers(
    connection: &mut SqliteConnection,
    merchant: &str,
    mut each: impl FnMut(NumberRow),
) -> Result<(), VerifyError> {
    let query = "SELECT kind, namespace, number, order_id FROM number WHERE merchant = ?";
    rows(connection, query, merchant, "the numbers", |row| {
        each(NumberRow {
            kind: row.try_get(0)?,
            namespace: row.try_get(1)?,
            number: row.try_get(2)?,
            order_id: row.try_get(3)?,
        });
        Ok(())
    })
    .await
}

async fn rows(
    connection: &mut SqliteConnection,
    query: &'static str,
    merchant: &str,
    what: &'static str,
    mut each: impl FnMut(&SqliteRow) -> Result<(), sqlx::Error>,
) -> Result<(), VerifyError> {
    let mut stream = sqlx::query(query).bind(merchant).fetch(connection);
    while let Some(row) = stream.try_next().await.map_err(VerifyError::read(what))? {
        each(&row).map_err(VerifyError::read(what))?;
    }
    Ok(())
}

/// A number of the type that is wanted, or an error that names the column.
pub(crate) fn number<T: TryFrom<i64>>(row: &SqliteRow, column: usize) -> Result<T, sqlx::Error> {
    let value: i64 = row.try_get(column)?;
    T::try_from(value).map_err(|_| sqlx::Error::ColumnDecode {
        index: column.to_string(),
        source: "the number is out of range".into(),
    })
}
