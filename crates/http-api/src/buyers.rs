//! Buyers, by their pseudonyms.

use axum::{Json, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};
use vocabulary::{BuyerId, Position};

use crate::{
    api::Shared,
    extract::{Params, Segments},
    problem::Problem,
};

const LIMIT: u32 = 100;
const LIMIT_MAX: u32 = 500;

/// Which part.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Part {
    /// The `next` of the page before.
    cursor: Option<u64>,
    /// At most so many (100; up to 500).
    limit: Option<u32>,
    /// Wait (at most 2 s) until the read models contain this position.
    min_pos: Option<u64>,
}

/// Everything that happened with one buyer, on all channels, the newest first. A buyer who is not known has an
/// empty timeline.
#[utoipa::path(get, path = "/v1/buyers/{id}/timeline", tag = "buyers", params(("id" = String, Path), Part),
    responses((status = 200, body = Value)))]
pub(crate) async fn timeline(
    State(api): State<Shared>,
    Segments(buyer): Segments<BuyerId>,
    Params(part): Params<Part>,
) -> Result<Json<Value>, Problem> {
    api.caught_up(part.min_pos).await?;
    let limit = part.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let before = part.cursor.map(Position);
    let page =
        projection_timeline::timeline(api.views().reader(), api.merchant(), &buyer, before, limit).await?;
    Ok(Json(json!({ "buyer": buyer, "moments": page.moments, "next": page.next })))
}
