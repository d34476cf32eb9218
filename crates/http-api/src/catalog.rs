//! SKUs, their prices and their quotas.

use axum::{Json, extract::State, response::Response};
use domain::{Decider, price};
use engine::OperatorCommand;
use events::{Fact, sku::SkuDefined};
use serde::Deserialize;
use serde_json::{Value, json};
use vocabulary::{
    Account, ChannelCode, Currency, KeyKind, KeyRef, Money, Reason, ShopId, Sku, StreamVersion, Timestamp,
};

use crate::{
    api::{Api, Shared},
    call::{Answer, Write},
    channels::Fresh,
    extract::{Params, Segments},
    free_text,
    problem::Problem,
    table,
};

/// An amount of money.
#[derive(Deserialize, Clone, Copy, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Amount {
    /// In minor units (fen, cents).
    minor: i64,
    /// `CNY`, `USD`, …
    #[schema(value_type = String, example = "CNY")]
    currency: Currency,
}

impl From<Amount> for Money {
    fn from(amount: Amount) -> Self {
        Money::new(amount.minor, amount.currency)
    }
}

/// What sort of keys a SKU is sold from.
#[derive(Deserialize, Clone, Copy, Default, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub(crate) enum Kind {
    /// Sold to one buyer.
    #[default]
    OneShot,
    /// Sold to `use_limit` buyers.
    Reusable {
        /// At least 1.
        use_limit: u32,
    },
    /// A card number with a separate secret.
    Pair,
}

/// A sellable item.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Definition {
    /// The name people see.
    name: String,
    /// The product family, within which keys are unique. Cannot change.
    family: String,
    /// What sort of keys; one buyer each where not given. Cannot change.
    #[serde(default)]
    key_kind: Kind,
    /// The value printed on the card.
    face_value: Option<Amount>,
}

/// Defines a SKU, or renames it.
#[utoipa::path(put, path = "/v1/skus/{sku}", tag = "catalogue", request_body = Definition,
    params(("sku" = String, Path)), responses((status = 200, body = Answer)))]
pub(crate) async fn define(
    State(api): State<Shared>,
    Segments(sku): Segments<Sku>,
    Write { body, call }: Write<Definition>,
) -> Result<Response, Problem> {
    let key_kind = match body.key_kind {
        Kind::OneShot => KeyKind::OneShot,
        Kind::Reusable { use_limit } => KeyKind::Reusable { use_limit },
        Kind::Pair => KeyKind::Pair,
    };
    let Definition { name, family, face_value, .. } = body;
    let defined = SkuDefined { sku, name, family, key_kind, face_value: face_value.map(Into::into) };
    call.perform(&api, OperatorCommand::DefineSku(defined)).await
}

/// All SKUs.
#[utoipa::path(get, path = "/v1/skus", tag = "catalogue", params(Fresh), responses((status = 200, body = Value)))]
pub(crate) async fn list(
    State(api): State<Shared>,
    Params(fresh): Params<Fresh>,
) -> Result<Json<Value>, Problem> {
    api.caught_up(fresh.min_pos).await?;
    Ok(Json(json!({ "skus": table::all(&api, "sku_row").await? })))
}

/// A SKU as it is defined now, from its stream.
pub(crate) async fn defined(api: &Api, sku: &Sku) -> Result<SkuDefined, Problem> {
    let events = api
        .engine
        .log()
        .read_stream(api.merchant(), &sku.stream(), StreamVersion(0), usize::MAX >> 1)
        .await?;
    let last = events.last().map(events::RecordedEvent::fact).transpose()?;
    match last {
        Some(Fact::SkuDefined(defined)) => Ok(defined),
        _ => Err(Problem::rejected(Reason::UnknownSku, format!("{sku} is not defined"))),
    }
}

/// A price to set.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Price {
    /// For this account, `channel/shop`; for all without their own where not given.
    #[schema(value_type = Option<String>)]
    account: Option<Account>,
    /// The price of one unit.
    unit_price: Amount,
    /// From when (RFC 3339); now where not given.
    #[schema(value_type = Option<String>)]
    valid_from: Option<Timestamp>,
    /// Until when, exclusive; until replaced where not given.
    #[schema(value_type = Option<String>)]
    valid_until: Option<Timestamp>,
    /// Why.
    reason: String,
}

/// Sets a price.
#[utoipa::path(put, path = "/v1/skus/{sku}/prices", tag = "catalogue", request_body = Price,
    params(("sku" = String, Path)), responses((status = 200, body = Answer)))]
pub(crate) async fn set_price(
    State(api): State<Shared>,
    Segments(sku): Segments<Sku>,
    Write { body, call }: Write<Price>,
) -> Result<Response, Problem> {
    let Price { account, unit_price, valid_from, valid_until, reason } = body;
    free_text::check(&api, "reason", &reason).await?;
    let unit_price = unit_price.into();
    let set = OperatorCommand::SetPrice { sku, account, unit_price, valid_from, valid_until, reason };
    call.perform(&api, set).await
}

/// The prices of a SKU: the general ones (without an account) and those of accounts, past and to come.
#[utoipa::path(get, path = "/v1/skus/{sku}/prices", tag = "catalogue", params(("sku" = String, Path)),
    responses((status = 200, body = Value)))]
pub(crate) async fn prices(
    State(api): State<Shared>,
    Segments(sku): Segments<Sku>,
) -> Result<Json<Value>, Problem> {
    defined(&api, &sku).await?;
    let stream = sku.price_stream();
    let events =
        api.engine.log().read_stream(api.merchant(), &stream, StreamVersion(0), usize::MAX >> 1).await?;
    let mut state = price::State::default();
    for event in events {
        price::PriceBook::evolve(&mut state, &event.fact()?);
    }
    let whose = std::iter::once(None).chain(state.accounts().map(Some));
    let prices: Vec<Value> = whose
        .flat_map(|account| {
            state.prices(account).map(move |(from, price)| {
                json!({
                    "account": account, "unit_price": price.unit_price, "valid_from": from,
                    "valid_until": price.valid_until,
                })
            })
        })
        .collect();
    Ok(Json(json!({ "sku": sku, "prices": prices })))
}

/// A quota to set.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Quota {
    /// Units set aside for the account.
    floor: u64,
    /// Units it may sell in all from now on; no limit where not given.
    cap: Option<u64>,
    /// Why.
    reason: String,
}

/// Sets the quota of an account.
#[utoipa::path(put, path = "/v1/skus/{sku}/quotas/{channel}/{shop}", tag = "catalogue", request_body = Quota,
    params(("sku" = String, Path), ("channel" = String, Path), ("shop" = String, Path)),
    responses((status = 200, body = Answer)))]
pub(crate) async fn set_quota(
    State(api): State<Shared>,
    Segments((sku, channel, shop)): Segments<(Sku, ChannelCode, ShopId)>,
    Write { body, call }: Write<Quota>,
) -> Result<Response, Problem> {
    let Quota { floor, cap, reason } = body;
    free_text::check(&api, "reason", &reason).await?;
    let account = Account::new(&channel, &shop);
    call.perform(&api, OperatorCommand::SetQuota { sku, account, floor, cap, reason }).await
}

/// The quota board of a SKU: what each account may sell now.
#[utoipa::path(get, path = "/v1/skus/{sku}/quotas", tag = "catalogue", params(("sku" = String, Path), Fresh),
    responses((status = 200, body = Value)))]
pub(crate) async fn quotas(
    State(api): State<Shared>,
    Segments(sku): Segments<Sku>,
    Params(fresh): Params<Fresh>,
) -> Result<Json<Value>, Problem> {
    api.caught_up(fresh.min_pos).await?;
    let mut conn = api.views().reader().acquire().await?;
    let board = projection_quotas::board(&mut conn, api.merchant(), Some(&sku), api.engine.now()).await?;
    match board.into_iter().next() {
        Some(board) => Ok(Json(json!(board))),
        None => {
            // An item without stock has no row yet.
            defined(&api, &sku).await?;
            Ok(Json(json!({ "sku": sku, "sellable": 0, "shared": 0, "accounts": [] })))
        }
    }
}

/// Units of stock, and why.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Units {
    /// By batch and index, `b3-17`.
    #[schema(value_type = Vec<String>)]
    keys: Vec<KeyRef>,
    /// Why.
    reason: String,
}

/// Takes units in stock out for good.
#[utoipa::path(post, path = "/v1/skus/{sku}/void", tag = "catalogue", request_body = Units,
    params(("sku" = String, Path)), responses((status = 200, body = Answer)))]
pub(crate) async fn void(
    State(api): State<Shared>,
    Segments(sku): Segments<Sku>,
    Write { body, call }: Write<Units>,
) -> Result<Response, Problem> {
    let Units { keys, reason } = body;
    free_text::check(&api, "reason", &reason).await?;
    call.perform(&api, OperatorCommand::Void { sku, keys, reason }).await
}
