//! Stream `staff-<who>`: what people and programs with a token looked at. Nothing here repeats what they found.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{OrderId, Position};

/// Read models were asked in SQL.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueryRun {
    /// The query with every literal replaced by `?`: a literal may be a phone number.
    pub text: String,
    /// SHA-256 (hex) of the query as it was sent.
    pub digest: String,
    /// The position its rows are of.
    pub as_of: Position,
    /// How it ended.
    pub end: QueryEnd,
    /// How many rows left.
    pub rows: u64,
}

/// How a query ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum QueryEnd {
    /// All its rows were sent.
    Done,
    /// It may not be run.
    Refused,
    /// It cannot be run.
    Failed,
    /// It took too long or gave too many rows.
    OverBudget,
}

/// Orders were searched by something that tells who somebody is, or by a card key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SearchRun {
    /// What the text was taken for: `phone`, `phone_last4`, `open_id`, `email`, `card_key`, …
    pub kinds: Vec<String>,
    /// A keyed digest of the text, so that repeats can be told.
    pub digest: String,
    /// The orders that were found, at most 20.
    pub orders: Vec<OrderId>,
}

/// Read models were written to a file that left the house.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExportMade {
    /// Which views, or `order history`.
    pub views: Vec<String>,
    /// The format, for example `parquet`.
    pub format: String,
    /// The position its rows are of.
    pub as_of: Position,
    /// How many rows.
    pub rows: u64,
    /// The order whose history it was, where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
}
