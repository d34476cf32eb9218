//! The epusdt protocol, spoken by BEpusdt and epusdt: gateways for USDT that a merchant hosts.
//!
//! A gateway tells us that an order is paid; it has no stock, no delivery and no refunds, for payments on a chain are
//! final. Its signature is MD5 and never ages, so the settings say whether and how the gateway is asked first.
//!
//! This crate knows the protocol and nothing else: no socket, no clock, no domain. The buyer's way to the gateway
//! starts at [`Gateway::create`].
#![warn(missing_docs)]

mod answer;
mod canonical;
mod inbound;
mod outbound;
mod pay;
mod settings;
mod status;
mod vectors;
mod verify;

use std::sync::Arc;

use channel::{
    Adapter, Capabilities, CheckPayment, Confidence, Inbound, Kind, Limits, Manifest, Outcome, Proof,
    Protocol, RawRequest, Refusal, Reply, SettingsError, Verified,
};
use vocabulary::{Account, Timestamp};

pub use pay::PayPage;
pub use settings::Gateway;

/// The protocol `bepusdt`.
pub const PROTOCOL: Protocol = Protocol {
    manifest: &MANIFEST,
    connect,
    example_settings: include_str!("example-settings.json"),
    schemes: vectors::SCHEMES,
};

static MANIFEST: Manifest = Manifest {
    code: "bepusdt",
    name: ("USDT (BEpusdt, epusdt)", "USDT 收款(BEpusdt、epusdt)"),
    inbound: &[Kind::Notice],
    capabilities: Capabilities { check_payment: true, ..Capabilities::NONE },
    clock_tolerance_secs: None,
    // The merchant's own server, usually a small one.
    limits: Limits { calls_per_s: 5, concurrency: 4, timeout_ms: 10_000 },
    confidence: &[("inbound", Confidence::Documented), ("check_payment", Confidence::Sdk)],
    sources: &[
        "https://github.com/v03413/BEpusdt (docs/api.md, app/utils/utils.go, app/task/notify, app/handler/epusdt)",
        "https://github.com/GMwalletApp/epusdt (wiki/API.md, src/util/sign/sign.go, src/controller/comm)",
        "https://github.com/assimon/epusdt (wiki/API.md, src/util/sign/sign.go)",
    ],
};

fn connect(account: Account, text: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    Ok(Arc::new(Bepusdt { account, gateway: Gateway::open(text)? }))
}

struct Bepusdt {
    account: Account,
    gateway: Gateway,
}

impl Adapter for Bepusdt {
    fn account(&self) -> &Account {
        &self.account
    }
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }
    fn verify(&self, request: &RawRequest, _: Timestamp) -> Result<Proof, Refusal> {
        verify::verify(&self.gateway, request)
    }
    fn signed_text(&self, request: &RawRequest) -> Option<String> {
        verify::signed_text(&self.gateway, request)
    }
    fn parse(&self, request: &Verified<'_>) -> Result<Inbound, Refusal> {
        inbound::parse(&self.gateway, request.request())
    }
    fn answer(&self, _: &Verified<'_>, _: &Inbound, outcome: &Outcome) -> Reply {
        status::answer(outcome)
    }
    fn refuse(&self, _: &RawRequest, _: &Refusal) -> Reply {
        status::fail()
    }
    fn check_payment(&self) -> Option<&dyn CheckPayment> {
        self.gateway.confirm.map(|_| &self.gateway as &dyn CheckPayment)
    }
}
