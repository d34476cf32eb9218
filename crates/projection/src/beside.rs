//! Rebuilding a read model beside the live one: fold anew in a temporary database, compare, swap in one transaction.
//! Queries go on meanwhile, and see the old rows or the new ones.

use std::{sync::Arc, time::Instant};

use event_log::EventLog;
use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};
use vocabulary::{MerchantId, Position};

use crate::{Follower, Projection, Views, ViewsError, digest::digest, views::position};

/// Events read at once.
const BATCH: usize = 8_192;

/// What came of a rebuild.
#[derive(Debug, Clone, PartialEq)]
pub struct Rebuilt {
    /// The last position that the rows contain.
    pub head: Position,
    /// The digest of the rows as they were ([`Views::digest`]).
    pub before: String,
    /// The digest of the rows that were folded anew. Another one means that the old rows were wrong.
    pub after: String,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// The last rebuild of a projection's rows.
#[derive(Debug, Clone, PartialEq)]
pub struct LastRebuild {
    /// The projection.
    pub name: String,
    /// The last position that the rows contained then.
    pub pos: Position,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The digest of the rows then.
    pub digest: String,
}

impl Views {
    /// Folds a projection's rows of one merchant anew in a temporary database, and puts them in place of the live
    /// ones where they differ. The live rows are read, and followed, until the last moment.
    pub async fn rebuild_beside(
        &self,
        log: &dyn EventLog,
        merchant: &MerchantId,
        name: &str,
    ) -> Result<Rebuilt, ViewsError> {
        let started = Instant::now();
        let projection = self.shared_projection(name)?;
        let beside = Arc::new(Views::temporary(vec![projection.clone()]).await?);
        let mut follower = Follower::new(beside.clone(), merchant).await?;
        let mut conn = self.reader().acquire().await?;
        let reached = head(&mut conn, merchant, name).await?;
        drop(conn);
        fold_to(&mut follower, log, merchant, reached).await?;
        if projection.tallies().is_some() {
            // What came in up to the newest message, here and there.
            let newest = log.list_inbox(merchant, &event_log::InboxFilter::default(), 1).await?;
            let until = newest.first().map(|row| row.received_at);
            self.tally(log, merchant, until).await?;
            beside.tally(log, merchant, until).await?;
        }
        let mut conn = self.writer.acquire().await?;
        // Not allowed within a transaction.
        sqlx::query("ATTACH ? AS beside")
            .bind(beside.path().to_string_lossy().into_owned())
            .execute(&mut *conn)
            .await?;
        let swapped = self.swap(&mut conn, &mut follower, log, merchant, projection.as_ref(), started).await;
        sqlx::query("DETACH beside").execute(&mut *conn).await?;
        swapped
    }

    async fn swap(
        &self,
        conn: &mut SqliteConnection,
        follower: &mut Follower,
        log: &dyn EventLog,
        merchant: &MerchantId,
        projection: &dyn Projection,
        started: Instant,
    ) -> Result<Rebuilt, ViewsError> {
        let name = projection.name();
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
        // Nobody folds into the live rows from here on: what they got meanwhile is folded beside, too.
        let head = head(&mut tx, merchant, name).await?;
        fold_to(follower, log, merchant, head).await?;
        let before = digest(projection, &mut tx, merchant).await?;
        let after = follower.views().digest(name, merchant).await?;
        if before != after {
            replace(&mut tx, merchant, projection).await?;
        }
        let seconds = started.elapsed().as_secs_f64();
        sqlx::query("INSERT OR REPLACE INTO sys_rebuild VALUES (?, ?, ?, ?, ?)")
            .bind(name)
            .bind(merchant.as_str())
            .bind(i64::try_from(head.0).unwrap_or(i64::MAX))
            .bind(seconds)
            .bind(&after)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        if before != after {
            tracing::warn!(projection = name, %merchant, %head, "rows differed from the fold of the log and were replaced");
            self.rows_were_replaced();
        }
        Ok(Rebuilt { head, before, after, seconds })
    }

    /// The last rebuild of each projection that had one.
    pub async fn last_rebuilds(&self, merchant: &MerchantId) -> Result<Vec<LastRebuild>, ViewsError> {
        let rows = sqlx::query(
            "SELECT name, pos, last_rebuild_s, digest FROM sys_rebuild WHERE merchant = ? ORDER BY name",
        )
        .bind(merchant.as_str())
        .fetch_all(self.reader())
        .await?;
        let told = |row: sqlx::sqlite::SqliteRow| {
            Ok(LastRebuild {
                name: row.try_get(0)?,
                pos: position(row.try_get(1)?),
                seconds: row.try_get(2)?,
                digest: row.try_get(3)?,
            })
        };
        rows.into_iter().map(told).collect()
    }
}

async fn head(
    conn: &mut SqliteConnection,
    merchant: &MerchantId,
    name: &str,
) -> Result<Position, sqlx::Error> {
    let stored: Option<i64> =
        sqlx::query_scalar("SELECT head_pos FROM sys_projection WHERE merchant = ? AND name = ?")
            .bind(merchant.as_str())
            .bind(name)
            .fetch_optional(conn)
            .await?;
    Ok(position(stored.unwrap_or_default()))
}

async fn fold_to(
    follower: &mut Follower,
    log: &dyn EventLog,
    merchant: &MerchantId,
    until: Position,
) -> Result<(), ViewsError> {
    while follower.head() < until {
        let left = usize::try_from(until.0 - follower.head().0).unwrap_or(usize::MAX);
        let events = log.read_log(merchant, follower.head(), left.min(BATCH)).await?;
        if events.is_empty() {
            break;
        }
        follower.apply(events).await?;
    }
    Ok(())
}

/// Puts the rows that lie beside in place of the live ones.
async fn replace(
    conn: &mut SqliteConnection,
    merchant: &MerchantId,
    projection: &dyn Projection,
) -> Result<(), sqlx::Error> {
    for table in projection.tables() {
        let (name, columns) = (table.name, table.stored_columns().collect::<Vec<_>>().join(", "));
        for statement in [
            format!("DELETE FROM main.{name} WHERE merchant = ?"),
            format!(
                "INSERT INTO main.{name} ({columns}) SELECT {columns} FROM beside.{name} WHERE merchant = ?"
            ),
        ] {
            sqlx::query(AssertSqlSafe(statement)).bind(merchant.as_str()).execute(&mut *conn).await?;
        }
    }
    for statement in [
        "DELETE FROM main.sys_quarantine WHERE merchant = ? AND name = ?",
        "INSERT INTO main.sys_quarantine SELECT * FROM beside.sys_quarantine WHERE merchant = ? AND name = ?",
    ] {
        sqlx::query(statement).bind(merchant.as_str()).bind(projection.name()).execute(&mut *conn).await?;
    }
    Ok(())
}
