//! Buying keys from a supplier.

use axum::{extract::State, response::Response};
use engine::OperatorCommand;
use serde::Deserialize;
use vocabulary::{Account, Quantity, Sku};

use crate::{
    api::Shared,
    call::{Answer, Write},
    catalog::Amount,
    extract::Segments,
    free_text,
    problem::Problem,
};

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
