//! The epay (易支付) family of payment gateways: `epay-v1`, signed with MD5 and a shared key, and `epay-v2`,
//! signed with RSA. They differ in how messages are proved, and in nothing that an order would notice.
//!
//! A gateway tells us that an order is paid; it has no stock, no delivery and tells nothing of refunds. V1's
//! signature never ages and uses MD5, so a V1 notification is by default confirmed by a query first.
//!
//! This crate knows the protocol and nothing else: no socket, no clock, no domain. The browser's way to the
//! gateway starts at [`Gateway::pay_url`].
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
    Protocol, RawRequest, Refund, Refusal, Reply, SettingsError, Verified,
};
use vocabulary::{Account, Timestamp};

pub use pay::PayPage;
pub use settings::{Gateway, Version};

/// The protocol `epay-v1`.
pub const V1: Protocol = Protocol {
    manifest: &V1_MANIFEST,
    connect: connect_v1,
    example_settings: include_str!("example-v1.json"),
    schemes: vectors::OF_V1,
};

/// The protocol `epay-v2`.
pub const V2: Protocol = Protocol {
    manifest: &V2_MANIFEST,
    connect: connect_v2,
    example_settings: include_str!("example-v2.json"),
    schemes: vectors::OF_V2,
};

const CAPABILITIES: Capabilities = Capabilities { check_payment: true, refund: true, ..Capabilities::NONE };
// No operator names a limit; these are polite.
const LIMITS: Limits = Limits { calls_per_s: 5, concurrency: 4, timeout_ms: 10_000 };

const CONFIDENCE: &[(&str, Confidence)] = &[
    ("inbound", Confidence::Documented),
    ("check_payment", Confidence::Documented),
    ("refund", Confidence::Documented),
];

static V1_MANIFEST: Manifest = Manifest {
    code: "epay-v1",
    name: ("epay V1 (MD5)", "易支付 V1(MD5)"),
    inbound: &[Kind::Notice],
    capabilities: CAPABILITIES,
    clock_tolerance_secs: None,
    limits: LIMITS,
    confidence: CONFIDENCE,
    sources: &[
        "https://github.com/Calcium-Ion/go-epay",
        "https://github.com/assimon/dujiaoka (app/Http/Controllers/Pay/YipayController.php)",
        "https://github.com/v03413/BEpusdt (app/web/epay/epay.go)",
    ],
};

static V2_MANIFEST: Manifest = Manifest {
    code: "epay-v2",
    name: ("epay V2 (RSA)", "易支付 V2(RSA)"),
    inbound: &[Kind::Notice],
    capabilities: CAPABILITIES,
    clock_tolerance_secs: Some(verify::TOLERANCE_SECS),
    limits: LIMITS,
    confidence: CONFIDENCE,
    sources: &["https://github.com/xiaoyi510/xarr-pay-docs (docs/merchant/api/epayn.md)"],
};

fn connect_v1(account: Account, text: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    Ok(Arc::new(Epay { account, manifest: &V1_MANIFEST, gateway: Gateway::open(Version::V1, text)? }))
}

fn connect_v2(account: Account, text: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    Ok(Arc::new(Epay { account, manifest: &V2_MANIFEST, gateway: Gateway::open(Version::V2, text)? }))
}

struct Epay {
    account: Account,
    manifest: &'static Manifest,
    gateway: Gateway,
}

impl Adapter for Epay {
    fn account(&self) -> &Account {
        &self.account
    }
    fn manifest(&self) -> &'static Manifest {
        self.manifest
    }
    fn verify(&self, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
        verify::verify(&self.gateway, request, now)
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
        Some(&self.gateway)
    }
    fn refund(&self) -> Option<&dyn Refund> {
        self.gateway.refunds.then_some(&self.gateway as &dyn Refund)
    }
}
