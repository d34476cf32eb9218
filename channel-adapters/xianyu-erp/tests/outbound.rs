//! Reading orders back and publishing stock.

use std::sync::Arc;

use channel::{
    Adapter, AmountCheck, Ask, CallOutcome, Inbound, OutboundResponse, Shortage, Stage, StockJob,
    TransportFailure, Unable,
};
use channel_xianyu_erp::PROTOCOL;
use serde_json::{Value, json};
use vocabulary::{Currency, DeliveryMethod, Money, Timestamp};

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
const ORDER_NO: &str = "1929063817978999932";

fn adapter(deliver_orders: bool) -> Arc<dyn Adapter> {
    let settings = PROTOCOL
        .example_settings
        .replace("\"deliver_orders\": false", &format!("\"deliver_orders\": {deliver_orders}"));
    (PROTOCOL.connect)("xianyu-erp/main".parse().expect("an account"), &settings).expect("usable settings")
}

fn response(status: u16, body: &str) -> OutboundResponse {
    OutboundResponse { status, headers: Vec::new(), retry_after: None, body: body.as_bytes().to_vec() }
}

fn detail(order_status: i64, refund_status: i64) -> Value {
    json!({
        "order_no": ORDER_NO, "order_status": order_status, "order_type": 7, "refund_status": refund_status,
        "total_amount": 2400, "pay_amount": 2300, "refund_amount": 0, "order_time": 1, "pay_time": 1_767_225_500,
        "consign_time": 0, "refund_time": 0, "cancel_time": 0, "update_time": 1_767_225_590, "consign_type": 2,
        "buyer_eid": "eid-1", "buyer_nick": "小鱼",
        "goods": {"quantity": 2, "price": 1200, "product_id": 441, "item_id": 709, "outer_id": "VIP-30",
                  "sku_id": 0, "sku_outer_id": "", "sku_text": "", "title": "会员"}
    })
}

fn read(deliver_orders: bool, detail: &Value) -> CallOutcome<Vec<Inbound>> {
    let adapter = adapter(deliver_orders);
    let body = json!({"code":0,"msg":"OK","data":detail}).to_string();
    adapter.read_back().expect("declared").interpret(ORDER_NO, Ok(&response(200, &body)))
}

fn messages(deliver_orders: bool, detail: &Value) -> Vec<Inbound> {
    match read(deliver_orders, detail) {
        CallOutcome::Done(messages) => messages,
        _ => panic!("the detail was not read"),
    }
}

fn kinds(deliver_orders: bool, detail: &Value) -> String {
    let name = |inbound: &Inbound| match &inbound.ask {
        Ask::Order(_) => "order".to_owned(),
        Ask::Cancel { .. } => "cancel".to_owned(),
        Ask::RefundRequested(_) => "requested".to_owned(),
        Ask::RefundRefused(_) => "refused".to_owned(),
        Ask::RefundSettled(_) => "settled".to_owned(),
        Ask::Nothing => "nothing".to_owned(),
        Ask::Unmapped { kind } => format!("unmapped {kind}"),
        _ => "other".to_owned(),
    };
    messages(deliver_orders, detail).iter().map(name).collect::<Vec<_>>().join(" + ")
}

#[test]
fn every_state_has_its_meaning() {
    let amount = |mut detail: Value, fen: i64| {
        detail["refund_amount"] = fen.into();
        detail
    };
    // (order_status, refund_status, enriched only, ours to deliver)
    let table = [
        (11, 0, "nothing", "nothing"),
        (12, 0, "nothing", "order"),
        (12, 1, "requested", "requested"),
        (12, 2, "nothing", "nothing"),
        (12, 3, "nothing", "nothing"),
        (12, 8, "nothing", "nothing"),
        (12, 4, "refused", "order + refused"),
        (12, 6, "refused", "order + refused"),
        (12, 5, "settled", "settled"),
        (12, 7, "unmapped refund_status 7", "unmapped refund_status 7"),
        (21, 0, "nothing", "nothing"),
        (21, 1, "requested", "requested"),
        (22, 0, "nothing", "nothing"),
        (22, 6, "refused", "refused"),
        (22, 5, "settled", "settled"),
        (23, 0, "settled", "settled"),
        (23, 5, "settled", "settled"),
        (24, 0, "cancel", "cancel"),
        (24, 5, "cancel + settled", "cancel + settled"),
        (0, 0, "unmapped order_status 0", "unmapped order_status 0"),
        (13, 0, "unmapped order_status 13", "unmapped order_status 13"),
        (
            -1,
            9,
            "unmapped order_status -1 + unmapped refund_status 9",
            "unmapped order_status -1 + unmapped refund_status 9",
        ),
    ];
    for (order_status, refund_status, enriched, ours) in table {
        let detail = amount(detail(order_status, refund_status), 500);
        assert_eq!(kinds(false, &detail), enriched, "{order_status}/{refund_status}");
        assert_eq!(kinds(true, &detail), ours, "{order_status}/{refund_status}");
    }
}

#[test]
fn a_paid_card_order_is_ours_at_the_platforms_price() {
    let message = messages(true, &detail(12, 0)).remove(0);
    assert_eq!(message.id.as_deref(), Some("read:1929063817978999932:12"));
    assert_eq!(message.occurred_at.map(|at| at.secs()), Some(1_767_225_500));
    let Ask::Order(order) = message.ask else { panic!("an order") };
    assert_eq!((order.external_no.as_str(), &order.stage), (ORDER_NO, &Stage::Paid { txn: ORDER_NO.into() }));
    assert_eq!(order.amount, AmountCheck::PlatformPrice(Money::new(2300, Currency::CNY)));
    assert_eq!((order.shortage, order.delivery), (Shortage::Backorder, DeliveryMethod::Pickup));
    assert_eq!((order.lines[0].item.as_str(), order.lines[0].quantity.get()), ("VIP-30", 2));
    let buyer = order.buyer.expect("a buyer");
    assert_eq!(buyer.reference.expose(), "eid-1");
    assert_eq!(buyer.details.expect("details").expose(), r#"{"nick":"小鱼"}"#);
}

#[test]
fn the_item_is_the_merchants_most_precise_code_or_goofishs_numbers() {
    let item = |goods: Value| {
        let mut detail = detail(12, 0);
        detail["goods"] = goods;
        match messages(true, &detail).remove(0).ask {
            Ask::Order(order) => order.lines[0].item.clone(),
            _ => String::new(),
        }
    };
    assert_eq!(
        item(json!({"quantity":1,"product_id":441,"outer_id":"A","sku_outer_id":"A-RED","sku_id":5})),
        "A-RED"
    );
    assert_eq!(item(json!({"quantity":1,"product_id":441,"outer_id":"A","sku_outer_id":""})), "A");
    assert_eq!(item(json!({"quantity":1,"product_id":441,"outer_id":"","sku_id":5})), "441/5");
    assert_eq!(item(json!({"quantity":1,"product_id":441})), "441");
}

#[test]
fn a_paid_order_that_cannot_be_read_whole_is_kept_for_a_person() {
    let with = |field: &str, value: Value| {
        let mut detail = detail(12, 0);
        *detail.pointer_mut(field).expect("there") = value;
        kinds(true, &detail)
    };
    for (field, value) in [
        ("/pay_amount", json!(0)),
        ("/pay_amount", json!(-1)),
        ("/goods/quantity", json!(0)),
        ("/goods/quantity", json!(10_001)),
        ("/goods", Value::Null),
    ] {
        assert_eq!(with(field, value), "unmapped paid order without goods or amount", "{field}");
    }
    for order_type in [1, 2, 3, 4, 8, 9, 10, 99] {
        assert_eq!(with("/order_type", json!(order_type)), "nothing", "{order_type}");
    }
    assert_eq!(kinds(true, &detail(23, 5)), "unmapped refund without amount");
}

#[test]
fn the_same_state_read_twice_is_a_repeat_and_another_state_is_not() {
    let seen = |detail: &Value| {
        let of = |inbound: Inbound| (inbound.id, inbound.content);
        messages(true, detail).into_iter().map(of).collect::<Vec<_>>()
    };
    let mut later = detail(12, 0);
    later["update_time"] = 1_767_229_999.into();
    later["buyer_nick"] = "改名".into();
    assert!(seen(&detail(12, 0)) == seen(&later));
    let requested = detail(12, 1);
    let mut again = requested.clone();
    assert!(seen(&requested) == seen(&again));
    again["update_time"] = 1_767_229_999.into();
    assert!(seen(&requested) != seen(&again), "a refund asked for anew is a new message");
    let mut dearer = detail(12, 0);
    dearer["pay_amount"] = 2400.into();
    let (first, second) = (seen(&detail(12, 0)).remove(0), seen(&dearer).remove(0));
    assert!(first.0 == second.0 && first.1 != second.1, "another amount shows as a conflict");
}

#[test]
fn refunds_carry_the_order_number_and_the_amount() {
    let mut asked = detail(22, 1);
    asked["refund_amount"] = 700.into();
    let Ask::RefundRequested(refund) = messages(false, &asked).remove(0).ask else { panic!("a request") };
    assert_eq!(
        (refund.external_no.as_str(), refund.refund.as_str()),
        (ORDER_NO, "refund:1929063817978999932")
    );
    assert_eq!(refund.amount, Some(Money::new(700, Currency::CNY)));
    let Ask::RefundRequested(refund) = messages(false, &detail(22, 1)).remove(0).ask else {
        panic!("a request")
    };
    assert_eq!(refund.amount, None);
    asked["order_status"] = 23.into();
    asked["refund_time"] = 1_767_225_599.into();
    let settled = messages(false, &asked).remove(0);
    assert_eq!(settled.id.as_deref(), Some("read:1929063817978999932:refund:settled:700"));
    assert_eq!(settled.occurred_at.map(|at| at.secs()), Some(1_767_225_599));
}

fn code_of<T>(outcome: &CallOutcome<T>) -> (&'static str, &str) {
    match outcome {
        CallOutcome::Done(_) => ("done", ""),
        CallOutcome::Refused { code } => ("refused", code),
        CallOutcome::RetryAfter { code, .. } => ("later", code),
        CallOutcome::Unknown { code } => ("unknown", code),
        CallOutcome::Next { state } => ("next", state),
    }
}

#[test]
fn a_detail_that_is_not_this_orders_or_not_readable_is_not_believed() {
    let mut foreign = detail(12, 0);
    foreign["order_no"] = "1".into();
    assert_eq!(code_of(&read(true, &foreign)), ("refused", "foreign_order"));
    let mut floating = detail(12, 0);
    floating["pay_amount"] = json!(23.0);
    assert_eq!(code_of(&read(true, &floating)), ("refused", "unreadable_detail"));
    assert_eq!(code_of(&read(true, &Value::Null)), ("refused", "unreadable_detail"));
    let bare = detail(12, 0).to_string();
    let adapter = adapter(true);
    let outcome = adapter.read_back().expect("declared").interpret(ORDER_NO, Ok(&response(200, &bare)));
    assert_eq!(code_of(&outcome).0, "done", "one published sample has no envelope");
}

#[test]
fn responses_are_read_without_wishful_thinking() {
    let adapter = adapter(false);
    let (back, stock) = (adapter.read_back().expect("declared"), adapter.push_stock().expect("declared"));
    let job = StockJob { item: "441".into(), available: 1, figure: 1 };
    let table = [
        (200, r#"{"code":100004,"msg":"bad parameter"}"#, ("refused", "100004")),
        (200, r#"{"code":401}"#, ("refused", "401")),
        (200, r#"{"code":408}"#, ("later", "408")),
        (200, r#"{"code":429}"#, ("later", "429")),
        (200, r#"{"code":500}"#, ("later", "500")),
        (200, "[1", ("unknown", "unreadable_answer")),
        (200, r#"{"code":"0"}"#, ("unknown", "unreadable_answer")),
        (404, "{}", ("refused", "http_404")),
        (429, "", ("later", "http_429")),
        (502, "", ("unknown", "http_502")),
    ];
    for (status, body, wanted) in table {
        assert_eq!(code_of(&back.interpret(ORDER_NO, Ok(&response(status, body)))), wanted, "{body}");
        assert_eq!(code_of(&stock.interpret(&job, Ok(&response(status, body)))), wanted, "{body}");
    }
    assert_eq!(code_of(&stock.interpret(&job, Ok(&response(200, r#"{"code":0,"data":{}}"#)))), ("done", ""));
    assert_eq!(code_of(&stock.interpret(&job, Ok(&response(200, "{}")))), ("unknown", "unreadable_answer"));
    assert_eq!(code_of(&stock.interpret(&job, Err(TransportFailure::NoAnswer))), ("unknown", "no_answer"));
    assert_eq!(code_of(&back.interpret(ORDER_NO, Err(TransportFailure::NotSent))), ("later", "not_sent"));
}

#[test]
fn calls_go_to_the_documented_paths_with_the_documented_bodies() {
    let adapter = adapter(false);
    let back = adapter.read_back().expect("declared");
    let request = back.request(ORDER_NO, NOW).expect("built");
    let start =
        "https://open.goofish.pro/api/open/order/detail?appid=410000000000001&timestamp=1767225600&sign=";
    assert!(request.url.starts_with(start), "{}", request.url);
    assert!(request.body == br#"{"order_no":"1929063817978999932"}"# && request.method == "POST");
    assert_eq!(back.request("a b", NOW).err(), Some(Unable("bad_order_no")));

    let stock = adapter.push_stock().expect("declared");
    let push = |item: &str, available: u64| {
        let request = stock.request(&StockJob { item: item.into(), available, figure: 1 }, NOW)?;
        assert!(request.url.starts_with("https://open.goofish.pro/api/open/product/edit/stock?appid="));
        Ok(String::from_utf8(request.body).expect("UTF-8"))
    };
    assert_eq!(push("441", 7), Ok(r#"{"product_id":441,"stock":7}"#.into()));
    assert_eq!(push("441", 0), Ok(r#"{"product_id":441,"stock":0}"#.into()));
    assert_eq!(push("441", u64::MAX), Ok(r#"{"product_id":441,"stock":9999}"#.into()));
    assert_eq!(
        push("441/5", 10_000),
        Ok(r#"{"product_id":441,"sku_items":[{"sku_id":5,"stock":9999}]}"#.into())
    );
    for bad in ["", "VIP-30", "441/", "/5", "441/5/6", "+441", "0", "99999999999999999999"] {
        assert_eq!(push(bad, 1), Err(Unable("item_is_no_goofish_product")), "{bad}");
    }
}
