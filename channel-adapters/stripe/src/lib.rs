//! Stripe Checkout as a payment gateway: signed events say what was paid, paid back and disputed.
//!
//! The order number travels as the session's `client_reference_id`. Refunds and disputes do not carry it, so their
//! events are hints: the session of their payment is read back. Money goes back through `/v1/refunds`, under an
//! idempotency key made from the refund's number. Events that were lost are found in Stripe's list of events.
//!
//! This crate knows the protocol and nothing else: no socket, no clock, no domain. It does not create the Checkout
//! session: the shop does that.
#![warn(missing_docs)]

mod answer;
mod hint;
mod inbound;
mod payment;
mod poll;
mod read_back;
mod refund;
mod session;
mod settings;
mod vectors;
mod verify;

use std::sync::Arc;

use channel::{
    Adapter, Capabilities, CheckPayment, Confidence, Inbound, Kind, Limits, Manifest, Outcome, Poll, Proof,
    Protocol, RawRequest, ReadBack, Refund, Refusal, Reply, SettingsError, Verified,
};
use vocabulary::{Account, Reason, Timestamp};

use settings::Stripe;

/// The protocol.
pub const PROTOCOL: Protocol = Protocol {
    manifest: &MANIFEST,
    connect,
    example_settings: include_str!("example.json"),
    schemes: vectors::SCHEMES,
};

static MANIFEST: Manifest = Manifest {
    code: "stripe",
    name: ("Stripe", "Stripe"),
    inbound: &[Kind::Notice],
    capabilities: Capabilities {
        read_back: true,
        check_payment: true,
        refund: true,
        poll: true,
        ..Capabilities::NONE
    },
    clock_tolerance_secs: Some(verify::TOLERANCE_SECS),
    // Documented: about 100 a second live, 25 in a sandbox.
    limits: Limits { calls_per_s: 20, concurrency: 8, timeout_ms: 20_000 },
    confidence: &[
        ("inbound", Confidence::Documented),
        ("read_back", Confidence::Sdk),
        ("check_payment", Confidence::Sdk),
        ("refund", Confidence::Documented),
        ("poll", Confidence::Sdk),
    ],
    sources: &[
        "stripe-python 16.1.0: stripe/_webhook.py, _http_client.py, _event.py, checkout/_session.py",
        "stripe-node 23.1.0: Webhooks",
        "Stripe documentation: Receive Stripe events in your webhook endpoint; Idempotent requests",
    ],
};

fn connect(account: Account, text: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    Ok(Arc::new(Shop { account, stripe: Stripe::read(text)? }))
}

struct Shop {
    account: Account,
    stripe: Stripe,
}

impl Adapter for Shop {
    fn account(&self) -> &Account {
        &self.account
    }
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }
    fn verify(&self, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
        verify::verify(&self.stripe, request, now)
    }
    fn signed_text(&self, request: &RawRequest) -> Option<String> {
        verify::signed_text(request)
    }
    fn parse(&self, request: &Verified<'_>) -> Result<Inbound, Refusal> {
        inbound::parse(&self.stripe, &request.request().body)
    }
    /// Stripe looks at the status alone and repeats what failed for three days: that helps only where the order may
    /// still come to be known.
    fn answer(&self, _: &Verified<'_>, _: &Inbound, outcome: &Outcome) -> Reply {
        match outcome {
            Outcome::Rejected(no) if matches!(no.reason, Reason::UnknownOrder | Reason::UnknownChannel) => {
                Reply::text(409, "not now")
            }
            _ => Reply::text(200, "ok"),
        }
    }
    fn refuse(&self, _: &RawRequest, _: &Refusal) -> Reply {
        Reply::text(400, "refused")
    }
    fn read_back(&self) -> Option<&dyn ReadBack> {
        Some(&self.stripe)
    }
    fn check_payment(&self) -> Option<&dyn CheckPayment> {
        Some(&self.stripe)
    }
    fn refund(&self) -> Option<&dyn Refund> {
        Some(&self.stripe)
    }
    fn polls(&self) -> Vec<&dyn Poll> {
        vec![&self.stripe]
    }
}
