//! Turns the facts of one atomic unit into recorded events: positions, versions, times, metadata, hashes.

use event_log::Head;
use events::{Actor, Fact, Metadata, RecordedEvent, chain};
use vocabulary::{Account, MerchantId, MessageId, Position, StreamId, StreamVersion, Timestamp, Unit};

use crate::hot::Desk;

/// Why and through whom a unit comes to be.
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    pub(crate) actor: Actor,
    pub(crate) message: Option<MessageId>,
    pub(crate) channel: Option<Account>,
    pub(crate) occurred_at: Option<Timestamp>,
}

/// Numbers, links and stamps the staged facts. What was asked for from outside carries the actor; what a process
/// manager asked for carries its name. Every event but the first names the one before it as its cause, unless it happened elsewhere.
pub(crate) fn seal(
    desk: &mut Desk,
    merchant: &MerchantId,
    head: &mut Head,
    cause: &Cause,
    now: Timestamp,
) -> Result<Vec<RecordedEvent>, serde_json::Error> {
    let staged = std::mem::take(&mut desk.staged);
    if staged.is_empty() {
        return Ok(Vec::new());
    }
    let recorded_at = now.max(head.recorded_at);
    let unit = Unit(head.position.0 + 1);
    let by_process = std::mem::take(&mut desk.by_process);
    let mut elsewhere = std::mem::take(&mut desk.elsewhere);
    let mut recorded = Vec::with_capacity(staged.len());
    for (place, ((stream, fact), by_process)) in staged.into_iter().zip(by_process).enumerate() {
        let elsewhere = elsewhere.remove(&place);
        let follows = place > 0 && elsewhere.is_none();
        let position = Position(head.position.0 + 1);
        let metadata = Metadata {
            event_id: chain::event_id(merchant, position),
            correlation: cause.message.clone(),
            causation: follows.then_some(head.position),
            actor: if by_process { Actor::process("purchase") } else { cause.actor.clone() },
            channel: elsewhere.as_ref().and_then(|it| it.account.clone()).or_else(|| cause.channel.clone()),
            epoch: head.epoch,
            unit,
        };
        let occurred_at = elsewhere.map(|it| it.occurred_at).or(cause.occurred_at);
        let event = record(desk, merchant, head, (stream, fact), &metadata, (occurred_at, recorded_at))?;
        recorded.push(event);
    }
    Ok(recorded)
}

fn record(
    desk: &mut Desk,
    merchant: &MerchantId,
    head: &mut Head,
    (stream, fact): (StreamId, Fact),
    metadata: &Metadata,
    (occurred_at, recorded_at): (Option<Timestamp>, Timestamp),
) -> Result<RecordedEvent, serde_json::Error> {
    let version = desk.advance(&stream, 1, recorded_at);
    let mut event = RecordedEvent {
        merchant: merchant.clone(),
        position: Position(head.position.0 + 1),
        stream,
        version: StreamVersion(version),
        type_name: fact.type_name().to_owned(),
        schema_version: fact.schema_version(),
        payload: fact.to_json(),
        metadata: serde_json::to_string(metadata)?,
        occurred_at: occurred_at.unwrap_or(recorded_at),
        recorded_at,
        hash: [0; 32],
    };
    event.hash = chain::link(&head.hash, &event);
    head.position = event.position;
    head.hash = event.hash;
    head.recorded_at = recorded_at;
    Ok(event)
}
