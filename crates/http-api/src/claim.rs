//! A buyer says that an order is theirs: on the claim page without a token, or signed in at an own site that asks for
//! them. What can be guessed is bounded, shows how the order stands and nothing else, and every "no" is the same.

mod client;

use std::time::Instant;

use axum::{Json, extract::State, response::Response};
use engine::{OperatorCall, OperatorCommand, OrderRef};
use events::{Actor, buyer::LinkEvidence, order::ClaimAttempted};
use projection_orders::Order;
use serde::{Deserialize, Serialize};
use vocabulary::{Account, BusinessDay, OrderId, Reason, Secret};

pub use client::Peer;
pub(crate) use client::{Client, Tries};

use crate::{
    api::{Api, Shared},
    call::{Answer, Write},
    extract::Body,
    orders::{read::stream, reference::resolve},
    problem::Problem,
};

const CHARS_MAX: usize = 128;

/// An order, and a proof that it is one's own.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claim {
    /// The order's number, as the shop shows it.
    order_no: String,
    /// The channel (`wechat-shop`) or the account (`wechat-shop/main`) it was bought on, where the number alone may
    /// stand for several orders.
    channel: Option<String>,
    /// The proof.
    proof: Proof,
}

/// A proof that an order is one's own.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Proof {
    /// The last four digits of the phone number it was bought with.
    #[schema(value_type = String)]
    PhoneLast4(Secret<String>),
    /// A card key that was delivered with it.
    #[schema(value_type = String)]
    CardKey(Secret<String>),
}

impl Proof {
    fn kind(&self) -> &'static str {
        match self {
            Self::PhoneLast4(_) => "phone_last4",
            Self::CardKey(_) => "card_key",
        }
    }
}

/// How a claimed order stands. Whatever is wrong with a claim, `matched` is false and nothing else is told.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Claimed {
    /// Whether the proof fits the order.
    matched: bool,
    /// How the order stands: `paid`, `delivered`, …
    status: Option<&'static str>,
}

/// Shows a buyer how their order stands: never a key, never who bought it. Five tries by a phone's last digits per
/// order, and five wrong claims per client a day; an unknown order, a wrong proof and too many tries are answered alike.
#[utoipa::path(post, path = "/v1/claim", tag = "claim", request_body = Claim,
    responses((status = 200, body = Claimed)))]
pub(crate) async fn claim(
    State(api): State<Shared>,
    client: Client,
    Body(claim): Body<Claim>,
) -> Result<Json<Claimed>, Problem> {
    let begun = Instant::now();
    let answer = judged(&api, &client, &claim).await;
    // The time it takes must not tell whether the order exists.
    tokio::time::sleep(api.options.limits.claim_time.saturating_sub(begun.elapsed())).await;
    let status = answer?;
    Ok(Json(Claimed { matched: status.is_some(), status }))
}

/// How the order stands, if the claim is right and was not tried too often.
async fn judged(api: &Api, client: &Client, claim: &Claim) -> Result<Option<&'static str>, Problem> {
    let day = api.engine.now().business_day(BusinessDay::SHANGHAI_OFFSET).to_string();
    let client = api.engine.digests().other("claim-client", &client.0);
    if !api.tries.take(&client, &day) {
        return Ok(None);
    }
    let Some(order) = named(api, claim).await? else { return Ok(None) };
    let matched = fits(api, &order, &claim.proof).await?;
    let proof = claim.proof.kind().to_owned();
    let attempt = ClaimAttempted { proof, matched, client: client.clone(), day };
    if !noted(api, &order, attempt).await? || !matched {
        return Ok(None);
    }
    api.tries.give_back(&client);
    Ok(Some(order.status().as_str()))
}

/// The order that a claim names, if it names one.
async fn named(api: &Api, claim: &Claim) -> Result<Option<Order>, Problem> {
    let Claim { order_no, channel, .. } = claim;
    if order_no.trim().is_empty() || order_no.chars().count() > CHARS_MAX {
        return Ok(None);
    }
    let reference = match channel.as_deref().map(str::trim).filter(|channel| !channel.is_empty()) {
        Some(channel) => format!("{channel}:{}", order_no.trim()),
        None => order_no.trim().to_owned(),
    };
    Ok(match resolve(api, &reference).await {
        Ok(order) => known(api, &order).await?,
        Err(problem) if problem.is_ours() => return Err(problem),
        Err(_) => None,
    })
}

/// An order from its own events; none where it has none.
async fn known(api: &Api, order: &OrderId) -> Result<Option<Order>, Problem> {
    match stream(api, order).await {
        Ok(events) => Ok(Order::fold(&events)),
        Err(problem) if problem.is_ours() => Err(problem),
        Err(_) => Ok(None),
    }
}

async fn fits(api: &Api, order: &Order, proof: &Proof) -> Result<bool, Problem> {
    match proof {
        Proof::CardKey(text) => {
            let found = api.engine.vault().find_key(api.merchant(), None, text.expose()).await?;
            let mut keys = order.lines.iter().flat_map(|line| &line.keys);
            Ok(found.is_some_and(|(batch, index)| keys.any(|key| key.batch == batch && key.index == index)))
        }
        Proof::PhoneLast4(text) => {
            let four = text.expose().trim();
            let digest = api.engine.digests().last4(four).filter(|_| four.len() == 4);
            let (Some(buyer), Some(digest)) = (&order.buyer, digest) else { return Ok(false) };
            let known: bool = sqlx::query_scalar(
                "SELECT EXISTS (SELECT 1 FROM dim_identity_edge WHERE merchant = ? AND buyer_id = ?
                 AND last4_hash = ? AND valid_to_pos IS NULL)",
            )
            .bind(api.merchant().as_str())
            .bind(buyer.as_str())
            .bind(digest)
            .fetch_one(api.views().reader())
            .await?;
            Ok(known)
        }
    }
}

/// Writes a claim down in the order's history; false where it was claimed too often.
async fn noted(api: &Api, order: &Order, attempt: ClaimAttempted) -> Result<bool, Problem> {
    let command = OperatorCommand::Claim { order: OrderRef::Id(order.order), attempt };
    let call = OperatorCall { actor: Actor::process("claim"), command, idempotency_key: None, request: None };
    let render = |result: &Result<_, domain::Rejection>, _| match result {
        Ok(_) => channel::Reply::text(200, ""),
        Err(_) => channel::Reply::text(409, ""),
    };
    Ok(api.engine.call(call, Box::new(render)).await?.status == 200)
}

/// An order of another channel, the key that was delivered with it, and the member of an own site who has it.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Purchase {
    /// The order's number, as the shop shows it.
    order_no: String,
    /// The channel or the account it was bought on.
    channel: Option<String>,
    /// A card key that was delivered with it.
    #[schema(value_type = String)]
    card_key: Secret<String>,
    /// The own site's account.
    #[schema(value_type = String)]
    account: Account,
    /// What the own site calls its member, as in `buyer_ref` of their orders.
    #[schema(value_type = String)]
    buyer_ref: Secret<String>,
}

/// Joins an own site's member with whoever bought an order, by a key that was delivered with it. For an own site that
/// has signed the member in: it answers for who they are.
#[utoipa::path(post, path = "/v1/claim/link", tag = "claim", request_body = Purchase,
    responses((status = 200, body = Answer), (status = 422)))]
pub(crate) async fn link(
    State(api): State<Shared>,
    Write { body, mut call }: Write<Purchase>,
) -> Result<Response, Problem> {
    call.forget_body();
    let no =
        || Problem::rejected(Reason::InvalidValue, "the key was not delivered with an order of this number");
    let member = body.buyer_ref.expose();
    if member.is_empty() || member.chars().count() > CHARS_MAX {
        return Err(Problem::rejected(
            Reason::InvalidValue,
            format!("buyer_ref has 1 to {CHARS_MAX} characters"),
        ));
    }
    let buyer = api.engine.keys().pseudonym(body.account.as_str(), member);
    let Purchase { order_no, channel, card_key, account, .. } = body;
    let claim = Claim { order_no, channel, proof: Proof::CardKey(card_key) };
    let order = named(&api, &claim).await?.ok_or_else(no)?;
    if !fits(&api, &order, &claim.proof).await? {
        return Err(no());
    }
    let Some(to) = order.buyer else {
        return Err(Problem::rejected(Reason::WrongState, "the order does not say who bought it"));
    };
    let evidence = LinkEvidence::ProofOfPurchase { order: order.order };
    call.perform(&api, OperatorCommand::Link { buyer, to, evidence, met_on: Some(account) }).await
}
