//! WeChat Pay, interface v3: notifications that an order is paid or paid back, queries, refunds.
//!
//! Notifications and answers to our calls are signed with RSA by the platform, under a public key or a certificate
//! that the settings hold; what a notification tells is sealed with AES-256-GCM besides. Our calls are signed with
//! the merchant's key. A refund is only accepted by its call: that it was paid, a notification or a query tells.
//!
//! This crate knows the protocol and nothing else: no socket, no clock, no domain. It does not place the order at
//! WeChat Pay: the shop does that.
#![warn(missing_docs)]

mod answer;
mod call;
mod inbound;
mod payment;
mod refund;
mod settings;
mod vectors;
mod verify;

use std::sync::Arc;

use channel::{
    Adapter, Capabilities, CheckPayment, Confidence, Inbound, Kind, Limits, Manifest, Outcome, Proof,
    Protocol, RawRequest, Refund, Refusal, Reply, SettingsError, Verified,
};
use vocabulary::{Account, Reason, Timestamp};

use settings::Merchant;

/// The protocol.
pub const PROTOCOL: Protocol = Protocol {
    manifest: &MANIFEST,
    connect,
    example_settings: include_str!("example.json"),
    schemes: vectors::SCHEMES,
};

static MANIFEST: Manifest = Manifest {
    code: "wechat-pay",
    name: ("WeChat Pay", "微信支付"),
    inbound: &[Kind::Notice],
    capabilities: Capabilities { check_payment: true, refund: true, ..Capabilities::NONE },
    clock_tolerance_secs: Some(verify::TOLERANCE_SECS),
    // Rejected refunds are limited to 6 a second.
    limits: Limits { calls_per_s: 5, concurrency: 4, timeout_ms: 10_000 },
    confidence: &[
        ("inbound", Confidence::Documented),
        ("check_payment", Confidence::Sdk),
        ("refund", Confidence::Documented),
    ],
    sources: &[
        "https://github.com/wechatpay-apiv3/wechatpay-go (core/auth, core/notify, services/payments, services/refunddomestic)",
        "https://github.com/wechatpay-apiv3/wechatpay-java (NotificationParser, RefundNotification)",
        "https://pay.weixin.qq.com: 支付成功回调通知, 申请退款",
    ],
};

fn connect(account: Account, text: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    Ok(Arc::new(Shop { account, merchant: Merchant::read(text)? }))
}

struct Shop {
    account: Account,
    merchant: Merchant,
}

impl Adapter for Shop {
    fn account(&self) -> &Account {
        &self.account
    }
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }
    fn verify(&self, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
        verify::verify(&self.merchant, request, now)
    }
    fn signed_text(&self, request: &RawRequest) -> Option<String> {
        verify::signed_text(request)
    }
    fn parse(&self, request: &Verified<'_>) -> Result<Inbound, Refusal> {
        inbound::parse(&self.merchant, &request.request().body)
    }
    /// The status decides, not the body. What failed is repeated for a day: that helps only where the order may still
    /// come to be known.
    fn answer(&self, _: &Verified<'_>, _: &Inbound, outcome: &Outcome) -> Reply {
        match outcome {
            Outcome::Rejected(no) if matches!(no.reason, Reason::UnknownOrder | Reason::UnknownChannel) => {
                fail(409)
            }
            _ => Reply::json(200, r#"{"code":"SUCCESS","message":"OK"}"#.to_owned()),
        }
    }
    fn refuse(&self, _: &RawRequest, _: &Refusal) -> Reply {
        fail(400)
    }
    fn check_payment(&self) -> Option<&dyn CheckPayment> {
        Some(&self.merchant)
    }
    fn refund(&self) -> Option<&dyn Refund> {
        Some(&self.merchant)
    }
}

fn fail(status: u16) -> Reply {
    Reply::json(status, r#"{"code":"FAIL","message":"not accepted"}"#.to_owned())
}
