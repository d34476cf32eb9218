//! The marketplace's books. Keys are kept as digests: a ledger can be shown to anyone.

use std::collections::BTreeMap;

use ring::digest;
use serde::Serialize;

use super::Way;

/// The books.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Ledger {
    /// Orders by number.
    pub orders: BTreeMap<String, Order>,
    /// Payments by number.
    pub payments: BTreeMap<String, Payment>,
    /// Deliveries by the merchant's delivery number; those in the reply to a purchase are called `reply:<order>`.
    pub deliveries: BTreeMap<String, Delivery>,
    /// Refunds by number.
    pub refunds: BTreeMap<String, Refund>,
    /// Stock by item.
    pub stock: BTreeMap<String, Stock>,
    /// Which order each key belongs to: hex of SHA-256 over the code, and over code, line end and pin for a pair.
    pub keys: BTreeMap<String, String>,
    /// Calls that were turned away because their signature or time was wrong.
    pub forged_calls: u64,
    /// What must not happen and did: one key for two orders, two answers to one message, too much paid back.
    pub surprises: Vec<String>,
}

/// How an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Not paid.
    Placed,
    /// Paid; its keys are awaited.
    Paid,
    /// Its keys are here.
    Delivered,
    /// The merchant did not take it; the buyer keeps or gets their money.
    Refused,
    /// Called off.
    Cancelled,
    /// Paid back in full.
    Refunded,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Order {
    /// How it reaches the merchant.
    pub way: Way,
    /// What it is for.
    pub item: String,
    /// How many.
    pub quantity: u32,
    /// What it costs, in minor units.
    pub amount_minor: i64,
    /// How it stands.
    pub standing: Standing,
    /// The number of its payment, once it is paid.
    pub payment: Option<String>,
    /// Digests of its keys.
    pub keys: Vec<String>,
    /// Whether its buyer will want the money back once the keys are here.
    pub wants_refund: bool,
    /// Whether its buyer calls it off, and was not told no.
    pub called_off: bool,
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Payment {
    /// For which order.
    pub order: String,
    /// How much, in minor units.
    pub amount_minor: i64,
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// Of which order.
    pub order: String,
    /// Digests of the keys.
    pub keys: Vec<String>,
    /// How often it came.
    pub times: u32,
}

/// How a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// The buyer asks for it.
    Requested,
    /// Paid.
    Settled,
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refund {
    /// Of which order.
    pub order: String,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// How it stands.
    pub status: RefundStatus,
    /// How often the merchant had it paid; 0 where the marketplace paid it by itself.
    pub times: u32,
}

/// A stock figure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Stock {
    /// Units for sale.
    pub available: u64,
    /// The figure's number.
    pub figure: u64,
    /// How many figures came.
    pub times: u32,
    /// How many of them were older than the one before, and lost.
    pub stale: u32,
}

impl Ledger {
    /// Notes something that must not happen.
    pub(super) fn surprise(&mut self, what: String) {
        self.surprises.push(what);
    }

    /// What was paid back of an order, in minor units.
    pub fn refunded(&self, order: &str) -> i64 {
        let settled = |refund: &&Refund| refund.order == order && refund.status == RefundStatus::Settled;
        self.refunds.values().filter(settled).map(|refund| refund.amount_minor).sum()
    }

    /// How many orders stand so.
    pub fn count(&self, standing: Standing) -> usize {
        self.orders.values().filter(|order| order.standing == standing).count()
    }
}

/// The digest under which a key is kept.
pub(super) fn key_digest(code: &str, pin: Option<&str>) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(code.as_bytes());
    if let Some(pin) = pin {
        context.update(b"\n");
        context.update(pin.as_bytes());
    }
    hex::encode(context.finish())
}
