//! WeChat's shops: `wechat-shop` for 微信小店, `wechat-xpay` for the virtual payments of a mini-program. They share the
//! encrypted push and the access token, and differ in what is pushed and in what can be asked.
//!
//! A shop's push names an order and nothing more, so the order is read back. A virtual payment's push says everything.
//! Neither takes a card's text: the buyer reads the keys on the merchant's page, and WeChat is told that they are there.
#![warn(missing_docs)]

mod aftersale;
mod answer;
mod calls;
mod envelope;
mod order;
mod polls;
mod settings;
mod shop;
mod status;
mod stock;
mod token;
mod vectors;
mod verify;
mod wire;
mod xpay;

use std::sync::Arc;

use channel::{
    Adapter, BuyerAsk, Capabilities, Confidence, Deliver, Identifier, Inbound, Kind, Limits, Manifest,
    Outcome, Poll, Proof, Protocol, PushStock, RawRequest, ReadBack, Refund, Refusal, Renew, Reply,
    SettingsError, Verified,
};
use vocabulary::{Account, Timestamp};

pub use xpay::{XpaySignatures, xpay_signatures};

use polls::{Aftersales, Orders};
use settings::{App, Product};

/// The protocol `wechat-shop`: 微信小店.
pub const SHOP: Protocol = Protocol {
    manifest: &SHOP_MANIFEST,
    connect: connect_shop,
    example_settings: include_str!("example-shop.json"),
    schemes: vectors::SHOP,
};

/// The protocol `wechat-xpay`: virtual payments of a mini-program.
pub const XPAY: Protocol = Protocol {
    manifest: &XPAY_MANIFEST,
    connect: connect_xpay,
    example_settings: include_str!("example-xpay.json"),
    schemes: vectors::XPAY,
};

// No exact limits are known; these are polite.
const LIMITS: Limits = Limits { calls_per_s: 10, concurrency: 4, timeout_ms: 10_000 };

static SHOP_MANIFEST: Manifest = Manifest {
    code: "wechat-shop",
    name: ("WeChat shop", "微信小店"),
    inbound: &[Kind::Notice, Kind::Query],
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
    limits: LIMITS,
    confidence: &[
        ("inbound", Confidence::Documented),
        ("deliver", Confidence::Documented),
        ("push_stock", Confidence::Documented),
        ("read_back", Confidence::Sdk),
        ("refund", Confidence::Sdk),
        ("poll", Confidence::Sdk),
        ("renew", Confidence::Sdk),
    ],
    sources: &[
        "https://developers.weixin.qq.com/doc/store/shop (消息推送, order/get, order/list/get, delivery/send, 快速更新库存)",
        "https://developers.weixin.qq.com/doc/channels/API/aftersale/getaftersalelist.html",
        "https://github.com/binarywang/WxJava (weixin-java-channel)",
        "wechatpy 1.8.18, @wecom/crypto 1.0.1",
    ],
};

static XPAY_MANIFEST: Manifest = Manifest {
    code: "wechat-xpay",
    name: ("WeChat virtual payment", "微信小程序虚拟支付"),
    inbound: &[Kind::Notice, Kind::Call, Kind::Query],
    capabilities: Capabilities { deliver: true, refund: true, renew: true, ..Capabilities::NONE },
    clock_tolerance_secs: None,
    limits: LIMITS,
    confidence: &[
        ("inbound", Confidence::Documented),
        ("deliver", Confidence::Sdk),
        ("refund", Confidence::Sdk),
        ("renew", Confidence::Sdk),
    ],
    sources: &[
        "https://developers.weixin.qq.com/miniprogram/dev (虚拟支付, 虚拟支付签名, 消息推送)",
        "https://github.com/binarywang/WxJava (weixin-java-miniapp, bean/xpay)",
        "wechat-xpay 0.6.0, wechatpy 1.8.18, @wecom/crypto 1.0.1",
    ],
};

fn connect_shop(account: Account, text: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    Ok(Arc::new(Wechat::new(account, &SHOP_MANIFEST, App::open_shop(text)?)))
}

fn connect_xpay(account: Account, text: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    Ok(Arc::new(Wechat::new(account, &XPAY_MANIFEST, App::open_xpay(text)?)))
}

struct Wechat {
    account: Account,
    manifest: &'static Manifest,
    app: Arc<App>,
    orders: Orders,
    aftersales: Aftersales,
}

impl Wechat {
    fn new(account: Account, manifest: &'static Manifest, app: App) -> Self {
        let app = Arc::new(app);
        let (orders, aftersales) = (Orders(app.clone()), Aftersales(app.clone()));
        Self { account, manifest, app, orders, aftersales }
    }
    fn of_shop(&self) -> bool {
        matches!(self.app.product, Product::Shop)
    }
}

impl Adapter for Wechat {
    fn account(&self) -> &Account {
        &self.account
    }
    fn manifest(&self) -> &'static Manifest {
        self.manifest
    }
    fn verify(&self, request: &RawRequest, _: Timestamp) -> Result<Proof, Refusal> {
        verify::verify(&self.app, request)
    }
    fn signed_text(&self, request: &RawRequest) -> Option<String> {
        verify::signed_text(request)
    }
    fn parse(&self, request: &Verified<'_>) -> Result<Inbound, Refusal> {
        let request = request.request();
        if request.method == "GET" {
            return verify::address_check(request);
        }
        let message = verify::message(&self.app, request)?;
        match &self.app.product {
            Product::Shop => shop::parse(&message),
            Product::Xpay(xpay) => xpay::parse(xpay, &message),
        }
    }
    fn answer(&self, request: &Verified<'_>, inbound: &Inbound, outcome: &Outcome) -> Reply {
        answer::answer(&self.app, request.request(), inbound, outcome)
    }
    fn refuse(&self, _: &RawRequest, refusal: &Refusal) -> Reply {
        answer::refuse(refusal)
    }
    fn identifiers(&self, buyer: &BuyerAsk) -> Vec<Identifier> {
        order::identifiers(buyer)
    }
    fn deliver(&self) -> Option<&dyn Deliver> {
        Some(&*self.app)
    }
    fn push_stock(&self) -> Option<&dyn PushStock> {
        self.of_shop().then_some(&*self.app as &dyn PushStock)
    }
    fn read_back(&self) -> Option<&dyn ReadBack> {
        self.of_shop().then_some(&*self.app as &dyn ReadBack)
    }
    fn refund(&self) -> Option<&dyn Refund> {
        Some(&*self.app)
    }
    fn polls(&self) -> Vec<&dyn Poll> {
        if self.of_shop() { vec![&self.orders, &self.aftersales] } else { Vec::new() }
    }
    fn renew(&self) -> Option<&dyn Renew> {
        Some(&*self.app)
    }
}
