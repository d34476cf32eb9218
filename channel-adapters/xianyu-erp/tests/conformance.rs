//! The suite that every adapter must pass.

use channel::{RawRequest, legacy_sign::md5_hex};
use channel_conformance::{Case, Fields, Forgery, Keys, Slot, Subject, conform};
use channel_xianyu_erp::PROTOCOL;
use vocabulary::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1_767_225_601);
const ORDER: &str = r#"{"seller_id":912345678901,"user_name":"虚拟小店","order_no":"1929063817978999932","order_type":7,"order_status":12,"refund_status":0,"modify_time":1767225600,"product_id":441160510721413,"item_id":709548670377}"#;
const PRODUCT: &str = r#"{"product_id":441160510721413,"product_status":22,"publish_status":2,"item_biz_type":2,"price":1200,"stock":7,"user_name":"虚拟小店","modify_time":1767225600}"#;

const KEYS: Keys = Keys {
    ours: "erpSecretErpSecretErpSecret00001",
    graced: None,
    foreign: &["erpSecretErpSecretErpSecret00002", "mchSecret0123456789abcdefghijklm", "retired"],
};

/// Signs what stands there, time and app included.
fn sign(request: &RawRequest, key: &str) -> Option<RawRequest> {
    let part = |name| Slot::Query(name).get(request).unwrap_or_default();
    let plain = format!("{},{},{},{key}", part("appid"), md5_hex(&request.body), part("timestamp"));
    Slot::Query("sign").set(request, &md5_hex(plain.as_bytes()))
}

/// The partner formula, which this app does not use.
fn partner_formula(request: &RawRequest) -> Option<RawRequest> {
    let part = |name| Slot::Query(name).get(request).unwrap_or_default();
    let (app, at) = (part("appid"), part("timestamp"));
    let plain = format!("{app},{},{at},912345678901,{}", md5_hex(&request.body), KEYS.ours);
    Slot::Query("sign").set(request, &md5_hex(plain.as_bytes()))
}

/// A time stamp that swallows the separator behind it.
fn swallowed_comma(request: &RawRequest) -> Option<RawRequest> {
    let at = Slot::Query("timestamp").get(request)?;
    sign(&Slot::Query("timestamp").set(request, &format!("{at},1"))?, KEYS.ours)
}

fn case(name: &'static str, body: &str) -> Case {
    let request = RawRequest {
        method: "POST".into(),
        topic: name.into(),
        query: format!("appid=410000000000001&timestamp={}&sign=", NOW.secs()),
        headers: vec![("content-type".into(), b"application/json".to_vec())],
        body: body.as_bytes().to_vec(),
        received_at: NOW,
    };
    Case::new(name, sign(&request, KEYS.ours).expect("a query"), NOW)
}

fn subject() -> Subject {
    let mut subject = Subject::new(PROTOCOL, PROTOCOL.example_settings, KEYS, sign);
    subject.cases = vec![case("order", ORDER), case("product", PRODUCT), case("task", r#"{"task_id":"1"}"#)];
    subject.fields = Fields {
        signature: Some(Slot::Query("sign")),
        time: Some(Slot::Query("timestamp")),
        merchant: Some(Slot::Query("appid")),
        kind: Some(Slot::Topic),
        status: Some(Slot::Json("/order_status")),
        order: Some(Slot::Json("/order_no")),
        text: Some(Slot::Json("/user_name")),
        optional: Some(Slot::Json("/user_name")),
        ..Fields::default()
    };
    subject.forgeries = vec![
        Forgery { row: 30, name: "the partner formula", make: partner_formula },
        Forgery { row: 34, name: "a comma in the time stamp", make: swallowed_comma },
    ];
    // goofish's products have numbers.
    subject.jobs.stock = |job| job.item = "441160510721413".into();
    subject.excused = &[
        (43, "the protocol names no key"),
        (44, "a push carries no amount"),
        (45, "a push carries no amount"),
        (47, "a push carries no quantity"),
        (105, "nothing is in Base64"),
        (109, "one secret at a time"),
        (110, "the document types its integers"),
    ];
    subject
}

#[test]
fn the_adapter_conforms() {
    conform(&subject());
}
