//! Xianyu (闲鱼) through goofish.pro (闲管家), the ERP open platform: it pushes that an order changed, we read the
//! order back, and we publish stock.
//!
//! Knows the protocol's words only. The virtual supply interface of the same company is signed differently
//! and is another adapter (`xianyu-supply`).
//!
//! ```
//! use channel_xianyu_erp::PROTOCOL;
//! let account = "xianyu-erp/main".parse().unwrap();
//! let adapter = (PROTOCOL.connect)(account, PROTOCOL.example_settings);
//! assert!(adapter.is_ok());
//! ```
#![warn(missing_docs)]

mod detail;
mod inbound;
mod outbound;
mod settings;
mod status;
mod vectors;
mod verify;

use std::sync::Arc;

use channel::{
    Adapter, Capabilities, Confidence, Inbound, Kind, Limits, Manifest, Outcome, Proof, Protocol, PushStock,
    RawRequest, ReadBack, Refusal, Reply, SettingsError, Verified,
};
use vocabulary::{Account, Timestamp};

use settings::Settings;

/// The protocol, as the binary lists it.
pub const PROTOCOL: Protocol =
    Protocol { manifest: &MANIFEST, connect, example_settings: settings::EXAMPLE, schemes: vectors::SCHEMES };

static MANIFEST: Manifest = Manifest {
    code: "xianyu-erp",
    name: ("Xianyu (ERP)", "闲鱼（闲管家开放平台）"),
    inbound: &[Kind::Notice],
    capabilities: Capabilities { push_stock: true, read_back: true, ..Capabilities::NONE },
    clock_tolerance_secs: Some(verify::TOLERANCE_SECS),
    limits: Limits { calls_per_s: 5, concurrency: 4, timeout_ms: 10_000 },
    confidence: &[
        ("inbound", Confidence::Documented),
        ("push_stock", Confidence::Documented),
        ("read_back", Confidence::Documented),
    ],
    sources: &["闲管家开放平台 (Apifox document), read 2026-11-22; see README.md"],
};

fn connect(account: Account, settings: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    Ok(Arc::new(Erp { account, settings: Settings::read(settings)? }))
}

struct Erp {
    account: Account,
    settings: Settings,
}

impl Adapter for Erp {
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
        inbound::parse(request.request())
    }
    fn answer(&self, _: &Verified<'_>, _: &Inbound, _: &Outcome) -> Reply {
        inbound::acknowledge()
    }
    fn refuse(&self, _: &RawRequest, refusal: &Refusal) -> Reply {
        inbound::refuse(refusal)
    }
    fn push_stock(&self) -> Option<&dyn PushStock> {
        Some(&self.settings)
    }
    fn read_back(&self) -> Option<&dyn ReadBack> {
        Some(&self.settings)
    }
}
