//! Where the log is: a file, or a database of PostgreSQL. Both have the same tables.

use sqlx::{PgConnection, SqliteConnection};

use crate::{
    error::VerifyError,
    pages, postgres,
    rows::{self, EventRow, HeadRow, InboxRow, NumberRow, Unreadable},
};

/// A log that is open for reading.
pub(crate) enum Source<'a> {
    File(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

impl Source<'_> {
    pub(crate) async fn merchants(&mut self) -> Result<Vec<String>, VerifyError> {
        match self {
            Self::File(file) => rows::merchants(file).await,
            Self::Postgres(server) => postgres::merchants(server).await,
        }
    }
    pub(crate) async fn head(&mut self, merchant: &str) -> Result<Option<HeadRow>, VerifyError> {
        match self {
            Self::File(file) => rows::head(file, merchant).await,
            Self::Postgres(server) => postgres::head(server, merchant).await,
        }
    }
    pub(crate) async fn inbox(
        &mut self,
        merchant: &str,
        each: impl FnMut(InboxRow),
    ) -> Result<(), VerifyError> {
        match self {
            Self::File(file) => rows::inbox(file, merchant, each).await,
            Self::Postgres(server) => postgres::inbox(server, merchant, each).await,
        }
    }
    pub(crate) async fn numbers(
        &mut self,
        merchant: &str,
        each: impl FnMut(NumberRow),
    ) -> Result<(), VerifyError> {
        match self {
            Self::File(file) => rows::numbers(file, merchant, each).await,
            Self::Postgres(server) => postgres::numbers(server, merchant, each).await,
        }
    }
    pub(crate) async fn events(
        &mut self,
        merchant: &str,
        each: impl FnMut(Result<EventRow<'_>, Unreadable>),
    ) -> Result<(), VerifyError> {
        match self {
            Self::File(file) => pages::events(file, merchant, each).await,
            Self::Postgres(server) => postgres::events(server, merchant, each).await,
        }
    }
}
