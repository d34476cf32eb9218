//! One search over everything an order can be known by. What is searched for comes in a body, never in an address:
//! it may be a phone number or a card key.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use projection_orders::{Filter, Order, Reference};
use serde::Deserialize;
use serde_json::{Value, json};
use vocabulary::{BuyerId, OrderId};

use crate::{
    api::{Api, Shared},
    extract::Body,
    orders::OrderView,
    problem::Problem,
};

const LIMIT: u32 = 20;
const CHARS_MAX: usize = 200;

/// What to look for.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Our id, a channel's order number or its beginning, a card key, or what a channel calls the buyer (open id,
    /// phone number, nickname, as the channel gave it) or our pseudonym for them.
    text: String,
    /// Wait (at most 2 s) until the read models contain this position.
    min_pos: Option<u64>,
}

/// Finds orders. Matches come with the reason of the match, the surest first.
#[utoipa::path(post, path = "/v1/find", tag = "orders", request_body = Wanted,
    responses((status = 200, body = Value)))]
pub(crate) async fn find(
    State(api): State<Shared>,
    Body(wanted): Body<Wanted>,
) -> Result<Json<Value>, Problem> {
    let text = wanted.text.trim();
    if text.is_empty() || text.chars().count() > CHARS_MAX {
        return Err(Problem::rejected(
            vocabulary::Reason::InvalidValue,
            format!("text has 1 to {CHARS_MAX} characters"),
        ));
    }
    api.caught_up(wanted.min_pos).await?;
    let mut matches = Matches::default();
    matches.add_key(&api, text).await?;
    matches.add_reference(&api, text).await?;
    matches.add_buyer(&api, text).await?;
    let found: Vec<Value> = matches
        .0
        .values()
        .map(|(reason, order)| json!({ "reason": reason, "order": OrderView::from(order) }))
        .collect();
    Ok(Json(json!({ "matches": found })))
}

/// Orders by how sure and how new they are; each once, for its surest reason.
#[derive(Default)]
struct Matches(BTreeMap<(u8, std::cmp::Reverse<OrderId>), (&'static str, Order)>);

impl Matches {
    fn add(&mut self, reason: &'static str, order: Order) {
        let rank = match reason {
            "our_id" | "card_key" => 0,
            "order_no" => 1,
            "buyer" => 2,
            _ => 3,
        };
        if self.0.values().all(|(_, known)| known.order != order.order) {
            self.0.insert((rank, std::cmp::Reverse(order.order)), (reason, order));
        }
    }

    /// Our id or an order number.
    async fn add_reference(&mut self, api: &Api, text: &str) -> Result<(), Problem> {
        let Ok(reference) = text.parse::<Reference>();
        let found = projection_orders::find(api.views().reader(), api.merchant(), &reference, LIMIT).await?;
        found.into_iter().for_each(|found| self.add(found.reason, found.order));
        Ok(())
    }

    /// A card key, told by its fingerprint. Nothing is opened.
    async fn add_key(&mut self, api: &Api, text: &str) -> Result<(), Problem> {
        let found = api.engine.vault().find_key(api.merchant(), None, text).await?;
        let Some((batch, index)) = found else { return Ok(()) };
        let orders: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT order_id FROM ops_key
             WHERE merchant = ? AND batch_id = ? AND key_index = ? AND order_id IS NOT NULL LIMIT ?",
        )
        .bind(api.merchant().as_str())
        .bind(batch.0)
        .bind(index)
        .bind(LIMIT)
        .fetch_all(api.views().reader())
        .await?;
        for order in orders.iter().filter_map(|order| order.parse().ok()) {
            let known = projection_orders::by_id(api.views().reader(), api.merchant(), order).await?;
            known.into_iter().for_each(|order| self.add("card_key", order));
        }
        Ok(())
    }

    /// A buyer: a pseudonym, or what some account calls them.
    async fn add_buyer(&mut self, api: &Api, text: &str) -> Result<(), Problem> {
        let mut buyers: Vec<BuyerId> = Vec::new();
        if text.starts_with("buyer-") {
            buyers.extend(text.parse());
        } else {
            let keys = api.engine.keys();
            let accounts = api.accounts().await?;
            buyers.extend(accounts.iter().map(|(account, _)| keys.pseudonym(account.as_str(), text)));
        }
        for buyer in buyers {
            let filter = Filter { buyer: Some(buyer), ..Filter::default() };
            let page =
                projection_orders::list(api.views().reader(), api.merchant(), &filter, None, LIMIT).await?;
            page.orders.into_iter().for_each(|order| self.add("buyer", order));
        }
        Ok(())
    }
}
