//! The rows of a log in PostgreSQL, as its documented schema (`kami_log`) has them. It has the columns of `log.db`.

use futures::TryStreamExt;
use sqlx::{ConnectOptions, PgConnection, Row, postgres::PgConnectOptions, postgres::PgRow};

use crate::{
    error::VerifyError,
    rows::{EventRow, HeadRow, InboxRow, NumberRow, Unreadable},
};

/// Opens a database for reading, and holds all its tables as they stand at one moment.
pub(crate) async fn open(url: &str) -> Result<PgConnection, VerifyError> {
    let options: PgConnectOptions = url.parse().map_err(VerifyError::Connect)?;
    let options = options.application_name("kami verify").options([("default_transaction_read_only", "on")]);
    let mut connection = options.disable_statement_logging().connect().await.map_err(VerifyError::Connect)?;
    sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .execute(&mut connection)
        .await
        .map_err(VerifyError::Connect)?;
    Ok(connection)
}

/// Every merchant that any table names, by name.
pub(crate) async fn merchants(connection: &mut PgConnection) -> Result<Vec<String>, VerifyError> {
    // Each table is walked from one name to the next, so that its rows are not all read.
    let mut names = std::collections::BTreeSet::new();
    for next in [
        "SELECT min(merchant) FROM kami_log.event WHERE merchant > $1",
        "SELECT min(merchant) FROM kami_log.merchant WHERE merchant > $1",
        "SELECT min(merchant) FROM kami_log.inbox WHERE merchant > $1",
        "SELECT min(merchant) FROM kami_log.number WHERE merchant > $1",
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
    connection: &mut PgConnection,
    merchant: &str,
) -> Result<Option<HeadRow>, VerifyError> {
    let row =
        sqlx::query("SELECT epoch, position, hash, recorded_at FROM kami_log.merchant WHERE merchant = $1")
            .bind(merchant)
            .fetch_optional(connection)
            .await
            .map_err(VerifyError::read("the merchant's row"))?;
    let read = |row: PgRow| {
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
    connection: &mut PgConnection,
    merchant: &str,
    mut each: impl FnMut(InboxRow),
) -> Result<(), VerifyError> {
    let query = "SELECT message, dedupe_key, verdict, first_position, last_position FROM kami_log.inbox \
                 WHERE merchant = $1";
    rows(connection, query, merchant, "the inbox", |row| {
        let dedupe_key: Option<String> = row.try_get(1)?;
        each(InboxRow {
            message: row.try_get(0)?,
            dedupe_key: dedupe_key.map(as_it_came),
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
    connection: &mut PgConnection,
    merchant: &str,
    mut each: impl FnMut(NumberRow),
) -> Result<(), VerifyError> {
    let query = "SELECT kind, namespace, number, order_id FROM kami_log.number WHERE merchant = $1";
    rows(connection, query, merchant, "the numbers", |row| {
        each(NumberRow {
            kind: row.try_get(0)?,
            namespace: as_it_came(row.try_get(1)?),
            number: as_it_came(row.try_get(2)?),
            order_id: row.try_get(3)?,
        });
        Ok(())
    })
    .await
}

/// Shows every event of the merchant to `each`, in order.
pub(crate) async fn events(
    connection: &mut PgConnection,
    merchant: &str,
    mut each: impl FnMut(Result<EventRow<'_>, Unreadable>),
) -> Result<(), VerifyError> {
    let query = "SELECT position, stream, version, type, schema_version, payload, metadata, occurred_at, recorded_at, \
                 hash FROM kami_log.event WHERE merchant = $1 ORDER BY position";
    rows(connection, query, merchant, "the events", |row| {
        each(event(row).map_err(|error| Unreadable {
            position: row.try_get::<i64, _>(0).ok().and_then(|position| position.try_into().ok()),
            why: error.to_string(),
        }));
        Ok(())
    })
    .await
}

fn event(row: &PgRow) -> Result<EventRow<'_>, sqlx::Error> {
    let (schema_version, hash): (i32, &[u8]) = (row.try_get(4)?, row.try_get(9)?);
    Ok(EventRow {
        position: number(row, 0)?,
        stream: row.try_get(1)?,
        version: number(row, 2)?,
        type_name: row.try_get(3)?,
        schema_version: schema_version.try_into().map_err(|_| out_of_range(4))?,
        payload: row.try_get(5)?,
        metadata: row.try_get(6)?,
        occurred_at: row.try_get(7)?,
        recorded_at: row.try_get(8)?,
        hash: hash.try_into().ok(),
    })
}

async fn rows(
    connection: &mut PgConnection,
    query: &'static str,
    merchant: &str,
    what: &'static str,
    mut each: impl FnMut(&PgRow) -> Result<(), sqlx::Error>,
) -> Result<(), VerifyError> {
    let mut stream = sqlx::query(query).bind(merchant).fetch(connection);
    while let Some(row) = stream.try_next().await.map_err(VerifyError::read(what))? {
        each(&row).map_err(VerifyError::read(what))?;
    }
    Ok(())
}

/// A text that is not ours: `\0` stands for the character U+0000, and `\\` for a backslash.
fn as_it_came(stored: String) -> String {
    if !stored.contains('\\') {
        return stored;
    }
    let pieces: Vec<String> = stored.split(r"\\").map(|piece| piece.replace(r"\0", "\0")).collect();
    pieces.join("\\")
}

/// A number that is not negative, or an error that names the column.
fn number(row: &PgRow, column: usize) -> Result<u64, sqlx::Error> {
    let value: i64 = row.try_get(column)?;
    value.try_into().map_err(|_| out_of_range(column))
}

fn out_of_range(column: usize) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_string(), source: "the number is out of range".into() }
}

#[cfg(test)]
mod tests {
    use super::as_it_came;

    #[test]
    fn a_stored_text_is_read_as_it_came() {
        for (stored, came) in
            [("1001", "1001"), (r"\0", "\0"), (r"\\", "\\"), (r"\\0", "\\0"), (r"a\\\0b", "a\\\0b")]
        {
            assert_eq!(as_it_came(stored.to_owned()), came, "{stored}");
        }
    }
}
