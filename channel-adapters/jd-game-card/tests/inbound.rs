//! Who may speak, and what each interface means.

mod common;

use channel::{AmountCheck, Ask, Kind, Shortage, Stage, Step};
use channel_jd_game_card::PROTOCOL;
use common::{NOW, ORDER, PRECHECK, QUERY, adapter, connect, encoded, parse, parse_with, request, signed};
use serde_json::Value;
use vocabulary::{Currency, DeliveryMethod, Money, Timestamp};

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

#[test]
fn every_game_card_vector_is_accepted_or_refused_as_it_says() {
    let all: Vec<Value> = serde_json::from_str(include_str!("../fixtures/jd.json")).expect("JSON");
    let mut seen = 0;
    for vector in all.iter().filter(|v| v["scheme"] == "jd-game-card-md5") {
        let params = &vector["input"]["params"];
        let adapter = connect(&format!(
            r#"{{"customer_id":{},"private_key":"{}"}}"#,
            text(&params["customerId"]),
            text(&vector["keys"]["private_key"]),
        ));
        let accepted = vector["expected"]["accept"] != false;
        let sign = if accepted { &vector["expected"]["sign"] } else { &params["sign"] };
        let body = format!(
            "sign={}&timestamp={}&data={}&customerId={}",
            text(sign),
            text(&params["timestamp"]),
            encoded(text(&params["data"])),
            text(&params["customerId"]),
        );
        let local = format!(
            "{}-{}-{}T{}:{}:{}+08:00",
            at(params, 0, 4),
            at(params, 4, 2),
            at(params, 6, 2),
            at(params, 8, 2),
            at(params, 10, 2),
            at(params, 12, 2)
        );
        let now = Timestamp::parse_rfc3339(&local).expect("a time");
        let verdict = adapter.verify(&request("card/order", &body), now);
        if accepted {
            assert!(verdict.is_ok_and(|proof| proof.is_signed()), "{}", vector["name"]);
            let late = adapter.verify(&request("card/order", &body), now.plus_secs(301));
            assert_eq!(late.err().map(|r| r.code), Some("stale_timestamp"));
        } else {
            assert_eq!(verdict.err().map(|r| r.code), vector["expected"]["reason"].as_str());
        }
        seen += 1;
    }
    assert_eq!(seen, 4);
}

fn at(params: &Value, from: usize, count: usize) -> &str {
    &text(&params["timestamp"])[from..from + count]
}

#[test]
fn a_card_order_is_a_paid_order_at_exactly_its_price() {
    let inbound = parse("card/order", ORDER).expect("parsed");
    assert_eq!((inbound.id.as_deref(), inbound.kind), (Some("order:203632092"), Kind::Call));
    let Ask::Order(order) = inbound.ask else { panic!("an order") };
    assert_eq!(
        (order.external_no.as_str(), &order.stage),
        ("203632092", &Stage::Paid { txn: "203632092".into() })
    );
    assert_eq!(order.amount, AmountCheck::Exactly(Money::new(990, Currency::CNY)));
    assert_eq!((order.shortage, order.delivery), (Shortage::Refuse, DeliveryMethod::Reply));
    assert_eq!((order.lines[0].item.as_str(), order.lines[0].quantity.get()), ("VIP-30", 2));
    assert_eq!(order.buyer.expect("a buyer").reference.expose(), "zhangsan");
    assert!(order.memo.is_none());
}

#[test]
fn short_stock_is_waited_for_where_the_merchant_says_so() {
    let settings =
        PROTOCOL.example_settings.replace("\"async_when_short\": false", "\"async_when_short\": true");
    let inbound = parse_with(&*connect(&settings), &signed("card/order", ORDER)).expect("parsed");
    let Ask::Order(order) = inbound.ask else { panic!("an order") };
    assert_eq!(order.shortage, Shortage::Backorder);
}

#[test]
fn the_same_order_is_the_same_message_however_it_is_written() {
    let numbers = r#"{"outId":"VIP-30","skuId":100012345678,"orderId":203632092,"pin":"zhangsan","buyNum":2,"totalPrice":9.9,"features":[{"a":1}],"userIp":"10.0.0.1"}"#;
    let (first, second) = (parse("card/order", ORDER).ok(), parse("card/order", numbers).ok());
    let (first, second) = (first.expect("parsed"), second.expect("parsed"));
    assert!(first.id == second.id && first.content == second.content);
    for (from, to) in
        [("9.90", "9.91"), ("\"buyNum\":\"2\"", "\"buyNum\":\"3\""), ("VIP-30", "VIP-31"), ("zhang", "li")]
    {
        let other = parse("card/order", &ORDER.replacen(from, to, 1)).expect("parsed");
        assert!(other.id == first.id && other.content != first.content, "{to}");
    }
}

#[test]
fn without_our_code_the_item_is_jds_and_without_a_pin_there_is_no_buyer() {
    for bare in [
        ORDER.replace(",\"outId\":\"VIP-30\"", "").replace("\"pin\":\"zhangsan\",", ""),
        ORDER.replace("VIP-30", "").replace("zhangsan", ""),
        ORDER.replace("\"VIP-30\"", "null").replace("\"zhangsan\"", "null"),
    ] {
        let Ask::Order(order) = parse("card/order", &bare).expect("parsed").ask else { panic!("an order") };
        assert_eq!(order.lines[0].item, "100012345678");
        assert!(order.buyer.is_none());
    }
}

#[test]
fn an_order_with_a_wrong_fact_is_refused() {
    let quantity = |value: &str| ORDER.replace("\"buyNum\":\"2\"", &format!("\"buyNum\":{value}"));
    let price = |value: &str| ORDER.replace("\"9.90\"", value);
    let mut bodies: Vec<String> = Vec::new();
    for bad in
        ["0", "-1", "\"-1\"", "10001", "2147483648", "9223372036854775808", "1.5", "\"\"", "true", "1e2"]
    {
        bodies.push(quantity(bad));
    }
    for bad in ["-1", "\"1.005\"", "1e3", "1e309", "\"\"", "\"9,90\"", "\"99999999999999999999\"", "[]"] {
        bodies.push(price(bad));
    }
    bodies.push(ORDER.replace("203632092", ""));
    bodies.push(ORDER.replace("203632092", "20363 2092"));
    bodies.push(ORDER.replace("203632092", "203632092\\u0000"));
    bodies.push(ORDER.replace("\"orderId\":\"203632092\",", ""));
    bodies.push(ORDER.replace("100012345678", "x"));
    bodies.push(ORDER.replace("VIP-30", "VIP\\n30"));
    bodies.push(ORDER.replace("\"buyNum\"", "\"buyNum\":\"1\",\"buyNum\""));
    bodies.push("{".into());
    for body in bodies {
        assert_ne!(body, ORDER);
        let refusal = parse("card/order", &body).err().expect("refused");
        assert!(matches!(refusal.step, Step::Format | Step::Meaning), "{body}: {refusal}");
    }
}

#[test]
fn top_ups_and_chosen_accounts_are_not_ours_to_sell() {
    let account = ORDER.replacen('{', r#"{"gameAccount":"hero","#, 1);
    let checked = PRECHECK.replacen('{', r#"{"gameAccount":"hero","#, 1);
    let token = ORDER.replacen('{', r#"{"tokenId":"t-1","#, 1);
    for (topic, body) in [
        ("card/order", account.as_str()),
        ("card/order", token.as_str()),
        ("precheck", checked.as_str()),
        ("topup/order", ORDER),
        ("topup/query", QUERY),
    ] {
        assert_eq!(parse(topic, body).err().map(|r| r.code), Some("unsupported_order"), "{topic}");
    }
    let empty = ORDER.replacen('{', r#"{"gameAccount":"","tokenId":"","#, 1);
    assert!(parse("card/order", &empty).is_ok());
    for topic in ["", "card", "card/orders"] {
        assert_eq!(parse(topic, ORDER).err().map(|r| r.code), Some("unsupported_topic"), "{topic}");
    }
}

#[test]
fn a_query_shows_the_keys_and_a_pre_check_asks_what_is_left() {
    let inbound = parse("/card/query/", QUERY).expect("parsed");
    assert!(inbound.kind == Kind::Query && inbound.id.is_none());
    let Ask::OrderQuery { external_no, order, with_keys } = inbound.ask else { panic!("a query") };
    assert_eq!((external_no.as_deref(), order, with_keys), (Some("203632092"), None, true));
    let inbound = parse("precheck", PRECHECK).expect("parsed");
    let Ask::Availability { item, quantity } = inbound.ask else { panic!("availability") };
    assert_eq!((item.as_str(), quantity.get(), inbound.kind), ("VIP-30", 2, Kind::Query));
}

#[test]
fn a_signed_form_means_nothing_to_another_interface() {
    for (topic, json) in [
        ("card/query", ORDER),
        ("precheck", ORDER),
        ("card/order", QUERY),
        ("precheck", QUERY),
        ("card/order", PRECHECK),
        ("card/query", PRECHECK),
    ] {
        assert_eq!(parse(topic, json).err().map(|r| r.step), Some(Step::Meaning), "{topic}");
    }
}

#[test]
fn a_form_that_could_be_read_in_two_ways_is_refused() {
    let genuine = signed("card/order", ORDER);
    let body = String::from_utf8(genuine.body).expect("text");
    let why = |body: &str| adapter().verify(&request("card/order", body), NOW).err().map(|r| r.code);
    assert_eq!(why(&body), None);
    // `timestamp` swallowed by `data`: the signed text stays as it was.
    let swallowed = body.replace("&timestamp=20260101080000", "").replacen(
        "&sign",
        "%26timestamp%3D20260101080000&sign",
        1,
    );
    assert_eq!(why(&swallowed), Some("ambiguous_form"));
    assert_eq!(why(&format!("{body}&a%3Db=1")), Some("ambiguous_form"));
    assert_eq!(why(&format!("{body}&data=x")), Some("malformed_form"));
    assert_eq!(why(&body.replace("14156143", "14156144")), Some("unknown_customer"));
    assert_eq!(why(&body.replace("20260101080000", "20260101080001")), Some("bad_signature"));
    assert_eq!(why(&format!("{body}&extra=1")), Some("bad_signature"));
    assert_eq!(why(""), Some("missing_signature"));
}
