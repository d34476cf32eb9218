//! Buyers, by their pseudonyms: who they are on other channels, and what happened with them.

use axum::{Json, extract::State, response::Response};
use engine::OperatorCommand;
use events::buyer::LinkEvidence;
use projection_orders::{Filter, Order};
use serde::Deserialize;
use serde_json::{Value, json};
use vocabulary::{BuyerId, Position, Reason};

use crate::{
    api::{Api, Shared},
    call::{Answer, Write},
    extract::{Params, Segments},
    free_text,
    orders::OrderView,
    problem::Problem,
};

const LIMIT: u32 = 100;
const LIMIT_MAX: u32 = 500;
const ORDERS: u32 = 50;

/// The buyers who are the same person, the oldest first, each with the account they were first seen on. A buyer who
/// is not known is alone.
pub(crate) async fn together(
    api: &Api,
    buyer: &BuyerId,
) -> Result<(BuyerId, Vec<(BuyerId, Option<String>)>), Problem> {
    let (db, merchant) = (api.views().reader(), api.merchant());
    match projection_people::person_of(db, merchant, buyer).await? {
        Some(person) => {
            let buyers = projection_people::buyers_of(db, merchant, &person).await?;
            Ok((person, buyers))
        }
        None => Ok((buyer.clone(), vec![(buyer.clone(), None)])),
    }
}

/// How fresh.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Fresh {
    /// Wait (at most 2 s) until the read models contain this position.
    min_pos: Option<u64>,
}

/// A buyer: the person they are, the links that make it so (what sort, how strong, known from where; never a value),
/// buyers who may be the same person, and the newest 50 orders on all channels.
#[utoipa::path(get, path = "/v1/buyers/{id}", tag = "buyers", params(("id" = String, Path), Fresh),
    responses((status = 200, body = Value)))]
pub(crate) async fn one(
    State(api): State<Shared>,
    Segments(buyer): Segments<BuyerId>,
    Params(fresh): Params<Fresh>,
) -> Result<Json<Value>, Problem> {
    api.caught_up(fresh.min_pos).await?;
    let (db, merchant) = (api.views().reader(), api.merchant());
    let (person, buyers) = together(&api, &buyer).await?;
    let names: Vec<BuyerId> = buyers.iter().map(|(buyer, _)| buyer.clone()).collect();
    let identities = projection_people::identities(db, merchant, &names).await?;
    let hints = projection_people::hinted(db, merchant, &person).await?;
    let mut orders: Vec<Order> = Vec::new();
    for name in names {
        let filter = Filter { buyer: Some(name), ..Filter::default() };
        orders.extend(projection_orders::list(db, merchant, &filter, None, ORDERS).await?.orders);
    }
    orders.sort_unstable_by_key(|order| std::cmp::Reverse(order.first_pos));
    orders.truncate(ORDERS as usize);
    let buyers: Vec<Value> =
        buyers.iter().map(|(buyer, account)| json!({ "buyer": buyer, "account": account })).collect();
    let orders: Vec<OrderView<'_>> = orders.iter().map(Into::into).collect();
    Ok(Json(json!({
        "buyer": buyer, "person": person, "buyers": buyers, "identities": identities,
        "perhaps_the_same": hints, "orders": orders,
    })))
}

/// Which part.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Part {
    /// Whether to show the whole person (the default) or this buyer alone.
    person: Option<bool>,
    /// The `next` of the page before.
    cursor: Option<u64>,
    /// At most so many (100; up to 500).
    limit: Option<u32>,
    /// Wait (at most 2 s) until the read models contain this position.
    min_pos: Option<u64>,
}

/// Everything that happened with one person, on all channels, the newest first. A buyer who is not known has an
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
    let (person, mut buyers) = together(&api, &buyer).await?;
    if part.person == Some(false) {
        buyers.retain(|(one, _)| *one == buyer);
    }
    let buyers: Vec<BuyerId> = buyers.into_iter().map(|(buyer, _)| buyer).collect();
    let page =
        projection_timeline::timeline(api.views().reader(), api.merchant(), &buyers, before, limit).await?;
    Ok(Json(json!({
        "buyer": buyer, "person": person, "buyers": buyers, "moments": page.moments, "next": page.next,
    })))
}

/// Another buyer who is the same person, and why.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SamePerson {
    /// The other buyer's pseudonym.
    #[schema(value_type = String)]
    to: BuyerId,
    /// How this is known.
    reason: String,
}

/// Links a buyer to another one: they are one person from then on, unless the links of both contradict each other;
/// then the link waits for review.
#[utoipa::path(post, path = "/v1/buyers/{id}/link", tag = "buyers", request_body = SamePerson,
    params(("id" = String, Path)), responses((status = 200, body = Answer), (status = 422)))]
pub(crate) async fn link(
    State(api): State<Shared>,
    Segments(buyer): Segments<BuyerId>,
    Write { body: SamePerson { to, reason }, call }: Write<SamePerson>,
) -> Result<Response, Problem> {
    free_text::check(&api, "reason", &reason).await?;
    let evidence = LinkEvidence::Staff { reason };
    call.perform(&api, OperatorCommand::Link { buyer, to, evidence, met_on: None }).await
}

/// A link that is wrong, and why.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrongLink {
    /// The link's `edge`, as the buyer shows it.
    edge: u64,
    /// What is wrong with it.
    reason: String,
}

/// Takes a link of a buyer, or of the same person, back: the timelines are as if it had never been. The account that
/// told of it does not make it again.
#[utoipa::path(post, path = "/v1/buyers/{id}/unlink", tag = "buyers", request_body = WrongLink,
    params(("id" = String, Path)), responses((status = 200, body = Answer), (status = 422)))]
pub(crate) async fn unlink(
    State(api): State<Shared>,
    Segments(buyer): Segments<BuyerId>,
    Write { body: WrongLink { edge, reason }, call }: Write<WrongLink>,
) -> Result<Response, Problem> {
    free_text::check(&api, "reason", &reason).await?;
    // A link that was made a moment ago can be taken back at once.
    api.caught_up(Some(edge)).await?;
    let (_, buyers) = together(&api, &buyer).await?;
    let buyers: Vec<BuyerId> = buyers.into_iter().map(|(buyer, _)| buyer).collect();
    let links = projection_people::identities(api.views().reader(), api.merchant(), &buyers).await?;
    // One that has ended goes on to the engine, which knows whether the wish is a repeat.
    let Some(link) = links.into_iter().find(|link| link.edge.0 == edge) else {
        return Err(Problem::rejected(Reason::InvalidValue, "the buyer has no such link"));
    };
    let kind = serde_json::from_value(Value::from(link.kind.as_str()))?;
    let unlink = OperatorCommand::Unlink { buyer: link.buyer, kind, identifier: link.digest, reason };
    call.perform(&api, unlink).await
}
