//! The sandbox: a marketplace that does not exist, with every capability the contract knows.
//!
//! It is the living template for new channels: copy the folder, keep the file names, change what they say. The
//! pretend marketplace itself is behind the feature `marketplace`, with the binary `sandbox-marketplace`; the
//! adapter knows the protocol and nothing else: no socket, no clock, no domain.
//!
//! ```
//! use channel_sandbox::PROTOCOL;
//! let adapter = (PROTOCOL.connect)("sandbox/main".parse().unwrap(), PROTOCOL.example_settings);
//! assert!(adapter.is_ok());
//! ```
#![warn(missing_docs)]

mod inbound;
#[cfg(feature = "marketplace")]
pub mod marketplace;
mod outbound;
mod read_back;
mod settings;
mod status;
mod vectors;
mod verify;

use std::sync::Arc;

use channel::{
    Adapter, Capabilities, CheckPayment, Confidence, Deliver, Inbound, Kind, Limits, Manifest, Outcome,
    Proof, Protocol, PushStock, RawRequest, ReadBack, Refund, Refusal, Reply, SettingsError, Verified,
};
use vocabulary::{Account, Timestamp};

use settings::Settings;

/// The protocol `sandbox`.
pub const PROTOCOL: Protocol = Protocol {
    manifest: &MANIFEST,
    connect,
    example_settings: include_str!("example-settings.json"),
    schemes: vectors::SCHEMES,
};

static MANIFEST: Manifest = Manifest {
    code: "sandbox",
    name: ("Sandbox marketplace", "沙盒市场"),
    inbound: &[Kind::Notice, Kind::Call, Kind::Query],
    capabilities: Capabilities {
        deliver: true,
        push_stock: true,
        read_back: true,
        check_payment: true,
        refund: true,
        ..Capabilities::NONE
    },
    clock_tolerance_secs: Some(verify::TOLERANCE_SECS),
    limits: Limits { calls_per_s: 500, concurrency: 16, timeout_ms: 5_000 },
    confidence: &[
        ("inbound", Confidence::Documented),
        ("deliver", Confidence::Documented),
        ("push_stock", Confidence::Documented),
        ("read_back", Confidence::Documented),
        ("check_payment", Confidence::Documented),
        ("refund", Confidence::Documented),
    ],
    sources: &["README.md of this folder: the protocol is our own"],
};

fn connect(account: Account, text: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    Ok(Arc::new(Sandbox { account, settings: Settings::read(text)? }))
}

struct Sandbox {
    account: Account,
    settings: Settings,
}

impl Adapter for Sandbox {
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
    fn deliver(&self) -> Option<&dyn Deliver> {
        Some(&self.settings)
    }
    fn push_stock(&self) -> Option<&dyn PushStock> {
        Some(&self.settings)
    }
    fn read_back(&self) -> Option<&dyn ReadBack> {
        Some(&self.settings)
    }
    fn check_payment(&self) -> Option<&dyn CheckPayment> {
        Some(&self.settings)
    }
    fn refund(&self) -> Option<&dyn Refund> {
        Some(&self.settings)
    }
}
