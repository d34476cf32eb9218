//! The orders that fit, each once, for its surest reason.

use std::{cmp::Reverse, collections::BTreeMap};

use projection_orders::{Filter, Order, Reference};
use vocabulary::{BuyerId, OrderId, Timestamp};

use super::{Clue, LIMIT};
use crate::{api::Api, buyers::together, problem::Problem};

/// Reasons from the surest on.
const REASONS: [&str; 11] = [
    "our_id",
    "card_key",
    "order_no",
    "phone",
    "phone_last4_and_date",
    "union_id",
    "buyer",
    "email",
    "order_no_prefix",
    "phone_last4",
    "same_person",
];

/// Whether a match says that the text tells who somebody is, or is a card key.
pub(super) fn is_telling(reason: &str) -> bool {
    !matches!(reason, "our_id" | "order_no" | "order_no_prefix")
}

/// Orders by how sure and how new they are.
#[derive(Default)]
pub(super) struct Matches {
    orders: BTreeMap<(usize, Reverse<OrderId>), (&'static str, Order)>,
    kinds: Vec<&'static str>,
}

impl Matches {
    /// The best matches, the surest first.
    pub(super) fn best(&self) -> impl Iterator<Item = (&'static str, &Order)> {
        self.orders.values().take(LIMIT as usize).map(|(reason, order)| (*reason, order))
    }

    /// What the text turned out to be that tells who somebody is, as a search is recorded.
    pub(super) fn telling_kinds(&self) -> impl Iterator<Item = &'static str> {
        self.kinds.iter().copied()
    }

    fn add(&mut self, reason: &'static str, order: Order) {
        let rank = REASONS.iter().position(|known| *known == reason).unwrap_or(REASONS.len());
        let key = (rank, Reverse(order.order));
        let known = self.orders.iter().find(|(_, (_, known))| known.order == order.order);
        match known.map(|(key, _)| *key) {
            Some(better) if better <= key => {}
            Some(worse) => {
                self.orders.remove(&worse);
                self.orders.insert(key, (reason, order));
            }
            None => drop(self.orders.insert(key, (reason, order))),
        }
    }

    /// Our id or an order number.
    pub(super) async fn add_reference(&mut self, api: &Api, text: &str) -> Result<(), Problem> {
        let Ok(reference) = text.parse::<Reference>();
        let found = projection_orders::find(api.views().reader(), api.merchant(), &reference, LIMIT).await?;
        found.into_iter().for_each(|found| self.add(found.reason, found.order));
        Ok(())
    }

    /// A card key, told by its fingerprint. Nothing is opened.
    pub(super) async fn add_key(&mut self, api: &Api, text: &str) -> Result<(), Problem> {
        let orders = orders_of_key(api, text).await?;
        let Some(orders) = orders else { return Ok(()) };
        self.kinds.push("card_key");
        self.add_all(api, "card_key", orders).await
    }

    /// A buyer: a pseudonym, or what some account calls them.
    pub(super) async fn add_names(&mut self, api: &Api, text: &str) -> Result<(), Problem> {
        if text.starts_with("buyer-") {
            return match text.parse() {
                Ok(buyer) => self.add_buyers(api, "buyer", None, vec![buyer]).await,
                Err(_) => Ok(()),
            };
        }
        let keys = api.engine.keys();
        let accounts = api.accounts().await?;
        let buyers = accounts.iter().map(|(account, _)| keys.pseudonym(account.as_str(), text)).collect();
        self.add_buyers(api, "buyer", Some("open_id"), buyers).await
    }

    /// What a text may be of a person.
    pub(super) async fn add_clue(&mut self, api: &Api, clue: &Clue) -> Result<(), Problem> {
        let (digest, reason) = match clue {
            Clue::Last4(digest, day) => {
                let orders = orders_of_last4(api, digest, *day).await?;
                if !orders.is_empty() {
                    self.kinds.push(clue.kind());
                }
                let reason = if day.is_some() { "phone_last4_and_date" } else { "phone_last4" };
                return self.add_all(api, reason, orders).await;
            }
            Clue::Phone(digest, _) => (digest, "phone"),
            Clue::Email(digest) => (digest, "email"),
            Clue::UnionId(digest) => (digest, "union_id"),
        };
        let found = projection_people::by_digest(api.views().reader(), api.merchant(), digest).await?;
        let buyers = found.into_iter().map(|(buyer, _)| buyer).collect();
        self.add_buyers(api, reason, Some(clue.kind()), buyers).await
    }

    /// Orders of buyers, and of whoever is the same person. What was searched by is noted where it is somebody's.
    async fn add_buyers(
        &mut self,
        api: &Api,
        reason: &'static str,
        kind: Option<&'static str>,
        buyers: Vec<BuyerId>,
    ) -> Result<(), Problem> {
        for buyer in buyers {
            let (_, known) = together(api, &buyer).await?;
            if known.iter().any(|(_, account)| account.is_some()) {
                self.kinds.extend(kind);
            }
            for (other, _) in known {
                let reason = if other == buyer { reason } else { "same_person" };
                let filter = Filter { buyer: Some(other), ..Filter::default() };
                let (db, merchant) = (api.views().reader(), api.merchant());
                let page = projection_orders::list(db, merchant, &filter, None, LIMIT).await?;
                page.orders.into_iter().for_each(|order| self.add(reason, order));
            }
        }
        Ok(())
    }

    async fn add_all(
        &mut self,
        api: &Api,
        reason: &'static str,
        orders: Vec<OrderId>,
    ) -> Result<(), Problem> {
        for order in orders {
            let known = projection_orders::by_id(api.views().reader(), api.merchant(), order).await?;
            known.into_iter().for_each(|order| self.add(reason, order));
        }
        Ok(())
    }
}

/// The orders that a card key was sold with; none where it is no key of ours.
pub(crate) async fn orders_of_key(api: &Api, text: &str) -> Result<Option<Vec<OrderId>>, Problem> {
    let found = api.engine.vault().find_key(api.merchant(), None, text).await?;
    let Some((batch, index)) = found else { return Ok(None) };
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
    Ok(Some(orders.iter().filter_map(|order| order.parse().ok()).collect()))
}

/// The orders of buyers who have a phone that ends in four digits, given as their digest; the newest first.
pub(crate) async fn orders_of_last4(
    api: &Api,
    digest: &str,
    placed: Option<(Timestamp, Timestamp)>,
) -> Result<Vec<OrderId>, Problem> {
    let (from, until) = placed.unzip();
    // The phone leads and not the day: four digits fit few buyers, a day has thousands of orders.
    let orders: Vec<String> = sqlx::query_scalar(
        "SELECT o.order_id FROM (SELECT DISTINCT merchant, buyer_id FROM dim_identity_edge
             WHERE merchant = ?1 AND last4_hash = ?2 AND valid_to_pos IS NULL) AS e
         CROSS JOIN order_row AS o ON o.merchant = e.merchant AND o.buyer_id = e.buyer_id
         WHERE (?3 IS NULL OR o.placed_at >= ?3) AND (?4 IS NULL OR o.placed_at < ?4)
         ORDER BY o.first_pos DESC LIMIT ?5",
    )
    .bind(api.merchant().as_str())
    .bind(digest)
    .bind(from.map(|at| at.to_string()))
    .bind(until.map(|at| at.to_string()))
    .bind(LIMIT)
    .fetch_all(api.views().reader())
    .await?;
    Ok(orders.iter().filter_map(|order| order.parse().ok()).collect())
}
