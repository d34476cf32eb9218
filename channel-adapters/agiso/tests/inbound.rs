//! What a push means, and how it is acknowledged.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use channel::{AmountCheck, Ask, Kind, Outcome, Refusal, Shortage, Stage, Step, Verified};
use common::{NOW, ORDER, adapter, parse, push};
use vocabulary::{Currency, DeliveryMethod, Money};

#[test]
fn a_game_card_order_is_a_paid_order_at_jds_price_whose_keys_go_by_our_call() {
    let inbound = parse(ORDER).unwrap();
    assert_eq!((inbound.id.as_deref(), inbound.kind), (Some("game-card:203632092"), Kind::Notice));
    let Ask::Order(order) = inbound.ask else { panic!("an order") };
    assert_eq!((order.external_no.as_str(), order.lines[0].item.as_str()), ("203632092", "100012345678"));
    assert_eq!(order.amount, AmountCheck::PlatformPrice(Money::new(1990, Currency::CNY)));
    assert_eq!(order.stage, Stage::Paid { txn: "203632092".into() });
    assert_eq!((order.shortage, order.delivery), (Shortage::Backorder, DeliveryMethod::Api));
    assert_eq!(
        (order.lines[0].quantity.get(), order.buyer.unwrap().reference.expose().as_str()),
        (2, "张三")
    );
}

#[test]
fn the_same_order_is_the_same_message_and_other_facts_are_another() {
    let first = parse(ORDER).unwrap();
    let again = parse(&ORDER.replace("08:00:01", "08:10:01").replace("19.90", "19.9")).unwrap();
    assert!(first.id == again.id && first.content == again.content);
    for (from, to) in [("19.90", "19.91"), ("\"BuyNum\":2", "\"BuyNum\":3"), ("100012345678", "100012345679")]
    {
        let other = parse(&ORDER.replace(from, to)).unwrap();
        assert!(other.id == first.id && other.content != first.content, "{to}");
    }
    assert_ne!(parse(&ORDER.replace("203632092", "203632093")).unwrap().id, first.id);
}

#[test]
fn a_wrong_fact_is_refused() {
    for (from, to) in [
        ("12356", "12357"),
        ("\"PlatformShopId\":12356,", ""),
        ("\"BuyNum\":2", "\"BuyNum\":0"),
        ("\"BuyNum\":2", "\"BuyNum\":1.5"),
        ("\"BuyNum\":2", "\"BuyNum\":10001"),
        ("19.90", "1e3"),
        ("19.90", "-1"),
        ("19.90", "\"\""),
        ("203632092", "\"A1\""),
        ("100012345678", "null"),
        ("\"GameAccount\":\"\"", "\"GameAccount\":\"hero\""),
    ] {
        assert_eq!(parse(&ORDER.replace(from, to)).err().map(|r| r.step), Some(Step::Meaning), "{to}");
    }
    assert_eq!(parse("{").err().map(|r| r.step), Some(Step::Format));
    assert_eq!(parse(&ORDER.replacen('{', "{\"BuyNum\":1,", 1)).err().map(|r| r.step), Some(Step::Format));
}

#[test]
fn what_no_key_of_ours_can_serve_is_kept_for_a_person_and_what_agiso_did_itself_is_nothing() {
    let means = |json: &str| match parse(json).unwrap().ask {
        Ask::Unmapped { kind } => kind,
        Ask::Nothing => "nothing".to_owned(),
        _ => "something".to_owned(),
    };
    assert_eq!(means(&ORDER.replace("\"OrderType\":2", "\"OrderType\":1")), "game order that is no card");
    assert_eq!(means(r#"{"PlatformShopId":12356,"JdOrderNo":1,"Quantity":1}"#), "general-trade order");
    assert_eq!(means(r#"{"Tid":"1","PlatformShopId":"12356","Orders":[{"Num":1}]}"#), "nothing");
    assert_eq!(means(r#"{"CpkId":1,"CpkName":"x","RemainingCount":2}"#), "nothing");
    assert_eq!(means(r#"{"Tid":2067719225654838,"Status":"TRADE_CLOSED"}"#), "order event");
    assert_eq!(means(r#"{"orderId":1,"venderId":2,"orderType":22}"#), "paid order");
    assert_eq!(means("{}"), "unknown push");
}

/// Neither is signed, so neither may matter.
#[test]
fn kind_and_marketplace_of_the_address_mean_nothing() {
    let mut request = push(ORDER);
    request.query = request.query.replace("aopic=8", "aopic=16").replace("AldsJd", "Acpr");
    let adapter = adapter();
    let proof = adapter.verify(&request, NOW).unwrap();
    let inbound = adapter.parse(&Verified::new(&request, proof)).map_err(|r| r.to_string()).unwrap();
    assert_eq!(inbound.id, parse(ORDER).unwrap().id);
}

#[test]
fn a_push_is_acknowledged_whatever_became_of_it_and_a_refused_one_is_not() {
    let (adapter, request) = (adapter(), push(ORDER));
    let verified = Verified::new(&request, adapter.verify(&request, NOW).unwrap());
    let inbound = adapter.parse(&verified).map_err(|r| r.to_string()).unwrap();
    let reply = adapter.answer(&verified, &inbound, &Outcome::Parked);
    assert_eq!((reply.status, reply.body.as_slice()), (200, br#"{"IsSuccess":true}"#.as_slice()));
    for (step, status) in [(Step::Signature, 401), (Step::Time, 401), (Step::Size, 413), (Step::Meaning, 400)]
    {
        let reply = adapter.refuse(&request, &Refusal::new(step, "any", ""));
        assert_eq!((reply.status, reply.body.as_slice()), (status, br#"{"IsSuccess":false}"#.as_slice()));
    }
}
