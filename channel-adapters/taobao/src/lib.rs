//! Taobao and Tmall (淘宝、天猫) through the open platform TOP: its message queue only hints that a trade changed, so
//! we read the trade back, mark it shipped, hand in e-ticket codes, publish stock and agree to refunds.
//!
//! Knows the protocol's words only.
//!
//! ```
//! use channel_taobao::PROTOCOL;
//! let account = "taobao/main".parse().unwrap();
//! let adapter = (PROTOCOL.connect)(account, PROTOCOL.example_settings);
//! assert!(adapter.is_ok());
//! ```
#![warn(missing_docs)]

mod api;
mod deliver;
mod inbound;
mod messages;
mod outbound;
mod polls;
mod refund;
mod renew;
mod settings;
mod spi;
mod status;
mod trade;
mod vectors;
mod wire;

use std::sync::Arc;

use channel::{
    Adapter, Capabilities, Confidence, Deliver, Inbound, Kind, Limits, Manifest, Outcome, Poll, Proof,
    Protocol, PushStock, RawRequest, ReadBack, Refund, Refusal, Renew, Reply, SettingsError, Verified,
};
use vocabulary::{Account, Timestamp};

use messages::MessagePoll;
use polls::{OrderPoll, RefundPoll};
use settings::{Delivery, Settings};

/// The protocol, as the binary lists it.
pub const PROTOCOL: Protocol =
    Protocol { manifest: &MANIFEST, connect, example_settings: settings::EXAMPLE, schemes: vectors::SCHEMES };

static MANIFEST: Manifest = Manifest {
    code: "taobao",
    name: ("Taobao and Tmall", "淘宝、天猫"),
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
    clock_tolerance_secs: Some(spi::TOLERANCE_SECS),
    limits: Limits { calls_per_s: 5, concurrency: 4, timeout_ms: 10_000 },
    confidence: &[
        ("inbound", Confidence::Unsure),
        ("deliver", Confidence::Documented),
        ("push_stock", Confidence::Documented),
        ("read_back", Confidence::Documented),
        ("refund", Confidence::Documented),
        ("poll", Confidence::Documented),
        ("renew", Confidence::Documented),
    ],
    sources: &[
        "open.taobao.com API metadata and the official node SDK 1.6.0, read 2026-11-22; see README.md",
    ],
};

fn connect(account: Account, settings: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    let settings = Arc::new(Settings::read(settings)?);
    Ok(Arc::new(Taobao {
        account,
        messages: MessagePoll(settings.clone()),
        orders: OrderPoll(settings.clone()),
        refunds: RefundPoll(settings.clone()),
        settings,
    }))
}

struct Taobao {
    account: Account,
    settings: Arc<Settings>,
    messages: MessagePoll,
    orders: OrderPoll,
    refunds: RefundPoll,
}

impl Adapter for Taobao {
    fn account(&self) -> &Account {
        &self.account
    }
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }
    fn verify(&self, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
        spi::verify(&self.settings, request, now)
    }
    fn signed_text(&self, request: &RawRequest) -> Option<String> {
        spi::signed_text(request)
    }
    fn parse(&self, request: &Verified<'_>) -> Result<Inbound, Refusal> {
        inbound::parse(&self.settings, request.request())
    }
    fn answer(&self, request: &Verified<'_>, _: &Inbound, _: &Outcome) -> Reply {
        inbound::acknowledge(request.request())
    }
    fn refuse(&self, _: &RawRequest, refusal: &Refusal) -> Reply {
        inbound::refuse(refusal)
    }
    fn deliver(&self) -> Option<&dyn Deliver> {
        let delivers = self.settings.delivery == Delivery::MarkShipped || self.settings.eticket.is_some();
        delivers.then_some(&*self.settings as &dyn Deliver)
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
        vec![&self.messages, &self.orders, &self.refunds]
    }
    fn renew(&self) -> Option<&dyn Renew> {
        self.settings.refresh_token.as_ref().map(|_| &*self.settings as &dyn Renew)
    }
}
