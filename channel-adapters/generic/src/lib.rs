//! The generic signed channel: own sites, points of sale and partners that speak Standard Webhooks 1.0.0.
//!
//! A partner posts JSON events (`order.created`, `order.paid`, …) and asks (`keys.request`, `order.query`,
//! `stock.query`), each signed over its raw bytes. Keys leave in the reply where the account says so
//! (`return_keys`), else they are fetched with `keys.request`; the events that we send carry ids, never keys.
//!
//! This crate knows the protocol and nothing else: no socket, no clock, no domain.
#![warn(missing_docs)]

mod inbound;
mod outbound;
mod settings;
mod status;
mod vectors;
mod verify;

use std::sync::Arc;

use channel::{
    Adapter, BuyerAsk, Capabilities, Confidence, Deliver, Identifier, Inbound, Kind, Limits, Manifest,
    Outcome, Proof, Protocol, PushStock, RawRequest, Refusal, Reply, SettingsError, Verified,
};
use vocabulary::{Account, Timestamp};

use settings::Settings;

/// How far a signed time may be from ours, in seconds.
const TOLERANCE_SECS: i64 = 300;

/// The protocol `generic`.
pub const PROTOCOL: Protocol = Protocol {
    manifest: &MANIFEST,
    connect,
    example_settings: include_str!("example-settings.json"),
    schemes: vectors::SCHEMES,
};

static MANIFEST: Manifest = Manifest {
    code: "generic",
    name: ("Generic signed webhook", "通用签名渠道"),
    inbound: &[Kind::Call, Kind::Notice, Kind::Query],
    capabilities: Capabilities { deliver: true, push_stock: true, ..Capabilities::NONE },
    clock_tolerance_secs: Some(TOLERANCE_SECS),
    limits: Limits { calls_per_s: 20, concurrency: 8, timeout_ms: 20_000 },
    confidence: &[
        ("inbound", Confidence::Documented),
        ("deliver", Confidence::Documented),
        ("push_stock", Confidence::Documented),
    ],
    sources: &["https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"],
};

fn connect(account: Account, text: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    Ok(Arc::new(Generic { account, settings: Settings::read(text)? }))
}

struct Generic {
    account: Account,
    settings: Settings,
}

impl Adapter for Generic {
    fn account(&self) -> &Account {
        &self.account
    }
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }
    fn verify(&self, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
        verify::verify(&self.settings, request, now)
    }
    fn signed_text(&self, request: &RawRequest) -> Option<String> {
        verify::signed_text(request)
    }
    fn parse(&self, request: &Verified<'_>) -> Result<Inbound, Refusal> {
        inbound::parse(&self.settings, request.request())
    }
    fn answer(&self, _: &Verified<'_>, _: &Inbound, outcome: &Outcome) -> Reply {
        status::answer(outcome)
    }
    fn refuse(&self, _: &RawRequest, refusal: &Refusal) -> Reply {
        status::refuse(refusal)
    }
    fn identifiers(&self, buyer: &BuyerAsk) -> Vec<Identifier> {
        inbound::identifiers(buyer)
    }
    fn deliver(&self) -> Option<&dyn Deliver> {
        self.settings.deliver.as_ref().map(|sender| sender as &dyn Deliver)
    }
    fn push_stock(&self) -> Option<&dyn PushStock> {
        self.settings.push_stock.as_ref().map(|sender| sender as &dyn PushStock)
    }
}
