//! The channel `template`: it tells of paid orders, and takes keys by our call.
//!
//! Everything here is a made-up protocol that passes the suite. Replace it part by part: first `verify.rs`, then
//! `inbound.rs`, then the words of `status.rs`, then `outbound.rs`.
//!
//! ```
//! use channel_template::PROTOCOL;
//! let account = "template/main".parse().unwrap();
//! assert!((PROTOCOL.connect)(account, PROTOCOL.example_settings).is_ok());
//! ```
#![warn(missing_docs)]

mod inbound;
mod outbound;
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
    code: "template",
    name: ("template", "模板"),
    inbound: &[Kind::Notice],
    capabilities: Capabilities { deliver: true, ..Capabilities::NONE },
    clock_tolerance_secs: Some(verify::TOLERANCE_SECS),
    limits: Limits { calls_per_s: 5, concurrency: 4, timeout_ms: 10_000 },
    // Nothing is known before you have read the platform's documents and named them in `sources`.
    confidence: &[("inbound", Confidence::Unsure), ("deliver", Confidence::Unsure)],
    sources: &[],
};

fn connect(account: Account, settings: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    Ok(Arc::new(Shop { account, settings: Settings::read(settings)? }))
}

struct Shop {
    account: Account,
    settings: Settings,
}

impl Adapter for Shop {
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
    fn refuse(&self, _: &RawRequest, _: &Refusal) -> Reply {
        status::refused()
    }
    fn deliver(&self) -> Option<&dyn Deliver> {
        Some(&self.settings)
    }
}
