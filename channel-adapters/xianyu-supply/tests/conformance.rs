//! The suite that every adapter must pass.

mod common;

use channel::{RawRequest, legacy_sign::md5_hex};
use channel_conformance::{AmountUnit, Case, Fields, Forgery, Keys, Slot, Subject, conform};
use channel_xianyu_supply::PROTOCOL;
use common::{CREATE, NOW, ORDER_NO, REFUND, call, request};

const KEYS: Keys = Keys {
    ours: "mchSecret0123456789abcdefghijklm",
    graced: None,
    foreign: &["mchSecret0123456789abcdefghijklx", "erpSecretErpSecretErpSecret00001", "retired"],
};

/// Signs what stands there, time and merchant included, with a merchant secret.
fn sign(request: &RawRequest, key: &str) -> Option<RawRequest> {
    let part = |name| Slot::Query(name).get(request).unwrap_or_default();
    let plain = format!(
        "510000000000001,supAppSecret0123456789abcdefABCD,{},{},{},{key}",
        md5_hex(&request.body),
        part("timestamp"),
        part("mch_id")
    );
    Slot::Query("sign").set(request, &md5_hex(plain.as_bytes()))
}

/// The ERP formula of the same company, with the secrets of this one: four parts, not six.
fn erp_formula(request: &RawRequest) -> Option<RawRequest> {
    let (digest, at) = (md5_hex(&request.body), Slot::Query("timestamp").get(request)?);
    let plain = format!("510000000000001,{digest},{at},supAppSecret0123456789abcdefABCD");
    Slot::Query("sign").set(request, &md5_hex(plain.as_bytes()))
}

fn subject() -> Subject {
    let case = |name, topic, body: &str| Case::new(name, call(topic, body), NOW);
    let mut subject = Subject::new(PROTOCOL, PROTOCOL.example_settings, KEYS, sign);
    let page = r#"{"goods_type":2,"keyword":"会员","page_no":1,"page_size":20}"#;
    let detail = format!(r#"{{"order_type":2,"order_no":"{ORDER_NO}"}}"#);
    subject.cases = vec![
        case("create", "goofish/order/purchase/create", CREATE),
        case("apply", "goofish/order/refund/apply", &REFUND.replace("TIME", "apply_time")),
        case("notify", "goofish/order/refund/notify", &REFUND.replace("TIME", "refund_time")),
        case("detail", "goofish/order/detail", &detail),
        case("goods", "goofish/goods/list", page),
        case("good", "goofish/goods/detail", r#"{"goods_type":2,"goods_no":"VIP-30"}"#),
        case("merchant", "goofish/user/info", ""),
        case("platform", "goofish/open/info", ""),
        case("subscriptions", "goofish/goods/change/subscribe/list", page),
        Case::unsigned("platform, unsigned", request("goofish/open/info", "", ""), NOW),
    ];
    subject.fields = Fields {
        signature: Some(Slot::Query("sign")),
        time: Some(Slot::Query("timestamp")),
        merchant: Some(Slot::Query("mch_id")),
        kind: Some(Slot::Topic),
        order: Some(Slot::Json("/order_no")),
        amount: Some((Slot::Json("/max_amount"), AmountUnit::Minor)),
        quantity: Some(Slot::Json("/buy_quantity")),
        text: Some(Slot::Json("/refund_reason")),
        optional: Some(Slot::Json("/biz_order_no")),
        ..Fields::default()
    };
    subject.forgeries = vec![Forgery { row: 30, name: "the ERP formula", make: erp_formula }];
    subject.secrets = vec!["supAppSecret0123456789abcdefABCD".to_owned()];
    subject.excused = &[
        (43, "the protocol names no key"),
        (45, "the protocol knows one currency"),
        (105, "nothing is in Base64"),
        (109, "one secret at a time"),
        (110, "the document forbids it: integers are integers"),
    ];
    subject
}

#[test]
fn the_adapter_conforms() {
    conform(&subject());
}
