//! Both products, held against the suite that every adapter must pass.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use channel::{Protocol, RawRequest};
use channel_conformance::{Case, Fields, Forgery, Keys, Slot, Subject, conform};
use channel_wechat_shop::{SHOP, XPAY};
use serde_json::{Value, json};

use platform::{
    APP_KEY, APP_SECRET, NOW, TOKEN, aftersale_event, envelope, goods_event, order_event, push, raw,
    refund_event, sign, signature,
};

const SIGN: Slot = Slot::Query("msg_signature");
const ORDER: u64 = 3_705_115_058_471_208_928;

/// Another message under this one's signature.
fn another_message(request: &RawRequest) -> Option<RawRequest> {
    let other = push(&order_event("channels_ec_order_pay", 1));
    Some(RawRequest { body: other.body, ..request.clone() })
}

fn without_the_message(request: &RawRequest) -> Option<RawRequest> {
    Slot::Json("/Encrypt").remove(request)
}

/// The plain signature does not cover the message.
fn plain_signature(request: &RawRequest) -> Option<RawRequest> {
    let made = signature(TOKEN, &[&NOW.secs().to_string(), "415670741"]);
    Slot::Query("signature").set(&SIGN.remove(request)?, &made)
}

/// The message's first letters stand in the nonce, which leaves the signed text as it was where the two are neighbours.
fn swallowed(request: &RawRequest) -> Option<RawRequest> {
    let encrypt = Slot::Json("/Encrypt").get(request)?;
    let (head, tail) = encrypt.split_at_checked(64)?;
    let nonce = format!("{}{head}", Slot::Query("nonce").get(request)?);
    sign_parts(&Slot::Json("/Encrypt").set(&Slot::Query("nonce").set(request, &nonce)?, tail)?)
}

fn sign_parts(request: &RawRequest) -> Option<RawRequest> {
    let part = |name| Slot::Query(name).get(request).unwrap_or_default();
    let encrypt = Slot::Json("/Encrypt").get(request)?;
    SIGN.set(request, &signature(TOKEN, &[&part("timestamp"), &part("nonce"), &encrypt]))
}

fn of_another_app(_: &RawRequest) -> Option<RawRequest> {
    let message = order_event("channels_ec_order_pay", ORDER).to_string();
    Some(raw(envelope(message.as_bytes(), "wx0000000000000000", b"0123456789abcdef")))
}

fn changed(pointer: &str, value: Value) -> RawRequest {
    let mut message = goods_event("CKX1", "steam_50", 1, 2_888, 0);
    *message.pointer_mut(pointer).unwrap() = value;
    push(&message)
}

const SHOP_FORGERIES: &[Forgery] = &[
    Forgery { row: 30, name: "the plain signature", make: plain_signature },
    Forgery { row: 32, name: "another message", make: another_message },
    Forgery { row: 33, name: "no message", make: without_the_message },
    Forgery { row: 34, name: "swallowed by the nonce", make: swallowed },
    Forgery { row: 46, name: "another app's", make: of_another_app },
];

const XPAY_FORGERIES: &[Forgery] = &[
    Forgery {
        row: 44,
        name: "a negative price",
        make: |_| Some(changed("/GoodsInfo/ActualPrice", json!(-1))),
    },
    Forgery {
        row: 44,
        name: "a broken price",
        make: |_| Some(changed("/GoodsInfo/ActualPrice", json!(28.88))),
    },
    Forgery {
        row: 44,
        name: "a price in words",
        make: |_| Some(changed("/GoodsInfo/ActualPrice", json!("2888"))),
    },
    Forgery { row: 47, name: "no unit", make: |_| Some(changed("/GoodsInfo/Quantity", json!(0))) },
    Forgery { row: 47, name: "too many", make: |_| Some(changed("/GoodsInfo/Quantity", json!(1_i64 << 40))) },
    Forgery { row: 46, name: "play money", make: |_| Some(changed("/Env", json!(1))) },
    Forgery { row: 11, name: "a NUL inside", make: |_| Some(changed("/OutTradeNo", json!("CKX\0"))) },
];

fn subject(protocol: Protocol, messages: &[(&'static str, Value)], forgeries: &[&[Forgery]]) -> Subject {
    let keys =
        Keys { ours: TOKEN, graced: None, foreign: &["TESTpushToken02", "otherChannelToken", "retired"] };
    let mut subject = Subject::new(protocol, protocol.example_settings, keys, sign);
    for (name, message) in messages {
        subject.cases.push(Case::new(name, push(message), NOW));
    }
    subject.fields = Fields { signature: Some(SIGN), ..Fields::default() };
    subject.forgeries = forgeries.concat();
    subject.secrets = vec![APP_SECRET.to_owned(), platform::AES_KEY.to_owned(), APP_KEY.to_owned()];
    subject.excused = &[
        (36, "the time is signed but not held against ours: what repeats carry is not documented"),
        (37, "the time is signed but not held against ours"),
        (38, "the time is signed but not held against ours"),
        (39, "the time is signed but not held against ours"),
        (40, "the time is signed but not held against ours"),
        (13, "no text of a push is outside the envelope"),
        (42, "the facts are inside the envelope; tested below"),
        (43, "a token has no serial number"),
        (44, "a shop's push has no amount; virtual payments' are tried by forgeries"),
        (45, "yuan only, and not named"),
        (47, "a shop's push has no quantity; virtual payments' are tried by forgeries"),
        (48, "the numbers are inside the envelope"),
        (105, "the signature is hex"),
        (106, "every field is inside the envelope"),
        (107, "the time is not held against ours"),
        (109, "WeChat replaces the token at once"),
        (110, "every field is inside the envelope"),
        (112, "every field is inside the envelope"),
    ];
    subject
}

#[test]
fn the_shop_conforms() {
    let messages = [
        ("an order is paid", order_event("channels_ec_order_pay", ORDER)),
        ("an order is new", order_event("channels_ec_order_new", ORDER)),
        ("an after-sale", aftersale_event("2000000001234567", "MERCHANT_PROCESSING", ORDER)),
        ("something else", order_event("channels_ec_complaint_update", ORDER)),
    ];
    let mut subject = subject(SHOP, &messages, &[SHOP_FORGERIES]);
    // A shop's items are two numbers, its orders are remembered by theirs, and a refund is a buyer's request.
    subject.jobs.stock = |job| job.item = "10000001/20000001".into();
    subject.jobs.delivery = |job| job.memo = Some("10000001/20000001*1".into());
    subject.jobs.refund = |job| {
        job.refund = "aftersale:2000000001234567".into();
        job.asked_by_channel = true;
    };
    conform(&subject);
}

#[test]
fn virtual_payments_conform() {
    let messages = [
        ("goods are paid", goods_event("CKX20260102000001", "steam_50", 1, 2_888, 0)),
        ("money went back", refund_event("CKX20260102000001", "BACKOFFICE1", 2_888, 0)),
        ("something else", goods_event("CKX2", "steam_50", 2, 2_888, 0)),
    ];
    let mut subject = subject(XPAY, &messages, &[SHOP_FORGERIES, XPAY_FORGERIES]);
    subject.excused = &[
        (36, "the time is signed but not held against ours: what repeats carry is not documented"),
        (37, "the time is signed but not held against ours"),
        (38, "the time is signed but not held against ours"),
        (39, "the time is signed but not held against ours"),
        (40, "the time is signed but not held against ours"),
        (13, "no text of a push is outside the envelope"),
        (42, "the facts are inside the envelope; tested below"),
        (43, "a token has no serial number"),
        (45, "yuan only, and not named"),
        (48, "the numbers are inside the envelope"),
        (105, "the signature is hex"),
        (106, "every field is inside the envelope"),
        (107, "the time is not held against ours"),
        (109, "WeChat replaces the token at once"),
        (110, "every field is inside the envelope"),
        (112, "every field is inside the envelope"),
    ];
    conform(&subject);
}

#[test]
fn another_price_under_the_same_number_is_no_repeat_and_another_try_is_one() {
    let adapter = (XPAY.connect)("wechat-xpay/shop-1".parse().unwrap(), XPAY.example_settings).unwrap();
    let read = |price, retry| {
        let request = push(&goods_event("CKX1", "steam_50", 1, price, retry));
        let proof = adapter.verify(&request, NOW).unwrap();
        let inbound = adapter.parse(&channel::Verified::new(&request, proof)).unwrap();
        (inbound.id, inbound.content)
    };
    assert_eq!(read(2_888, 0), read(2_888, 3));
    assert_eq!(read(2_888, 0).0, read(1, 0).0);
    assert_ne!(read(2_888, 0).1, read(1, 0).1);
}
