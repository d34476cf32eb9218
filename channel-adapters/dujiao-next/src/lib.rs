//! Dujiao-Next (独角数卡 Next), the upstream API: card shops order keys from us and are called back with them, and we
//! order keys from such shops.
//!
//! Knows this protocol's words only. An account sells to one shop, or buys from one, or both.
//!
//! ```
//! use channel_dujiao_next::PROTOCOL;
//! let account = "dujiao-next/main".parse().unwrap();
//! let adapter = (PROTOCOL.connect)(account, PROTOCOL.example_settings);
//! assert!(adapter.is_ok());
//! ```
#![warn(missing_docs)]

mod cards;
mod catalogue;
mod inbound;
mod outbound;
mod price;
mod procure;
mod reply;
mod settings;
mod status;
mod topic;
mod vectors;
mod verify;

use std::sync::Arc;

use channel::{
    Adapter, Capabilities, Confidence, Deliver, Inbound, Kind, Limits, Manifest, Outcome, Procure, Proof,
    Protocol, RawRequest, Refusal, Reply, SettingsError, Verified,
};
use vocabulary::{Account, Timestamp};

use settings::Settings;

/// The protocol, as the binary lists it.
pub const PROTOCOL: Protocol =
    Protocol { manifest: &MANIFEST, connect, example_settings: settings::EXAMPLE, schemes: vectors::SCHEMES };

static MANIFEST: Manifest = Manifest {
    code: "dujiao-next",
    name: ("Dujiao-Next", "独角数卡 Next（串货对接）"),
    inbound: &[Kind::Notice, Kind::Call, Kind::Query],
    capabilities: Capabilities { deliver: true, procure: true, ..Capabilities::NONE },
    clock_tolerance_secs: Some(verify::TOLERANCE_SECS),
    limits: Limits { calls_per_s: 5, concurrency: 4, timeout_ms: 15_000 },
    confidence: &[
        ("inbound", Confidence::Documented),
        ("deliver", Confidence::Documented),
        ("procure", Confidence::Documented),
    ],
    sources: &["dujiao-next/document: integration-open-api, of 2026-04-01, read 2026-11-22; see README.md"],
};

fn connect(account: Account, settings: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    Ok(Arc::new(DujiaoNext { account, settings: Settings::read(settings)? }))
}

struct DujiaoNext {
    account: Account,
    settings: Settings,
}

impl Adapter for DujiaoNext {
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
    fn answer(&self, request: &Verified<'_>, inbound: &Inbound, outcome: &Outcome) -> Reply {
        reply::answer(&self.settings, request.request(), inbound, outcome)
    }
    fn refuse(&self, request: &RawRequest, refusal: &Refusal) -> Reply {
        reply::refuse(request, refusal)
    }
    fn deliver(&self) -> Option<&dyn Deliver> {
        self.settings.sell.as_ref().map(|sell| sell as &dyn Deliver)
    }
    fn procure(&self) -> Option<&dyn Procure> {
        self.settings.buy.as_ref().map(|buy| buy as &dyn Procure)
    }
}
