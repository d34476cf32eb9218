//! How an order came to be what it is: every event with its cause, its sentence and what it changed.

use axum::{Json, extract::State};
use events::{Metadata, RecordedEvent};
use projection_orders::Order;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vocabulary::{OrderId, Position};

use super::{
    OrderView,
    changes::{Change, changes},
    read::stream,
    reference::resolve,
};
use crate::{
    api::{Api, Shared},
    event_view::EventView,
    extract::{Params, Segments},
    problem::Problem,
};

const LIMIT: usize = 100;
const LIMIT_MAX: usize = 500;

/// Which part.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Part {
    /// The `next` of the page before: events after this position.
    after: Option<u64>,
    /// At most so many (100; up to 500).
    limit: Option<usize>,
    /// Wait (at most 2 s) until the read models contain this position.
    min_pos: Option<u64>,
}

/// One event of a history.
#[derive(Serialize)]
struct Step {
    #[serde(flatten)]
    event: EventView,
    actor: events::Actor,
    /// The position of the event that led directly to this one.
    cause: Option<Position>,
    /// The inbound message at the start of the conversation.
    message: Option<vocabulary::MessageId>,
    /// What it changed of the order; nothing for events of key pools.
    changes: Vec<Change>,
}

impl Step {
    fn of(event: RecordedEvent, changes: Vec<Change>) -> Result<Self, Problem> {
        let Metadata { actor, causation, correlation, .. } = event.meta()?;
        Ok(Self { event: EventView::of(event)?, actor, cause: causation, message: correlation, changes })
    }
}

/// The history of an order, oldest first: its own events, and those of key pools and of people who searched for it
/// that concern it (from the read models, which may be a moment behind).
#[utoipa::path(get, path = "/v1/orders/{ref}/events", tag = "orders", params(("ref" = String, Path), Part),
    responses((status = 200, body = Value), (status = 404)))]
pub(crate) async fn events(
    State(api): State<Shared>,
    Segments(text): Segments<String>,
    Params(part): Params<Part>,
) -> Result<Json<Value>, Problem> {
    api.caught_up(part.min_pos).await?;
    let order = resolve(&api, &text).await?;
    let own = stream(&api, &order).await?;
    let after = Position(part.after.unwrap_or(0));
    let limit = part.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let first = own.partition_point(|event| event.position <= after);
    let last = own.len().min(first + limit);
    let mut steps = Vec::with_capacity(last - first);
    let mut before = shown(&own[..first])?;
    for n in first..last {
        let now = shown(&own[..=n])?;
        steps.push(Step::of(own[n].clone(), changes(&before, &now))?);
        before = now;
    }
    for event in of_pools(&api, order, after, limit).await? {
        steps.push(Step::of(event, Vec::new())?);
    }
    steps.sort_unstable_by_key(|step| step.event.position);
    let more = own.len() > last || steps.len() > limit;
    steps.truncate(limit);
    let next = steps.last().filter(|_| more).map(|step| step.event.position);
    Ok(Json(json!({ "order": order, "events": steps, "next": next })))
}

/// The order after some of its events, as the API shows it.
fn shown(events: &[RecordedEvent]) -> Result<Value, Problem> {
    Ok(match Order::fold(events) {
        Some(order) => serde_json::to_value(OrderView::from(&order))?,
        None => Value::Object(serde_json::Map::new()),
    })
}

/// Events of key pools that name the order. Those of one unit stand side by side, so runs are read at once.
async fn of_pools(
    api: &Api,
    order: OrderId,
    after: Position,
    limit: usize,
) -> Result<Vec<RecordedEvent>, Problem> {
    let most = u32::try_from(2 * limit).unwrap_or(u32::MAX);
    let known = projection_orders::history(api.views().reader(), api.merchant(), order, after, most).await?;
    let positions: Vec<u64> = known
        .iter()
        .filter(|entry| !entry.stream.starts_with("order-"))
        .map(|entry| entry.position.0)
        .collect();
    let mut all = Vec::with_capacity(positions.len());
    for run in positions.chunk_by(|a, b| a + 1 == *b) {
        let before = Position(run[0] - 1);
        all.extend(api.engine.log().read_log(api.merchant(), before, run.len()).await?);
    }
    Ok(all)
}
