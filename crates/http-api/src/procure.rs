//! Buying keys from a supplier, and the purchases that were made.

use axum::{Json, extract::State, response::Response};
use engine::OperatorCommand;
use projection_quotas::{PurchaseFilter, PurchaseState, purchases};
use serde::Deserialize;
use serde_json::{Value, json};
use vocabulary::{Account, Position, Quantity, Sku};

use crate::{
    api::Shared,
    call::{Answer, Write},
    catalog::Amount,
    extract::{Params, Segments},
    free_text,
    problem::Problem,
};

const LIMIT: u32 = 50;
const LIMIT_MAX: u32 = 500;

/// Keys to buy.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Purchase {
    /// The account at the supplier, `channel/shop`.
    #[schema(value_type = String)]
    account: Account,
    /// The supplier's item id: 1 to 200 characters.
    item: String,
    /// How many: 1 to 10000.
    #[schema(value_type = u32)]
    quantity: Quantity,
    /// What all of them may cost at most, in minor units.
    max_price: Amount,
    /// Why.
    reason: String,
}

/// Buys keys of a SKU from a supplier. The answer names the purchase and the batch that its keys will be; what came of
/// it is in the events of the stream `procurement-<number>`.
#[utoipa::path(post, path = "/v1/skus/{sku}/procure", tag = "catalogue", request_body = Purchase,
    params(("sku" = String, Path)), responses((status = 200, body = Answer)))]
pub(crate) async fn procure(
    State(api): State<Shared>,
    Segments(sku): Segments<Sku>,
    Write { body, call }: Write<Purchase>,
) -> Result<Response, Problem> {
    let Purchase { account, item, quantity, max_price, reason } = body;
    free_text::check(&api, "reason", &reason).await?;
    let max_price = max_price.into();
    let command = OperatorCommand::Procure { sku, account, item, quantity, max_price, reason };
    call.perform(&api, command).await
}

/// Which purchases.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// With this number of ours.
    purchase: Option<String>,
    /// For this item.
    #[param(value_type = Option<String>)]
    sku: Option<Sku>,
    /// At this account, `channel/shop`.
    #[param(value_type = Option<String>)]
    account: Option<Account>,
    /// In this state: `requested`, `accepted`, `keys`, `failed` or `for_a_person`.
    #[param(value_type = Option<String>)]
    state: Option<PurchaseState>,
    /// The `next` of the page before.
    cursor: Option<u64>,
    /// At most so many (50; up to 500).
    limit: Option<u32>,
    /// Wait (at most 2 s) until the read models contain this position.
    min_pos: Option<u64>,
}

/// Purchases from suppliers, the newest first, each with what came of it.
#[utoipa::path(get, path = "/v1/purchases", tag = "catalogue", params(Which),
    responses((status = 200, body = Value)))]
pub(crate) async fn list(
    State(api): State<Shared>,
    Params(which): Params<Which>,
) -> Result<Json<Value>, Problem> {
    api.caught_up(which.min_pos).await?;
    let limit = which.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let filter = PurchaseFilter {
        purchase: which.purchase,
        sku: which.sku,
        account: which.account,
        state: which.state,
    };
    let before = which.cursor.map(Position);
    let (found, next) = purchases(api.views().reader(), api.merchant(), &filter, before, limit).await?;
    Ok(Json(json!({ "purchases": found, "next": next })))
}
