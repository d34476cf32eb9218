//! Storing an append: what is checked before, what is bound, and what is done inside the transaction.

use event_log::{Append, InboxRow, LogError, NumberRow};
use events::RecordedEvent;
use sqlx::{AssertSqlSafe, Row, SqliteConnection};
use vocabulary::{Epoch, MerchantId, Position};

use crate::{
    error::{damaged, from_sql, store, to_sql},
    values::{Rows, Values},
};

// `OR FAIL` leaves the rows before a conflict in place, so that SQLite keeps no copy of each page it changes to undo a
// statement with; the transaction is rolled back as a whole anyway.
const EVENTS: &str = "INSERT OR FAIL INTO event (merchant, position, stream, version, type, schema_version, payload, \
                      metadata, occurred_at, recorded_at, hash) SELECT * FROM ";
const INBOX: &str = "INSERT OR FAIL INTO inbox (merchant, message, account, dedupe_key, content_hash, verdict, \
                     reason, sealed_request, sealed_answer, first_position, last_position, received_at) \
                     SELECT * FROM ";
const NUMBERS: &str =
    "INSERT OR FAIL INTO number (merchant, kind, namespace, number, order_id) SELECT * FROM ";

/// Moves a merchant's head, if it stands where the append believes. An append without events moves nothing.
const MOVE_HEAD: &str = "UPDATE merchant SET position = ?1, hash = coalesce(?2, hash), \
                         recorded_at = coalesce(?3, recorded_at) \
                         WHERE merchant = ?4 AND epoch = ?5 AND position = ?6";

/// Several appends, ready to be stored in one transaction.
pub(crate) struct Batch {
    moves: Vec<Move>,
    inserts: Vec<(&'static str, Values)>,
}

/// One merchant's step from one head to the next.
struct Move {
    merchant: MerchantId,
    epoch: Epoch,
    from: Position,
    to: Position,
    last: Option<([u8; 32], i64)>,
}

impl Batch {
    /// Checks the events' positions and binds everything. Done before the writer is taken, so that it happens
    /// while the batch before is being flushed.
    pub(crate) fn of(parts: &[Append]) -> Result<Self, LogError> {
        let (mut events, mut inbox, mut numbers) = (Rows::of(11), Rows::of(12), Rows::of(5));
        let mut moves = Vec::with_capacity(parts.len());
        for part in parts {
            moves.push(step(part)?);
            for event in &part.events {
                bind_event(&mut events, event)?;
            }
            for row in &part.inbox {
                bind_message(&mut inbox, &part.merchant, row)?;
            }
            for row in &part.numbers {
                bind_number(&mut numbers, &part.merchant, row)?;
            }
        }
        let inserts = [(EVENTS, events), (INBOX, inbox), (NUMBERS, numbers)];
        let inserts =
            inserts.into_iter().flat_map(|(sql, rows)| rows.finish().into_iter().map(move |v| (sql, v)));
        Ok(Self { moves, inserts: inserts.collect() })
    }

    /// Where each merchant stands after the batch.
    pub(crate) fn ends(&self) -> Vec<(MerchantId, Position)> {
        self.moves.iter().map(|step| (step.merchant.clone(), step.to)).collect()
    }

    /// Stores everything inside a transaction of the caller's.
    pub(crate) async fn store(self, connection: &mut SqliteConnection) -> Result<(), LogError> {
        for step in &self.moves {
            step.make(connection).await?;
        }
        for (sql, values) in self.inserts {
            let sql = AssertSqlSafe([sql, &values.sql, " WHERE column1 IS NOT NULL"].concat());
            sqlx::query_with(sql, values.arguments).execute(&mut *connection).await.map_err(store)?;
        }
        Ok(())
    }
}

impl Move {
    async fn make(&self, connection: &mut SqliteConnection) -> Result<(), LogError> {
        let moved = sqlx::query(MOVE_HEAD)
            .bind(to_sql(self.to.0)?)
            .bind(self.last.map(|(hash, _)| hash.to_vec()))
            .bind(self.last.map(|(_, recorded_at)| recorded_at))
            .bind(self.merchant.as_str())
            .bind(to_sql(self.epoch.0)?)
            .bind(to_sql(self.from.0)?)
            .execute(&mut *connection)
            .await
            .map_err(store)?;
        if moved.rows_affected() == 1 { Ok(()) } else { Err(self.refusal(connection).await?) }
    }

    /// Why the head did not move. A merchant that nobody claimed is in epoch 0, which no writer has.
    async fn refusal(&self, connection: &mut SqliteConnection) -> Result<LogError, LogError> {
        let row = sqlx::query("SELECT epoch, position FROM merchant WHERE merchant = ?1")
            .bind(self.merchant.as_str())
            .fetch_optional(connection)
            .await
            .map_err(store)?;
        let (epoch, current) = match row {
            None => (0, 0),
            Some(row) => (row.try_get(0).map_err(store)?, row.try_get(1).map_err(store)?),
        };
        let (merchant, current_epoch) = (self.merchant.clone(), Epoch(from_sql(epoch)?));
        if current_epoch != self.epoch || current_epoch == Epoch(0) {
            return Ok(LogError::Fenced { merchant, ours: self.epoch, current: current_epoch });
        }
        Ok(LogError::WrongPosition { merchant, expected: self.from, current: Position(from_sql(current)?) })
    }
}

/// The step a part makes. Its events must be the merchant's own, at the positions that follow.
fn step(part: &Append) -> Result<Move, LogError> {
    let mut to = part.expected_position;
    for event in &part.events {
        let next = Position(to.0.saturating_add(1));
        if event.position != next || event.merchant != part.merchant {
            let Append { merchant, .. } = part;
            let found = format!("{} of {}", event.position, event.merchant);
            return Err(damaged(format!(
                "append to {merchant} holds position {found} where {next} should stand"
            )));
        }
        to = next;
    }
    Ok(Move {
        merchant: part.merchant.clone(),
        epoch: part.epoch,
        from: part.expected_position,
        to,
        last: part.events.last().map(|event| (event.hash, event.recorded_at.micros())),
    })
}

fn bind_event(rows: &mut Rows, event: &RecordedEvent) -> Result<(), LogError> {
    rows.put(event.merchant.as_str())?
        .put(to_sql(event.position.0)?)?
        .put(event.stream.as_str())?
        .put(to_sql(event.version.0)?)?
        .put(event.type_name.as_str())?
        .put(i64::from(event.schema_version))?
        .put(event.payload.as_str())?
        .put(event.metadata.as_str())?
        .put(event.occurred_at.micros())?
        .put(event.recorded_at.micros())?
        .put(&event.hash[..])?;
    Ok(())
}

fn bind_message(rows: &mut Rows, merchant: &MerchantId, row: &InboxRow) -> Result<(), LogError> {
    let (first, last) = row.positions.unzip();
    rows.put(merchant.as_str())?
        .put(row.message.as_str())?
        .put(row.account.as_str())?
        .put(row.dedupe_key.as_deref())?
        .put(&row.content_hash[..])?
        .put(row.verdict.as_str())?
        .put(row.reason.as_str())?
        .put(&row.sealed_request[..])?
        .put(&row.sealed_answer[..])?
        .put(first.map(|position| to_sql(position.0)).transpose()?)?
        .put(last.map(|position| to_sql(position.0)).transpose()?)?
        .put(row.received_at.micros())?;
    Ok(())
}

fn bind_number(rows: &mut Rows, merchant: &MerchantId, row: &NumberRow) -> Result<(), LogError> {
    rows.put(merchant.as_str())?
        .put(row.kind.as_str())?
        .put(row.namespace.as_str())?
        .put(row.number.as_str())?
        .put(row.order.to_string())?;
    Ok(())
}
