//! Alipay's open platform: notifications that an order is paid or paid back, queries, refunds.
//!
//! Notifications and answers to our calls are signed with RSA by Alipay, our calls with the application's key. A
//! notification of a refund says `TRADE_SUCCESS` like that of the payment, and its amount is what was paid back in
//! all: a refund of a part is read back by its number.
//!
//! This crate knows the protocol and nothing else: no socket, no clock, no domain. It does not place the order at
//! Alipay: the shop does that.
#![warn(missing_docs)]

mod answer;
mod canonical;
mod inbound;
mod payment;
mod read_back;
mod refund;
mod settings;
mod vectors;
mod verify;

use std::sync::Arc;

use channel::{
    Adapter, Capabilities, CheckPayment, Confidence, Inbound, Kind, Limits, Manifest, Outcome, Proof,
    Protocol, RawRequest, ReadBack, Refund, Refusal, Reply, SettingsError, Verified,
};
use vocabulary::{Account, Reason, Timestamp};

use settings::Merchant;

/// The protocol.
pub const PROTOCOL: Protocol = Protocol {
    manifest: &MANIFEST,
    connect,
    example_settings: include_str!("example.json"),
    schemes: vectors::SCHEMES,
};

static MANIFEST: Manifest = Manifest {
    code: "alipay",
    name: ("Alipay", "支付宝"),
    inbound: &[Kind::Notice],
    capabilities: Capabilities { read_back: true, check_payment: true, refund: true, ..Capabilities::NONE },
    clock_tolerance_secs: None,
    // None is published; these are polite.
    limits: Limits { calls_per_s: 10, concurrency: 4, timeout_ms: 15_000 },
    confidence: &[
        ("inbound", Confidence::Documented),
        ("read_back", Confidence::Sdk),
        ("check_payment", Confidence::Sdk),
        ("refund", Confidence::Documented),
    ],
    sources: &[
        "https://opendocs.alipay.com: 异步返回结果的验签, 异步通知参数说明, alipay.trade.refund",
        "npm alipay-sdk 4.14.0 (src/alipay.ts, src/util.ts)",
        "PyPI alipay-sdk-python 3.7.1411 (SignatureUtils.py), python-alipay-sdk 3.4.0",
    ],
};

fn connect(account: Account, text: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    Ok(Arc::new(Shop { account, merchant: Merchant::read(text)? }))
}

struct Shop {
    account: Account,
    merchant: Merchant,
}

impl Adapter for Shop {
    fn account(&self) -> &Account {
        &self.account
    }
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }
    fn verify(&self, request: &RawRequest, _: Timestamp) -> Result<Proof, Refusal> {
        verify::verify(&self.merchant, request)
    }
    fn signed_text(&self, request: &RawRequest) -> Option<String> {
        verify::signed_text(request)
    }
    fn parse(&self, request: &Verified<'_>) -> Result<Inbound, Refusal> {
        inbound::parse(&self.merchant, request.request())
    }
    /// Anything but `success` is repeated for a day: that helps only where the order may still come to be known.
    fn answer(&self, _: &Verified<'_>, _: &Inbound, outcome: &Outcome) -> Reply {
        match outcome {
            Outcome::Rejected(no) if matches!(no.reason, Reason::UnknownOrder | Reason::UnknownChannel) => {
                failure()
            }
            _ => Reply::text(200, "success"),
        }
    }
    fn refuse(&self, _: &RawRequest, _: &Refusal) -> Reply {
        failure()
    }
    fn read_back(&self) -> Option<&dyn ReadBack> {
        Some(&self.merchant)
    }
    fn check_payment(&self) -> Option<&dyn CheckPayment> {
        Some(&self.merchant)
    }
    fn refund(&self) -> Option<&dyn Refund> {
        Some(&self.merchant)
    }
}

/// The body decides, not the status.
fn failure() -> Reply {
    Reply::text(200, "failure")
}
