//! The contract of a channel adapter: what it receives, what it returns, what it declares.
//!
//! An adapter translates; the engine decides and does the talking. It never sees the domain, the log, another
//! adapter or a socket, and takes the time as an argument. Its five duties towards inbound requests:
//! [`Adapter::verify`] (is it really the channel?), [`Adapter::parse`] (what does it want?),
//! [`Adapter::answer`] and [`Adapter::refuse`] (the channel's own words for how it ended), and
//! [`Adapter::manifest`] (what it can do). What it can do outward, it returns as capability traits.
//!
//! A request that was not verified cannot be parsed: [`Verified`] is made from a [`Proof`] only, and a proof is
//! made only by the comparisons in [`sign`]. No default accepts.
#![warn(missing_docs)]

mod adapter;
pub mod address;
pub mod cipher;
pub mod explain;
mod inbound;
pub mod legacy_sign;
mod outbound;
mod outcome;
mod procure;
mod request;
pub mod sign;
mod stored_bytes;
pub mod strict_json;
mod upkeep;
pub mod vectors;

pub use adapter::{Adapter, Capabilities, Confidence, Connect, Limits, Manifest, Protocol, SettingsError};
pub use inbound::{
    AmountCheck, Ask, BuyerAsk, Identifier, IdentifierKind, Inbound, Kind, LineAsk, OrderAsk, PaymentAsk,
    RefundAsk, Shortage, Stage,
};
pub use outbound::{
    CallOutcome, CheckPayment, Deliver, DeliveryJob, OutboundRequest, OutboundResponse, PaymentJob,
    PaymentReport, PushStock, ReadBack, Refund, RefundJob, Response, StockJob, TransportFailure, Unable,
};
pub use outcome::{LineView, Offer, OrderState, OrderView, Outcome, Rejected};
pub use procure::{Procure, ProcureJob, ProcureState, Procured};
pub use request::{Proof, RawRequest, Refusal, Reply, Step, Verified};
pub use upkeep::{Page, Poll, Renew, Window};
