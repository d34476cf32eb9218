//! What each interface means, and how each ending is told.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use channel::{AmountCheck, Ask, Kind, OrderState, Outcome, ProcureState, Rejected, Shortage, Stage, Step};
use common::{
    CALLBACK, CREATE, adapter, answer, get, key, line, memo, number, offer, order, order_id, parse, post,
};
use serde_json::{Value, json};
use vocabulary::{DeliveryMethod, Reason};

#[test]
fn an_order_is_a_paid_order_at_our_price_and_its_keys_are_called_back() {
    let inbound = parse(&post("/orders", CREATE)).unwrap();
    assert_eq!((inbound.id.as_deref(), inbound.kind), (Some("order:A-20260101-001"), Kind::Call));
    let Ask::Order(order) = inbound.ask else { panic!("an order") };
    assert_eq!(order.stage, Stage::Paid { txn: "A-20260101-001".into() });
    assert_eq!((order.amount, order.shortage), (AmountCheck::OurPrice, Shortage::Refuse));
    assert_eq!((order.lines[0].item.as_str(), order.lines[0].quantity.get()), ("1", 2));
    assert_eq!(order.delivery, DeliveryMethod::Api);
    assert!(order.external_no.parse::<u64>().is_ok_and(|id| id > 0 && id < 1 << 53));
    let bare = r#"{"sku_id":1,"quantity":2,"downstream_order_no":"A-1","callback_url":""}"#;
    let Ask::Order(order) = parse(&post("/orders", bare)).unwrap().ask else { panic!("an order") };
    assert_eq!(order.delivery, DeliveryMethod::Pickup, "without an address the shop fetches its keys");
}

#[test]
fn a_repeat_is_known_by_the_other_shops_number_and_its_facts() {
    let first = parse(&post("/orders", CREATE)).unwrap();
    let again = CREATE.replace("t-1", "t-2").replace("/upstream/callback", "/other");
    let again = parse(&post("/orders", &again)).unwrap();
    assert!(first.id == again.id && first.content == again.content);
    for (from, to) in [("\"quantity\":2", "\"quantity\":3"), ("\"sku_id\":1", "\"sku_id\":2")] {
        let other = parse(&post("/orders", &CREATE.replace(from, to))).unwrap();
        assert!(other.id == first.id && other.content != first.content, "{to}");
    }
}

#[test]
fn an_order_with_a_wrong_fact_is_refused() {
    for (from, to) in [
        ("\"quantity\":2", "\"quantity\":0"),
        ("\"quantity\":2", "\"quantity\":-1"),
        ("\"quantity\":2", "\"quantity\":1.5"),
        ("\"quantity\":2", "\"quantity\":10001"),
        ("\"sku_id\":1", "\"sku_id\":\"vip\""),
        ("\"downstream_order_no\":\"A-20260101-001\",", ""),
        ("A-20260101-001", ""),
        ("A-20260101-001", "a b"),
        ("https://a-site.example.com/", "http://a-site.example.com/"),
        ("https://a-site.example.com/", "https://127.0.0.1/"),
    ] {
        let refusal = parse(&post("/orders", &CREATE.replace(from, to))).err();
        assert_eq!(refusal.map(|refusal| refusal.step), Some(Step::Meaning), "{to}");
    }
    let foreign = CREATE.replace("a-site.example.com", "evil.example.com");
    assert_eq!(parse(&post("/orders", &foreign)).err().map(|r| r.code), Some("invalid_callback_url"));
}

#[test]
fn the_other_interfaces_ask_what_they_say() {
    let query = parse(&get("/orders/4503599627370496", "")).unwrap();
    let Ask::OrderQuery { external_no, with_keys, .. } = query.ask else { panic!("a query") };
    assert_eq!(
        (external_no.as_deref(), with_keys, query.kind),
        (Some("4503599627370496"), true, Kind::Query)
    );
    let cancel = parse(&post("/orders/7/cancel", "")).unwrap();
    assert_eq!((cancel.id.as_deref(), cancel.kind), (Some("cancel:7"), Kind::Call));
    assert!(matches!(cancel.ask, Ask::Cancel { external_no, .. } if external_no == "7"));
    assert!(matches!(parse(&post("/ping", "")).unwrap().ask, Ask::Nothing));
    assert!(matches!(parse(&get("/categories", "")).unwrap().ask, Ask::Nothing));
    assert!(matches!(parse(&get("/products", "page=1")).unwrap().ask, Ask::Catalogue));
    assert!(matches!(parse(&get("/products/7", "")).unwrap().ask, Ask::Catalogue));
    for path in ["/orders/x", "/orders/0", "/orders/9007199254740992", "/orders/7/keys", ""] {
        assert_eq!(parse(&get(path, "")).err().map(|r| r.code), Some("unsupported_topic"), "{path}");
    }
    assert!(parse(&get("/products", "page=0")).is_err());
}

#[test]
fn a_callback_reports_a_purchase() {
    let inbound = parse(&post("/callback", CALLBACK)).unwrap();
    assert_eq!(
        (inbound.id.as_deref(), inbound.kind),
        (Some("callback:K20260101001:delivered"), Kind::Notice)
    );
    let Ask::Procured(procured) = inbound.ask else { panic!("a purchase") };
    assert_eq!((procured.our_no.as_str(), procured.reference.as_deref()), ("K20260101001", Some("101")));
    let ProcureState::Keys(keys) = procured.state else { panic!("keys") };
    let codes: Vec<&str> = keys.iter().map(|key| key.code.expose().as_str()).collect();
    assert_eq!(codes, ["ABCD-EFGH-0001", "卡密二"]);
    let state = |from: &str, to: &str| match parse(&post("/callback", &CALLBACK.replacen(from, to, 1)))
        .unwrap()
        .ask
    {
        Ask::Procured(procured) => match procured.state {
            ProcureState::Accepted => "accepted",
            ProcureState::Keys(_) => "keys",
            ProcureState::Failed { .. } => "failed",
        },
        Ask::Unmapped { .. } => "unmapped",
        _ => "other",
    };
    let status = |to: &str| state("\"status\":\"delivered\"", &format!("\"status\":\"{to}\""));
    for (to, means) in [
        ("completed", "keys"),
        ("fulfilled", "keys"),
        ("paid", "accepted"),
        ("partially_delivered", "accepted"),
        ("canceled", "failed"),
        ("cancelled", "failed"),
        ("refunded", "unmapped"),
        ("something", "unmapped"),
    ] {
        assert_eq!(status(to), means, "{to}");
    }
    assert_eq!(state("ABCD-EFGH-0001\\n卡密二", ""), "unmapped", "delivered, but nothing is there");
    let told = answer(&post("/callback", CALLBACK), &Outcome::Accepted { order: None });
    assert_eq!(told, (200, json!({ "ok": true, "message": "received" })));
}

#[test]
fn a_repeated_callback_is_one_message_and_other_cards_are_another() {
    let first = parse(&post("/callback", CALLBACK)).unwrap();
    let later = parse(&post("/callback", &CALLBACK.replace("1767225602", "1767225632"))).unwrap();
    assert!(first.id == later.id && first.content == later.content);
    let other = parse(&post("/callback", &CALLBACK.replace("卡密二", "卡密三"))).unwrap();
    assert!(first.id == other.id && first.content != other.content);
}

#[test]
fn an_account_of_one_direction_refuses_the_other() {
    let sell = json!({ "sell": { "api_key": "kami-shop-a", "api_secret": common::SECRET,
        "callback_prefixes": ["https://a-site.example.com/api/"] } });
    let sells = common::connect(&sell.to_string());
    let why = sells.verify(&post("/callback", CALLBACK), common::NOW).err().map(|r| r.code);
    assert_eq!((why, sells.procure().is_none(), sells.deliver().is_some()), (Some("not_set_up"), true, true));
    let buy = json!({ "buy": { "api_key": "kami-shop-a", "api_secret": common::SECRET,
        "base_url": "https://b-site.example.com" } });
    let buys = common::connect(&buy.to_string());
    let why = buys.verify(&post("/orders", CREATE), common::NOW).err().map(|r| r.code);
    assert_eq!((why, buys.procure().is_some(), buys.deliver().is_none()), (Some("not_set_up"), true, true));
}

fn two_keys() -> Vec<vocabulary::CardKey> {
    vec![key("NO-1", Some("PW-1")), key("NO-2", None)]
}

#[test]
fn an_order_is_answered_without_keys_and_the_query_shows_them() {
    let (status, body) =
        answer(&post("/orders", CREATE), &order(OrderState::Fulfilled, vec![line(2, Vec::new())], memo()));
    let wanted = json!({ "ok": true, "order_id": number().parse::<u64>().unwrap(), "order_no": order_id().to_string(),
        "status": "paid", "amount": "19.80", "currency": "CNY" });
    assert_eq!((status, body), (200, wanted));
    let query = get(&format!("/orders/{}", number()), "");
    let (_, body) = answer(&query, &order(OrderState::Delivered, vec![line(2, two_keys())], memo()));
    assert_eq!((&body["status"], &body["items"][0]["unit_price"]), (&json!("delivered"), &json!("9.90")));
    assert_eq!(
        body["fulfillment"],
        json!({ "type": "auto", "status": "delivered", "payload": "NO-1----PW-1\nNO-2", "delivery_data": null,
            "delivered_at": "2026-01-01T00:00:01Z" })
    );
    for (state, keys, said) in [
        (OrderState::Processing, 0, "paid"),
        (OrderState::Fulfilled, 1, "fulfilling"),
        (OrderState::Delivered, 0, "fulfilling"),
        (OrderState::Refunded, 0, "refunded"),
        (OrderState::Cancelled, 0, "canceled"),
    ] {
        let lines = vec![line(2, two_keys().into_iter().take(keys).collect())];
        let (_, body) = answer(&query, &order(state, lines, memo()));
        assert_eq!((&body["status"], body.get("fulfillment")), (&json!(said), None), "{state:?}");
    }
    let torn = vec![line(1, vec![key("two\nlines", None)])];
    assert_eq!(answer(&query, &order(OrderState::Delivered, torn, memo())).1["status"], "fulfilling");
}

#[test]
fn two_numbers_that_fold_into_one_are_never_one_order() {
    let other = memo().unwrap().replace("A-20260101-001", "B-7");
    let (status, body) = answer(
        &post("/orders", CREATE),
        &order(OrderState::Fulfilled, vec![line(2, Vec::new())], Some(other)),
    );
    assert_eq!((status, &body["error_code"]), (500, &json!("internal_error")));
}

#[test]
fn the_catalogue_has_the_listings_that_are_numbers_by_pages() {
    let offers = || {
        Outcome::Offers(vec![
            offer("12", Some(790), 0),
            offer("3", Some(1_000), 21),
            offer("vip", Some(1), 1),
            offer("4", None, 5),
        ])
    };
    let ids = |query: &str| -> (Value, Vec<i64>) {
        let (_, body) = answer(&get("/products", query), &offers());
        let items = body["items"].as_array().unwrap();
        (body["total"].clone(), items.iter().map(|item| item["id"].as_i64().unwrap()).collect())
    };
    assert_eq!(ids(""), (json!(2), vec![3, 12]));
    assert_eq!(ids("page=2&page_size=1"), (json!(2), vec![12]));
    assert_eq!(ids("include_inactive=true"), (json!(3), vec![3, 4, 12]));
    let (status, body) = answer(&get("/products/12", ""), &offers());
    let sku = &body["product"]["skus"][0];
    assert_eq!(
        (status, &sku["price_amount"], &sku["stock_status"]),
        (200, &json!("7.90"), &json!("out_of_stock"))
    );
    assert_eq!(
        answer(&get("/products/3", ""), &offers()).1["product"]["skus"][0]["stock_status"],
        "in_stock"
    );
    assert_eq!(answer(&get("/products/4", ""), &offers()).1["error_code"], "product_unavailable");
    assert_eq!(answer(&get("/products/9", ""), &offers()).1["error_code"], "product_not_found");
    let (_, ping) = answer(&post("/ping", ""), &Outcome::Accepted { order: None });
    assert_eq!((&ping["protocol_version"], &ping["balance"]), (&json!("1.0"), &json!("100000.00")));
}

#[test]
fn reasons_and_refusals_have_the_documents_words() {
    let no = |reason| Outcome::Rejected(Rejected { reason, detail: String::new() });
    for (reason, status, code) in [
        (Reason::UnknownItem, 400, "sku_unavailable"),
        (Reason::NoPrice, 400, "sku_unavailable"),
        (Reason::OutOfStock, 409, "insufficient_stock"),
        (Reason::QuotaExhausted, 409, "insufficient_stock"),
        (Reason::MessageIdReused, 400, "bad_request"),
        (Reason::AlreadyExists, 500, "internal_error"),
    ] {
        let (said, body) = answer(&post("/orders", CREATE), &no(reason));
        assert_eq!(
            (said, &body["error_code"], &body["ok"]),
            (status, &json!(code), &json!(false)),
            "{reason:?}"
        );
    }
    assert_eq!(answer(&get("/orders/7", ""), &no(Reason::UnknownOrder)).0, 404);
    let (status, body) = answer(&post("/orders/7/cancel", ""), &no(Reason::WrongState));
    assert_eq!((status, &body["error_code"]), (409, &json!("cancel_not_allowed")));
    let (status, body) =
        answer(&post("/orders/7/cancel", ""), &Outcome::Accepted { order: Some(order_id()) });
    assert_eq!((status, &body["status"], &body["order_id"]), (200, &json!("canceled"), &json!(7)));
    let refuse = |path: &str, step| {
        let reply = adapter().refuse(&post(path, "{}"), &channel::Refusal::new(step, "any", ""));
        (reply.status, serde_json::from_slice::<Value>(&reply.body).unwrap()["ok"].clone())
    };
    assert_eq!(refuse("/orders", Step::Signature), (401, json!(false)));
    assert_eq!(refuse("/orders", Step::Time), (401, json!(false)));
    assert_eq!(refuse("/orders", Step::Format), (400, json!(false)));
    assert_eq!(refuse("/callback", Step::Signature), (200, json!(false)));
}
