//! Xiaohongshu shop (小红书, ark open platform): it pushes that an order or an after-sale changed, we read the truth
//! back, deliver card texts, publish stock and agree to refunds; orders and after-sales are polled as well.
//!
//! Knows the protocol's words only. The signature of a push does not cover its body, so nothing but the wish to read
//! something back is ever taken from one.
//!
//! ```
//! use channel_xiaohongshu::PROTOCOL;
//! let account = "xiaohongshu/main".parse().unwrap();
//! let adapter = (PROTOCOL.connect)(account, PROTOCOL.example_settings);
//! assert!(adapter.is_ok());
//! ```
#![warn(missing_docs)]

mod after_sale;
mod call;
mod deliver;
mod inbound;
mod order;
mod poll;
mod read;
mod refund;
mod renew;
mod settings;
mod status;
mod stock;
mod vectors;
mod verify;

use std::sync::Arc;

use channel::{
    Adapter, Capabilities, Confidence, Deliver, Inbound, Kind, Limits, Manifest, Outcome, Poll, Proof,
    Protocol, PushStock, RawRequest, ReadBack, Refund, Refusal, Renew, Reply, SettingsError, Verified,
};
use vocabulary::{Account, Timestamp};

use poll::{AfterSales, Orders};
use settings::{ItemBy, Settings};

/// The protocol, as the binary lists it.
pub const PROTOCOL: Protocol =
    Protocol { manifest: &MANIFEST, connect, example_settings: settings::EXAMPLE, schemes: vectors::SCHEMES };

static MANIFEST: Manifest = Manifest {
    code: "xiaohongshu",
    name: ("Xiaohongshu shop", "小红书店铺"),
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
    clock_tolerance_secs: Some(verify::TOLERANCE_SECS),
    limits: Limits { calls_per_s: 10, concurrency: 4, timeout_ms: 10_000 },
    confidence: &[
        ("inbound", Confidence::Documented),
        ("deliver", Confidence::Documented),
        ("push_stock", Confidence::Documented),
        ("read_back", Confidence::Documented),
        ("refund", Confidence::Sdk),
        ("poll", Confidence::Documented),
        ("renew", Confidence::Sdk),
    ],
    sources: &[
        "小红书开放平台 documents as copied in AndersonBY/xiaohongshu-ecommerce-python-sdk, read 2026-11-22",
        "repositories zsmhub/xhs-sdk and ledccn/ledc-xiao-hong-shu; see README.md",
    ],
};

fn connect(account: Account, settings: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    let settings = Arc::new(Settings::read(settings, &account)?);
    Ok(Arc::new(Xiaohongshu {
        account,
        orders: Orders(settings.clone()),
        after_sales: AfterSales(settings.clone()),
        settings,
    }))
}

struct Xiaohongshu {
    account: Account,
    settings: Arc<Settings>,
    orders: Orders,
    after_sales: AfterSales,
}

impl Adapter for Xiaohongshu {
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
    fn answer(&self, _: &Verified<'_>, _: &Inbound, _: &Outcome) -> Reply {
        inbound::acknowledge()
    }
    fn refuse(&self, _: &RawRequest, refusal: &Refusal) -> Reply {
        inbound::refuse(refusal)
    }
    fn deliver(&self) -> Option<&dyn Deliver> {
        Some(&*self.settings)
    }
    fn push_stock(&self) -> Option<&dyn PushStock> {
        // Stock goes by sku number, which items that are known by the merchant's code do not have.
        (self.settings.item_by == ItemBy::SkuId).then_some(&*self.settings as &dyn PushStock)
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
