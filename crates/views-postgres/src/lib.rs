//! Read models in PostgreSQL, for analysts and their tools.
//!
//! The folds keep their rows in SQLite, where the program's own queries read them. A [`Mirror`] carries what changed
//! since the last time to PostgreSQL: rows and checkpoint in one transaction, so that whoever looks sees every table at
//! one position of the log. The rows lie in the schema `kami_rows` as the folds keep them; the schema `kami_views` has
//! them, and every declared view, under the same names with PostgreSQL's own types. A role `kami_analyst` may read
//! `kami_views`, and nothing else.
//!
//! Rows in PostgreSQL are as disposable as those in SQLite: dropping both schemas brings them back.
//!
//! ```no_run
//! # async fn example(projections: Vec<std::sync::Arc<dyn projection::Projection>>)
//! # -> Result<(), views_postgres::MirrorError> {
//! use views_postgres::Mirror;
//! let merchant = "demo".parse().expect("a slug");
//! let mut mirror = Mirror::open("postgres://kami@db/kami", "views.db".as_ref(), projections, &merchant).await?;
//! mirror.ship().await?;
//! # Ok(()) }
//! ```
#![warn(missing_docs)]

mod back;
mod carry;
mod roles;
mod shape;
mod source;
#[cfg(feature = "testkit")]
pub mod testkit;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use projection::{Projection, ViewsError};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, query_scalar, raw_sql};
use vocabulary::{MerchantId, Position};

use crate::shape::{ROWS, VIEWS};
use crate::source::Source;

/// Why rows were not carried.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// The address cannot be read. It is not repeated: it may hold a password.
    #[error("the address of the read models' database is not one such as postgres://kami@db.example/kami")]
    BadAddress,
    /// PostgreSQL failed. The same may be tried again, with a mirror opened anew.
    #[error("read models in PostgreSQL cannot be written")]
    Postgres(#[source] sqlx::Error),
    /// The SQLite database of the folds failed.
    #[error("read models cannot be read")]
    Sqlite(#[source] sqlx::Error),
    /// Rows could not be folded or asked.
    #[error(transparent)]
    Views(#[from] ViewsError),
    /// Another process carries this merchant's rows there.
    #[error("another process keeps the read models of {0} in this database")]
    Taken(MerchantId),
}

/// What a call carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shipped {
    /// The last position that all read models in PostgreSQL contain now.
    pub head: Position,
    /// How many rows were written.
    pub rows: u64,
    /// How many read models were written whole: at the first time, after a rebuild, or where it was not known what the
    /// other side had.
    pub whole: usize,
}

/// Carries the rows of one merchant.
pub struct Mirror {
    postgres: PgConnection,
    source: Source,
    views: PathBuf,
    projections: Vec<Arc<dyn Projection>>,
    merchant: MerchantId,
}

impl Mirror {
    /// Connects, and makes both schemas where they are absent or of another shape: beside the old ones, which are
    /// swapped for the new in one transaction. `views` is the file of the folds ([`projection::Views::open`] with the
    /// same projections).
    ///
    /// # Errors
    /// [`MirrorError::Taken`] while another process has this merchant open there.
    pub async fn open(
        url: &str,
        views: &Path,
        projections: Vec<Arc<dyn Projection>>,
        merchant: &MerchantId,
    ) -> Result<Self, MirrorError> {
        let options: PgConnectOptions = url.parse().map_err(|_| MirrorError::BadAddress)?;
        let options = options.application_name("kami views").disable_statement_logging();
        // Dates and numbers are read and written the same way whatever the server's defaults are.
        let options = options.options([
            ("TimeZone", "UTC"),
            ("DateStyle", "ISO"),
            ("extra_float_digits", "3"),
            ("client_min_messages", "warning"),
        ]);
        let mut postgres = options.connect().await.map_err(MirrorError::Postgres)?;
        let is_ours: bool = query_scalar("SELECT pg_try_advisory_lock(hashtext('kami_views'), hashtext($1))")
            .bind(merchant.as_str())
            .fetch_one(&mut postgres)
            .await
            .map_err(MirrorError::Postgres)?;
        if !is_ours {
            return Err(MirrorError::Taken(merchant.clone()));
        }
        prepare(&mut postgres, &projections).await.map_err(MirrorError::Postgres)?;
        let source = Source::open(views, &projections, merchant).await.map_err(MirrorError::Sqlite)?;
        Ok(Self { postgres, source, views: views.to_owned(), projections, merchant: merchant.clone() })
    }

    /// Ends both connections.
    pub async fn close(self) -> Result<(), MirrorError> {
        self.source.close().await.map_err(MirrorError::Sqlite)?;
        self.postgres.close().await.map_err(MirrorError::Postgres)
    }
}

/// Makes the schemas match this build, and lets analysts in.
async fn prepare(
    postgres: &mut PgConnection,
    projections: &[Arc<dyn Projection>],
) -> Result<(), sqlx::Error> {
    let wanted = shape::ddl(projections, ROWS, VIEWS);
    let mut tx = postgres.begin().await?;
    raw_sql("SELECT pg_advisory_xact_lock(hashtext('kami_views.shape'))").execute(&mut *tx).await?;
    let exists: bool =
        query_scalar("SELECT to_regclass('kami_rows.sys_shape') IS NOT NULL").fetch_one(&mut *tx).await?;
    let found: Option<String> = match exists {
        true => query_scalar("SELECT ddl FROM kami_rows.sys_shape").fetch_optional(&mut *tx).await?,
        false => None,
    };
    if found.as_ref() != Some(&wanted) {
        tracing::info!("read models in PostgreSQL are made anew");
        let beside = shape::ddl(projections, "kami_rows_beside", "kami_views_beside");
        let swap = format!(
            "DROP SCHEMA IF EXISTS kami_views_beside, kami_rows_beside CASCADE; {beside}
             DROP SCHEMA IF EXISTS {VIEWS}, {ROWS} CASCADE;
             ALTER SCHEMA kami_rows_beside RENAME TO {ROWS}; ALTER SCHEMA kami_views_beside RENAME TO {VIEWS};"
        );
        raw_sql(AssertSqlSafe(swap)).execute(&mut *tx).await?;
        sqlx::query("INSERT INTO kami_rows.sys_shape (ddl) VALUES ($1)")
            .bind(&wanted)
            .execute(&mut *tx)
            .await?;
    }
    raw_sql(roles::GRANTS).execute(&mut *tx).await?;
    tx.commit().await
}
