//! JD's general trade platform (京东通用交易平台, vtp): JD calls us to order card keys and to ask how an order stands;
//! the reply, or our call-back, carries the keys.
//!
//! Knows this protocol's words only: JD's game-card platform and its open platform sign differently.
//!
//! ```
//! use channel_jd_general_trade::PROTOCOL;
//! let account = "jd-general-trade/main".parse().unwrap();
//! let adapter = (PROTOCOL.connect)(account, PROTOCOL.example_settings);
//! assert!(adapter.is_ok());
//! ```
#![warn(missing_docs)]

mod cards;
mod inbound;
mod outbound;
mod reply;
mod settings;
mod status;
mod vectors;
mod verify;
mod wire;

use std::sync::Arc;

use channel::{
    Adapter, Capabilities, Confidence, Deliver, Inbound, Kind, Limits, Manifest, Outcome, Proof, Protocol,
    RawRequest, Refusal, Reply, SettingsError, Verified,
};
use vocabulary::{Account, Timestamp};

use settings::Settings;

/// The protocol, as the binary lists it.
pub const PROTOCOL: Protocol =
    Protocol { manifest: &MANIFEST, connect, example_settings: settings::EXAMPLE, schemes: vectors::SCHEMES };

static MANIFEST: Manifest = Manifest {
    code: "jd-general-trade",
    name: ("JD general trade", "京东（通用交易平台）"),
    inbound: &[Kind::Call, Kind::Query],
    capabilities: Capabilities { deliver: true, ..Capabilities::NONE },
    clock_tolerance_secs: Some(settings::TOLERANCE_SECS),
    limits: Limits { calls_per_s: 10, concurrency: 4, timeout_ms: 10_000 },
    confidence: &[("inbound", Confidence::Documented), ("deliver", Confidence::Documented)],
    sources: &["京东通用交易平台接口文档 (full text), read 2026-11-22; see README.md"],
};

fn connect(account: Account, settings: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    Ok(Arc::new(GeneralTrade { account, settings: Settings::read(settings)? }))
}

struct GeneralTrade {
    account: Account,
    settings: Settings,
}

impl Adapter for GeneralTrade {
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
        Some(&self.settings)
    }
}
