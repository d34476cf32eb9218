//! Reading orders: lists from the read models, one order from its own events.

use axum::{Json, extract::State};
use events::RecordedEvent;
use projection_orders::{At, Filter, Order, Reference, Status, known_at};
use serde::Deserialize;
use serde_json::{Value, json};
use vocabulary::{Account, BuyerId, ChannelCode, OrderId, Position, Reason, Sku, StreamVersion, Timestamp};

use super::{OrderView, reference::resolve};
use crate::{
    api::{Api, Shared},
    as_of::Moment,
    extract::{Params, Segments},
    problem::Problem,
};

const LIMIT: u32 = 50;
const LIMIT_MAX: u32 = 500;

/// Which orders.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// A reference or the beginning of an order number; then only `limit` goes with it.
    q: Option<String>,
    /// In this state: `awaiting_payment`, `paid`, `backordered`, `delivered`, …
    #[param(value_type = Option<String>)]
    status: Option<Status>,
    /// Placed on this account, `channel/shop`.
    #[param(value_type = Option<String>)]
    account: Option<Account>,
    /// Placed on any shop of this channel.
    #[param(value_type = Option<String>)]
    channel: Option<ChannelCode>,
    /// With a line of this item.
    #[param(value_type = Option<String>)]
    sku: Option<Sku>,
    /// By this buyer (pseudonym).
    #[param(value_type = Option<String>)]
    buyer: Option<BuyerId>,
    /// Held back by a person, or not.
    held: Option<bool>,
    /// Placed at or after this instant (RFC 3339).
    #[param(value_type = Option<String>)]
    from: Option<Timestamp>,
    /// Placed before this instant.
    #[param(value_type = Option<String>)]
    until: Option<Timestamp>,
    /// The `next` of the page before.
    cursor: Option<u64>,
    /// At most so many (50; up to 500).
    limit: Option<u32>,
    /// Wait (at most 2 s) until the read models contain this position.
    min_pos: Option<u64>,
}

/// Orders, the newest first.
#[utoipa::path(get, path = "/v1/orders", tag = "orders", params(Which), responses((status = 200, body = Value)))]
pub(crate) async fn list(
    State(api): State<Shared>,
    Params(which): Params<Which>,
) -> Result<Json<Value>, Problem> {
    api.caught_up(which.min_pos).await?;
    let limit = which.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let (db, merchant) = (api.views().reader(), api.merchant());
    if let Some(text) = &which.q {
        let Ok(reference) = text.parse::<Reference>();
        let found = projection_orders::find(db, merchant, &reference, limit).await?;
        let orders: Vec<OrderView<'_>> = found.iter().map(|found| (&found.order).into()).collect();
        return Ok(Json(json!({ "orders": orders, "next": null })));
    }
    let filter = Filter {
        state: which.status,
        account: which.account,
        channel: which.channel,
        sku: which.sku,
        buyer: which.buyer,
        is_held: which.held,
        placed_from: which.from,
        placed_until: which.until,
    };
    let page = projection_orders::list(db, merchant, &filter, which.cursor.map(Position), limit).await?;
    let orders: Vec<OrderView<'_>> = page.orders.iter().map(Into::into).collect();
    Ok(Json(json!({ "orders": orders, "next": page.next })))
}

/// An order as it is now, from its own events: never behind.
#[utoipa::path(get, path = "/v1/orders/{ref}", tag = "orders", params(("ref" = String, Path,
    description = "Our id, `channel/shop:number` (with `%2F`), `channel:number`, or a number that is unique")),
    responses((status = 200, body = Value), (status = 404), (status = 409)))]
pub(crate) async fn one(
    State(api): State<Shared>,
    Segments(text): Segments<String>,
) -> Result<Json<Value>, Problem> {
    let order = resolve(&api, &text).await?;
    let events = stream(&api, &order).await?;
    snapshot(&events)
}

/// When.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct When {
    /// A position of the log, or an instant (RFC 3339) by our clock; now where not given.
    #[param(value_type = Option<String>)]
    pub(crate) at: Option<Moment>,
}

/// An order as it was at a position or an instant ("as we knew then").
#[utoipa::path(get, path = "/v1/orders/{ref}/state", tag = "orders", params(("ref" = String, Path), When),
    responses((status = 200, body = Value), (status = 404)))]
pub(crate) async fn state(
    State(api): State<Shared>,
    Segments(text): Segments<String>,
    Params(When { at }): Params<When>,
) -> Result<Json<Value>, Problem> {
    let order = resolve(&api, &text).await?;
    let events = stream(&api, &order).await?;
    let known = known_at(&events, at.map_or(At::Head, At::from));
    snapshot(&events[..known])
}

/// The order after some of its events, and which the last of them is.
pub(crate) fn snapshot(events: &[RecordedEvent]) -> Result<Json<Value>, Problem> {
    let not_yet = || Problem::rejected(Reason::UnknownOrder, "the order did not exist yet");
    let last = events.last().ok_or_else(not_yet)?;
    let order = Order::fold(events).ok_or_else(not_yet)?;
    Ok(Json(json!({
        "as_of_pos": last.position, "recorded_at": last.recorded_at, "order": OrderView::from(&order),
    })))
}

/// All events of an order's own stream.
pub(crate) async fn stream(api: &Api, order: &OrderId) -> Result<Vec<RecordedEvent>, Problem> {
    let all = usize::MAX >> 1;
    let events = api.engine.log().read_stream(api.merchant(), &order.stream(), StreamVersion(0), all).await?;
    if events.is_empty() {
        return Err(Problem::rejected(Reason::UnknownOrder, "there is no such order"));
    }
    Ok(events)
}
