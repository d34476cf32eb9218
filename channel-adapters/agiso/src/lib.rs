//! Agiso (阿奇索, open.agiso.com): an aggregator that already sits on the merchant's marketplace shops. It pushes JD's
//! game-card orders, its call hands their keys over, and its card warehouse (91卡券) gives keys out.
//!
//! Knows this protocol's words only: JD's own platforms and the marketplaces behind Agiso sign differently.
//!
//! ```
//! use channel_agiso::PROTOCOL;
//! let account = "agiso/main".parse().unwrap();
//! let adapter = (PROTOCOL.connect)(account, PROTOCOL.example_settings);
//! assert!(adapter.is_ok());
//! ```
#![warn(missing_docs)]

mod answer;
mod cards;
mod inbound;
mod outbound;
mod procure;
mod settings;
mod vectors;
mod verify;
mod word;

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
    code: "agiso",
    name: ("Agiso", "阿奇索"),
    inbound: &[Kind::Notice],
    capabilities: Capabilities { deliver: true, procure: true, ..Capabilities::NONE },
    clock_tolerance_secs: Some(settings::TOLERANCE_SECS),
    limits: Limits { calls_per_s: 10, concurrency: 4, timeout_ms: 20_000 },
    confidence: &[
        ("inbound", Confidence::Documented),
        ("deliver", Confidence::Documented),
        ("procure", Confidence::Documented),
    ],
    sources: &["阿奇索开放平台 (aldsJd, acpr; text copies of the pages), read 2026-11-22; see README.md"],
};

fn connect(account: Account, settings: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    Ok(Arc::new(Agiso { account, settings: Settings::read(settings)? }))
}

struct Agiso {
    account: Account,
    settings: Settings,
}

impl Adapter for Agiso {
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
    fn answer(&self, _: &Verified<'_>, _: &Inbound, _: &Outcome) -> Reply {
        inbound::acknowledge()
    }
    fn refuse(&self, _: &RawRequest, refusal: &Refusal) -> Reply {
        inbound::refuse(refusal)
    }
    fn deliver(&self) -> Option<&dyn Deliver> {
        Some(&self.settings)
    }
    fn procure(&self) -> Option<&dyn Procure> {
        Some(&self.settings)
    }
}
