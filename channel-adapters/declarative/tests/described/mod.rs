//! Three platforms described in TOML: a payment gateway, a buyer of keys, and one of the many small wholesalers.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::Arc;

use channel::{
    Adapter, Capabilities, Confidence, Kind, Limits, Manifest, Protocol, RawRequest, legacy_sign::md5_hex,
};
use channel_conformance::{AmountUnit, Case, Fields, Forgery, Keys, Slot, Subject};
use channel_declarative::{PROTOCOL, connect_as};
use serde_json::{Value, json};
use vocabulary::Timestamp;

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);
pub(crate) const KEY: &str = "TESTepayKey0123456789abcdef01234";
pub(crate) const MCH_SECRET: &str = "mchSecret0123456789abcdefghijklm";
pub(crate) const APP_SECRET: &str = "supAppSecret0123456789abcdefABCD";

pub(crate) const EPAY: &str = include_str!("../../recipes/epay-v1.toml");
pub(crate) const KEYS_IN_THE_REPLY: &str = include_str!("../../recipes/keys-in-the-reply.toml");
pub(crate) const FIXED_ORDER: &str = include_str!("../../recipes/fixed-order.toml");

/// A platform that signs a time declares it in a manifest of its own.
static TIMED: Manifest = Manifest {
    code: "described",
    name: ("described", "声明式"),
    inbound: &[Kind::Notice, Kind::Call, Kind::Query],
    capabilities: Capabilities::NONE,
    clock_tolerance_secs: Some(300),
    limits: Limits { calls_per_s: 1, concurrency: 1, timeout_ms: 1_000 },
    confidence: &[("inbound", Confidence::Unsure)],
    sources: &[],
};
static SLOW: Manifest = Manifest { clock_tolerance_secs: Some(600), ..TIMED };

pub(crate) fn epay_settings(pid: &str, key: &str) -> Value {
    json!({ "recipe": EPAY, "secrets": { "key": key }, "values": { "pid": pid } })
}

pub(crate) fn supply_settings() -> Value {
    json!({
        "recipe": KEYS_IN_THE_REPLY,
        "secrets": { "app_secret": APP_SECRET, "mch_secret": MCH_SECRET },
        "values": { "app_id": "510000000000001", "mch_id": "2333" },
    })
}

pub(crate) fn wholesaler_settings() -> Value {
    json!({ "recipe": FIXED_ORDER, "secrets": { "key": KEY }, "values": { "customer_id": "80001" } })
}

pub(crate) fn connect(settings: &Value) -> Result<Arc<dyn Adapter>, Vec<String>> {
    let account = "declarative/shop-1".parse().unwrap();
    (PROTOCOL.connect)(account, &settings.to_string()).map_err(|error| error.0)
}

fn request(method: &str, topic: &str, query: &str, body: &str) -> RawRequest {
    RawRequest {
        method: method.into(),
        topic: topic.into(),
        query: query.into(),
        headers: vec![("user-agent".into(), b"platform".to_vec())],
        body: body.into(),
        received_at: NOW,
    }
}

/// A notification of the gateway: by `GET` in the query, by `POST` in a form.
pub(crate) fn notification(method: &str, fields: &str) -> RawRequest {
    let (query, body) = if method == "GET" { (fields, "") } else { ("", fields) };
    request(method, "", query, body)
}

fn sign_epay(request: &RawRequest, key: &str) -> Option<RawRequest> {
    let pairs = if request.method == "GET" { request.query_pairs() } else { request.form() };
    let mut kept = pairs.ok()?;
    kept.retain(|(name, value)| name != "sign" && name != "sign_type" && !value.is_empty());
    kept.sort();
    let text = kept.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    Slot::Param("sign").set(request, &md5_hex(format!("{text}{key}").as_bytes()))
}

const PAID: &str = "pid=1001&trade_no=2026010211000012345&out_trade_no=CK20260102000001&type=alipay\
    &name=Steam+50+%E5%85%83%E5%8D%A1&money=28.88&trade_status=TRADE_SUCCESS&param=&sign=x&sign_type=MD5";
const WAITING: &str = "pid=1001&trade_no=2026010211000012346&out_trade_no=CK20260102000002&type=wxpay\
    &name=PSN&money=1.5&trade_status=WAIT_BUYER_PAY&sign=x&sign_type=MD5";

pub(crate) fn epay() -> Subject {
    let keys = Keys { ours: KEY, graced: None, foreign: &["otherMerchantKey", "retiredKey"] };
    let mut subject = Subject::new(PROTOCOL, &epay_settings("1001", KEY).to_string(), keys, sign_epay);
    for (name, method, fields) in
        [("by GET", "GET", PAID), ("by POST", "POST", PAID), ("waiting", "GET", WAITING)]
    {
        let request = sign_epay(&notification(method, fields), KEY).unwrap();
        subject.cases.push(Case::new(name, request, NOW));
    }
    subject.fields = Fields {
        signature: Some(Slot::Param("sign")),
        algorithm: Some(Slot::Param("sign_type")),
        merchant: Some(Slot::Param("pid")),
        status: Some(Slot::Param("trade_status")),
        order: Some(Slot::Param("out_trade_no")),
        amount: Some((Slot::Param("money"), AmountUnit::Major)),
        text: Some(Slot::Param("name")),
        optional: Some(Slot::Param("param")),
        ..Fields::default()
    };
    subject.forgeries = vec![Forgery {
        row: 30,
        name: "no sign_type",
        make: |request| Slot::Param("sign_type").remove(request),
    }];
    subject.excused = &[
        (36, "V1 signs no time"),
        (37, "V1 signs no time"),
        (38, "V1 signs no time"),
        (39, "V1 signs no time"),
        (40, "V1 signs no time"),
        (43, "a key has no serial number"),
        (45, "the gateways know yuan only"),
        (47, "a payment has no quantity"),
        (105, "the signature is hex"),
        (107, "V1 signs no time"),
        (109, "a gateway replaces a merchant's key at once"),
        (110, "every value of a form is text"),
    ];
    subject
}

pub(crate) const CREATE: &str = r#"{"order_no":"1929063817978999932","goods_no":"VIP-30","buy_quantity":1,"max_amount":1500,"notify_url":"https://open.goofish.pro/api/x","biz_order_no":"4012345678901234567","note":"快点"}"#;
pub(crate) const TOPIC: &str = "goofish/order/purchase/create";

pub(crate) fn sign_supply(request: &RawRequest, key: &str) -> Option<RawRequest> {
    let part = |name| Slot::Query(name).get(request).unwrap_or_default();
    let digest = md5_hex(&request.body);
    let plain = format!("510000000000001,{APP_SECRET},{digest},{},2333,{key}", part("timestamp"));
    Slot::Query("sign").set(request, &md5_hex(plain.as_bytes()))
}

pub(crate) fn purchase(body: &str) -> RawRequest {
    let query = format!("mch_id=2333&timestamp={}&sign=x", NOW.secs());
    sign_supply(&request("POST", TOPIC, &query, body), MCH_SECRET).unwrap()
}

/// The formula of the same company's other interface: four parts, not six.
fn erp_formula(request: &RawRequest) -> Option<RawRequest> {
    let (digest, at) = (md5_hex(&request.body), Slot::Query("timestamp").get(request)?);
    let plain = format!("510000000000001,{digest},{at},{APP_SECRET}");
    Slot::Query("sign").set(request, &md5_hex(plain.as_bytes()))
}

pub(crate) fn supply() -> Subject {
    let protocol = Protocol {
        manifest: &TIMED,
        connect: |account, settings| connect_as(&TIMED, account, settings),
        ..PROTOCOL
    };
    let keys = Keys { ours: MCH_SECRET, graced: None, foreign: &["mchSecretOfAnother", "retired"] };
    let mut subject = Subject::new(protocol, &supply_settings().to_string(), keys, sign_supply);
    subject.cases = vec![Case::new("purchase", purchase(CREATE), NOW)];
    subject.fields = Fields {
        signature: Some(Slot::Query("sign")),
        time: Some(Slot::Query("timestamp")),
        merchant: Some(Slot::Query("mch_id")),
        order: Some(Slot::Json("/order_no")),
        amount: Some((Slot::Json("/max_amount"), AmountUnit::Minor)),
        quantity: Some(Slot::Json("/buy_quantity")),
        text: Some(Slot::Json("/note")),
        optional: Some(Slot::Json("/biz_order_no")),
        ..Fields::default()
    };
    subject.forgeries = vec![Forgery { row: 30, name: "the ERP formula", make: erp_formula }];
    subject.secrets = vec![APP_SECRET.to_owned()];
    subject.excused = &[
        (31, "the protocol names no algorithm"),
        (43, "the protocol names no key"),
        (45, "the protocol knows one currency"),
        (105, "nothing is in Base64"),
        (109, "one secret at a time"),
    ];
    subject
}

const ORDER: &str = "customer_id=80001&order_no=W20260102000001&product_id=VIP-30&num=1&price=28.88\
    &timestamp=2026-01-02+11%3A00%3A00&remark=&sign=x";

fn beijing(at: Timestamp) -> String {
    (at.to_utc() + chrono::TimeDelta::hours(8)).format("%Y-%m-%d %H:%M:%S").to_string()
}

pub(crate) fn sign_wholesaler(request: &RawRequest, key: &str) -> Option<RawRequest> {
    let part = |name| Slot::Form(name).get(request).unwrap_or_default();
    let names = ["customer_id", "order_no", "product_id", "num", "price", "timestamp"];
    let text = names.map(part).concat();
    Slot::Form("sign").set(request, &md5_hex(format!("{text}{key}").as_bytes()).to_uppercase())
}

pub(crate) fn wholesaler() -> Subject {
    let protocol = Protocol {
        manifest: &SLOW,
        connect: |account, settings| connect_as(&SLOW, account, settings),
        ..PROTOCOL
    };
    let keys = Keys { ours: KEY, graced: None, foreign: &["anotherKey", "retiredKey"] };
    let mut subject = Subject::new(protocol, &wholesaler_settings().to_string(), keys, sign_wholesaler);
    let order = sign_wholesaler(&request("POST", "", "", ORDER), KEY).unwrap();
    subject.cases = vec![Case::new("order", order, NOW)];
    subject.time_text = beijing;
    subject.fields = Fields {
        signature: Some(Slot::Form("sign")),
        time: Some(Slot::Form("timestamp")),
        merchant: Some(Slot::Form("customer_id")),
        order: Some(Slot::Form("order_no")),
        amount: Some((Slot::Form("price"), AmountUnit::Major)),
        quantity: Some(Slot::Form("num")),
        text: Some(Slot::Form("remark")),
        optional: Some(Slot::Form("remark")),
        ..Fields::default()
    };
    subject.excused = &[
        (30, "the protocol names no algorithm"),
        (43, "the protocol names no key"),
        (45, "the protocol knows one currency"),
        (104, "the platform writes capitals, and the recipe wants them"),
        (105, "the signature is hex"),
        (109, "one key at a time"),
        (110, "every value of a form is text"),
    ];
    subject
}
