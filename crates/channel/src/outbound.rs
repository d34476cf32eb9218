//! What an adapter can do outward. It builds requests and reads responses; the engine sends them, with the
//! account's rate limit, time-out, retry with backoff, circuit breaker and bulkhead.

use serde::{Deserialize, Serialize};
use vocabulary::{Money, OrderId, Timestamp};

use crate::{Inbound, LineView};

/// A call to a channel.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboundRequest {
    /// `GET`, `POST` or `PUT`.
    pub method: &'static str,
    /// The whole address. Its host must be one the account's settings name.
    pub url: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A channel's response.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboundResponse {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case and values, for protocols that sign their responses; values that are no text are left
    /// out.
    pub headers: Vec<(String, String)>,
    /// Seconds of a `Retry-After` header, if there was one.
    pub retry_after: Option<u32>,
    /// The body, at most 1 MiB.
    pub body: Vec<u8>,
}

/// Why there is no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportFailure {
    /// Nothing reached the channel: it could not be connected.
    NotSent,
    /// The request may have been acted on: time-out, reset, broken response.
    NoAnswer,
}

/// A response, or why there is none.
pub type Response<'a> = Result<&'a OutboundResponse, TransportFailure>;

/// How one call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallOutcome<T> {
    /// The channel says it is done (or was done before).
    Done(T),
    /// The channel says no, for good.
    Refused {
        /// The channel's code.
        code: String,
    },
    /// Not now: over a limit, or a passing fault before anything was done.
    RetryAfter {
        /// Seconds to wait; the engine's backoff where 0.
        secs: u32,
        /// The channel's code.
        code: String,
    },
    /// Half done, nothing lost: the capability's `next` builds the call that goes on from here, which is made at
    /// once, in the same attempt. A later attempt starts from the first call again, so that one must find out how
    /// far things are. At most eight calls belong to an attempt.
    Next {
        /// What the next call needs, in the adapter's own words. Kept in memory only.
        state: String,
    },
    /// Nobody knows whether it was done.
    Unknown {
        /// What happened, as a code.
        code: String,
    },
}

impl<T> CallOutcome<T> {
    /// The reading of a missing or 5xx/429 response that all channels share; `None` where the body must be read.
    pub fn from_transport(response: Response<'_>) -> Option<Self> {
        match response {
            Err(TransportFailure::NotSent) => Some(Self::RetryAfter { secs: 0, code: "not_sent".into() }),
            Err(TransportFailure::NoAnswer) => Some(Self::Unknown { code: "no_answer".into() }),
            Ok(r) if r.status == 429 || r.status == 503 => Some(Self::RetryAfter {
                secs: r.retry_after.unwrap_or(0),
                code: format!("http_{}", r.status),
            }),
            Ok(r) if r.status >= 500 => Some(Self::Unknown { code: format!("http_{}", r.status) }),
            Ok(_) => None,
        }
    }
}

/// Why a call cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the call cannot be built: {0}")]
pub struct Unable(
    /// Why, as a code.
    pub &'static str,
);

/// Keys to hand over, or the news that there will be none.
pub struct DeliveryJob {
    /// Our id of the order.
    pub order: OrderId,
    /// The channel's order number.
    pub external_no: String,
    /// What the adapter asked to be kept with the order.
    pub memo: Option<String>,
    /// The lines with their keys in clear.
    pub lines: Vec<LineView>,
    /// What the order costs.
    pub total: Money,
    /// The payment's number, where the order has one.
    pub txn: Option<String>,
    /// Unique per delivery, equal on every retry of it.
    pub idempotency_key: String,
    /// When the order was fulfilled.
    pub fulfilled_at: Timestamp,
}

/// Hands keys to the channel.
pub trait Deliver: Send + Sync {
    /// The call.
    fn request(&self, job: &DeliveryJob, now: Timestamp) -> Result<OutboundRequest, Unable>;
    /// How it ended.
    fn interpret(&self, job: &DeliveryJob, response: Response<'_>) -> CallOutcome<()>;
    /// The call that follows [`CallOutcome::Next`].
    fn next(&self, job: &DeliveryJob, state: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let _ = (job, state, now);
        Err(Unable("no_next_call"))
    }
    /// Whether the channel answers a repeated delivery without harm, so that an unknown outcome may be retried.
    fn repeat_is_safe(&self) -> bool;
    /// The call that asks how an earlier, unknown delivery ended; `None` where the channel offers none.
    fn ask(&self, job: &DeliveryJob, now: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        let _ = (job, now);
        None
    }
    /// What the channel said: `Done(true)` delivered, `Done(false)` not delivered.
    fn interpret_ask(&self, job: &DeliveryJob, response: Response<'_>) -> CallOutcome<bool> {
        let _ = (job, response);
        CallOutcome::Unknown { code: "cannot_ask".into() }
    }
}

/// A stock figure to publish. A later figure replaces an earlier one; they are never sent out of order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockJob {
    /// The channel's item id.
    pub item: String,
    /// Units the account may sell now.
    pub available: u64,
    /// Grows with every figure of the item: the log position it is true at.
    pub figure: u64,
}

/// Tells the channel how much it may sell.
pub trait PushStock: Send + Sync {
    /// The call.
    fn request(&self, job: &StockJob, now: Timestamp) -> Result<OutboundRequest, Unable>;
    /// The call that follows [`CallOutcome::Next`].
    fn next(&self, job: &StockJob, state: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let _ = (job, state, now);
        Err(Unable("no_next_call"))
    }
    /// How it ended.
    fn interpret(&self, job: &StockJob, response: Response<'_>) -> CallOutcome<()>;
}

/// Asks the channel what an order of its really looks like.
pub trait ReadBack: Send + Sync {
    /// The call.
    fn request(&self, external_no: &str, now: Timestamp) -> Result<OutboundRequest, Unable>;
    /// The call that follows [`CallOutcome::Next`].
    fn next(&self, external_no: &str, state: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let _ = (external_no, state, now);
        Err(Unable("no_next_call"))
    }
    /// What the channel said, as messages with ids of their own (made from the order's state, so that the same
    /// state read twice is a repeat).
    fn interpret(&self, external_no: &str, response: Response<'_>) -> CallOutcome<Vec<Inbound>>;
}

/// A payment to be confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentJob {
    /// The order number that we gave the gateway.
    pub external_no: String,
    /// The payment's number.
    pub txn: String,
    /// What was reported.
    pub amount: Money,
}

/// What the gateway says of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentReport {
    /// Whether it is paid.
    pub paid: bool,
    /// How much, where the gateway says.
    pub amount: Option<Money>,
    /// The payment's number, where the gateway says.
    pub txn: Option<String>,
}

/// Asks the gateway whether a reported payment is real.
pub trait CheckPayment: Send + Sync {
    /// The call.
    fn request(&self, job: &PaymentJob, now: Timestamp) -> Result<OutboundRequest, Unable>;
    /// What the gateway said.
    fn interpret(&self, job: &PaymentJob, response: Response<'_>) -> CallOutcome<PaymentReport>;
}

/// Money to pay back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundJob {
    /// The channel's order number, or the one that we gave the gateway.
    pub external_no: String,
    /// The payment's number.
    pub txn: Option<String>,
    /// The refund's number: equal on every retry.
    pub refund: String,
    /// How much.
    pub amount: Money,
    /// What the order cost: gateways ask for it again with a partial refund.
    pub total: Money,
    /// Why.
    pub reason: String,
    /// Whether the channel asked for this refund, under this number; otherwise the number is ours.
    pub asked_by_channel: bool,
    /// What the adapter asked to be kept with the channel's request for this refund.
    pub memo: Option<String>,
    /// What the adapter asked to be kept with the order.
    pub order_memo: Option<String>,
}

/// Pays money back through the channel or gateway.
pub trait Refund: Send + Sync {
    /// The call.
    fn request(&self, job: &RefundJob, now: Timestamp) -> Result<OutboundRequest, Unable>;
    /// How it ended.
    fn interpret(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<()>;
    /// The call that follows [`CallOutcome::Next`].
    fn next(&self, job: &RefundJob, state: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let _ = (job, state, now);
        Err(Unable("no_next_call"))
    }
    /// Whether the channel tells refunds apart by their number, so that an unknown outcome may be retried.
    fn repeat_is_safe(&self) -> bool;
    /// The call that asks how an earlier, unknown refund ended; `None` where the channel offers none.
    fn ask(&self, job: &RefundJob, now: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        let _ = (job, now);
        None
    }
    /// What the channel said: `Done(true)` paid back, `Done(false)` not.
    fn interpret_ask(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<bool> {
        let _ = (job, response);
        CallOutcome::Unknown { code: "cannot_ask".into() }
    }
}
