//! The same digest as in SQLite: rows are read back, put into a database of the folds' kind, and digested there.

use futures::TryStreamExt;
use projection::{Kind, Table, Views};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection, query};
use vocabulary::MerchantId;

use crate::{Mirror, MirrorError};

impl Mirror {
    /// One hash (SHA-256, hex) over a read model's rows in PostgreSQL: the one that [`Views::digest`] gives for the
    /// same rows. It reads all of them.
    pub async fn digest(&mut self, name: &str) -> Result<String, MirrorError> {
        let known = self.projections.iter().find(|projection| projection.name() == name);
        let projection = known.ok_or_else(|| projection::ViewsError::UnknownProjection(name.to_owned()))?;
        let views = Views::temporary(vec![projection.clone()]).await?;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(views.path());
        let mut sqlite = SqliteConnection::connect_with(&options).await.map_err(MirrorError::Sqlite)?;
        for table in projection.tables() {
            read_back(&mut self.postgres, &mut sqlite, table, &self.merchant).await?;
        }
        sqlite.close().await.map_err(MirrorError::Sqlite)?;
        Ok(views.digest(name, &self.merchant).await?)
    }

    /// The file that rows are carried from.
    pub fn views(&self) -> &std::path::Path {
        &self.views
    }

    /// The read models whose rows are carried.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.projections.iter().map(|projection| projection.name())
    }
}

async fn read_back(
    postgres: &mut PgConnection,
    sqlite: &mut SqliteConnection,
    table: &Table,
    merchant: &MerchantId,
) -> Result<(), MirrorError> {
    let names: Vec<&str> = table.stored_columns().collect();
    let kinds = std::iter::once(Kind::Text).chain(table.columns.iter().map(|column| column.kind));
    let kinds: Vec<Kind> = kinds.chain([Kind::Int]).collect();
    let select = format!("SELECT {} FROM kami_rows.{} WHERE merchant = $1", names.join(", "), table.name);
    let marks = vec!["?"; names.len()].join(", ");
    let insert = format!("INSERT INTO {} ({}) VALUES ({marks})", table.name, names.join(", "));
    let mut tx = sqlite.begin().await.map_err(MirrorError::Sqlite)?;
    let mut rows = query(AssertSqlSafe(select)).bind(merchant.as_str()).fetch(postgres);
    while let Some(row) = rows.try_next().await.map_err(MirrorError::Postgres)? {
        let mut statement = query(AssertSqlSafe(insert.clone()));
        for (n, kind) in kinds.iter().enumerate() {
            statement = match kind {
                Kind::Int | Kind::Flag => statement.bind(cell::<i64>(&row, n)?),
                Kind::Real => statement.bind(cell::<f64>(&row, n)?),
                Kind::Text | Kind::At | Kind::Date | Kind::Json => statement.bind(cell::<String>(&row, n)?),
            };
        }
        statement.execute(&mut *tx).await.map_err(MirrorError::Sqlite)?;
    }
    tx.commit().await.map_err(MirrorError::Sqlite)
}

fn cell<'r, T>(row: &'r PgRow, n: usize) -> Result<Option<T>, MirrorError>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(n).map_err(MirrorError::Postgres)
}
