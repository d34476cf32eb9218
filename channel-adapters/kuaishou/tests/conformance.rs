//! The suite that every adapter must pass, once for pushes and once for the e-ticket interface.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{RawRequest, cipher};
use channel_conformance::{Case, Fields, Forgery, Keys, Report, Slot, Subject, Variant, examine};
use channel_kuaishou::PROTOCOL;
use vocabulary::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
const OURS: &str = "0123456789abcdef";
const KEYS: Keys =
    Keys { ours: OURS, graced: None, foreign: &["0123456789abcdeX", "ksSignSecret0001", "ksAppSecret00001"] };
const PAID: &str = r#"{"eventId":"243_1","msgId":"84_1","bizId":2607602240240301,"userId":2161524184,"openId":"f1b6","appKey":"ks660000001","event":"kwaishop_order_paySuccess","info":"{\"oid\":2607602240240301,\"sellerId\":2161524184,\"status\":30,\"updateTime\":1767225600000}","status":1,"createTime":1767225600100,"updateTime":1767225600100,"test":false}"#;
const REFUND: &str = r#"{"eventId":"243_2","appKey":"ks660000001","event":"kwaishop_aftersales_addRefund","info":"{\"orderId\":2607602240240301,\"refundId\":77,\"handlingWay\":10}","note":"元卡","createTime":1767225600100,"test":false}"#;
const TEST: &str =
    r#"{"eventId":"t1","appKey":"ks660000001","event":"kwaishop_order_addOrder","info":"{}","test":true}"#;
const SEND: &str = r#"{"oid":2607602240240301,"sellerId":2161524184,"num":1,"itemId":1,"skuId":7,"itemTitle":"元卡","sendType":"virtual","eticketType":"DINING_OPEN_TICKET","token":"tk-1","ext":null,"certExpireType":3,"certExpDays":30}"#;

fn encrypt(plain: &[u8], key: &str) -> Vec<u8> {
    let sealed = cipher::aes_cbc_encrypt(key.as_bytes(), &[0; 16], &cipher::pad(plain, 16));
    STANDARD.encode(sealed.expect("a key of 16 bytes")).into_bytes()
}

fn decrypt(request: &RawRequest) -> Option<Vec<u8>> {
    let padded = cipher::aes_cbc_decrypt(OURS.as_bytes(), &[0; 16], &STANDARD.decode(&request.body).ok()?)?;
    cipher::unpad(&padded, 16).map(<[u8]>::to_vec)
}

/// Encrypts anew what stands there.
fn sign(request: &RawRequest, key: &str) -> Option<RawRequest> {
    let plain = decrypt(request)?;
    Some(RawRequest { body: encrypt(&plain, key), ..request.clone() })
}

fn request(topic: &str, body: Vec<u8>) -> RawRequest {
    RawRequest {
        method: "POST".into(),
        topic: topic.to_owned(),
        query: String::new(),
        headers: vec![("content-type".into(), b"application/json".to_vec())],
        body,
        received_at: NOW,
    }
}

/// The push with a part of its plain text changed, encrypted with our key.
fn with(request: &RawRequest, from: &str, to: &str) -> Option<RawRequest> {
    let plain = String::from_utf8(decrypt(request)?).ok()?;
    let changed = plain.replacen(from, to, 1);
    (changed != plain).then(|| RawRequest { body: encrypt(changed.as_bytes(), OURS), ..request.clone() })
}

/// The cipher text changed block by block.
fn blocks(request: &RawRequest, change: fn(Vec<u8>) -> Vec<u8>) -> Option<RawRequest> {
    let sealed = change(STANDARD.decode(&request.body).ok()?);
    Some(RawRequest { body: STANDARD.encode(sealed).into_bytes(), ..request.clone() })
}

fn in_another_key(request: &RawRequest, key: &str) -> Option<RawRequest> {
    Some(RawRequest { body: encrypt(&decrypt(request)?, key), ..request.clone() })
}

/// A character of GBK, which is not UTF-8, inside.
fn in_gbk(request: &RawRequest) -> Option<RawRequest> {
    let plain = [&b"{\"note\":\"\xd4\xaa\xbf\xa8\","[..], decrypt(request)?.get(1..)?].concat();
    Some(RawRequest { body: encrypt(&plain, OURS), ..request.clone() })
}

/// The cipher text where a signature would stand elsewhere, and no body.
fn in_the_query(request: &RawRequest) -> Option<RawRequest> {
    let query = format!("sign={}", String::from_utf8(request.body.clone()).ok()?);
    Some(RawRequest { query, body: Vec::new(), ..request.clone() })
}

type Make = fn(&RawRequest) -> Option<RawRequest>;

const FORGERIES: &[(u8, &str, Make)] = &[
    (11, "a NUL inside", |r| with(r, "\"243_", "\"243\\u0000")),
    (13, "in GBK", in_gbk),
    (14, "a name twice", |r| with(r, r#"{"eventId""#, r#"{"eventId":"x","eventId""#)),
    (14, "twice inside", |r| with(r, r#"{\"oid\""#, r#"{\"oid\":1,\"oid\""#)),
    (15, "deep inside", |r| with(r, r#""{\"#, &format!("\"{}{{\\", "[".repeat(9_000)))),
    (21, "in the clear", |r| Some(RawRequest { body: decrypt(r)?, ..r.clone() })),
    (22, "nothing", |r| Some(RawRequest { body: Vec::new(), ..r.clone() })),
    (23, "two messages", |r| blocks(r, |sealed| [&sealed[..], &sealed[..]].concat())),
    (24, "a block less", |r| blocks(r, |sealed| sealed[..sealed.len() - 16].to_vec())),
    (25, "a block more", |r| blocks(r, |sealed| [&sealed[..], &[7; 16]].concat())),
    (26, "another key", |r| in_another_key(r, KEYS.foreign[0])),
    (27, "the signing secret as key", |r| in_another_key(r, KEYS.foreign[1])),
    (28, "the application's secret as key", |r| in_another_key(r, KEYS.foreign[2])),
    (29, "no key", |r| in_another_key(r, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")),
    (30, "Base64 alone", |r| {
        Some(RawRequest { body: STANDARD.encode(decrypt(r)?).into_bytes(), ..r.clone() })
    }),
    (31, "the digest of the text", |r| {
        let digest = channel::legacy_sign::md5_hex(&decrypt(r)?);
        Slot::Header("sign").set(&RawRequest { body: decrypt(r)?, ..r.clone() }, &digest)
    }),
    (32, "blocks exchanged", |r| {
        blocks(r, |sealed| [&sealed[16..32], &sealed[..16], &sealed[32..]].concat())
    }),
    (33, "without our name", |r| with(r, r#""appKey""#, r#""appkey""#)),
    (34, "the first block gone", |r| blocks(r, |sealed| sealed[16..].to_vec())),
    (35, "in the query", in_the_query),
    (42, "another app's", |r| with(r, "ks660000001", "ks660000002")),
    (46, "another seller's", |r| with(r, r#"\"sellerId\":2161524184"#, r#"\"sellerId\":2161524185"#)),
    (48, "no order", |r| with(r, r#"\"oid\":2607602240240301"#, r#"\"oid\":0"#)),
];

const VARIANTS: &[(u8, &str, Make)] = &[
    (101, "an unknown field", |r| with(r, r#"{"eventId""#, r#"{"zz":[1],"eventId""#)),
    (105, "with padding", |r| {
        ["", "x", "xxxxxxxxxxxxxxxx", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"].iter().find_map(|more| {
            let longer = with(r, r#"{"eventId""#, &format!(r#"{{"zz":"{more}","eventId""#))?;
            longer.body.ends_with(b"=").then_some(longer)
        })
    }),
    (106, "an empty field", |r| with(r, r#"{"eventId""#, r#"{"remark":"","eventId""#)),
    (110, "a number as text", |r| with(r, r#""bizId":2607602240240301"#, r#""bizId":"2607602240240301""#)),
    (111, "CR LF", |r| with(r, r#"{"eventId""#, "{\r\n\"eventId\"")),
    (112, "emoji", |r| with(r, r#"{"eventId""#, r#"{"nick":"🎮","eventId""#)),
];

/// The suite's made-up jobs are about orders whose codes nobody asked for and refunds that no buyer asked for; such
/// calls are rightly not made, and tests/outbound.rs makes real ones.
fn checked(mut report: Report) {
    let unable = ["codes_were_not_asked_for", "not_asked_by_buyer", "bad_order_no"];
    report.other.retain(|finding| !unable.iter().any(|code| finding.ends_with(code)));
    assert!(report.is_clean(), "{report}");
}

const NO_TIME: &str = "no tolerance is documented, so the time is not held against ours";

#[test]
fn pushes_conform() {
    let mut subject = Subject::new(PROTOCOL, PROTOCOL.example_settings, KEYS, sign);
    let case = |name, plain: &str| Case::new(name, request("", encrypt(plain.as_bytes(), OURS)), NOW);
    subject.cases = vec![case("paid", PAID), case("refund", REFUND), case("test", TEST)];
    subject.forgeries =
        FORGERIES.iter().map(|(row, name, make)| Forgery { row: *row, name, make: *make }).collect();
    subject.variants =
        VARIANTS.iter().map(|(row, name, make)| Variant { row: *row, name, make: *make }).collect();
    subject.secrets = vec!["ksSignSecret0001".into(), "exampleEticketSecret000001".into()];
    subject.excused = &[
        (36, NO_TIME),
        (37, NO_TIME),
        (38, NO_TIME),
        (39, NO_TIME),
        (40, NO_TIME),
        (43, "the protocol names no key"),
        (44, "a push's amount is not read"),
        (45, "there is one currency"),
        (47, "a push carries no quantity"),
        (102, "the order is inside the cipher text"),
        (104, "nothing is in hex"),
        (107, NO_TIME),
        (109, "one secret at a time"),
    ];
    checked(examine(&subject));
}

const SECRET: &str = "exampleEticketSecret000001";
const TOKEN: Keys = Keys {
    ours: SECRET,
    graced: None,
    foreign: &["exampleEticketSecret000002", "ksSignSecret0001", "exampleEticketSecret00000"],
};

/// Puts the secret into the address.
fn address(request: &RawRequest, key: &str) -> Option<RawRequest> {
    let (_, what) = request.topic.rsplit_once('/')?;
    Some(RawRequest { topic: format!("eticket/{key}/{what}"), ..request.clone() })
}

#[test]
fn the_eticket_interface_conforms_and_its_body_is_never_more_than_a_wish() {
    let mut subject = Subject::new(PROTOCOL, PROTOCOL.example_settings, TOKEN, address);
    let case = |what: &'static str| {
        Case::new(what, request(&format!("eticket/{SECRET}/{what}"), SEND.as_bytes().to_vec()), NOW)
    };
    subject.cases = vec![case("send"), case("query"), case("destroy")];
    subject.fields = Fields {
        signature: None,
        merchant: Some(Slot::Json("/sellerId")),
        text: Some(Slot::Json("/itemTitle")),
        optional: Some(Slot::Json("/itemTitle")),
        ..Fields::default()
    };
    let forgery = |row, name, make| Forgery { row, name, make };
    subject.forgeries = vec![
        forgery(21, "no secret", |r| Some(RawRequest { topic: "eticket/send".into(), ..r.clone() })),
        forgery(22, "an empty secret", |r| address(r, "")),
        forgery(24, "a shorter secret", |r| address(r, &SECRET[..25])),
        forgery(25, "a longer secret", |r| address(r, &format!("{SECRET}1"))),
        forgery(26, "another secret", |r| address(r, TOKEN.foreign[0])),
        forgery(27, "the signing secret", |r| address(r, TOKEN.foreign[1])),
        forgery(35, "in the query", |r| {
            Some(RawRequest {
                query: format!("secret={SECRET}"),
                topic: "eticket/x/send".into(),
                ..r.clone()
            })
        }),
        forgery(28, "a shop's name", |r| address(r, "main")),
        forgery(29, "a shorter, retired secret", |r| address(r, TOKEN.foreign[2])),
        forgery(33, "no kind", |r| Some(RawRequest { topic: format!("eticket/{SECRET}"), ..r.clone() })),
        forgery(34, "another kind", |r| {
            Some(RawRequest { topic: format!("eticket/{SECRET}/x/send"), ..r.clone() })
        }),
        forgery(48, "no order", |r| Slot::Json("/oid").set(r, "0")),
    ];
    let make = |r: &RawRequest| Slot::Json("/num").set_text(r, "1");
    subject.variants = vec![Variant { row: 110, name: "a number as text", make }];
    subject.excused = ETICKET_EXCUSED;
    let mut report = examine(&subject);
    // No signature covers the body, so a changed one is read. It may be no more than a wish, which leads to a reading;
    // whatever claims more stays a finding.
    report.forged_accepted.retain(|finding| claims(finding));
    checked(report);
}

/// Whether a finding is more than a changed wish.
fn claims(finding: &str) -> bool {
    let more = ["order", "payment", "cancel", "refund", "availability", "catalogue", "procured"];
    !finding.contains("ask ") || more.iter().any(|word| finding.contains(&format!("ask {word}")))
}

const ADDRESS: &str = "nothing but the address tells who speaks";

const ETICKET_EXCUSED: &[(u8, &str)] = &[
    (23, "there is one address"),
    (30, ADDRESS),
    (31, ADDRESS),
    (32, ADDRESS),
    (36, NO_TIME),
    (37, NO_TIME),
    (38, NO_TIME),
    (39, NO_TIME),
    (40, NO_TIME),
    (43, ADDRESS),
    (44, "no amount is sent"),
    (45, "no currency is sent"),
    (47, "the quantity is read back"),
    (104, ADDRESS),
    (105, "nothing is in Base64"),
    (107, NO_TIME),
    (109, "one secret at a time"),
];
