//! Rows that count messages. The log keeps what came in beside the events, and no event says that a message was
//! refused: such rows are counted from the log's inbox, and no fold writes them.

use event_log::{EventLog, InboxTally, Spans};
use sqlx::{AssertSqlSafe, Connection};
use vocabulary::{MerchantId, Timestamp};

use crate::{ApplyError, Projection, Rows, Table, Value, Views, ViewsError};

/// Spans that are counted once more each time: messages are stored in the order they were answered in, not in that
/// they came in.
const AGAIN: i64 = 2;

/// A table that counts messages, and how finely.
#[derive(Debug, Clone, Copy)]
pub struct Tallies {
    /// The table. The first column of its key is `from_at`, when a span begins.
    pub table: &'static Table,
    /// How long a span is, in seconds, above 0.
    pub every_secs: u32,
    /// The values of a row.
    pub row: fn(&InboxTally) -> [Value; 9],
}

impl Views {
    /// Brings the tables that count messages up to date, where there are any: with what came in at or before `until`,
    /// or with all. What is in them is counted no more than once; only the newest spans are counted anew.
    pub async fn tally(
        &self,
        log: &dyn EventLog,
        merchant: &MerchantId,
        until: Option<Timestamp>,
    ) -> Result<(), ViewsError> {
        for projection in &self.projections {
            if let Some(tallies) = projection.tallies() {
                self.tally_into(projection.as_ref(), tallies, log, merchant, until).await?;
            }
        }
        Ok(())
    }

    async fn tally_into(
        &self,
        projection: &dyn Projection,
        tallies: Tallies,
        log: &dyn EventLog,
        merchant: &MerchantId,
        until: Option<Timestamp>,
    ) -> Result<(), ViewsError> {
        let name = tallies.table.name;
        let newest = format!("SELECT MAX(from_epoch) FROM {name} WHERE merchant = ?");
        let newest: Option<i64> = sqlx::query_scalar(AssertSqlSafe(newest))
            .bind(merchant.as_str())
            .fetch_one(self.reader())
            .await?;
        let back = AGAIN.saturating_mul(tallies.every_secs.into());
        let from_secs = newest.map_or(0, |newest| newest.saturating_sub(back));
        let until = until.map_or(i64::MAX, |until| until.micros().saturating_add(1));
        let spans = Spans {
            from: Timestamp::from_secs(from_secs),
            until: Timestamp::from_micros(until),
            every_secs: tallies.every_secs,
        };
        let counted = log.tally_inbox(merchant, &spans).await?;
        let mut rows = Rows::new(tallies.table, merchant);
        counted.iter().for_each(|tally| rows.push(tally.last_position, (tallies.row)(tally)));
        let mut conn = self.writer.acquire().await?;
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
        let delete = format!("DELETE FROM {name} WHERE merchant = ? AND from_epoch >= ?");
        sqlx::query(AssertSqlSafe(delete)).bind(merchant.as_str()).bind(from_secs).execute(&mut *tx).await?;
        let fold = |source: ApplyError| ViewsError::Fold { name: projection.name(), source };
        rows.write(&mut tx).await.map_err(fold)?;
        tx.commit().await?;
        Ok(())
    }
}
