//! What each interface means, and how each ending is told.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use channel::{AmountCheck, Ask, Kind, OrderState, Outcome, Rejected, Shortage, Stage, Step};
use common::{APP_KEY, NOW, TRADE, adapter, answer, form, key, offer, order, order_id, parse, request, sign};
use serde_json::json;
use vocabulary::{DeliveryMethod, Reason};

const PATH: &str = "shared/commodity/trade";

fn trade_with<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = TRADE.to_vec();
    for (name, value) in changes {
        fields.retain(|(known, _)| known != name);
        fields.push((name, value));
    }
    fields
}

#[test]
fn an_order_is_a_paid_order_at_our_price_whose_keys_go_with_the_reply() {
    let inbound = parse(PATH, TRADE).unwrap();
    assert_eq!((inbound.id.as_deref(), inbound.kind), (Some("trade:order-001"), Kind::Call));
    let Ask::Order(order) = inbound.ask else { panic!("an order") };
    assert_eq!((order.external_no.as_str(), order.lines[0].item.as_str()), ("order-001", "P1"));
    assert_eq!(order.stage, Stage::Paid { txn: "order-001".into() });
    assert_eq!((order.amount, order.lines[0].quantity.get()), (AmountCheck::OurPrice, 2));
    assert_eq!((order.shortage, order.delivery), (Shortage::Refuse, DeliveryMethod::Reply));
    let Ask::Order(order) = parse(PATH, &trade_with(&[("race", "月卡")])).unwrap().ask else {
        panic!("an order")
    };
    assert_eq!(order.lines[0].item, "P1/月卡", "a kind is part of the listing's id");
    let Ask::OrderQuery { order, with_keys, .. } =
        parse("shared/commodity/query", &[("tradeNo", &order_id().to_string())]).unwrap().ask
    else {
        panic!("a query")
    };
    assert_eq!((order, with_keys), (Some(order_id()), true));
}

#[test]
fn what_is_wrong_or_not_ours_to_sell_is_refused() {
    for (name, value) in [
        ("request_no", ""),
        ("request_no", "a b"),
        ("shared_code", ""),
        ("shared_code", "P/1"),
        ("num", "0"),
        ("num", "-1"),
        ("num", "10001"),
        ("num", "1.5"),
        ("card_id", "7"),
        ("sku[color]", "red"),
    ] {
        let refusal = parse(PATH, &trade_with(&[(name, value)])).err();
        assert_eq!(refusal.map(|r| r.step), Some(Step::Meaning), "{name} {value}");
    }
    for (topic, fields) in [
        ("shared/commodity/query", TRADE),
        (PATH, &[("shared_code", "P1"), ("num", "1")][..]),
        ("shared/commodity/query", &[("tradeNo", "7")][..]),
        ("shared/commodity/draftCard", &[("code", "P1")][..]),
        ("plugin/open-api/trade", TRADE),
    ] {
        assert_eq!(parse(topic, fields).err().map(|r| r.step), Some(Step::Meaning), "{topic}");
    }
}

/// Two forms with one signed text: what an attacker could make of a genuine form without the key.
#[test]
fn a_text_that_can_be_read_in_two_ways_is_refused() {
    let mut genuine = trade_with(&[("password", "p"), ("race", "月卡")]);
    genuine.extend([("app_id", "1001"), ("app_key", APP_KEY)]);
    let digest = sign(&genuine, APP_KEY);
    let verdict = |changes: &[(&str, Option<&'static str>)]| {
        let mut fields = genuine.clone();
        for (name, value) in changes {
            fields.retain(|(known, _)| known != name);
            fields.extend(value.map(|value| (*name, value)).filter(|_| true).map(|(n, v)| match n {
                "password" => ("password", v),
                "contact" => ("contact", v),
                _ => ("num", v),
            }));
        }
        assert_eq!(sign(&fields, APP_KEY), digest, "the attack leaves the text as it was");
        fields.push(("sign", &digest));
        adapter().verify(&request(PATH, &form(&fields)), NOW).err().map(|r| r.code)
    };
    assert_eq!(verdict(&[]), None);
    assert_eq!(verdict(&[("race", None), ("password", Some("p&race=月卡"))]), Some("ambiguous_form"));
    assert_eq!(
        verdict(&[("device", None), ("num", None), ("contact", Some("trace-1&device=0&num=2"))]),
        Some("ambiguous_form")
    );
    assert!(parse(PATH, &trade_with(&[("contact", "a+b 中文&x=1%41")])).is_ok(), "an odd contact is no harm");
}

#[test]
fn a_delivered_order_is_answered_with_its_cards_and_nothing_else_is() {
    let keys = || vec![key("NO-1", Some("PW-1")), key("NO-2", None)];
    let body = answer(PATH, TRADE, &order(OrderState::Delivered, 2, keys()));
    let data = json!({ "secret": "NO-1----PW-1\nNO-2", "tradeNo": order_id().to_string(), "amount": 19.80, "url": "" });
    assert_eq!((&body["code"], &body["data"]), (&json!(200), &data));
    for (state, shown) in [
        (OrderState::Processing, keys()),
        (OrderState::Delivered, vec![key("NO-1", None)]),
        (OrderState::Delivered, vec![key("two\nlines", None), key("NO-2", None)]),
        (OrderState::Cancelled, Vec::new()),
    ] {
        let body = answer(PATH, TRADE, &order(state, 2, shown));
        assert!(body["code"] != 200 && body.get("data").is_none(), "{state:?}");
    }
    let number = order_id().to_string();
    let query = [("tradeNo", number.as_str())];
    let body = answer("shared/commodity/query", &query, &order(OrderState::Delivered, 2, keys()));
    assert_eq!(body["data"], json!({ "secret": "NO-1----PW-1\nNO-2", "widget": null, "status": 1 }));
    let body = answer("shared/commodity/query", &query, &order(OrderState::Refunded, 2, Vec::new()));
    assert_eq!(body["data"], json!({ "secret": "", "widget": null, "status": 0 }));
}

#[test]
fn the_catalogue_and_the_questions_about_an_item_have_their_words() {
    let offers = |available| {
        Outcome::Offers(vec![
            offer("P1", Some(990), available),
            offer("P1/月卡", Some(1), 1),
            offer("P2", None, 1),
        ])
    };
    let items = answer("shared/commodity/items", &[], &offers(3));
    let children = items["data"][0]["children"].as_array().unwrap();
    assert_eq!(
        (children.len(), &children[0]["code"], &children[0]["price"]),
        (1, &json!("P1"), &json!(9.90))
    );
    let one = |topic: &str, num: &'static str, available| {
        let topic = format!("shared/commodity/{topic}");
        answer(&topic, &[("shared_code", "P1"), ("num", num)], &offers(available))
    };
    assert_eq!(one("item", "1", 3)["data"]["stock"], 3);
    assert_eq!(one("stock", "1", 3)["data"], json!({ "stock": 3 }));
    assert_eq!(one("inventory", "1", 3)["data"]["count"], 3);
    assert_eq!(one("valuation", "3", 3)["data"], json!({ "price": 29.70 }));
    assert_eq!(
        (&one("inventoryState", "3", 3)["code"], &one("inventoryState", "4", 3)["code"]),
        (&json!(200), &json!(400))
    );
    let other = answer("shared/commodity/stock", &[("code", "P9")], &offers(3));
    assert_eq!(other, json!({ "code": 400, "msg": "商品不存在" }));
    let connected = answer("shared/authentication/connect", &[], &Outcome::Accepted { order: None });
    assert_eq!(connected["data"], json!({ "shopName": "Kami", "balance": 100_000.00 }));
    let no = Outcome::Rejected(Rejected { reason: Reason::OutOfStock, detail: String::new() });
    assert_eq!(answer(PATH, TRADE, &no), json!({ "code": 400, "msg": "库存不足" }));
}
