//! Rows on their way into tables, a few statements per batch.

use std::{collections::HashSet, fmt::Display, sync::Arc};

use sqlx::{Arguments, AssertSqlSafe, SqliteConnection, sqlite::SqliteArguments};
use vocabulary::{MerchantId, Position, Timestamp};

use crate::{ApplyError, Table, text::iso};

/// Rows per statement, from the most on. Few shapes, so that the statement cache holds them all; one statement
/// stays below SQLite's 32 766 parameters for any table of less than 128 columns.
const SHAPES: [usize; 4] = [256, 32, 4, 1];

/// A value of a column.
#[derive(Debug, Clone)]
pub enum Value {
    /// Nothing.
    Null,
    /// A whole number.
    Int(i64),
    /// A number with a fraction. One that is no number becomes nothing.
    Real(f64),
    /// A text.
    Text(String),
    /// A text that several rows share.
    Shared(Arc<str>),
}

impl Value {
    /// A text from anything that can be printed.
    pub fn text(value: impl Display) -> Self {
        Self::Text(value.to_string())
    }
    /// A text from anything that can be printed, or nothing.
    pub fn maybe(value: Option<impl Display>) -> Self {
        value.map_or(Self::Null, Self::text)
    }
    /// A count that fits SQLite's integers; larger ones stop at the greatest.
    pub fn count(value: u64) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}
impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}
impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}
impl From<u16> for Value {
    fn from(value: u16) -> Self {
        Self::Int(value.into())
    }
}
impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(value.into())
    }
}
impl From<Position> for Value {
    fn from(value: Position) -> Self {
        Self::count(value.0)
    }
}
impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Self::Text(iso(value))
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl From<&Arc<str>> for Value {
    fn from(value: &Arc<str>) -> Self {
        Self::Shared(value.clone())
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Words that recur in column after column (types, channels, items): each is held once and shared by all rows.
#[derive(Debug, Default)]
pub struct Words(HashSet<Arc<str>>);

/// How many words are shared before all are forgotten: more are no words but names of single things.
const WORDS_MAX: usize = 10_000;

impl Words {
    /// The word as a value.
    pub fn share(&mut self, word: &str) -> Value {
        if let Some(known) = self.0.get(word) {
            return Value::Shared(known.clone());
        }
        if self.0.len() >= WORDS_MAX {
            self.0.clear();
        }
        let new: Arc<str> = word.into();
        self.0.insert(new.clone());
        Value::Shared(new)
    }
    /// The word as a value, or nothing.
    pub fn share_maybe(&mut self, word: Option<&str>) -> Value {
        word.map_or(Value::Null, |word| self.share(word))
    }
}

/// Rows to write to one table. Write each key at most once per batch where the table's rows change.
///
/// What a statement takes is made into its arguments as soon as there is enough of it: rows are pushed where folds
/// work side by side, and the one connection that writes has only to execute.
pub struct Rows {
    table: &'static Table,
    merchant: Arc<str>,
    values: Vec<Value>,
    full: Vec<Result<SqliteArguments, sqlx::Error>>,
}

impl Rows {
    /// No rows yet.
    pub fn new(table: &'static Table, merchant: &MerchantId) -> Self {
        Self { table, merchant: merchant.as_str().into(), values: Vec::new(), full: Vec::new() }
    }
    /// One more row: the values of the table's columns in their order, and the position that changed it last.
    pub fn push<const N: usize>(&mut self, last_pos: Position, values: [Value; N]) {
        debug_assert_eq!(N, self.table.width(), "a row of {} has a value per column", self.table.name);
        self.values.extend(values);
        self.values.push(last_pos.into());
        if self.values.len() == SHAPES[0] * self.values_per_row() {
            self.full.push(arguments(&self.merchant, self.values.drain(..)));
        }
    }
    /// Writes the rows, replacing those with the same key, and is empty afterwards.
    pub async fn write(&mut self, conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        for arguments in self.full.drain(..) {
            execute(self.table, SHAPES[0], arguments?, conn).await?;
        }
        let width = self.values_per_row();
        let mut left = self.values.len() / width;
        let mut values = self.values.drain(..);
        while left > 0 {
            let rows = SHAPES.into_iter().find(|shape| *shape <= left).unwrap_or(1);
            let arguments = arguments(&self.merchant, values.by_ref().take(rows * width))?;
            execute(self.table, rows, arguments, conn).await?;
            left -= rows;
        }
        Ok(())
    }

    fn values_per_row(&self) -> usize {
        self.table.width() + 1
    }
}

async fn execute(
    table: &Table,
    rows: usize,
    arguments: SqliteArguments,
    conn: &mut SqliteConnection,
) -> Result<(), ApplyError> {
    sqlx::query_with(AssertSqlSafe(table.upsert(rows)), arguments).execute(conn).await?;
    Ok(())
}

fn arguments(
    merchant: &Arc<str>,
    values: impl Iterator<Item = Value>,
) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(1 + values.size_hint().0, 0);
    for value in std::iter::once(Value::Shared(merchant.clone())).chain(values) {
        match value {
            Value::Null => arguments.add(None::<i64>),
            Value::Int(number) => arguments.add(number),
            Value::Real(number) => arguments.add(number),
            Value::Text(text) => arguments.add(text),
            Value::Shared(text) => arguments.add(text),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// Keys as a JSON array of texts, for `… IN (SELECT value FROM json_each(?))`.
pub fn keys_json<T: Display>(keys: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<String> = keys.into_iter().map(|key| key.to_string()).collect();
    serde_json::Value::from(texts).to_string()
}

#[cfg(test)]
mod tests {
    use sqlx::Connection;

    use super::*;
    use crate::{Column, Kind};

    static NUMBERED: Table = Table {
        name: "fct_numbered",
        en: "",
        zh: "",
        key: 1,
        columns: &[Column::new("n", Kind::Int, "", ""), Column::new("word", Kind::Text, "", "").nullable()],
        indexes: &[],
        clustered: false,
    };

    #[tokio::test]
    async fn rows_of_any_number_are_written_once_and_in_order() {
        let mut conn = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        for statement in NUMBERED.ddl(1) {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut conn).await.unwrap();
        }
        let mut rows = Rows::new(&NUMBERED, &"main".parse().unwrap());
        let mut next = 0_i64;
        for count in [0, 1, 255, 256, 257, 512, 806] {
            for n in next..next + count {
                rows.push(Position(n.unsigned_abs()), [n.into(), Value::maybe((n % 3 > 0).then_some(n))]);
            }
            rows.write(&mut conn).await.unwrap();
            next += count;
        }
        type Row = (String, i64, Option<String>, i64);
        let sql = "SELECT merchant, n, word, last_pos FROM fct_numbered ORDER BY rowid";
        let stored: Vec<Row> = sqlx::query_as(sql).fetch_all(&mut conn).await.unwrap();
        let wanted = (0..next).map(|n| ("main".to_owned(), n, (n % 3 > 0).then(|| n.to_string()), n));
        assert_eq!(stored, wanted.collect::<Vec<_>>());
    }
}
