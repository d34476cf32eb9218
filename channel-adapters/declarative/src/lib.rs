//! Simple platforms without Rust: an account's settings hold a recipe (TOML, or a JSON object of the same shape) that
//! says how requests are signed, which field means what, and what is answered.
//!
//! It receives orders, payments, cancellations, refunds and queries, and can answer with keys. It calls nobody. A
//! recipe that could be made to lie (a fact that no signature covers, a signature without a secret) does not connect.
//! The README describes the recipe field by field.
//!
//! ```
//! use channel_declarative::PROTOCOL;
//! let account = "declarative/main".parse().unwrap();
//! assert!((PROTOCOL.connect)(account, PROTOCOL.example_settings).is_ok());
//! ```
#![warn(missing_docs)]

mod answer;
mod check;
mod inbound;
mod message;
mod place;
mod recipe;
mod settings;
mod signed;
mod template;
mod vectors;

use std::sync::Arc;

use channel::{
    Adapter, Capabilities, Confidence, Inbound, Kind, Limits, Manifest, Outcome, Proof, Protocol, RawRequest,
    Refusal, Reply, SettingsError, Verified,
};
use vocabulary::{Account, Timestamp};

use settings::Settings;

/// The protocol, as the binary lists it.
pub const PROTOCOL: Protocol = Protocol {
    manifest: &MANIFEST,
    connect: |account, settings| connect_as(&MANIFEST, account, settings),
    example_settings: include_str!("example-settings.json"),
    schemes: vectors::SCHEMES,
};

static MANIFEST: Manifest = Manifest {
    code: "declarative",
    name: ("described in TOML", "声明式渠道(TOML 描述)"),
    inbound: &[Kind::Notice, Kind::Call, Kind::Query],
    capabilities: Capabilities::NONE,
    // Each recipe says for itself whether a time is signed.
    clock_tolerance_secs: None,
    // It makes no calls.
    limits: Limits { calls_per_s: 1, concurrency: 1, timeout_ms: 10_000 },
    // What a recipe claims of a platform, nobody has checked.
    confidence: &[("inbound", Confidence::Unsure)],
    sources: &["the account's own recipe"],
};

/// Makes an adapter that goes by another manifest: for a platform that is described by a recipe but shall have a code
/// and a manifest of its own.
pub fn connect_as(
    manifest: &'static Manifest,
    account: Account,
    settings: &str,
) -> Result<Arc<dyn Adapter>, SettingsError> {
    Ok(Arc::new(Declared { account, manifest, settings: Settings::read(settings)? }))
}

struct Declared {
    account: Account,
    manifest: &'static Manifest,
    settings: Settings,
}

impl Adapter for Declared {
    fn account(&self) -> &Account {
        &self.account
    }
    fn manifest(&self) -> &'static Manifest {
        self.manifest
    }
    fn verify(&self, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
        signed::verify(&self.settings, request, now)
    }
    fn signed_text(&self, request: &RawRequest) -> Option<String> {
        signed::shown(&self.settings, request)
    }
    fn parse(&self, request: &Verified<'_>) -> Result<Inbound, Refusal> {
        inbound::parse(&self.settings, request.request())
    }
    fn answer(&self, _: &Verified<'_>, inbound: &Inbound, outcome: &Outcome) -> Reply {
        answer::answer(&self.settings.recipe, inbound, outcome)
    }
    fn refuse(&self, _: &RawRequest, refusal: &Refusal) -> Reply {
        answer::refuse(&self.settings.recipe.answers, refusal)
    }
}
