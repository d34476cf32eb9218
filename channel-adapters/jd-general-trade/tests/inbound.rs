//! What each interface means, and how each ending is told.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{
    AmountCheck, Ask, Kind, OrderState, Outcome, Refusal, Rejected, Shortage, Stage, Step, cipher,
};
use channel_jd_general_trade::PROTOCOL;
use common::{
    CARD_KEY, KEY, NOW, ORDER, QUERY, adapter, answer, connect, form, key, line, order, order_with, parse,
    parse_with, request, sign, signed,
};
use serde_json::{Value, json};
use vocabulary::{CardKey, Currency, DeliveryMethod, Money, Reason};

#[test]
fn an_order_is_a_paid_order_at_jds_price() {
    let inbound = parse("beginDistill", ORDER).unwrap();
    assert_eq!((inbound.id.as_deref(), inbound.kind), (Some("begin:260101000001"), Kind::Call));
    assert_eq!(inbound.occurred_at, Some(NOW.plus_secs(-2)));
    let Ask::Order(order) = inbound.ask else { panic!("an order") };
    assert_eq!(order.external_no, "260101000001");
    assert_eq!(order.stage, Stage::Paid { txn: "260101000001".into() });
    assert_eq!(order.amount, AmountCheck::PlatformPrice(Money::new(1980, Currency::CNY)));
    assert_eq!((order.shortage, order.delivery), (Shortage::Refuse, DeliveryMethod::Reply));
    assert_eq!((order.lines[0].item.as_str(), order.lines[0].quantity.get()), ("VIP-30", 2));
    assert_eq!(order.memo.as_deref(), Some("https://vtpnotify.jd.com/vtp"));
    let waits =
        PROTOCOL.example_settings.replace("\"async_when_short\": false", "\"async_when_short\": true");
    let inbound = parse_with(&*connect(&waits), &signed("/beginDisstill/", ORDER)).unwrap();
    let Ask::Order(order) = inbound.ask else { panic!("an order") };
    assert_eq!(order.shortage, Shortage::Backorder);
}

#[test]
fn a_query_shows_the_keys_and_no_form_means_anything_to_the_other_interface() {
    let inbound = parse("findDistill", QUERY).unwrap();
    assert!(inbound.kind == Kind::Query && inbound.id.is_none());
    let Ask::OrderQuery { external_no, order, with_keys } = inbound.ask else { panic!("a query") };
    assert_eq!((external_no.as_deref(), order, with_keys), (Some("260101000001"), None, true));
    for (topic, fields) in [("findDistill", ORDER), ("beginDistill", QUERY), ("", ORDER), ("notify", QUERY)] {
        assert_eq!(parse(topic, fields).err().map(|r| r.step), Some(Step::Meaning), "{topic}");
    }
}

#[test]
fn a_wrong_fact_is_refused() {
    let refused = |name, value| {
        let fields = order_with(&[(name, value)]);
        parse("beginDistill", &fields).err().map(|refusal| refusal.code)
    };
    for (name, value) in [
        ("quantity", "0"),
        ("quantity", "10001"),
        ("quantity", ""),
        ("totalPrice", ""),
        ("totalPrice", "99999999999999999999"),
        ("jdOrderNo", ""),
        ("jdOrderNo", "0123"),
        ("payTime", "20261301000000"),
        ("payTime", ""),
        ("wareNo", ""),
        ("notifyUrl", ""),
        ("notifyUrl", "http://vtp.jd.com/notify"),
        ("notifyUrl", "https://evil.example/vtp"),
    ] {
        assert_eq!(refused(name, value), Some("bad_parameter"), "{name} {value}");
    }
    for (name, value) in [
        ("quantity", "-1"),
        ("quantity", "1.5"),
        ("totalPrice", "19.80"),
        ("jdOrderNo", "A1"),
        ("payTime", "now"),
    ] {
        assert_eq!(refused(name, value), Some("ambiguous_form"), "{name} {value}");
    }
    assert_eq!(refused("produceAccount", "13333333333"), Some("unsupported_order"));
    assert_eq!(refused("vendorId", "1202"), Some("unknown_vendor"));
}

/// Two forms with one signed text: what an attacker could make of a genuine form without the key.
#[test]
fn a_text_that_can_be_read_in_two_ways_is_refused() {
    let genuine = order_with(&[("notifyUrl", "https://vtpnotify.jd.com/vtp/one"), ("wareNo", "box30")]);
    let digest = sign(&genuine, KEY);
    let cut = |changes: &[(&'static str, &'static str)]| {
        let mut fields = genuine.clone();
        for (name, value) in changes {
            fields.retain(|(known, _)| known != name);
            fields.push((name, value));
        }
        fields.retain(|(name, _)| *name != "sign");
        assert_eq!(sign(&fields, KEY), digest, "the attack leaves the text as it was");
        fields.push(("sign", &digest));
        adapter().verify(&request("beginDistill", &form(&fields)), NOW).err().map(|r| r.code)
    };
    assert_eq!(cut(&[]), None);
    assert_eq!(cut(&[("notifyUrl", "https://vtpnotify.jd.com/vtp/"), ("o", "ne")]), Some("ambiguous_form"));
    assert_eq!(cut(&[("wareNo", "bo"), ("x", "30")]), Some("ambiguous_form"));
    let swallowed = order_with(&[("payTime", ""), ("notifyUrl", "https://a/payTime20260101075958")]);
    assert_eq!(parse("beginDistill", &swallowed).err().map(|r| r.code), Some("ambiguous_form"));
    // A new field of JD's that could be nothing else is no hindrance.
    assert!(parse("beginDistill", &order_with(&[("batchNo", "7")])).is_ok());
}

#[test]
fn the_same_order_is_the_same_message_whatever_its_time_and_signature() {
    let first = parse("beginDistill", ORDER).unwrap();
    let again = parse("beginDistill", &order_with(&[("timestamp", "20260101080100")])).unwrap();
    assert!(first.id == again.id && first.content == again.content);
    for (name, value) in [("quantity", "3"), ("totalPrice", "1981"), ("wareNo", "VIP-31")] {
        let other = parse("beginDistill", &order_with(&[(name, value)])).unwrap();
        assert!(other.id == first.id && other.content != first.content, "{name}");
    }
}

fn two_keys() -> Vec<CardKey> {
    let mut pair = key("NO-1", Some("密 1"));
    pair.expires_on = "2028-12-01".parse().ok();
    vec![pair, key("SINGLE CODE!", None)]
}

fn opened(product: &Value) -> Value {
    let sealed = STANDARD.decode(product.as_str().unwrap()).unwrap();
    let open = cipher::aes_ecb_decrypt(CARD_KEY.as_bytes(), &sealed).unwrap();
    serde_json::from_slice(cipher::unpad(&open, 16).unwrap()).unwrap()
}

#[test]
fn a_delivered_order_answers_both_interfaces_with_all_its_cards_sealed_and_signed() {
    let outcome = order(OrderState::Delivered, vec![line(2, two_keys())]);
    for (topic, fields) in [("beginDistill", ORDER), ("findDistill", QUERY)] {
        let body = answer(topic, fields, &outcome);
        assert_eq!((&body["code"], &body["produceStatus"]), (&json!("JDO_200"), &json!(1)), "{topic}");
        assert_eq!(body["jdOrderNo"], json!(260_101_000_001_i64));
        let cards = json!([
            {"cardNumber":"NO-1","password":"密 1","expiryDate":"2028-12-01"},
            {"cardNumber":"-","password":"SINGLE CODE!","expiryDate":"-"}
        ]);
        assert_eq!(opened(&body["product"]), cards);
        let texts: Vec<(String, String)> = body
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| {
                (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            })
            .collect();
        let fields: Vec<(&str, &str)> = texts.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(body["sign"], sign(&fields, KEY).as_str(), "{topic}");
    }
}

#[test]
fn every_state_has_its_words() {
    let table = [
        (OrderState::AwaitingPayment, 0, "JDO_201", 3),
        (OrderState::Processing, 2, "JDO_201", 3),
        (OrderState::Fulfilled, 0, "JDO_201", 3),
        (OrderState::Fulfilled, 2, "JDO_200", 1),
        (OrderState::Delivered, 0, "JDO_201", 3),
        (OrderState::Delivered, 1, "JDO_201", 3),
        (OrderState::Delivered, 2, "JDO_200", 1),
        (OrderState::Refunded, 2, "JDO_305", 2),
        (OrderState::Cancelled, 0, "JDO_305", 2),
    ];
    for (state, keys, code, produced) in table {
        let outcome = order(state, vec![line(2, two_keys().into_iter().take(keys).collect())]);
        let body = answer("findDistill", QUERY, &outcome);
        assert_eq!(
            (&body["code"], &body["produceStatus"]),
            (&json!(code), &json!(produced)),
            "{state:?} {keys}"
        );
        assert_eq!(body.get("product").is_some(), produced == 1, "{state:?} {keys}");
    }
    let long = order(OrderState::Delivered, vec![line(1, vec![key(&"A".repeat(128), None)])]);
    assert_eq!(
        answer("findDistill", QUERY, &long)["produceStatus"],
        3,
        "a card that JD cannot take is held back"
    );
}

#[test]
fn reasons_and_refusals_have_their_words_and_a_query_is_never_ended_by_a_fault() {
    let no = |reason| Outcome::Rejected(Rejected { reason, detail: String::new() });
    let short = answer("beginDistill", ORDER, &no(Reason::OutOfStock));
    assert_eq!((&short["code"], &short["produceStatus"]), (&json!("JDO_305"), &json!(2)));
    let unlisted = answer("beginDistill", ORDER, &no(Reason::UnknownItem));
    assert_eq!((&unlisted["code"], &unlisted["produceStatus"]), (&json!("JDO_302"), &json!(4)));
    assert_eq!(answer("findDistill", QUERY, &no(Reason::UnknownOrder))["produceStatus"], 2);
    assert_eq!(answer("findDistill", QUERY, &no(Reason::WrongState))["produceStatus"], 3);
    assert_eq!(answer("beginDistill", ORDER, &Outcome::Parked)["produceStatus"], 3);
    for (topic, step, code, said, produced) in [
        ("beginDistill", Step::Signature, "bad_signature", "JDO_304", 4),
        ("beginDistill", Step::Time, "stale_timestamp", "JDO_304", 4),
        ("beginDistill", Step::Meaning, "bad_parameter", "JDO_303", 4),
        ("beginDistill", Step::Meaning, "unsupported_order", "JDO_305", 2),
        ("findDistill", Step::Signature, "bad_signature", "JDO_304", 3),
        ("findDistill", Step::Format, "malformed_form", "JDO_303", 3),
    ] {
        let reply = adapter().refuse(&request(topic, ""), &Refusal::new(step, code, ""));
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(body, json!({ "code": said, "produceStatus": produced }), "{topic} {code}");
    }
}
