//! Stream `policy-<name>`: what models were fitted and what they foretold, so that it can be held against what came; and
//! which partners are told of events (`policy-subscription-<name>`).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{Account, Money, Position, Sku, Timestamp};

/// A model's parameters were fitted to what the log held at a position. The same log gives the same parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelFitted {
    /// Which model: `ltv`, `attribution`, `rfm`.
    pub model: String,
    /// The version of its code: another version may fit otherwise.
    pub version: u32,
    /// It saw the log up to here.
    pub fit_pos: Position,
    /// How many rows it was fitted to.
    pub rows: u64,
    /// Its parameters by name.
    pub params: BTreeMap<String, f64>,
}

/// What demand of one item on one account is expected on the coming days.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ForecastIssued {
    /// The item.
    pub sku: Sku,
    /// The account.
    pub account: Account,
    /// The last business day it has seen, `yyyy-mm-dd`.
    pub origin: String,
    /// The version of the model's code.
    pub model_version: u32,
    /// It saw the log up to here.
    pub fit_pos: Position,
    /// Hours among those it learnt from in which nothing was in stock: they say nothing about demand.
    pub censored_hours: u32,
    /// The days after the origin, in order.
    pub days: Vec<ForecastDay>,
}

/// The forecast of one business day, in units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ForecastDay {
    /// The business day, `yyyy-mm-dd`.
    pub day: String,
    /// The expected demand.
    pub mean: f64,
    /// Demand that is not exceeded in 10, 25, 50, 75, 90 and 95 of a hundred cases.
    pub quantiles: [f64; 6],
}

/// A forecast was held against what came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ForecastScored {
    /// The item.
    pub sku: Sku,
    /// The account.
    pub account: Account,
    /// The forecast's origin.
    pub origin: String,
    /// The day it spoke of.
    pub day: String,
    /// Units asked for on that day.
    pub actual: f64,
    /// The mean pinball loss over the forecast's quantiles.
    pub pinball: f64,
    /// Whether the 90 % quantile was not exceeded.
    pub covered: bool,
}

/// What a time without stock cost was estimated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SalesLost {
    /// The item.
    pub sku: Sku,
    /// The account that had none of it to sell.
    pub account: Account,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Why there was none: `out_of_stock`, `quota_exhausted`.
    pub cause: String,
    /// The version of the model's code.
    pub model_version: u32,
    /// It saw the log up to here.
    pub fit_pos: Position,
    /// Units that were asked for and refused.
    pub refused_units: u32,
    /// Of these, units that were bought all the same, later or elsewhere.
    pub substituted_units: u32,
    /// The expected demand of that time, in units.
    pub expected_units: f64,
    /// Units lost, not exceeded in 10, 50 and 90 of a hundred cases.
    pub quantiles: [f64; 3],
    /// What the middle estimate would have earned, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<Money>,
}

/// A partner is told of events by signed webhooks, from now on or in another way than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriptionSet {
    /// Its name.
    pub subscription: String,
    /// Where the webhooks go. It holds no user and no password.
    pub url: String,
    /// The public types it wants, such as `order.paid`; all where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub event_types: Vec<String>,
    /// SHA-256 (hex) over the secrets in the vault, which sign.
    pub secrets_digest: String,
}

/// A partner is not told of events any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriptionEnded {
    /// Its name.
    pub subscription: String,
    /// Why.
    pub reason: String,
}
