//! What each interface means, and what is refused.

mod common;

use channel::{AmountCheck, Ask, Kind, Shortage, Stage, Step};
use common::{CREATE, NOW, ORDER_NO, REFUND, adapter, call, parse, request};
use vocabulary::{Currency, DeliveryMethod, Money};

fn ask(topic: &str, body: &str) -> Ask {
    parse(&*adapter(), &call(topic, body)).map_err(|r| r.to_string()).expect("parsed").ask
}

fn refused(topic: &str, body: &str) -> (Step, &'static str) {
    parse(&*adapter(), &call(topic, body)).err().map(|r| (r.step, r.code)).expect("refused")
}

#[test]
fn a_card_order_is_a_paid_order_under_its_ceiling() {
    let inbound = parse(&*adapter(), &call("goofish/order/purchase/create", CREATE)).expect("parsed");
    assert_eq!(inbound.id.as_deref(), Some("create:1929063817978999932"));
    assert_eq!(inbound.kind, Kind::Call);
    assert!(inbound.content == CREATE.as_bytes());
    let Ask::Order(order) = inbound.ask else { panic!("an order") };
    assert_eq!(order.external_no, ORDER_NO);
    assert_eq!(order.amount, AmountCheck::AtMost(Money::new(1500, Currency::CNY)));
    assert_eq!(order.stage, Stage::Paid { txn: ORDER_NO.into() });
    assert_eq!((order.shortage, order.delivery), (Shortage::Refuse, DeliveryMethod::Reply));
    assert_eq!((order.lines[0].item.as_str(), order.lines[0].quantity.get()), ("VIP-30", 1));
    let memo: serde_json::Value = serde_json::from_str(&order.memo.expect("a memo")).expect("JSON");
    assert_eq!(memo["notify_url"], "https://open.goofish.pro/api/open/callback/virtual/order/notify/abcd");
    assert_eq!(memo["biz_order_no"], "4012345678901234567");
    assert!(order.buyer.is_none());
}

#[test]
fn without_a_ceiling_our_price_holds() {
    for body in [CREATE.replace("\"max_amount\":1500,", ""), CREATE.replace("1500", "null")] {
        let Ask::Order(order) = ask("goofish/order/purchase/create", &body) else { panic!("an order") };
        assert_eq!(order.amount, AmountCheck::OurPrice);
    }
}

#[test]
fn an_order_with_a_wrong_fact_is_refused() {
    let topic = "goofish/order/purchase/create";
    let cases = [
        ("\"buy_quantity\":1", "\"buy_quantity\":0", "bad_order"),
        ("\"buy_quantity\":1", "\"buy_quantity\":-1", "bad_order"),
        ("\"buy_quantity\":1", "\"buy_quantity\":10001", "bad_order"),
        ("\"buy_quantity\":1", "\"buy_quantity\":9223372036854775807", "bad_order"),
        ("\"buy_quantity\":1", "\"buy_quantity\":9223372036854775808", "wrong_fields"),
        ("\"buy_quantity\":1", "\"buy_quantity\":1.0", "wrong_fields"),
        ("\"buy_quantity\":1", "\"buy_quantity\":\"1\"", "wrong_fields"),
        ("\"buy_quantity\":1", "\"buy_quantity\":1e309", "malformed_json"),
        ("\"buy_quantity\":1,", "", "wrong_fields"),
        ("\"max_amount\":1500", "\"max_amount\":-1", "bad_order"),
        ("\"max_amount\":1500", "\"max_amount\":15.00", "wrong_fields"),
        ("1929063817978999932", "", "bad_order"),
        ("1929063817978999932", "a b", "bad_order"),
        ("1929063817978999932", "a\\u0000", "bad_order"),
        ("VIP-30", "", "bad_order"),
        ("https://open.goofish.pro/api", "https://evil.example/api", "bad_order"),
        ("https://open.goofish.pro/api", "http://open.goofish.pro/api", "bad_order"),
        ("https://open.goofish.pro/api", "https://open.goofish.pro.evil.example/api", "bad_order"),
        ("\"order_no\"", "\"order_no\":\"a\",\"order_no\"", "malformed_json"),
    ];
    for (from, to, code) in cases {
        let body = CREATE.replacen(from, to, 1);
        assert_ne!(body, CREATE, "{from}");
        let (step, why) = refused(topic, &body);
        assert_eq!(why, code, "{to}");
        assert!(matches!(step, Step::Format | Step::Meaning), "{to}");
    }
}

#[test]
fn queries_ask_and_change_nothing() {
    for (topic, body) in [
        ("goofish/open/info", ""),
        ("goofish/user/info", "{}"),
        ("/goofish/user/info/", ""),
        ("goofish/goods/change/subscribe/list", r#"{"goods_type":2,"page_no":1,"page_size":10}"#),
    ] {
        let inbound = parse(&*adapter(), &call(topic, body)).expect("parsed");
        assert!(inbound.kind == Kind::Query && inbound.id.is_none(), "{topic}");
        assert!(matches!(inbound.ask, Ask::Nothing), "{topic}");
    }
    let page = r#"{"goods_type":2,"page_no":1,"page_size":20}"#;
    assert!(matches!(ask("goofish/goods/list", page), Ask::Catalogue));
    assert!(matches!(ask("goofish/goods/detail", r#"{"goods_type":2,"goods_no":"VIP-30"}"#), Ask::Catalogue));
    for bad in [page.replace("_no\":1", "_no\":0"), page.replace("20", "0"), page.replace("20", "101")] {
        assert_eq!(refused("goofish/goods/list", &bad), (Step::Meaning, "bad_page"));
    }
}

#[test]
fn an_order_is_looked_up_by_goofishs_number_first_and_ours_second() {
    let topic = "goofish/order/detail";
    let ours = common::order_id();
    let both = format!(r#"{{"order_type":2,"order_no":"{ORDER_NO}","out_order_no":"{ours}"}}"#);
    let Ask::OrderQuery { external_no, order, with_keys } = ask(topic, &both) else { panic!("a query") };
    assert_eq!((external_no.as_deref(), order, with_keys), (Some(ORDER_NO), None, true));
    let one = format!(r#"{{"order_type":2,"order_no":"","out_order_no":"{ours}"}}"#);
    let Ask::OrderQuery { external_no, order, .. } = ask(topic, &one) else { panic!("a query") };
    assert_eq!((external_no, order), (None, Some(ours)));
    assert_eq!(refused(topic, r#"{"order_type":2}"#).1, "bad_order");
    assert_eq!(refused(topic, r#"{"order_type":2,"out_order_no":"K1"}"#).1, "unknown_order");
    assert_eq!(refused(topic, &both.replace(":2", ":1")).1, "unknown_order");
    let refund = REFUND.replace("TIME", "apply_time");
    assert_eq!(refused(topic, &refund).1, "bad_order", "a signed refund is no way to see the cards");
}

#[test]
fn a_refund_is_asked_for_and_later_settled_under_one_number() {
    let apply = REFUND.replace("TIME", "apply_time");
    let inbound = parse(&*adapter(), &call("goofish/order/refund/apply", &apply)).expect("parsed");
    assert_eq!(inbound.id.as_deref(), Some("refund-apply:1929063817978999932:1767225500"));
    assert_eq!((inbound.kind, inbound.occurred_at.map(|at| at.secs())), (Kind::Call, Some(1_767_225_500)));
    let Ask::RefundRequested(asked) = inbound.ask else { panic!("a request") };
    let notify = REFUND.replace("TIME", "refund_time");
    let inbound = parse(&*adapter(), &call("goofish/order/refund/notify", &notify)).expect("parsed");
    assert_eq!(inbound.id.as_deref(), Some("refund-notify:1929063817978999932:1767225500"));
    assert_eq!(inbound.kind, Kind::Notice);
    let Ask::RefundSettled(settled) = inbound.ask else { panic!("a settlement") };
    for refund in [asked, settled] {
        assert_eq!(
            (refund.external_no.as_str(), refund.refund.as_str()),
            (ORDER_NO, "refund:1929063817978999932")
        );
        assert_eq!(refund.amount, Some(Money::new(1200, Currency::CNY)));
        assert_eq!(refund.reason, "不想要了");
    }
}

#[test]
fn a_signed_refund_application_cannot_be_replayed_as_a_settlement() {
    let apply = REFUND.replace("TIME", "apply_time");
    assert_eq!(refused("goofish/order/refund/notify", &apply), (Step::Meaning, "bad_order"));
    let notify = REFUND.replace("TIME", "refund_time");
    assert_eq!(refused("goofish/order/refund/apply", &notify), (Step::Meaning, "bad_order"));
    for (from, to) in [(":1200", ":0"), (":1200", ":-5"), (":1767225500", ":0"), (":1200", ":\"12\"")] {
        assert_eq!(
            refused("goofish/order/refund/apply", &apply.replacen(from, to, 1)).0,
            Step::Meaning,
            "{to}"
        );
    }
}

#[test]
fn what_we_do_not_sell_or_know_is_refused() {
    assert_eq!(refused("goofish/order/recharge/create", CREATE).1, "unsupported_order_type");
    assert_eq!(refused("goofish/order/ticket/create", CREATE).1, "unsupported_order_type");
    for topic in
        ["", "goofish/goods/change/subscribe", "goofish/goods/change/unsubscribe", "goofish/order/create"]
    {
        assert_eq!(refused(topic, "{}"), (Step::Meaning, "unsupported_topic"), "{topic}");
    }
}

#[test]
fn only_open_info_may_come_unsigned_and_only_wholly_so() {
    let adapter = adapter();
    let open = request("goofish/open/info", "", "");
    assert!(adapter.verify(&open, NOW).is_ok_and(|proof| !proof.is_signed()));
    for query in ["mch_id=2333", "timestamp=1767225600", "sign=", "mch_id=2333&timestamp=1767225600"] {
        assert!(adapter.verify(&request("goofish/open/info", query, ""), NOW).is_err(), "{query}");
    }
    for topic in ["goofish/user/info", "goofish/goods/list", ""] {
        let why = adapter.verify(&request(topic, "", ""), NOW).err().map(|r| r.code);
        assert_eq!(why, Some("missing_signature"), "{topic}");
    }
}

#[test]
fn an_empty_body_may_be_signed_as_nothing_or_as_an_empty_object() {
    let signed_as_object = call("goofish/user/info", "{}");
    let sent_empty = request("goofish/user/info", &signed_as_object.query, "");
    assert!(adapter().verify(&sent_empty, NOW).is_ok());
    let sent_other = request("goofish/user/info", &signed_as_object.query, "{ }");
    assert!(adapter().verify(&sent_other, NOW).is_err());
}
