//! Douyin shop (抖店, op.jinritemai.com): it pushes that an order or a refund changed, we read the truth back, hand
//! card coupons over, publish stock and agree to refunds.
//!
//! Knows the protocol's words only. Nothing is delivered because of a push: a push names an order, and the order is
//! read by an authenticated call.
//!
//! ```
//! use channel_douyin::PROTOCOL;
//! let account = "douyin/main".parse().unwrap();
//! let adapter = (PROTOCOL.connect)(account, PROTOCOL.example_settings);
//! assert!(adapter.is_ok());
//! ```
#![warn(missing_docs)]

mod after_sale;
mod call;
mod canonical;
mod deliver;
mod inbound;
mod order;
mod poll;
mod read;
mod renew;
mod settings;
mod status;
mod stock;
mod vectors;
mod verify;
mod wire;

use std::sync::Arc;

use channel::{
    Adapter, Capabilities, Confidence, Deliver, Inbound, Kind, Limits, Manifest, Outcome, Poll, Proof,
    Protocol, PushStock, RawRequest, ReadBack, Refund, Refusal, Renew, Reply, SettingsError, Verified,
};
use vocabulary::{Account, Timestamp};

use poll::{AfterSales, Orders};
use settings::Settings;

/// The protocol, as the binary lists it.
pub const PROTOCOL: Protocol =
    Protocol { manifest: &MANIFEST, connect, example_settings: settings::EXAMPLE, schemes: vectors::SCHEMES };

static MANIFEST: Manifest = Manifest {
    code: "douyin",
    name: ("Douyin shop", "抖店"),
    inbound: &[Kind::Notice, Kind::Call],
    capabilities: Capabilities {
        deliver: true,
        push_stock: true,
        read_back: true,
        refund: true,
        poll: true,
        renew: true,
        ..Capabilities::NONE
    },
    clock_tolerance_secs: Some(verify::TOLERANCE_SECS),
    limits: Limits { calls_per_s: 5, concurrency: 4, timeout_ms: 10_000 },
    confidence: &[
        ("inbound", Confidence::Sdk),
        ("deliver", Confidence::Documented),
        ("push_stock", Confidence::Documented),
        ("read_back", Confidence::Documented),
        ("refund", Confidence::Sdk),
        ("poll", Confidence::Documented),
        ("renew", Confidence::Documented),
    ],
    sources: &[
        "抖店开放平台, official Go SDK 1.1.0 and Java SDK (copies), read 2026-11-22; see README.md",
        "repositories zsmhub/doudian-sdk, westng/doudian-sdk, renhonghai/doudian-sdk",
    ],
};

fn connect(account: Account, settings: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    let settings = Arc::new(Settings::read(settings)?);
    Ok(Arc::new(Douyin {
        account,
        orders: Orders(settings.clone()),
        after_sales: AfterSales(settings.clone()),
        settings,
    }))
}

struct Douyin {
    account: Account,
    settings: Arc<Settings>,
    orders: Orders,
    after_sales: AfterSales,
}

impl Adapter for Douyin {
    fn account(&self) -> &Account {
        &self.account
    }
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }
    fn verify(&self, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
        verify::verify(&self.settings, request, now)
    }
    fn signed_text(&self, request: &RawRequest) -> Option<String> {
        verify::signed_text(&self.settings, request)
    }
    fn parse(&self, request: &Verified<'_>) -> Result<Inbound, Refusal> {
        inbound::parse(&self.settings, request.request())
    }
    fn answer(&self, _: &Verified<'_>, inbound: &Inbound, _: &Outcome) -> Reply {
        inbound::answer(inbound)
    }
    fn refuse(&self, request: &RawRequest, refusal: &Refusal) -> Reply {
        inbound::refuse(request, refusal)
    }
    fn deliver(&self) -> Option<&dyn Deliver> {
        Some(&*self.settings)
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
        vec![&self.orders, &self.after_sales]
    }
    fn renew(&self) -> Option<&dyn Renew> {
        self.settings.renewal.is_some().then_some(&*self.settings as &dyn Renew)
    }
}
