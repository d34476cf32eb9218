//! The adapter itself and what it declares.

use std::sync::Arc;

use vocabulary::{Account, Timestamp};

use crate::{
    BuyerAsk, CheckPayment, Deliver, Identifier, Inbound, Kind, Outcome, Poll, Procure, Proof, PushStock,
    RawRequest, ReadBack, Refund, Refusal, Renew, Reply, Verified, vectors::Scheme,
};

/// One shop account's adapter. Pure: no clock, no randomness, no socket, no shared state.
pub trait Adapter: Send + Sync + 'static {
    /// The account it serves.
    fn account(&self) -> &Account;
    /// What the protocol can do.
    fn manifest(&self) -> &'static Manifest;

    /// Proves that the request comes from the channel: over the raw bytes, before anything is parsed.
    fn verify(&self, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal>;
    /// What the request wants.
    fn parse(&self, request: &Verified<'_>) -> Result<Inbound, Refusal>;
    /// The reply to a request that was parsed. The same outcome always gives the same bytes.
    fn answer(&self, request: &Verified<'_>, inbound: &Inbound, outcome: &Outcome) -> Reply;
    /// The reply to a request that was refused. Tells the sender no more than the protocol demands.
    fn refuse(&self, request: &RawRequest, refusal: &Refusal) -> Reply;

    /// The text that the request's signature is made over, to show to the person who sets a channel up: as far as
    /// it can be put together from the request, with every secret in it replaced by `***`. `None` where the protocol
    /// signs nothing (a shared token) or the request is too broken.
    fn signed_text(&self, request: &RawRequest) -> Option<String>;

    /// What identifies a buyer that this adapter stated beyond the account's own name for them, read from the
    /// details that it gave with them. The engine keeps keyed digests only.
    fn identifiers(&self, _buyer: &BuyerAsk) -> Vec<Identifier> {
        Vec::new()
    }

    /// Hands keys over, if the protocol can.
    fn deliver(&self) -> Option<&dyn Deliver> {
        None
    }
    /// Publishes stock, if the protocol can.
    fn push_stock(&self) -> Option<&dyn PushStock> {
        None
    }
    /// Reads orders back, if the protocol can.
    fn read_back(&self) -> Option<&dyn ReadBack> {
        None
    }
    /// Confirms payments, if the protocol can.
    fn check_payment(&self) -> Option<&dyn CheckPayment> {
        None
    }
    /// Pays money back, if the protocol can.
    fn refund(&self) -> Option<&dyn Refund> {
        None
    }
    /// Fetches what webhooks lost, if the protocol can.
    fn polls(&self) -> Vec<&dyn Poll> {
        Vec::new()
    }
    /// Renews its access, if it must.
    fn renew(&self) -> Option<&dyn Renew> {
        None
    }
    /// Buys keys from the other side, if the protocol can.
    fn procure(&self) -> Option<&dyn Procure> {
        None
    }
}

/// What a protocol declares about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The channel code, which is also the folder's and crate's name.
    pub code: &'static str,
    /// The name people see, English and Chinese.
    pub name: (&'static str, &'static str),
    /// The kinds of inbound requests it has.
    pub inbound: &'static [Kind],
    /// What it can do outward, given the settings that enable it.
    pub capabilities: Capabilities,
    /// How far a signed time may be from ours, in seconds; `None` where the protocol signs no time.
    pub clock_tolerance_secs: Option<i64>,
    /// How fast we may call it.
    pub limits: Limits,
    /// How well each part is known: `inbound` and every capability it has, by the names of [`Capabilities::names`].
    pub confidence: &'static [(&'static str, Confidence)],
    /// The documents it was built from.
    pub sources: &'static [&'static str],
}

/// What a protocol can do outward.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Capabilities {
    /// Hands keys over by our call.
    pub deliver: bool,
    /// Publishes stock.
    pub push_stock: bool,
    /// Reads orders back.
    pub read_back: bool,
    /// Confirms payments.
    pub check_payment: bool,
    /// Pays money back.
    pub refund: bool,
    /// Finds orders whose webhooks were lost.
    pub poll: bool,
    /// Renews its access by itself.
    pub renew: bool,
    /// Buys keys from the other side.
    pub procure: bool,
    /// Not a call of ours: when the channel calls a paid order off, it pays back by itself what was paid through it,
    /// so that [`crate::Ask::Cancel`] also says that this money went back. `false` unless its document says so: then
    /// we pay it back where we can, and else a person does.
    pub refunds_cancelled_orders: bool,
}

impl Capabilities {
    /// Nothing but receiving.
    pub const NONE: Self = Self {
        deliver: false,
        push_stock: false,
        read_back: false,
        check_payment: false,
        refund: false,
        poll: false,
        renew: false,
        procure: false,
        refunds_cancelled_orders: false,
    };
    /// The names of the calls it has, as the documents list them.
    pub fn names(&self) -> Vec<&'static str> {
        let all = [
            (self.deliver, "deliver"),
            (self.push_stock, "push_stock"),
            (self.read_back, "read_back"),
            (self.check_payment, "check_payment"),
            (self.refund, "refund"),
            (self.poll, "poll"),
            (self.renew, "renew"),
            (self.procure, "procure"),
        ];
        all.into_iter().filter_map(|(has, name)| has.then_some(name)).collect()
    }
}

/// How well a part of a protocol is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// The platform's own document or official SDK says so.
    Documented,
    /// Other people's SDKs or production code agree on it.
    Sdk,
    /// Not confirmed anywhere: what rests on it is refused, or is a setting.
    Unsure,
}

/// How fast and how many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Calls a second, on average.
    pub calls_per_s: u32,
    /// Calls at the same time (the bulkhead).
    pub concurrency: u32,
    /// How long to wait for a response, in milliseconds.
    pub timeout_ms: u32,
}

/// Why an account's settings are not usable. All problems at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("settings of the account are not usable: {}", .0.join("; "))]
pub struct SettingsError(
    /// The problems, in English; no secret appears in them.
    pub Vec<String>,
);

/// Makes an adapter of an account from its settings (JSON text).
pub type Connect = fn(Account, &str) -> Result<Arc<dyn Adapter>, SettingsError>;

/// A protocol: how to make an adapter for an account. The one thing an adapter's crate exports.
#[derive(Clone, Copy)]
pub struct Protocol {
    /// What it declares.
    pub manifest: &'static Manifest,
    /// Makes an adapter from settings (JSON text; unknown fields are refused).
    pub connect: Connect,
    /// Settings that pass [`Protocol::connect`], with comments in a `_help` field: shown by `kami channel list`.
    pub example_settings: &'static str,
    /// How test vectors of the protocol are judged.
    pub schemes: &'static [Scheme],
}
