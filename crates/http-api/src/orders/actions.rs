//! What support does with an order. Each is a wish that the engine decides on, and an event in the order's history.

use axum::{extract::State, response::Response};
use channel::Reply;
use engine::{OperatorAnswer, OperatorCommand, OrderRef};
use serde::{Deserialize, Serialize};
use vocabulary::{CardKey, KeyRef};

use super::reference::resolve;
use crate::{
    api::Shared,
    call::{Answer, Write, json},
    catalog::Amount,
    channels::Why,
    extract::Segments,
    free_text,
    problem::Problem,
};

/// A resend.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Again {
    /// Why: kept in the order's history.
    reason: Option<String>,
}

/// Hands the order's keys over once more.
#[utoipa::path(post, path = "/v1/orders/{ref}/resend", tag = "orders", request_body = Again,
    params(("ref" = String, Path)), responses((status = 200, body = Answer)))]
pub(crate) async fn resend(
    State(api): State<Shared>,
    Segments(text): Segments<String>,
    Write { body: Again { reason }, call }: Write<Again>,
) -> Result<Response, Problem> {
    if let Some(reason) = &reason {
        free_text::check(&api, "reason", reason).await?;
    }
    let order = OrderRef::Id(resolve(&api, &text).await?);
    call.perform(&api, OperatorCommand::Resend { order, reason }).await
}

/// Who bears the cost of a bad key.
#[derive(Deserialize, Clone, Copy, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CostOwner {
    /// Whoever supplied it.
    Supplier,
    /// We do.
    Us,
    /// The buyer does.
    Buyer,
}

/// A bad key.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BadKey {
    /// By batch and index, `b3-17`.
    #[schema(value_type = String)]
    key: KeyRef,
    /// What is wrong with it.
    reason: String,
    /// Who bears the cost.
    cost_owner: CostOwner,
}

/// Replaces a bad key by a good one, which is handed over.
#[utoipa::path(post, path = "/v1/orders/{ref}/replace", tag = "orders", request_body = BadKey,
    params(("ref" = String, Path)), responses((status = 200, body = Answer)))]
pub(crate) async fn replace(
    State(api): State<Shared>,
    Segments(text): Segments<String>,
    Write { body, call }: Write<BadKey>,
) -> Result<Response, Problem> {
    let BadKey { key, reason, cost_owner } = body;
    free_text::check(&api, "reason", &reason).await?;
    let cost_owner = match cost_owner {
        CostOwner::Supplier => "supplier",
        CostOwner::Us => "us",
        CostOwner::Buyer => "buyer",
    };
    let order = OrderRef::Id(resolve(&api, &text).await?);
    call.perform(&api, OperatorCommand::Replace { order, key, reason, cost_owner: cost_owner.to_owned() })
        .await
}

/// Money back.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refund {
    /// The number of the request this grants; a new refund where not given.
    refund: Option<String>,
    /// How much; all that is left where not given.
    amount: Option<Amount>,
    /// Why.
    reason: String,
}

/// Agrees to pay money back. An account that can pays it; otherwise it is due until settled by hand.
#[utoipa::path(post, path = "/v1/orders/{ref}/refund", tag = "orders", request_body = Refund,
    params(("ref" = String, Path)), responses((status = 200, body = Answer)))]
pub(crate) async fn refund(
    State(api): State<Shared>,
    Segments(text): Segments<String>,
    Write { body, call }: Write<Refund>,
) -> Result<Response, Problem> {
    let Refund { refund, amount, reason } = body;
    free_text::check(&api, "reason", &reason).await?;
    let order = OrderRef::Id(resolve(&api, &text).await?);
    call.perform(&api, OperatorCommand::Refund { order, refund, amount: amount.map(Into::into), reason })
        .await
}

/// A refund, and why.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefundAndWhy {
    /// The refund's number.
    refund: String,
    /// Why.
    reason: String,
}

/// Turns a request for money back down.
#[utoipa::path(post, path = "/v1/orders/{ref}/refuse-refund", tag = "orders", request_body = RefundAndWhy,
    params(("ref" = String, Path)), responses((status = 200, body = Answer)))]
pub(crate) async fn refuse_refund(
    State(api): State<Shared>,
    Segments(text): Segments<String>,
    Write { body, call }: Write<RefundAndWhy>,
) -> Result<Response, Problem> {
    let RefundAndWhy { refund, reason } = body;
    free_text::check(&api, "reason", &reason).await?;
    let order = OrderRef::Id(resolve(&api, &text).await?);
    call.perform(&api, OperatorCommand::RefuseRefund { order, refund, reason }).await
}

/// A refund.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefundNumber {
    /// The refund's number.
    refund: String,
}

/// Records that a refund was paid by hand.
#[utoipa::path(post, path = "/v1/orders/{ref}/settle-refund", tag = "orders", request_body = RefundNumber,
    params(("ref" = String, Path)), responses((status = 200, body = Answer)))]
pub(crate) async fn settle_refund(
    State(api): State<Shared>,
    Segments(text): Segments<String>,
    Write { body, call }: Write<RefundNumber>,
) -> Result<Response, Problem> {
    let order = OrderRef::Id(resolve(&api, &text).await?);
    call.perform(&api, OperatorCommand::SettleRefund { order, refund: body.refund }).await
}

/// Stops everything about an order.
#[utoipa::path(post, path = "/v1/orders/{ref}/hold", tag = "orders", request_body = Why,
    params(("ref" = String, Path)), responses((status = 200, body = Answer)))]
pub(crate) async fn hold(
    State(api): State<Shared>,
    Segments(text): Segments<String>,
    Write { body: Why { reason }, call }: Write<Why>,
) -> Result<Response, Problem> {
    free_text::check(&api, "reason", &reason).await?;
    let order = OrderRef::Id(resolve(&api, &text).await?);
    call.perform(&api, OperatorCommand::Hold { order, reason }).await
}

/// Lets a held order go on.
#[utoipa::path(post, path = "/v1/orders/{ref}/release", tag = "orders", request_body = Why,
    params(("ref" = String, Path)), responses((status = 200, body = Answer)))]
pub(crate) async fn release(
    State(api): State<Shared>,
    Segments(text): Segments<String>,
    Write { body: Why { reason }, call }: Write<Why>,
) -> Result<Response, Problem> {
    free_text::check(&api, "reason", &reason).await?;
    let order = OrderRef::Id(resolve(&api, &text).await?);
    call.perform(&api, OperatorCommand::Release { order, reason }).await
}

/// A note.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Note {
    /// What to write down: at most 500 characters, without personal data and card keys.
    text: String,
}

/// Writes something down in the order's history.
#[utoipa::path(post, path = "/v1/orders/{ref}/note", tag = "orders", request_body = Note,
    params(("ref" = String, Path)), responses((status = 200, body = Answer), (status = 422)))]
pub(crate) async fn note(
    State(api): State<Shared>,
    Segments(named): Segments<String>,
    Write { body: Note { text }, call }: Write<Note>,
) -> Result<Response, Problem> {
    free_text::check(&api, "text", &text).await?;
    let order = OrderRef::Id(resolve(&api, &named).await?);
    call.perform(&api, OperatorCommand::Note { order, text }).await
}

/// Keys in clear.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Revealed<'a> {
    #[serde(flatten)]
    answer: Answer,
    keys: Vec<ClearKey<'a>>,
}

/// A key in clear.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct ClearKey<'a> {
    /// Which key.
    #[schema(value_type = String)]
    key: KeyRef,
    /// The card number, or the only code there is.
    code: &'a str,
    /// The separate secret of a pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pin: Option<&'a str>,
    /// The last day on which it can be redeemed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    expires_on: Option<chrono::NaiveDate>,
}

/// Shows an order's keys. Who looked and why is recorded before they leave.
#[utoipa::path(post, path = "/v1/orders/{ref}/reveal", tag = "orders", request_body = Why,
    params(("ref" = String, Path)), responses((status = 200, body = Revealed)))]
pub(crate) async fn reveal(
    State(api): State<Shared>,
    Segments(text): Segments<String>,
    Write { body: Why { reason }, call }: Write<Why>,
) -> Result<Response, Problem> {
    free_text::check(&api, "reason", &reason).await?;
    let order = OrderRef::Id(resolve(&api, &text).await?);
    // A repeat shows nothing new.
    if !call.was_answered(&api).await? {
        api.count_reveal(&call.operator().name)?;
    }
    // Every answer is sent with `Cache-Control: no-store`.
    call.perform_unkept(&api, OperatorCommand::Reveal { order, reason }, revealed).await
}

fn revealed(answer: &OperatorAnswer, keys: Vec<CardKey>) -> Reply {
    let keys: Vec<ClearKey<'_>> = answer
        .keys
        .iter()
        .zip(&keys)
        .map(|(key, card)| ClearKey {
            key: *key,
            code: card.code.expose(),
            pin: card.pin.as_ref().map(|pin| pin.expose().as_str()),
            expires_on: card.expires_on,
        })
        .collect();
    json(&Revealed { answer: answer.into(), keys })
}
