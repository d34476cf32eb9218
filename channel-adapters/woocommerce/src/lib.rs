//! WooCommerce shops: webhooks tell of orders and refunds, the REST API v3 is read and told.
//!
//! A webhook's signature covers its body and none of its headers. So only the body says what a message means: the
//! topic is not believed, and the ids under which messages are recognised are made of the order's state. The shop
//! never repeats a webhook that was lost, so changed orders are listed too.
//!
//! This crate knows the protocol and nothing else: no socket, no clock, no domain.
//!
//! ```
//! use channel_woocommerce::PROTOCOL;
//! let account = "woocommerce/main".parse().unwrap();
//! let adapter = (PROTOCOL.connect)(account, PROTOCOL.example_settings);
//! assert!(adapter.is_ok());
//! ```
#![warn(missing_docs)]

mod deliver;
mod inbound;
mod order;
mod read;
mod refund;
mod rest;
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

/// The protocol `woocommerce`.
pub const PROTOCOL: Protocol = Protocol {
    manifest: &MANIFEST,
    connect,
    example_settings: include_str!("example-settings.json"),
    schemes: vectors::SCHEMES,
};

static MANIFEST: Manifest = Manifest {
    code: "woocommerce",
    name: ("WooCommerce", "WooCommerce 独立站"),
    inbound: &[Kind::Notice, Kind::Query],
    capabilities: Capabilities {
        deliver: true,
        push_stock: true,
        read_back: true,
        refund: true,
        poll: true,
        ..Capabilities::NONE
    },
    clock_tolerance_secs: None,
    // The shop has no limit of its own; its host may, and a small one is slow.
    limits: Limits { calls_per_s: 4, concurrency: 2, timeout_ms: 30_000 },
    confidence: &[
        ("inbound", Confidence::Documented),
        ("deliver", Confidence::Documented),
        ("push_stock", Confidence::Documented),
        ("read_back", Confidence::Documented),
        ("refund", Confidence::Documented),
        ("poll", Confidence::Documented),
    ],
    sources: &[
        "https://github.com/woocommerce/woocommerce (plugins/woocommerce/includes/class-wc-webhook.php)",
        "https://github.com/woocommerce/woocommerce-rest-api-docs (source/includes/wp-api-v3: webhooks, orders, order notes, refunds)",
        "https://developer.woocommerce.com (Webhooks)",
    ],
};

fn connect(account: Account, text: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    Ok(Arc::new(WooCommerce { account, settings: Settings::read(text)? }))
}

struct WooCommerce {
    account: Account,
    settings: Settings,
}

impl Adapter for WooCommerce {
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
        if request.is_signed() {
            inbound::parse(&self.settings, request.request())
        } else {
            Ok(inbound::ping())
        }
    }
    fn answer(&self, _: &Verified<'_>, _: &Inbound, _: &Outcome) -> Reply {
        status::taken()
    }
    fn refuse(&self, _: &RawRequest, refusal: &Refusal) -> Reply {
        status::refuse(refusal)
    }
    fn deliver(&self) -> Option<&dyn Deliver> {
        self.settings.key_notes.then_some(&self.settings as &dyn Deliver)
    }
    fn push_stock(&self) -> Option<&dyn PushStock> {
        self.settings.stock.then_some(&self.settings as &dyn PushStock)
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
