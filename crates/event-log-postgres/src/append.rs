//! An append, ready to be sent: what is checked before, what is bound, and how to tell later whether it is stored.

use event_log::{Append, InboxRow, LogError, NumberRow};
use events::RecordedEvent;
use sqlx::{PgConnection, query};
use vocabulary::{Epoch, MerchantId, Position};

use crate::{
    error::{damaged, head_elsewhere, store, to_sql},
    text::to_stored,
};

const APPEND: &str = "SELECT kami_log.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, \
                      $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34)";

/// Several appends, to be stored in one transaction.
pub(crate) struct Batch {
    /// By merchant; steps of one merchant in their order.
    moves: Vec<Move>,
    parts: Vec<Append>,
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
    /// Checks the events' positions. Heads are locked by name, so that two batches cannot wait for each other.
    pub(crate) fn of(parts: &[Append]) -> Result<Self, LogError> {
        let mut moves = parts.iter().map(step).collect::<Result<Vec<_>, _>>()?;
        moves.sort_by(|a, b| a.merchant.cmp(&b.merchant));
        Ok(Self { moves, parts: parts.to_vec() })
    }

    /// Where each merchant stands after the batch.
    pub(crate) fn ends(&self) -> impl Iterator<Item = (&MerchantId, Position)> {
        self.moves.iter().map(|step| (&step.merchant, step.to))
    }

    /// Sends everything as one statement, which is its own transaction, and returns when the server has committed.
    pub(crate) async fn store(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let bound = self.bound().map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        bound.execute(connection).await.map(drop)
    }

    fn bound(&self) -> Result<Bound<'_>, LogError> {
        let moves = &self.moves;
        let heads = query(APPEND)
            .bind(moves.iter().map(|step| step.merchant.as_str()).collect::<Vec<_>>())
            .bind(moves.iter().map(|step| to_sql(step.epoch.0)).collect::<Result<Vec<_>, _>>()?)
            .bind(moves.iter().map(|step| to_sql(step.from.0)).collect::<Result<Vec<_>, _>>()?)
            .bind(moves.iter().map(|step| to_sql(step.to.0)).collect::<Result<Vec<_>, _>>()?)
            .bind(moves.iter().map(|step| step.last.as_ref().map(|(hash, _)| &hash[..])).collect::<Vec<_>>())
            .bind(moves.iter().map(|step| step.last.map(|(_, at)| at)).collect::<Vec<_>>());
        let events = self.parts.iter().flat_map(|part| &part.events).collect::<Vec<_>>();
        let messages = self.rows(|part| &part.inbox);
        let numbers = self.rows(|part| &part.numbers);
        Ok(bind_numbers(bind_messages(bind_events(heads, &events)?, &messages)?, &numbers))
    }

    fn rows<'a, T>(&'a self, of: impl Fn(&'a Append) -> &'a Vec<T>) -> Vec<(&'a MerchantId, &'a T)> {
        self.parts.iter().flat_map(|part| of(part).iter().map(|row| (&part.merchant, row))).collect()
    }

    /// The contract's word for what the server said.
    pub(crate) fn refusal(&self, error: sqlx::Error) -> LogError {
        if let sqlx::Error::Encode(inner) = error {
            return LogError::Damaged(inner.to_string());
        }
        let Some((number, epoch, position)) = head_elsewhere(&error) else { return store(error) };
        let Some(step) = self.moves.get(number) else { return store(error) };
        let (merchant, current) = (step.merchant.clone(), Epoch(epoch));
        if current != step.epoch || current == Epoch(0) {
            return LogError::Fenced { merchant, ours: step.epoch, current };
        }
        LogError::WrongPosition { merchant, expected: step.from, current: Position(position) }
    }

    /// Whether the batch is stored, as its first event, message or number shows: it was stored whole or not at all, and
    /// nobody else can have written the same. A batch of none of them leaves no trace, and needs none.
    pub(crate) async fn is_stored(&self, connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
        let events = self.parts.iter().flat_map(|part| part.events.last());
        let (messages, numbers) = (self.rows(|part| &part.inbox), self.rows(|part| &part.numbers));
        let witness = if let Some(event) = events.last() {
            query("SELECT 1 FROM kami_log.event WHERE merchant = $1 AND position = $2 AND hash = $3")
                .bind(event.merchant.as_str())
                .bind(i64::try_from(event.position.0).unwrap_or(i64::MAX))
                .bind(&event.hash[..])
        } else if let Some((merchant, row)) = messages.first() {
            // What is sealed was sealed once: nobody else has the same bytes.
            query("SELECT 1 FROM kami_log.inbox WHERE merchant = $1 AND message = $2 AND sealed_request = $3")
                .bind(merchant.as_str())
                .bind(row.message.as_str())
                .bind(&row.sealed_request)
        } else if let Some((merchant, row)) = numbers.first() {
            query(
                "SELECT 1 FROM kami_log.number WHERE merchant = $1 AND kind = $2 AND namespace = $3 AND number = $4 \
                 AND order_id = $5",
            )
            .bind(merchant.as_str())
            .bind(row.kind.as_str())
            .bind(to_stored(&row.namespace))
            .bind(to_stored(&row.number))
            .bind(row.order.to_string())
        } else {
            return Ok(true);
        };
        Ok(witness.fetch_optional(connection).await?.is_some())
    }
}

pub(crate) type Bound<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

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

pub(crate) fn bind_events<'q>(bound: Bound<'q>, events: &[&'q RecordedEvent]) -> Result<Bound<'q>, LogError> {
    let texts =
        |of: fn(&'q RecordedEvent) -> &'q str| events.iter().map(|event| of(event)).collect::<Vec<_>>();
    let times = |of: fn(&'q RecordedEvent) -> i64| events.iter().map(|event| of(event)).collect::<Vec<_>>();
    let counters = |of: fn(&'q RecordedEvent) -> u64| {
        events.iter().map(|event| to_sql(of(event))).collect::<Result<Vec<_>, _>>()
    };
    Ok(bound
        .bind(texts(|event| event.merchant.as_str()))
        .bind(counters(|event| event.position.0)?)
        .bind(texts(|event| event.stream.as_str()))
        .bind(counters(|event| event.version.0)?)
        .bind(texts(|event| &event.type_name))
        .bind(events.iter().map(|event| i32::from(event.schema_version)).collect::<Vec<_>>())
        .bind(texts(|event| &event.payload))
        .bind(texts(|event| &event.metadata))
        .bind(times(|event| event.occurred_at.micros()))
        .bind(times(|event| event.recorded_at.micros()))
        .bind(events.iter().map(|event| &event.hash[..]).collect::<Vec<_>>()))
}

fn bind_messages<'q>(
    bound: Bound<'q>,
    rows: &[(&'q MerchantId, &'q InboxRow)],
) -> Result<Bound<'q>, LogError> {
    let texts = |of: fn(&'q InboxRow) -> &'q str| rows.iter().map(|(_, row)| of(row)).collect::<Vec<_>>();
    let bytes = |of: fn(&'q InboxRow) -> &'q [u8]| rows.iter().map(|(_, row)| of(row)).collect::<Vec<_>>();
    let ends = |of: fn((Position, Position)) -> Position| {
        let end = |row: &InboxRow| row.positions.map(|both| to_sql(of(both).0)).transpose();
        rows.iter().map(|(_, row)| end(row)).collect::<Result<Vec<_>, _>>()
    };
    Ok(bound
        .bind(rows.iter().map(|(merchant, _)| merchant.as_str()).collect::<Vec<_>>())
        .bind(texts(|row| row.message.as_str()))
        .bind(texts(|row| row.account.as_str()))
        .bind(rows.iter().map(|(_, row)| row.dedupe_key.as_deref().map(to_stored)).collect::<Vec<_>>())
        .bind(bytes(|row| &row.content_hash))
        .bind(texts(|row| row.verdict.as_str()))
        .bind(texts(|row| &row.reason))
        .bind(bytes(|row| &row.sealed_request))
        .bind(bytes(|row| &row.sealed_answer))
        .bind(ends(|(first, _)| first)?)
        .bind(ends(|(_, last)| last)?)
        .bind(rows.iter().map(|(_, row)| row.received_at.micros()).collect::<Vec<_>>()))
}

fn bind_numbers<'q>(bound: Bound<'q>, rows: &[(&'q MerchantId, &'q NumberRow)]) -> Bound<'q> {
    bound
        .bind(rows.iter().map(|(merchant, _)| merchant.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, row)| row.kind.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, row)| to_stored(&row.namespace)).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, row)| to_stored(&row.number)).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, row)| row.order.to_string()).collect::<Vec<_>>())
}
