//! The suite that every adapter must pass, over pushes and over service calls.

use channel::{RawRequest, legacy_sign::md5_hex, sign::hmac_sha256};
use channel_conformance::{Case, Fields, Forgery, Jobs, Keys, Slot, Subject, Variant, conform};
use channel_douyin::PROTOCOL;
use vocabulary::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
const PAID: &str = r#"[{"tag":"101","msg_id":"7312345678901234567:101:1767225600","data":"{\"biz\":2,\"order_status\":2,\"order_type\":2,\"p_id\":4837328765348566675,\"pay_amount\":1990,\"pay_time\":1767225600,\"pay_type\":2,\"s_ids\":[4837328765348566675],\"shop_id\":90410}","note":"抖店"}]"#;
const REFUND: &str = r#"[{"tag":"200","msg_id":"7312345678901234568:200:1767225600","data":"{\"aftersale_id\":7291234567890123456,\"aftersale_status\":6,\"aftersale_type\":1,\"p_id\":4837328765348566675,\"refund_amount\":1990,\"s_id\":4837328765348566675,\"shop_id\":90410}"},{"tag":"103","msg_id":"7312345678901234569:103:1767225600","data":"{\"p_id\":4837328765348566675,\"shop_id\":90410}"}]"#;
const PROBE: &str = r#"[{"tag":"0","msg_id":"0","data":"2026-01-01 08:00:00"}]"#;
const TOP_UP: &str = r#"{"trade_order_no":"4837328765348566675","topup_biz":"MOBILE_TOPUP","shop_id":"90410","buy_num":"1","amount_unit":"990","code":"VIP-30","note":"手机号"}"#;

const KEYS: Keys = Keys {
    ours: "a1b2c3d4-0001-4002-8003-0123456789ab",
    graced: None,
    foreign: &["a1b2c3d4-0001-4002-8003-0123456789ac", "erpSecretErpSecretErpSecret00001", "retired"],
};

fn sign_push(request: &RawRequest, key: &str) -> Option<RawRequest> {
    let app = Slot::Header("app-id").get(request)?;
    let plain = [app.as_bytes(), &request.body, key.as_bytes()].concat();
    Slot::Header("event-sign").set(request, &md5_hex(&plain))
}

fn other_element(request: &RawRequest, from: &str, to: &str) -> Option<RawRequest> {
    let text = std::str::from_utf8(&request.body).ok()?;
    let changed = text.replacen(from, to, 1);
    let changed = RawRequest { body: changed.into_bytes(), ..request.clone() };
    (changed.body != request.body).then_some(changed)
}

fn signed_with(request: &RawRequest, from: &str, to: &str) -> Option<RawRequest> {
    sign_push(&other_element(request, from, to)?, KEYS.ours)
}

fn case(name: &'static str, body: &str) -> Case {
    let request = RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: String::new(),
        headers: vec![
            ("content-type".into(), b"application/json".to_vec()),
            ("app-id".into(), b"7043675397900000001".to_vec()),
            ("event-sign".into(), Vec::new()),
        ],
        body: body.as_bytes().to_vec(),
        received_at: NOW,
    };
    Case::new(name, sign_push(&request, KEYS.ours).expect("an app"), NOW)
}

/// Douyin's orders have numbers, and a refund is an after-sale that the buyer asked for.
const JOBS: Jobs = Jobs {
    number: Some("4837328765348566675"),
    refund: |job| {
        job.refund = "7291234567890123456".into();
        job.asked_by_channel = true;
        job.memo = Some(r#"{"type":1,"update_time":1767225600,"amount":1000}"#.into());
    },
    delivery: |_| {},
    payment: |_| {},
    stock: |_| {},
};

#[test]
fn pushes_conform() {
    let mut subject = Subject::new(PROTOCOL, PROTOCOL.example_settings, KEYS, sign_push);
    subject.cases = vec![case("paid", PAID), case("refund and done", REFUND), case("probe", PROBE)];
    subject.fields = Fields {
        signature: Some(Slot::Header("event-sign")),
        merchant: Some(Slot::Header("app-id")),
        kind: Some(Slot::Json("/0/tag")),
        order: Some(Slot::Inside(&Slot::Json("/0/data"), "/p_id")),
        text: Some(Slot::Json("/0/note")),
        optional: Some(Slot::Json("/0/note")),
        ..Fields::default()
    };
    subject.forgeries = vec![
        Forgery {
            row: 9,
            name: "fields moved",
            make: |r| {
                other_element(
                    r,
                    r#"{"tag":"101","msg_id":"7312345678901234567:101:1767225600""#,
                    r#"{"msg_id":"7312345678901234567:101:1767225600","tag":"101""#,
                )
            },
        },
        Forgery { row: 14, name: "signed", make: |r| signed_with(r, r#"{"tag":"#, r#"{"tag":"101","tag":"#) },
        Forgery {
            row: 14,
            name: "signed, inside",
            make: |r| signed_with(r, r#"\"shop_id\":90410"#, r#"\"shop_id\":1,\"shop_id\":90410"#),
        },
        Forgery {
            row: 30,
            name: "the newer header's name",
            make: |r| {
                let value = Slot::Header("event-sign").get(r)?;
                Slot::Header("event-sign-v2").set(&Slot::Header("event-sign").remove(r)?, &value)
            },
        },
        Forgery {
            row: 33,
            name: "without the app",
            make: |r| {
                let plain = [&r.body[..], KEYS.ours.as_bytes()].concat();
                Slot::Header("event-sign").set(r, &md5_hex(&plain))
            },
        },
        Forgery {
            row: 34,
            name: "the body begins in the app",
            make: |r| {
                let app = Slot::Header("app-id").get(r)?;
                let changed = Slot::Header("app-id").set(r, &format!("{app}["))?;
                Some(RawRequest { body: changed.body[1..].to_vec(), ..changed })
            },
        },
        Forgery {
            row: 46,
            name: "another shop",
            make: |r| signed_with(r, r#"\"shop_id\":90410"#, r#"\"shop_id\":90411"#),
        },
    ];
    subject.variants = vec![
        Variant {
            row: 101,
            name: "in the data",
            make: |r| signed_with(r, r#"\"shop_id\":90410"#, r#"\"zz\":[1,null],\"shop_id\":90410"#),
        },
        Variant {
            row: 102,
            name: "of a message",
            make: |r| signed_with(r, r#"{"tag":"0","msg_id":"0""#, r#"{"msg_id":"0","tag":"0""#),
        },
        Variant {
            row: 110,
            name: "an id as text",
            make: |r| {
                signed_with(r, r#"\"p_id\":4837328765348566675"#, r#"\"p_id\":\"4837328765348566675\""#)
            },
        },
        Variant {
            row: 111,
            name: "behind the body",
            make: |r| {
                sign_push(&RawRequest { body: [&r.body[..], b"\r\n"].concat(), ..r.clone() }, KEYS.ours)
            },
        },
    ];
    subject.excused = &[
        (36, "pushes sign no time"),
        (37, "pushes sign no time"),
        (38, "pushes sign no time"),
        (39, "pushes sign no time"),
        (40, "pushes sign no time"),
        (43, "the protocol names no key"),
        (44, "an amount in a push is not read"),
        (45, "there is one currency"),
        (47, "a push carries no quantity"),
        (105, "nothing is in Base64"),
        (107, "pushes sign no time"),
        (109, "one secret at a time"),
    ];
    // Times are the service calls' affair.
    subject.fields.time = Some(Slot::Query("timestamp"));
    subject.jobs = JOBS;
    conform(&subject);
}

fn sorted(json: &serde_json::Value) -> String {
    // The fields of these cases are texts of one level, which sort as they are written.
    let map = json.as_object().expect("an object");
    let mut fields: Vec<_> =
        map.iter().map(|(k, v)| format!("{}:{v}", serde_json::Value::from(k.as_str()))).collect();
    fields.sort();
    format!("{{{}}}", fields.join(","))
}

fn sign_call(request: &RawRequest, key: &str) -> Option<RawRequest> {
    let json: serde_json::Value = serde_json::from_slice(&request.body).ok()?;
    json.as_object()?;
    let part = |name| Slot::Query(name).get(request).unwrap_or_default();
    let plain = format!(
        "{key}app_key{}param_json{}timestamp{}{key}",
        part("app_key"),
        sorted(&json),
        part("timestamp")
    );
    let tag = hmac_sha256(key.as_bytes(), plain.as_bytes());
    let hex: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
    Slot::Query("sign").set(request, &hex)
}

#[test]
fn service_calls_conform() {
    let request = RawRequest {
        method: "POST".into(),
        topic: "spi".into(),
        query: format!("app_key=7043675397900000001&timestamp={}&sign_method=hmac-sha256&sign=", NOW.secs()),
        headers: vec![("content-type".into(), b"application/json".to_vec())],
        body: TOP_UP.as_bytes().to_vec(),
        received_at: NOW,
    };
    let mut subject = Subject::new(PROTOCOL, PROTOCOL.example_settings, KEYS, sign_call);
    subject.cases = vec![Case::new("top-up", sign_call(&request, KEYS.ours).expect("JSON"), NOW)];
    subject.fields = Fields {
        signature: Some(Slot::Query("sign")),
        time: Some(Slot::Query("timestamp")),
        merchant: Some(Slot::Query("app_key")),
        order: Some(Slot::Json("/trade_order_no")),
        quantity: None,
        text: Some(Slot::Json("/note")),
        optional: Some(Slot::Json("/note")),
        ..Fields::default()
    };
    subject.forgeries = vec![
        Forgery { row: 30, name: "md5", make: |r| Slot::Query("sign_method").set(r, "md5") },
        Forgery { row: 30, name: "none", make: |r| Slot::Query("sign_method").set(r, "none") },
        Forgery {
            row: 34,
            name: "a time that swallows the secret",
            make: |r| {
                let at = Slot::Query("timestamp").get(r)?;
                Slot::Query("timestamp").set(r, &format!("{at}a1b2"))
            },
        },
    ];
    subject.excused = &[
        (43, "the protocol names no key"),
        (44, "the call is not served, its amount not read"),
        (45, "there is one currency"),
        (47, "the call is not served, its quantity not read"),
        (105, "nothing is in Base64"),
        (109, "one secret at a time"),
        (110, "all of its fields are texts"),
    ];
    subject.jobs = JOBS;
    conform(&subject);
}
