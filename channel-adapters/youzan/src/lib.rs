//! Youzan (有赞): its pushes only hint that an order changed, so we read the order back, mark it shipped, publish stock
//! and agree to refunds.
//!
//! Knows the protocol's words only.
//!
//! ```
//! use channel_youzan::PROTOCOL;
//! let account = "youzan/main".parse().unwrap();
//! let adapter = (PROTOCOL.connect)(account, PROTOCOL.example_settings);
//! assert!(adapter.is_ok());
//! ```
#![warn(missing_docs)]

mod api;
mod deliver;
mod inbound;
mod order;
mod outbound;
mod polls;
mod refund;
mod renew;
mod settings;
mod status;
mod vectors;
mod verify;
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
    code: "youzan",
    name: ("Youzan", "有赞"),
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
    clock_tolerance_secs: None,
    limits: Limits { calls_per_s: 5, concurrency: 4, timeout_ms: 10_000 },
    confidence: &[
        ("inbound", Confidence::Sdk),
        ("deliver", Confidence::Sdk),
        ("push_stock", Confidence::Sdk),
        ("read_back", Confidence::Sdk),
        ("refund", Confidence::Sdk),
        ("poll", Confidence::Sdk),
        ("renew", Confidence::Documented),
    ],
    sources: &["doc.youzanyun.com as quoted by others, official node SDK, read 2026-11-22; see README.md"],
};

fn connect(account: Account, settings: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    let settings = Arc::new(Settings::read(settings)?);
    Ok(Arc::new(Youzan {
        account,
        orders: OrderPoll(settings.clone()),
        refunds: RefundPoll(settings.clone()),
        settings,
    }))
}

struct Youzan {
    account: Account,
    settings: Arc<Settings>,
    orders: OrderPoll,
    refunds: RefundPoll,
}

impl Adapter for Youzan {
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
        verify::signed_text(&self.settings, request)
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
        (self.settings.delivery == Delivery::MarkShipped).then_some(&*self.settings as &dyn Deliver)
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
        self.settings.token_expires_at.map(|_| &*self.settings as &dyn Renew)
    }
}
