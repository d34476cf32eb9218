//! How an order came to be what it is: every event with its cause, its sentence and what it changed.

use axum::{Json, extract::State};
use events::RecordedEvent;
use projection_orders::{Order, Step, steps};
use serde::Deserialize;
use serde_json::{Value, json};
use vocabulary::{OrderId, Position, StreamVersion};

use super::{read::stream, reference::resolve};
use crate::{
    api::{Api, Shared},
    extract::{Params, Segments},
    problem::Problem,
};

const LIMIT: usize = 100;
const LIMIT_MAX: usize = 500;
/// Events of other streams that are told with an order, at most.
const OTHERS_MAX: u32 = 10_000;

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

/// The history of an order, oldest first: its own events, and those of other streams that concern it (from the read
/// models, which may be a moment behind): what happened to its keys, what led to it, what links its buyer, and who
/// of the staff searched for it or wrote it to a file.
#[utoipa::path(get, path = "/v1/orders/{ref}/events", tag = "orders", params(("ref" = String, Path), Part),
    responses((status = 200, body = Value), (status = 404)))]
pub(crate) async fn events(
    State(api): State<Shared>,
    Segments(text): Segments<String>,
    Params(part): Params<Part>,
) -> Result<Json<Value>, Problem> {
    api.caught_up(part.min_pos).await?;
    let order = resolve(&api, &text).await?;
    // A change is told against the state before it, so the whole is told, and then cut.
    let told = steps(order, gather(&api, order).await?)?;
    let after = Position(part.after.unwrap_or(0));
    let limit = part.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let first = told.partition_point(|step| step.position <= after);
    let page: Vec<&Step> = told[first..].iter().take(limit).collect();
    let next = page.last().filter(|_| told.len() > first + limit).map(|step| step.position);
    Ok(Json(json!({ "order": order, "events": page, "next": next })))
}

/// Everything that is known to concern an order, by position.
pub(crate) async fn gather(api: &Api, order: OrderId) -> Result<Vec<RecordedEvent>, Problem> {
    let mut all = stream(api, &order).await?;
    let buyer = Order::fold(&all).and_then(|order| order.buyer);
    if let Some(buyer) = buyer {
        let most = OTHERS_MAX as usize;
        let log = api.engine.log();
        let of_buyer = log.read_stream(api.merchant(), &buyer.stream(), StreamVersion(0), most).await?;
        all.extend(of_buyer.into_iter().filter(is_about_identity));
    }
    all.extend(of_others(api, order).await?);
    all.sort_unstable_by_key(|event| event.position);
    Ok(all)
}

/// That a buyer was first seen says nothing about an order; that they turned out to be somebody does.
fn is_about_identity(event: &RecordedEvent) -> bool {
    event.type_name != "BuyerRegistered"
}

/// Events of key pools and journals that name the order.
async fn of_others(api: &Api, order: OrderId) -> Result<Vec<RecordedEvent>, Problem> {
    let (db, merchant) = (api.views().reader(), api.merchant());
    let positions = projection_orders::positions_elsewhere(db, merchant, order, OTHERS_MAX).await?;
    let mut all = Vec::with_capacity(positions.len());
    for run in runs(&positions) {
        let before = Position(run[0].0 - 1);
        all.extend(api.engine.log().read_log(merchant, before, run.len()).await?);
    }
    Ok(all)
}

/// Positions that stand side by side, together: those of one unit are read at once.
pub(crate) fn runs(positions: &[Position]) -> impl Iterator<Item = &[Position]> {
    positions.chunk_by(|a, b| a.0 + 1 == b.0)
}
