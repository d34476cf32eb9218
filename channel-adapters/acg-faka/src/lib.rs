//! acg-faka (异次元发卡), the shared store: card shops order keys from us and get them in the reply, and we order keys
//! from such shops.
//!
//! Knows this protocol's words only. An account sells to one shop, or buys from one, or both.
//!
//! ```
//! use channel_acg_faka::PROTOCOL;
//! let account = "acg-faka/main".parse().unwrap();
//! let adapter = (PROTOCOL.connect)(account, PROTOCOL.example_settings);
//! assert!(adapter.is_ok());
//! ```
#![warn(missing_docs)]

mod cards;
mod inbound;
mod procure;
mod reply;
mod settings;
mod status;
mod vectors;
mod verify;

use std::sync::Arc;

use channel::{
    Adapter, Capabilities, Confidence, Inbound, Kind, Limits, Manifest, Outcome, Procure, Proof, Protocol,
    RawRequest, Refusal, Reply, SettingsError, Verified,
};
use vocabulary::{Account, Timestamp};

use settings::Settings;

/// The protocol, as the binary lists it.
pub const PROTOCOL: Protocol =
    Protocol { manifest: &MANIFEST, connect, example_settings: settings::EXAMPLE, schemes: vectors::SCHEMES };

static MANIFEST: Manifest = Manifest {
    code: "acg-faka",
    name: ("acg-faka shared store", "异次元发卡（店铺共享）"),
    inbound: &[Kind::Call, Kind::Query],
    capabilities: Capabilities { procure: true, ..Capabilities::NONE },
    clock_tolerance_secs: None,
    // A lost answer is lost for good, so we wait long for it.
    limits: Limits { calls_per_s: 2, concurrency: 2, timeout_ms: 60_000 },
    confidence: &[("inbound", Confidence::Sdk), ("procure", Confidence::Sdk)],
    sources: &[
        "lizhipay/acg-faka: app/Controller/Shared, app/Service/Bind/Shared.php, app/Util/Str.php, read 2026-11-22",
    ],
};

fn connect(account: Account, settings: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    Ok(Arc::new(AcgFaka { account, settings: Settings::read(settings)? }))
}

struct AcgFaka {
    account: Account,
    settings: Settings,
}

impl Adapter for AcgFaka {
    fn account(&self) -> &Account {
        &self.account
    }
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }
    fn verify(&self, request: &RawRequest, _: Timestamp) -> Result<Proof, Refusal> {
        verify::verify(self.settings.sell.as_ref(), request)
    }
    fn signed_text(&self, request: &RawRequest) -> Option<String> {
        verify::signed_text(request)
    }
    fn parse(&self, request: &Verified<'_>) -> Result<Inbound, Refusal> {
        inbound::parse(request.request())
    }
    fn answer(&self, request: &Verified<'_>, inbound: &Inbound, outcome: &Outcome) -> Reply {
        reply::answer(self.settings.sell.as_ref(), request.request(), inbound, outcome)
    }
    fn refuse(&self, _: &RawRequest, refusal: &Refusal) -> Reply {
        reply::failed(status::of_refusal(refusal))
    }
    fn procure(&self) -> Option<&dyn Procure> {
        self.settings.buy.as_ref().map(|buy| buy as &dyn Procure)
    }
}
