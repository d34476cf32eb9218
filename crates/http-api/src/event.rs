//! One event, with the message that it goes back to.

use axum::{Json, extract::State};
use projection_orders::told;
use serde_json::{Value, json};
use vocabulary::Position;

use crate::{
    api::Shared,
    extract::Segments,
    inbox,
    problem::{self, Problem},
};

/// The event at a position, and the inbound message at the start of its conversation with all positions it caused.
#[utoipa::path(get, path = "/v1/events/{position}", tag = "events", params(("position" = u64, Path)),
    responses((status = 200, body = Value), (status = 404)))]
pub(crate) async fn one(
    State(api): State<Shared>,
    Segments(position): Segments<u64>,
) -> Result<Json<Value>, Problem> {
    let log = api.engine.log();
    let before = Position(position.saturating_sub(1));
    let found = log.read_log(api.merchant(), before, 1).await?.into_iter().next();
    let event = found.filter(|event| event.position.0 == position).ok_or_else(|| {
        Problem::new(problem::NOT_FOUND).detail(format!("the log has no position {position}"))
    })?;
    let told = told(event)?;
    let row = match &told.message {
        Some(message) => log.read_inbox(api.merchant(), message).await?,
        None => None,
    };
    Ok(Json(json!({ "event": told, "message": row.as_ref().map(inbox::summary) })))
}
