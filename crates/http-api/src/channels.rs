//! Channel protocols and connected shop accounts.

use axum::{Json, extract::State, response::Response};
use engine::{Connection, OperatorCommand};
use ring::digest;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use vocabulary::{Account, ChannelCode, Currency, Reason, Secret, ShopId, Sku};

use crate::{
    api::Shared,
    call::{Answer, Write, json as json_reply},
    explain,
    extract::{Params, Segments},
    free_text,
    problem::Problem,
    table,
};

/// A question that wants to see at least this position.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Fresh {
    /// Wait (at most 2 s) until the read models contain this position.
    pub(crate) min_pos: Option<u64>,
}

/// The channel protocols there are: what each can do, and settings to start from.
#[utoipa::path(get, path = "/v1/protocols", tag = "channels", responses((status = 200, body = Value)))]
pub(crate) async fn protocols(State(api): State<Shared>) -> Json<Value> {
    let described = |protocol: &channel::Protocol| {
        let manifest = protocol.manifest;
        let example: Value = serde_json::from_str(protocol.example_settings).unwrap_or_default();
        json!({
            "code": manifest.code, "name": manifest.name.0, "name_zh": manifest.name.1,
            "inbound": manifest.inbound.iter().map(|kind| format!("{kind:?}").to_lowercase()).collect::<Vec<_>>(),
            "capabilities": manifest.capabilities,
            "clock_tolerance_secs": manifest.clock_tolerance_secs,
            "limits": {
                "calls_per_s": manifest.limits.calls_per_s, "concurrency": manifest.limits.concurrency,
                "timeout_ms": manifest.limits.timeout_ms,
            },
            "sources": manifest.sources, "example_settings": example,
        })
    };
    Json(Value::Array(api.engine.protocols().iter().map(described).collect()))
}

/// The connected accounts.
#[utoipa::path(get, path = "/v1/channels", tag = "channels", params(Fresh), responses((status = 200, body = Value)))]
pub(crate) async fn list(
    State(api): State<Shared>,
    Params(fresh): Params<Fresh>,
) -> Result<Json<Value>, Problem> {
    api.caught_up(fresh.min_pos).await?;
    let mut rows = table::all(&api, "channel_row").await?;
    for row in &mut rows {
        let account = row["channel"].as_str().and_then(|text| text.parse::<Account>().ok());
        let adapter = account.as_ref().and_then(|account| api.engine.adapter(account));
        row["upkeep"] = json!(account.as_ref().map(|account| api.engine.upkeep(account)));
        row["capabilities"] = json!(adapter.map(|adapter| adapter.manifest().capabilities));
    }
    Ok(Json(json!({ "channels": rows })))
}

/// A shop account to connect.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Connect {
    /// `channel/shop`.
    #[schema(value_type = String, example = "generic/main")]
    account: Account,
    /// The name people see.
    name: String,
    /// The currency of its amounts.
    #[schema(value_type = String, example = "CNY")]
    currency: Currency,
    /// The account whose order numbers it shares; its own where not given.
    #[schema(value_type = Option<String>)]
    orders_of: Option<Account>,
    /// The adapter's settings, with secrets. They are sealed and never shown again.
    #[schema(value_type = Value)]
    settings: Box<RawValue>,
}

/// Connects a shop account, or changes its set-up. The settings are tried at once.
#[utoipa::path(post, path = "/v1/channels", tag = "channels", request_body = Connect,
    responses((status = 200, body = Answer)))]
pub(crate) async fn connect(State(api): State<Shared>, write: Write<Connect>) -> Result<Response, Problem> {
    let Write { body, mut call } = write;
    call.forget_body();
    let Connect { account, name, currency, orders_of, settings } = body;
    if account.shop() == explain::RESERVED_SHOP {
        return Err(Problem::parameter(
            "account: no shop can be called explain, which is an address of ours",
        ));
    }
    let orders_of_account = orders_of.clone().unwrap_or_else(|| account.clone());
    let settings_digest = hex::encode(digest::digest(&digest::SHA256, settings.get().as_bytes()));
    let fulfilled = OperatorCommand::Connect {
        account: account.clone(),
        name: name.clone(),
        currency,
        orders_of: orders_of_account.clone(),
        settings_digest,
    };
    if call.was_answered(&api).await? {
        // An old repeat must not bring old settings back.
        return call.keep_answer(&api, fulfilled, json_reply(&())).await;
    }
    if orders_of_account != account && api.engine.adapter(&orders_of_account).is_none() {
        return Err(Problem::rejected(Reason::UnknownChannel, "orders_of is not a connected account"));
    }
    let settings = Secret::new(settings.get().to_owned());
    let connection = Connection { account, name, currency, orders_of, settings };
    let (engine, actor) = (api.engine.clone(), call.operator().actor());
    // Not tied to the request: a caller who hangs up must not leave settings without their event.
    let connecting = tokio::spawn(async move { engine.connect(actor, connection).await });
    let answer = connecting.await.map_err(|error| Problem::internal("connecting an account", &error))??;
    call.keep_answer(&api, fulfilled, json_reply(&Answer::from(&answer))).await
}

/// Why.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Why {
    /// Why, in a sentence without personal data.
    pub(crate) reason: String,
}

/// Stops sales on an account. Paid orders wait, nothing is lost.
#[utoipa::path(post, path = "/v1/channels/{channel}/{shop}/suspend", tag = "channels", request_body = Why,
    params(("channel" = String, Path), ("shop" = String, Path)), responses((status = 200, body = Answer)))]
pub(crate) async fn suspend(
    State(api): State<Shared>,
    Segments((channel, shop)): Segments<(ChannelCode, ShopId)>,
    Write { body, call }: Write<Why>,
) -> Result<Response, Problem> {
    free_text::check(&api, "reason", &body.reason).await?;
    let account = Account::new(&channel, &shop);
    call.perform(&api, OperatorCommand::Suspend { account, reason: body.reason }).await
}

/// Lets sales go on.
#[utoipa::path(post, path = "/v1/channels/{channel}/{shop}/resume", tag = "channels", request_body = Why,
    params(("channel" = String, Path), ("shop" = String, Path)), responses((status = 200, body = Answer)))]
pub(crate) async fn resume(
    State(api): State<Shared>,
    Segments((channel, shop)): Segments<(ChannelCode, ShopId)>,
    Write { body, call }: Write<Why>,
) -> Result<Response, Problem> {
    free_text::check(&api, "reason", &body.reason).await?;
    let account = Account::new(&channel, &shop);
    call.perform(&api, OperatorCommand::Resume { account, reason: body.reason }).await
}

/// A listing.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listing {
    /// `channel/shop`.
    #[schema(value_type = String)]
    account: Account,
    /// The channel's item id, with its own sku id as `item/sku` where it has one.
    item: String,
    /// Our SKU.
    #[schema(value_type = String)]
    sku: Sku,
}

/// Maps an item of a channel to a SKU.
#[utoipa::path(post, path = "/v1/listings", tag = "channels", request_body = Listing,
    responses((status = 200, body = Answer)))]
pub(crate) async fn map(
    State(api): State<Shared>,
    Write { body, call }: Write<Listing>,
) -> Result<Response, Problem> {
    let Listing { account, item, sku } = body;
    call.perform(&api, OperatorCommand::MapListing { account, item, sku }).await
}

/// Unmaps an item of a channel. A slash in the item is written `%2F`.
#[utoipa::path(delete, path = "/v1/listings/{channel}/{shop}/{item}", tag = "channels",
    params(("channel" = String, Path), ("shop" = String, Path), ("item" = String, Path)),
    responses((status = 200, body = Answer)))]
pub(crate) async fn unmap(
    State(api): State<Shared>,
    Segments((channel, shop, item)): Segments<(ChannelCode, ShopId, String)>,
    Write { body: Nothing {}, call }: Write<Nothing>,
) -> Result<Response, Problem> {
    let account = Account::new(&channel, &shop);
    call.perform(&api, OperatorCommand::RemoveListing { account, item }).await
}

/// Nothing.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// Whose listings.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfAccount {
    /// `channel/shop`.
    #[param(value_type = String)]
    account: Account,
}

/// The items an account sells, as of everything that was recorded when it was asked.
#[utoipa::path(get, path = "/v1/listings", tag = "channels", params(OfAccount),
    responses((status = 200, body = Value), (status = 404)))]
pub(crate) async fn listings(
    State(api): State<Shared>,
    Params(OfAccount { account }): Params<OfAccount>,
) -> Result<Json<Value>, Problem> {
    if api.engine.adapter(&account).is_none() {
        return Err(Problem::rejected(Reason::UnknownChannel, format!("{account} is not connected")));
    }
    // Who has just mapped an item sees it.
    api.caught_up(Some(api.log_head().await?.0)).await?;
    let listed = projection_quotas::listings(api.views().reader(), api.merchant(), &account).await?;
    let listings: Vec<Value> =
        listed.iter().map(|(item, sku)| json!({ "account": account, "item": item, "sku": sku })).collect();
    Ok(Json(json!({ "listings": listings })))
}
