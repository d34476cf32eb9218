//! The suite that every adapter must pass.

use channel::{RawRequest, legacy_sign::md5_hex};
use channel_conformance::{Case, Fields, Keys, Slot, Subject, Variant, conform};
use channel_taobao::PROTOCOL;
use vocabulary::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

const KEYS: Keys = Keys {
    ours: "topSecret0123456789abcdef0000001",
    graced: None,
    foreign: &["topSecret0123456789abcdef0000002", "12345678", "retired"],
};

fn decoded(part: &str) -> String {
    let mut bytes = part.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let hex: Vec<u8> = bytes.by_ref().take(2).collect();
                out.push(u8::from_str_radix(&String::from_utf8_lossy(&hex), 16).unwrap_or(b'?'));
            }
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Names and values of the query, sorted, and the body, between two secrets.
fn sign(request: &RawRequest, key: &str) -> Option<RawRequest> {
    let mut pairs: Vec<(String, String)> = request
        .query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .filter(|(name, _)| name != "sign")
        .collect();
    pairs.sort();
    let text: String = pairs.into_iter().flat_map(|(name, value)| [name, value]).collect();
    let plain = [key.as_bytes(), text.as_bytes(), &request.body, key.as_bytes()].concat();
    Slot::Query("sign").set(request, &md5_hex(&plain).to_uppercase())
}

fn time_text(at: Timestamp) -> String {
    at.plus_secs(8 * 3_600).to_string()[..19].replace('T', " ")
}

fn case(name: &'static str, method: &str, topic: &str, query: &[(&'static str, &str)], body: &str) -> Case {
    let mut request = RawRequest {
        method: method.into(),
        topic: topic.into(),
        query: String::new(),
        headers: vec![("content-type".into(), b"application/json;charset=utf-8".to_vec())],
        body: body.as_bytes().to_vec(),
        received_at: NOW,
    };
    for (name, value) in query {
        request = Slot::Query(name).set(&request, value).expect("a query");
    }
    Case::new(name, sign(&request, KEYS.ours).expect("a query"), NOW)
}

fn notice() -> Case {
    let query = [
        ("timestamp", "2026-01-01 08:00:00"),
        ("order_id", "1234567890123456789"),
        ("mobile", "13800000000"),
        ("num", "2"),
        ("method", "send"),
        ("taobao_sid", "2074082786"),
        ("seller_nick", "虚拟小店"),
        ("item_title", "Steam 50 元卡"),
        ("send_type", "1"),
        ("consume_type", "0"),
        ("sms_template", ""),
        ("valid_start", "2026-01-01 00:00:00"),
        ("valid_ends", "2027-01-01 00:00:00"),
        ("num_iid", "520813250866"),
        ("outer_iid", "VIP-30"),
        ("token", "c3ab8ff13720e8ad9047dd39466b3c89"),
    ];
    case("eticket", "GET", "eticket", &query, "")
}

fn service_call() -> Case {
    let query = [
        ("method", "taobao.demo.spi"),
        ("app_key", "12345678"),
        ("timestamp", "2026-01-01 08:00:00"),
        ("format", "json"),
    ];
    case("service call", "POST", "", &query, r#"{"order_id":1,"备注":"卡密"}"#)
}

/// Our own hex in lower case.
fn lower_hex(request: &RawRequest) -> Option<RawRequest> {
    let sign = Slot::Query("sign").get(request)?;
    Slot::Query("sign").set(request, &sign.to_lowercase())
}

/// A header list that takes part in the signature, which nobody knows how.
fn header_list(request: &RawRequest) -> Option<RawRequest> {
    Slot::Header("top-sign-list").set(request, "content-type")
}

/// A call in the name of another app.
fn other_app(request: &RawRequest) -> Option<RawRequest> {
    Slot::Query("app_key").get(request)?;
    sign(&Slot::Query("app_key").set(request, "87654321")?, KEYS.ours)
}

fn subject() -> Subject {
    let mut subject = Subject::new(PROTOCOL, PROTOCOL.example_settings, KEYS, sign);
    subject.time_text = time_text;
    subject.cases = vec![notice(), service_call()];
    subject.fields = Fields {
        signature: Some(Slot::Query("sign")),
        time: Some(Slot::Query("timestamp")),
        merchant: Some(Slot::Query("taobao_sid")),
        kind: Some(Slot::Query("method")),
        order: Some(Slot::Query("order_id")),
        quantity: Some(Slot::Query("num")),
        text: Some(Slot::Query("item_title")),
        optional: Some(Slot::Query("sms_template")),
        ..Fields::default()
    };
    subject.forgeries = vec![
        channel_conformance::Forgery { row: 30, name: "a header list", make: header_list },
        channel_conformance::Forgery { row: 46, name: "another app", make: other_app },
    ];
    subject.variants = vec![Variant { row: 104, name: "in lower case", make: lower_hex }];
    subject.secrets = ["sess0001", "refr0001"].map(str::to_owned).into();
    // Taobao's items have numbers, and a refund is a buyer's request.
    subject.jobs.stock = |job| job.item = "520813250866".into();
    subject.jobs.refund = |job| {
        job.refund = "66012345678".into();
        job.asked_by_channel = true;
    };
    subject.excused = &[
        (43, "the protocol names no key"),
        (44, "a notice carries no amount"),
        (45, "a notice carries no currency"),
        (105, "nothing is in Base64"),
        (109, "one secret at a time"),
        (110, "everything in a query is text"),
    ];
    subject
}

#[test]
fn the_adapter_conforms() {
    conform(&subject());
}
