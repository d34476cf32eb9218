//! One statement, for whichever database the vault lies in. All statements keep to what SQLite and PostgreSQL both
//! understand: numbered parameters (`$1`), joins by `CROSS JOIN … WHERE` (which SQLite does in the order written), named
//! conflict targets. Lists go in as JSON and are taken apart by `json_each` (items by `value ->> n`) and `unhex`, which
//! the schema defines where the database has none.

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, Encode, FromRow, SqlSafeStr, SqlStr, Type, query_as_with, query_with};

use super::{Backend, Session, Store, Tx};
use crate::VaultError;

/// A row that both databases can give.
pub(crate) trait Stored:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}
impl<T> Stored for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// What takes the place of a parameter.
pub(crate) enum Value {
    Int(i64),
    Text(Option<String>),
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}
impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(str::to_owned))
    }
}
impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

/// A statement with its parameters.
pub(crate) struct Sql {
    doing: &'static str,
    text: SqlStr,
    values: Vec<Value>,
}

/// A statement; `doing` says in an error what was being done.
pub(crate) fn sql(doing: &'static str, text: impl SqlSafeStr) -> Sql {
    Sql { doing, text: text.into_sql_str(), values: Vec::new() }
}

/// Where a statement runs: among the readers, or inside a write transaction.
pub(crate) enum At<'a> {
    Readers(&'a Store),
    Writing(&'a mut Session, &'a Store),
}
impl<'a> From<&'a Store> for At<'a> {
    fn from(store: &'a Store) -> Self {
        Self::Readers(store)
    }
}
impl<'a> From<&'a mut Tx<'_>> for At<'a> {
    fn from(tx: &'a mut Tx<'_>) -> Self {
        Self::Writing(&mut tx.session, tx.store)
    }
}

impl Sql {
    /// The next parameter.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// The next parameter: a list of lists, as JSON.
    pub(crate) fn list(self, items: &impl serde::Serialize) -> Result<Self, VaultError> {
        let json = serde_json::to_string(items).map_err(|_| VaultError::Malformed { what: "list" })?;
        Ok(self.bind(Value::Text(Some(json))))
    }

    /// Every row.
    pub(crate) async fn all<O: Stored>(self, at: impl Into<At<'_>>) -> Result<Vec<O>, VaultError> {
        let (at, doing) = (at.into(), self.doing);
        let failed = at.store().failed(doing);
        self.fetch(at).await.map_err(failed)
    }

    async fn fetch<O: Stored>(self, at: At<'_>) -> Result<Vec<O>, sqlx::Error> {
        let Self { text, values, .. } = self;
        match at {
            At::Readers(Store { backend: Backend::File(file), .. }) => {
                query_as_with(text, sqlite(values)?).fetch_all(&file.reader).await
            }
            At::Readers(Store { backend: Backend::Postgres(database), .. }) => {
                query_as_with(text, postgres(values)?).fetch_all(&database.reader).await
            }
            At::Writing(Session::File(tx), _) => {
                query_as_with(text, sqlite(values)?).fetch_all(&mut **tx).await
            }
            At::Writing(Session::Postgres(tx), _) => {
                query_as_with(text, postgres(values)?).fetch_all(&mut **tx).await
            }
        }
    }

    /// The first row, if there is one.
    pub(crate) async fn first<O: Stored>(self, at: impl Into<At<'_>>) -> Result<Option<O>, VaultError> {
        Ok(self.all(at).await?.into_iter().next())
    }

    /// The one row there must be.
    pub(crate) async fn one<O: Stored>(self, at: impl Into<At<'_>>) -> Result<O, VaultError> {
        let (doing, source) = (self.doing, sqlx::Error::RowNotFound);
        self.first(at).await?.ok_or(VaultError::Database { doing, source })
    }

    /// Changes rows, and returns how many.
    pub(crate) async fn run(self, tx: &mut Tx<'_>) -> Result<u64, VaultError> {
        let doing = self.doing;
        self.execute(&mut tx.session).await.map_err(tx.store.failed(doing))
    }

    async fn execute(self, session: &mut Session) -> Result<u64, sqlx::Error> {
        let Self { text, values, .. } = self;
        Ok(match session {
            Session::File(tx) => query_with(text, sqlite(values)?).execute(&mut **tx).await?.rows_affected(),
            Session::Postgres(tx) => {
                query_with(text, postgres(values)?).execute(&mut **tx).await?.rows_affected()
            }
        })
    }
}

impl<'a> At<'a> {
    fn store(&self) -> &'a Store {
        match self {
            Self::Readers(store) | Self::Writing(_, store) => store,
        }
    }
}

fn sqlite(values: Vec<Value>) -> Result<SqliteArguments, sqlx::Error> {
    arguments(values)
}

fn postgres(values: Vec<Value>) -> Result<PgArguments, sqlx::Error> {
    arguments(values)
}

fn arguments<A: Arguments>(values: Vec<Value>) -> Result<A, sqlx::Error>
where
    i64: for<'q> Encode<'q, A::Database> + Type<A::Database>,
    Option<String>: for<'q> Encode<'q, A::Database> + Type<A::Database>,
    Vec<u8>: for<'q> Encode<'q, A::Database> + Type<A::Database>,
{
    let mut all = A::default();
    for value in values {
        let added = match value {
            Value::Int(value) => all.add(value),
            Value::Text(value) => all.add(value),
            Value::Bytes(value) => all.add(value),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(all)
}
