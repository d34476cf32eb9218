//! The PayPal payment gateway: it tells that a capture was completed, the capture is read back, money goes back
//! through it. It has no stock and no delivery.
//!
//! A webhook's signature covers a CRC-32 of the body, and another body with the same CRC is easily made. So a webhook
//! is never believed alone: a payment is asked about first, and nothing else that a webhook says moves money.
//!
//! This crate knows the protocol and nothing else: no socket, no clock, no domain. The own site makes PayPal orders
//! and captures them; the order's number stands in `custom_id`.
//!
//! ```
//! use channel_paypal::PROTOCOL;
//! let account = "paypal/main".parse().unwrap();
//! let adapter = (PROTOCOL.connect)(account, PROTOCOL.example_settings);
//! assert!(adapter.is_ok());
//! ```
#![warn(missing_docs)]

mod answer;
mod check;
mod crc32;
mod inbound;
mod refund;
mod renew;
mod settings;
mod status;
mod vectors;
mod verify;

use std::sync::Arc;

use channel::{
    Adapter, Capabilities, CheckPayment, Confidence, Inbound, Kind, Limits, Manifest, Outcome, Proof,
    Protocol, RawRequest, Refund, Refusal, Renew, Reply, SettingsError, Verified,
};
use vocabulary::{Account, Timestamp};

use settings::Settings;

/// The protocol `paypal`.
pub const PROTOCOL: Protocol = Protocol {
    manifest: &MANIFEST,
    connect,
    example_settings: include_str!("example-settings.json"),
    schemes: vectors::SCHEMES,
};

static MANIFEST: Manifest = Manifest {
    code: "paypal",
    name: ("PayPal", "PayPal"),
    inbound: &[Kind::Notice],
    capabilities: Capabilities { check_payment: true, refund: true, renew: true, ..Capabilities::NONE },
    // The signed time is of the sending, which goes on for three days; whether a repeat has a new one is not known.
    clock_tolerance_secs: None,
    // No limit is published; these are polite.
    limits: Limits { calls_per_s: 5, concurrency: 4, timeout_ms: 15_000 },
    confidence: &[
        ("inbound", Confidence::Documented),
        ("check_payment", Confidence::Sdk),
        ("refund", Confidence::Sdk),
        ("renew", Confidence::Sdk),
    ],
    sources: &[
        "https://github.com/paypal/PayPal-Python-SDK (paypalrestsdk/notifications.py and its tests)",
        "https://www.npmjs.com/package/@paypal/paypal-server-sdk (2.5.0: controllers/paymentsController)",
        "https://developer.paypal.com (integrate webhooks, webhook event names, verify webhook signature)",
    ],
};

fn connect(account: Account, text: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    Ok(Arc::new(PayPal { account, settings: Settings::read(text)? }))
}

struct PayPal {
    account: Account,
    settings: Settings,
}

impl Adapter for PayPal {
    fn account(&self) -> &Account {
        &self.account
    }
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }
    fn verify(&self, request: &RawRequest, _: Timestamp) -> Result<Proof, Refusal> {
        verify::verify(&self.settings, request)
    }
    fn signed_text(&self, request: &RawRequest) -> Option<String> {
        verify::signed_text(&self.settings, request).ok()
    }
    fn parse(&self, request: &Verified<'_>) -> Result<Inbound, Refusal> {
        inbound::parse(request.request())
    }
    fn answer(&self, _: &Verified<'_>, _: &Inbound, outcome: &Outcome) -> Reply {
        status::answer(outcome)
    }
    fn refuse(&self, _: &RawRequest, refusal: &Refusal) -> Reply {
        status::refuse(refusal)
    }
    fn check_payment(&self) -> Option<&dyn CheckPayment> {
        Some(&self.settings)
    }
    fn refund(&self) -> Option<&dyn Refund> {
        self.settings.refunds.then_some(&self.settings as &dyn Refund)
    }
    fn renew(&self) -> Option<&dyn Renew> {
        Some(&self.settings)
    }
}
