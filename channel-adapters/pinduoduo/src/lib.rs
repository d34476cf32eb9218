//! Pinduoduo (拼多多): a relay hands over the messages of its long connection, each of which only hints that an order
//! changed; we read the order back, send vouchers, publish stock and agree to refunds.
//!
//! Knows the protocol's words only.
//!
//! ```
//! use channel_pinduoduo::PROTOCOL;
//! let account = "pinduoduo/main".parse().unwrap();
//! let adapter = (PROTOCOL.connect)(account, PROTOCOL.example_settings);
//! assert!(adapter.is_ok());
//! ```
#![warn(missing_docs)]

mod after_sales;
mod api;
mod inbound;
mod order;
mod outbound;
pub mod pmc;
mod polls;
mod relay;
mod renew;
mod settings;
mod status;
mod vectors;
mod wire;

use std::sync::Arc;

use channel::{
    Adapter, Capabilities, Confidence, Deliver, Inbound, Kind, Limits, Manifest, Outcome, Poll, Proof,
    Protocol, PushStock, RawRequest, ReadBack, Refund, Refusal, Renew, Reply, SettingsError, Verified,
};
use vocabulary::{Account, Timestamp};

use polls::{OrderPoll, RefundPoll};
use settings::{Delivery, Settings};

/// The protocol, as the binary lists it.
pub const PROTOCOL: Protocol =
    Protocol { manifest: &MANIFEST, connect, example_settings: settings::EXAMPLE, schemes: vectors::SCHEMES };

static MANIFEST: Manifest = Manifest {
    code: "pinduoduo",
    name: ("Pinduoduo", "拼多多"),
    inbound: &[Kind::Notice],
    capabilities: Capabilities {
        deliver: true,
        push_stock: true,
        read_back: true,
        refund: true,
        poll: true,
        renew: true,
        ..Capabilities::NONE
    },
    clock_tolerance_secs: Some(relay::TOLERANCE_SECS),
    limits: Limits { calls_per_s: 5, concurrency: 4, timeout_ms: 10_000 },
    confidence: &[
        ("inbound", Confidence::Sdk),
        ("deliver", Confidence::Unsure),
        ("push_stock", Confidence::Documented),
        ("read_back", Confidence::Documented),
        ("refund", Confidence::Documented),
        ("poll", Confidence::Documented),
        ("renew", Confidence::Documented),
    ],
    sources: &["open.pinduoduo.com documents as quoted by generated SDKs, read 2026-11-22; see README.md"],
};

fn connect(account: Account, settings: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    let settings = Arc::new(Settings::read(settings)?);
    Ok(Arc::new(Pinduoduo {
        account,
        orders: OrderPoll(settings.clone()),
        refunds: RefundPoll(settings.clone()),
        settings,
    }))
}

struct Pinduoduo {
    account: Account,
    settings: Arc<Settings>,
    orders: OrderPoll,
    refunds: RefundPoll,
}

impl Adapter for Pinduoduo {
    fn account(&self) -> &Account {
        &self.account
    }
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }
    fn verify(&self, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
        relay::verify(&self.settings, request, now)
    }
    fn signed_text(&self, request: &RawRequest) -> Option<String> {
        relay::signed_text(request)
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
        (self.settings.delivery == Delivery::Voucher).then_some(&*self.settings as &dyn Deliver)
    }
    fn push_stock(&self) -> Option<&dyn PushStock> {
        Some(&*self.settings)
    }
    fn read_back(&self) -> Option<&dyn ReadBack> {
        Some(&*self.settings)
    }
    fn refund(&self) -> Option<&dyn Refund> {
        Some(&*self.settings)
    }
    fn polls(&self) -> Vec<&dyn Poll> {
        vec![&self.orders, &self.refunds]
    }
    fn renew(&self) -> Option<&dyn Renew> {
        self.settings.refresh_token.as_ref().map(|_| &*self.settings as &dyn Renew)
    }
}
