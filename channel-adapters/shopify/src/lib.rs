//! Shopify shops: webhooks tell of orders and refunds, the Admin GraphQL API is read and told.
//!
//! A webhook's signature covers its body and none of its headers. So only the body says what a message means: the
//! topic is not believed, and the ids under which messages are recognised are made of the order's state. The same
//! state that comes by webhook, by poll or by reading back is one message.
//!
//! This crate knows the protocol and nothing else: no socket, no clock, no domain.
//!
//! ```
//! use channel_shopify::PROTOCOL;
//! let account = "shopify/main".parse().unwrap();
//! let adapter = (PROTOCOL.connect)(account, PROTOCOL.example_settings);
//! assert!(adapter.is_ok());
//! ```
#![warn(missing_docs)]

mod deliver;
mod graphql;
mod inbound;
mod order;
mod read;
mod refund;
mod settings;
mod status;
mod stock;
mod vectors;
mod verify;

use std::sync::Arc;

use channel::{
    Adapter, Capabilities, Confidence, Deliver, Inbound, Kind, Limits, Manifest, Outcome, Poll, Proof,
    Protocol, PushStock, RawRequest, ReadBack, Refund, Refusal, Reply, SettingsError, Verified,
};
use vocabulary::{Account, Timestamp};

use settings::Settings;

/// The protocol `shopify`.
pub const PROTOCOL: Protocol = Protocol {
    manifest: &MANIFEST,
    connect,
    example_settings: include_str!("example-settings.json"),
    schemes: vectors::SCHEMES,
};

static MANIFEST: Manifest = Manifest {
    code: "shopify",
    name: ("Shopify", "Shopify 独立站"),
    inbound: &[Kind::Notice],
    capabilities: Capabilities {
        deliver: true,
        push_stock: true,
        read_back: true,
        refund: true,
        poll: true,
        ..Capabilities::NONE
    },
    clock_tolerance_secs: None,
    // The limit is a bucket of query costs, another for each plan; four calls a second fit the smallest.
    limits: Limits { calls_per_s: 4, concurrency: 2, timeout_ms: 15_000 },
    confidence: &[
        ("inbound", Confidence::Sdk),
        ("deliver", Confidence::Documented),
        ("push_stock", Confidence::Documented),
        ("read_back", Confidence::Documented),
        ("refund", Confidence::Documented),
        ("poll", Confidence::Documented),
    ],
    sources: &[
        "https://www.npmjs.com/package/@shopify/shopify-api (13.1.0: lib/webhooks, lib/utils/hmac-validator)",
        "https://shopify.dev/docs/api/admin-graphql (2026-04: orders, fulfillmentCreate, metafieldsSet, inventorySetQuantities, refundCreate)",
        "https://shopify.dev/changelog (webhook retries, duplicate webhooks, mandatory idempotency)",
    ],
};

fn connect(account: Account, text: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    Ok(Arc::new(Shopify { account, settings: Settings::read(text)? }))
}

struct Shopify {
    account: Account,
    settings: Settings,
}

impl Adapter for Shopify {
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
        String::from_utf8(request.body.clone()).ok()
    }
    fn parse(&self, request: &Verified<'_>) -> Result<Inbound, Refusal> {
        inbound::parse(&self.settings, request.request())
    }
    fn answer(&self, _: &Verified<'_>, _: &Inbound, _: &Outcome) -> Reply {
        status::taken()
    }
    fn refuse(&self, _: &RawRequest, refusal: &Refusal) -> Reply {
        status::refuse(refusal)
    }
    fn deliver(&self) -> Option<&dyn Deliver> {
        self.settings.keys_metafield.is_some().then_some(&self.settings as &dyn Deliver)
    }
    fn push_stock(&self) -> Option<&dyn PushStock> {
        self.settings.location.is_some().then_some(&self.settings as &dyn PushStock)
    }
    fn read_back(&self) -> Option<&dyn ReadBack> {
        Some(&self.settings)
    }
    fn refund(&self) -> Option<&dyn Refund> {
        self.settings.refunds.then_some(&self.settings as &dyn Refund)
    }
    fn polls(&self) -> Vec<&dyn Poll> {
        vec![&self.settings]
    }
}
