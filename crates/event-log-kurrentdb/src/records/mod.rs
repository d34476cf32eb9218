//! What stands in a merchant's stream: one record per fact, readable with the server's own tools, and records of ours
//! between them.
//!
//! | type | holds |
//! |---|---|
//! | the fact's | the fact as data; place, times, hash and metadata as the record's metadata |
//! | `KamiMessage` | one stored message |
//! | `KamiNumbers` | numbers of channels |
//! | `KamiPiece`, `KamiWhole` | the data of a record that is larger than the server takes at once, and what record it is |
//! | `KamiStep` | closes an append: the records before it, as many as it says, belong to the log |
//! | `KamiClaim` | the merchant was taken over; what was not closed before it never belongs to the log |

mod reading;
mod writing;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use reading::{Record, appended};
pub(crate) use writing::{Numbering, Proposed, of_append, of_claim, of_merchant};

const MESSAGE: &str = "KamiMessage";
const NUMBERS: &str = "KamiNumbers";
const STEP: &str = "KamiStep";
const CLAIM: &str = "KamiClaim";
const MERCHANT: &str = "KamiMerchant";
const PIECE: &str = "KamiPiece";
const WHOLE: &str = "KamiWhole";

#[derive(Serialize, Deserialize)]
struct Fact {
    position: u64,
    stream: String,
    version: u64,
    schema_version: u16,
    occurred_at: i64,
    recorded_at: i64,
    hash: String,
    /// As stored, to the byte: the hash covers it.
    metadata: String,
}

#[derive(Serialize, Deserialize)]
struct Message {
    message: String,
    account: String,
    dedupe_key: Option<String>,
    content_hash: String,
    verdict: String,
    reason: String,
    sealed_request: String,
    sealed_answer: String,
    positions: Option<(u64, u64)>,
    received_at: i64,
}

#[derive(Serialize, Deserialize)]
struct Number {
    kind: String,
    namespace: String,
    number: String,
    order: String,
}

/// The pieces right before it, together, are the data of such a record.
#[derive(Serialize, Deserialize)]
struct Whole {
    kind: String,
    metadata: String,
    pieces: usize,
}

#[derive(Serialize, Deserialize)]
struct Step {
    /// How many records before it belong to it.
    records: usize,
    parts: Vec<Part>,
}

#[derive(Serialize, Deserialize)]
struct Part {
    epoch: u64,
    after: u64,
    events: usize,
    messages: usize,
    numbers: usize,
}

#[derive(Serialize, Deserialize)]
struct Claim {
    epoch: u64,
    writer: Uuid,
}

#[derive(Serialize, Deserialize)]
struct Merchant {
    merchant: String,
}
