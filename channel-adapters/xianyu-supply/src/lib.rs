//! Xianyu (闲鱼) through goofish.pro (闲管家), the virtual supply interface: goofish calls us to buy card keys,
//! and the reply carries them.
//!
//! Knows the protocol's words only. The ERP pushes of the same company are signed differently and are another
//! adapter (`xianyu-erp`).
//!
//! ```
//! use channel_xianyu_supply::PROTOCOL;
//! let account = "xianyu-supply/main".parse().unwrap();
//! let adapter = (PROTOCOL.connect)(account, PROTOCOL.example_settings);
//! assert!(adapter.is_ok());
//! ```
#![warn(missing_docs)]

mod inbound;
mod outbound;
mod reply;
mod settings;
mod status;
mod vectors;
mod verify;

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
    code: "xianyu-supply",
    name: ("Xianyu (virtual supply)", "闲鱼（闲管家虚拟货源）"),
    inbound: &[Kind::Notice, Kind::Call, Kind::Query],
    capabilities: Capabilities { deliver: true, ..Capabilities::NONE },
    clock_tolerance_secs: Some(verify::TOLERANCE_SECS),
    limits: Limits { calls_per_s: 10, concurrency: 4, timeout_ms: 10_000 },
    confidence: &[("inbound", Confidence::Documented), ("deliver", Confidence::Documented)],
    sources: &["闲管家虚拟货源标准接口 (Apifox shared document), read 2026-11-22; see README.md"],
};

fn connect(account: Account, settings: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    Ok(Arc::new(Supply { account, settings: Settings::read(settings)? }))
}

struct Supply {
    account: Account,
    settings: Settings,
}

impl Adapter for Supply {
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
        verify::signed_text(&self.settings, request)
    }
    fn parse(&self, request: &Verified<'_>) -> Result<Inbound, Refusal> {
        inbound::parse(&self.settings, request.request())
    }
    fn answer(&self, request: &Verified<'_>, _: &Inbound, outcome: &Outcome) -> Reply {
        reply::answer(&self.settings, request.request(), outcome)
    }
    fn refuse(&self, request: &RawRequest, refusal: &Refusal) -> Reply {
        reply::refuse(request, refusal)
    }
    fn deliver(&self) -> Option<&dyn Deliver> {
        Some(&self.settings)
    }
}
