//! The suite that every adapter must pass.

use channel::{RawRequest, legacy_sign::md5_hex};
use channel_conformance::{BodyProof, Case, Fields, Forgery, Keys, Slot, Subject, Variant, conform};
use channel_xiaohongshu::PROTOCOL;
use vocabulary::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
const PAID: &str = r#"[{"msgTag":"msg_fulfillment_status_change","sellerId":"60aa00112233","data":"{\"orderId\":\"P768291112062421411\",\"orderStatus\":4,\"updateTime\":1767225600421}","note":"小红书"}]"#;
const REFUND: &str = r#"[{"msgTag":"msg_after_sale_create","sellerId":"60aa00112233","data":"{\"returnsId\":\"R4889848165315631\",\"orderId\":\"P768291112062421411\",\"returnType\":4,\"refundFee\":28.88,\"updateTime\":1767225600421}"}]"#;

const KEYS: Keys = Keys {
    ours: "xhsSecretxhsSecretxhsSecret00001",
    graced: None,
    foreign: &["xhsSecretxhsSecretxhsSecret00002", "erpSecretErpSecretErpSecret00001", "retired"],
};

/// Signs what stands there: path, query, app and time.
fn sign(request: &RawRequest, key: &str) -> Option<RawRequest> {
    let header = |name| Slot::Header(name).get(request).unwrap_or_default();
    let mut pairs =
        vec![("app-key".to_owned(), header("app-key")), ("timestamp".to_owned(), header("timestamp"))];
    for pair in request.query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        pairs.push((name.to_owned(), value.to_owned()));
    }
    pairs.sort();
    let joined: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let slash = if request.topic.is_empty() { "" } else { "/" };
    let plain = format!("/v1/in/xiaohongshu/shop-1{slash}{}?{}{key}", request.topic, joined.join("&"));
    Slot::Header("sign").set(request, &md5_hex(plain.as_bytes()))
}

fn case(name: &'static str, body: &str) -> Case {
    let request = RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: "shop=9".into(),
        headers: vec![
            ("content-type".into(), b"application/json;charset=utf-8".to_vec()),
            ("app-key".into(), b"xhsdemo0001".to_vec()),
            ("timestamp".into(), NOW.secs().to_string().into_bytes()),
            ("sign".into(), Vec::new()),
        ],
        body: body.as_bytes().to_vec(),
        received_at: NOW,
    };
    Case::new(name, sign(&request, KEYS.ours).expect("a query"), NOW)
}

fn with_body(request: &RawRequest, from: &str, to: &str) -> Option<RawRequest> {
    let text = std::str::from_utf8(&request.body).ok()?;
    let body = text.replacen(from, to, 1).into_bytes();
    (body != request.body).then(|| RawRequest { body, ..request.clone() })
}

#[test]
fn the_adapter_conforms() {
    let mut subject = Subject::new(PROTOCOL, PROTOCOL.example_settings, KEYS, sign);
    subject.cases = vec![case("order", PAID), case("after-sale", REFUND), case("probe", r#"{"test":true}"#)];
    subject.fields = Fields {
        signature: Some(Slot::Header("sign")),
        time: Some(Slot::Header("timestamp")),
        merchant: Some(Slot::Header("app-key")),
        kind: Some(Slot::Json("/0/msgTag")),
        order: Some(Slot::Inside(&Slot::Json("/0/data"), "/orderId")),
        text: Some(Slot::Json("/0/note")),
        optional: Some(Slot::Json("/0/note")),
        ..Fields::default()
    };
    subject.forgeries = vec![
        Forgery {
            row: 14,
            name: "inside",
            make: |r| with_body(r, r#"{\"orderId\""#, r#"{\"orderId\":\"P1\",\"orderId\""#),
        },
        Forgery {
            row: 30,
            name: "over the body",
            make: |r| Slot::Header("sign").set(r, &md5_hex(&[&r.body[..], KEYS.ours.as_bytes()].concat())),
        },
        Forgery {
            row: 32,
            name: "another address's",
            make: |r| {
                let other = sign(&RawRequest { query: "shop=8".into(), ..r.clone() }, KEYS.ours)?;
                Slot::Header("sign").set(r, &Slot::Header("sign").get(&other)?)
            },
        },
        Forgery {
            row: 33,
            name: "without the query",
            make: |r| {
                let other = sign(&RawRequest { query: String::new(), ..r.clone() }, KEYS.ours)?;
                Slot::Header("sign").set(r, &Slot::Header("sign").get(&other)?)
            },
        },
        Forgery {
            row: 34,
            name: "the time in the query",
            make: |r| {
                let other = RawRequest { query: format!("shop=9&timestamp={}", NOW.secs()), ..r.clone() };
                sign(&other, KEYS.ours)
            },
        },
        Forgery { row: 46, name: "another seller", make: |r| with_body(r, "60aa00112233", "60aa00112234") },
    ];
    subject.variants = vec![Variant {
        row: 110,
        name: "unknown numbers as texts",
        make: |r| with_body(r, r#"\"returnType\":4"#, r#"\"returnType\":\"4\""#),
    }];
    // What the body says may be no more than a hint, which leads to a reading.
    subject.body = BodyProof::Hint;
    // A refund is an after-sale that the buyer asked for.
    subject.jobs.refund = |job| {
        job.asked_by_channel = true;
        job.memo = Some(r#"{"returns_id":"R4889848165315631","return_type":4,"amount":1000}"#.into());
    };
    subject.excused = &[
        (9, "the body is a list, whose order is that of its messages"),
        (43, "the protocol names no key"),
        (44, "an amount in a push is not read"),
        (45, "there is one currency"),
        (47, "a push carries no quantity"),
        (105, "nothing is in Base64"),
        (109, "one secret at a time"),
    ];
    conform(&subject);
}
