//! Reading back, delivering, publishing stock, agreeing to refunds, polling and renewing.

use std::sync::Arc;

use channel::{
    Adapter, AmountCheck, Ask, CallOutcome, DeliveryJob, Inbound, LineView, OutboundRequest,
    OutboundResponse, RefundJob, Shortage, Stage, StockJob, TransportFailure, Unable, Window,
};
use channel_douyin::PROTOCOL;
use serde_json::{Value, json};
use vocabulary::{CardKey, Currency, DeliveryMethod, Money, OrderId, Quantity, Secret, Timestamp};

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
const ORDER: &str = "4837328765348566675";
const SALE: &str = "7291234567890123456";

fn adapter() -> Arc<dyn Adapter> {
    connect(PROTOCOL.example_settings)
}

fn connect(settings: &str) -> Arc<dyn Adapter> {
    (PROTOCOL.connect)("douyin/main".parse().expect("an account"), settings).expect("usable settings")
}

fn response(status: u16, body: &str) -> OutboundResponse {
    OutboundResponse { status, headers: Vec::new(), retry_after: None, body: body.as_bytes().to_vec() }
}

fn body(request: &OutboundRequest) -> Value {
    serde_json::from_slice(&request.body).expect("JSON")
}

fn path(request: &OutboundRequest) -> &str {
    let url = request.url.strip_prefix("https://openapi-fxg.jinritemai.com").expect("the host");
    url.split('?').next().expect("a path")
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

fn detail() -> Value {
    json!({ "shop_order_detail": {
        "order_id": ORDER, "order_status": 2, "order_type": 2, "biz": 5, "pay_amount": 3990,
        "pay_time": 1_767_225_500, "update_time": 1_767_225_590, "doudian_open_id": "open-1",
        "sku_order_list": [
            { "order_id": ORDER, "item_num": 2, "pay_amount": 1990, "code": "VIP-30", "sku_id": 5 },
            { "order_id": "4837328765348566676", "item_num": 1, "pay_amount": 2000, "code": "",
              "product_id": 3_600_000_000_000_000_001_i64, "sku_id": 1_735_000_000_000_000_002_i64 },
        ],
    } })
}

fn sale(status: i64, refund_status: i64, kind: i64) -> Value {
    json!({
        "process_info": { "after_sale_info": {
            "after_sale_id": 7_291_234_567_890_123_456_i64, "after_sale_status": status, "after_sale_type": kind,
            "refund_status": refund_status, "refund_total_amount": 1990, "real_refund_amount": 0,
            "update_time": 1_767_225_590 } },
        "order_info": { "shop_order_id": 1, "sku_order_infos": [{ "sku_order_id": 4_837_328_765_348_566_675_i64 }] },
    })
}

fn read(number: &str, data: &Value) -> CallOutcome<Vec<Inbound>> {
    let body = json!({ "code": 10000, "msg": "success", "sub_code": "", "data": data }).to_string();
    adapter().read_back().expect("declared").interpret(number, Ok(&response(200, &body)))
}

fn messages(number: &str, data: &Value) -> Vec<Inbound> {
    match read(number, data) {
        CallOutcome::Done(messages) => messages,
        other => panic!("not read: {:?}", code_of(&other)),
    }
}

fn kinds(number: &str, data: &Value) -> String {
    let name = |inbound: &Inbound| match &inbound.ask {
        Ask::Order(order) => format!("order {}", order.external_no),
        Ask::RefundRequested(refund) => format!("requested {}", refund.refund),
        Ask::RefundRefused(refund) => format!("refused {}", refund.refund),
        Ask::RefundSettled(refund) => format!("settled {}", refund.refund),
        Ask::Nothing => "nothing".to_owned(),
        Ask::Unmapped { kind } => format!("unmapped {kind}"),
        _ => "other".to_owned(),
    };
    messages(number, data).iter().map(name).collect::<Vec<_>>().join(" + ")
}

#[test]
fn every_child_order_that_is_paid_is_an_order_of_ours_at_douyins_price() {
    let read = messages(ORDER, &detail());
    assert_eq!(read.len(), 2);
    assert_eq!(read[0].id.as_deref(), Some("read:4837328765348566675:paid"));
    assert_eq!(read[0].occurred_at.map(|at| at.secs()), Some(1_767_225_500));
    let Ask::Order(order) = &read[0].ask else { panic!("an order") };
    assert_eq!((order.external_no.as_str(), &order.stage), (ORDER, &Stage::Paid { txn: ORDER.into() }));
    assert_eq!(order.amount, AmountCheck::PlatformPrice(Money::new(1990, Currency::CNY)));
    assert_eq!((order.shortage, order.delivery), (Shortage::Backorder, DeliveryMethod::Api));
    assert_eq!((order.lines[0].item.as_str(), order.lines[0].quantity.get()), ("VIP-30", 2));
    assert_eq!(order.buyer.as_ref().expect("a buyer").reference.expose(), "open-1");
    let Ask::Order(second) = &read[1].ask else { panic!("an order") };
    assert_eq!(second.lines[0].item, "3600000000000000001/1735000000000000002");
}

#[test]
fn every_order_state_has_its_meaning() {
    let with = |pointer: &str, value: Value| {
        let mut detail = detail();
        *detail.pointer_mut(pointer).expect("there") = value;
        detail["shop_order_detail"]["sku_order_list"].as_array_mut().expect("a list").truncate(1);
        kinds(ORDER, &detail)
    };
    let status = "/shop_order_detail/order_status";
    for (code, meaning) in [
        (1, "nothing"),
        (105, "nothing"),
        (101, "nothing"),
        (3, "nothing"),
        (5, "nothing"),
        (4, "nothing"),
        (0, "unmapped order_status 0"),
        (7, "unmapped order_status 7"),
    ] {
        assert_eq!(with(status, json!(code)), meaning, "{code}");
    }
    assert_eq!(with("/shop_order_detail/order_type", json!(0)), "nothing", "goods to be sent");
    assert_eq!(with("/shop_order_detail/biz", json!(24)), "nothing", "a phone to be topped up");
    let line = "/shop_order_detail/sku_order_list/0";
    let odd = "unmapped paid order without item or amount";
    assert_eq!(with(&format!("{line}/pay_amount"), json!(0)), odd);
    assert_eq!(with(&format!("{line}/item_num"), json!(0)), odd);
    assert_eq!(with(&format!("{line}/item_num"), json!(10_001)), odd);
    for (after_sale, meaning) in
        [((6, 1), "nothing"), ((12, 3), "nothing"), ((28, 0), "order 4837328765348566675")]
    {
        let mut child = detail().pointer(line).expect("there").clone();
        child["after_sale_info"] =
            json!({ "after_sale_status": after_sale.0, "refund_status": after_sale.1 });
        assert_eq!(with(line, child), meaning, "{after_sale:?}");
    }
    let mut none = detail();
    none["shop_order_detail"]["sku_order_list"] = json!([]);
    assert_eq!(kinds(ORDER, &none), "unmapped order without child orders");
}

#[test]
fn every_after_sale_state_has_its_meaning() {
    let number = format!("after-sale/{SALE}");
    for (status, refund_status, kind, meaning) in [
        (6, 1, 1, "requested 7291234567890123456"),
        (6, 0, 2, "requested 7291234567890123456"),
        (27, 0, 1, "refused 7291234567890123456"),
        (28, 0, 1, "refused 7291234567890123456"),
        (12, 3, 1, "settled 7291234567890123456"),
        (51, 3, 5, "settled 7291234567890123456"),
        (12, 2, 1, "nothing"),
        (7, 0, 0, "nothing"),
        (12, 4, 1, "unmapped after_sale_status 12/4"),
        (99, 0, 1, "unmapped after_sale_status 99/0"),
        (6, 0, 3, "unmapped after_sale_type 3"),
        (6, 0, 7, "unmapped after_sale_type 7"),
    ] {
        assert_eq!(
            kinds(&number, &sale(status, refund_status, kind)),
            meaning,
            "{status}/{refund_status}/{kind}"
        );
    }
    let mut several = sale(6, 1, 1);
    several["order_info"]["sku_order_infos"] = json!([{ "sku_order_id": 1 }, { "sku_order_id": 2 }]);
    assert_eq!(kinds(&number, &several), "unmapped after-sale of several child orders");
    let Ask::RefundRequested(refund) = messages(&number, &sale(6, 1, 1)).remove(0).ask else {
        panic!("asked")
    };
    assert_eq!((refund.external_no.as_str(), refund.amount), (ORDER, Some(Money::new(1990, Currency::CNY))));
    assert_eq!(refund.memo.as_deref(), Some(r#"{"type":1,"update_time":1767225590,"amount":1990}"#));
}

#[test]
fn an_answer_about_something_else_is_not_believed() {
    assert_eq!(code_of(&read("1", &detail())), ("refused", "foreign_order"));
    assert_eq!(code_of(&read("after-sale/1", &sale(6, 1, 1))), ("refused", "foreign_order"));
    assert_eq!(code_of(&read(ORDER, &sale(6, 1, 1))), ("unknown", "unreadable_answer"));
    let back = adapter();
    let back = back.read_back().expect("declared");
    assert_eq!(back.request("a b", NOW).err(), Some(Unable("bad_order_no")));
    let request = back.request(ORDER, NOW).expect("built");
    assert_eq!((path(&request), body(&request)), ("/order/orderDetail", json!({ "shop_order_id": ORDER })));
    let request = back.request(&format!("after-sale/{SALE}"), NOW).expect("built");
    assert_eq!((path(&request), body(&request)), ("/afterSale/Detail", json!({ "after_sale_id": SALE })));
}

fn delivery() -> DeliveryJob {
    let key = |code: &str, pin: Option<&str>| CardKey {
        code: Secret::new(code.to_owned()),
        pin: pin.map(|pin| Secret::new(pin.to_owned())),
        expires_on: None,
    };
    let line = LineView {
        item: "VIP-30".into(),
        sku: "vip-30".parse().expect("a SKU"),
        name: "VIP".into(),
        quantity: Quantity::try_from(2).expect("two"),
        amount: Money::new(1990, Currency::CNY),
        keys: vec![key("A<1>&B", Some("密码/01")), key("C", None)],
    };
    DeliveryJob {
        order: OrderId::from_uuid(Default::default()),
        external_no: ORDER.into(),
        memo: None,
        lines: vec![line],
        total: Money::new(1990, Currency::CNY),
        txn: None,
        idempotency_key: "d-1".into(),
        fulfilled_at: NOW,
    }
}

#[test]
fn coupons_are_handed_over_as_documented_and_a_repeat_is_equal() {
    let adapter = adapter();
    let deliver = adapter.deliver().expect("declared");
    let first = deliver.request(&delivery(), NOW).expect("built");
    assert_eq!(path(&first), "/coupons/syncV2");
    assert_eq!(
        String::from_utf8(first.body.clone()).expect("text"),
        r#"{"cert_list":[{"cert_key":"密码/01","cert_no":"A<1>&B","grant_time":"1767225600","out_cert_id":"d-1-0","status":2},{"cert_no":"C","grant_time":"1767225600","out_cert_id":"d-1-1","status":2}],"order_id":"4837328765348566675"}"#
    );
    let again = deliver.request(&delivery(), NOW.plus_secs(90)).expect("built");
    assert!(first.body == again.body && first.url != again.url && deliver.repeat_is_safe());
    let beijing = PROTOCOL.example_settings.replace("\"unix_seconds\",", "\"beijing\",");
    let beijing = connect(&beijing).deliver().expect("declared").request(&delivery(), NOW).expect("built");
    assert_eq!(body(&beijing)["cert_list"][0]["grant_time"], "2026-01-01 08:00:00");
    let mut none = delivery();
    none.lines[0].keys.clear();
    assert_eq!(deliver.request(&none, NOW).err(), Some(Unable("no_keys")));
}

#[test]
fn responses_are_read_without_wishful_thinking() {
    let adapter = adapter();
    let deliver = adapter.deliver().expect("declared");
    let stock = adapter.push_stock().expect("declared");
    let job = StockJob { item: "VIP-30".into(), available: 1, figure: 1 };
    let coded = |code: i64, sub: &str| json!({ "code": code, "msg": "", "sub_code": sub }).to_string();
    for (body, wanted) in [
        (coded(10_000, ""), ("done", "")),
        (coded(50_002, "isv.business-failed:000008"), ("done", "")),
        (coded(50_002, "isv.business-failed:8"), ("done", "")),
        (coded(50_002, "isv.business-failed:010013"), ("later", "isv.business-failed:010013")),
        (coded(50_002, "isv.business-failed:030004"), ("later", "isv.business-failed:030004")),
        (coded(50_002, "isv.business-failed:020007"), ("later", "isv.business-failed:020007")),
        (coded(50_002, "isv.business-failed:010020"), ("refused", "isv.business-failed:010020")),
        (coded(50_002, "isv.business-failed:010012"), ("refused", "isv.business-failed:010012")),
        (coded(40_004, "isv.parameter-invalid:4"), ("refused", "isv.parameter-invalid:4")),
        (coded(40_004, ""), ("refused", "40004")),
        (coded(20_000, "isp.service-error:8"), ("unknown", "isp.service-error:8")),
        (coded(30_001, "isv.access-token-expired:2"), ("later", "isv.access-token-expired:2")),
        ("{}".to_owned(), ("unknown", "unreadable_answer")),
    ] {
        assert_eq!(code_of(&deliver.interpret(&delivery(), Ok(&response(200, &body)))), wanted, "{body}");
    }
    let known = coded(50_002, "isv.business-failed:000008");
    assert_eq!(code_of(&stock.interpret(&job, Ok(&response(200, &known)))), ("unknown", "unreadable_answer"));
    let lost = deliver.interpret(&delivery(), Err(TransportFailure::NoAnswer));
    assert_eq!(code_of(&lost), ("unknown", "no_answer"));
}

#[test]
fn stock_is_an_absolute_figure_by_code_or_by_numbers() {
    let adapter = adapter();
    let stock = adapter.push_stock().expect("declared");
    let push = |item: &str, available| {
        stock
            .request(&StockJob { item: item.into(), available, figure: 1 }, NOW)
            .map(|request| body(&request))
    };
    assert_eq!(push("VIP-30", 0), Ok(json!({ "code": "VIP-30", "stock_num": 0, "incremental": false })));
    assert_eq!(
        push("3600000000000000001/1735000000000000002", u64::MAX),
        Ok(json!({ "product_id": 3_600_000_000_000_000_001_u64, "sku_id": 1_735_000_000_000_000_002_u64,
            "stock_num": 1_000_000, "incremental": false }))
    );
    assert_eq!(push("a/b", 1), Ok(json!({ "code": "a/b", "stock_num": 1, "incremental": false })));
    assert_eq!(push("", 1), Err(Unable("bad_item")));
}

fn refund(memo: Option<&str>) -> RefundJob {
    RefundJob {
        external_no: ORDER.into(),
        txn: None,
        refund: SALE.into(),
        amount: Money::new(1990, Currency::CNY),
        total: Money::new(1990, Currency::CNY),
        reason: "refund".into(),
        asked_by_channel: memo.is_some(),
        memo: memo.map(str::to_owned),
        order_memo: None,
    }
}

#[test]
fn only_what_the_buyer_asked_for_is_agreed_to_at_the_version_that_was_read() {
    let adapter = adapter();
    let refunds = adapter.refund().expect("declared");
    let asked = r#"{"type":1,"update_time":1767225590,"amount":1990}"#;
    let request = refunds.request(&refund(Some(asked)), NOW).expect("built");
    assert_eq!(path(&request), "/afterSale/operate");
    let item = json!({ "aftersale_id": SALE, "update_time": 1_767_225_590 });
    assert_eq!(body(&request), json!({ "type": 201, "items": [item] }));
    let refused = |job: &RefundJob| refunds.request(job, NOW).err();
    assert_eq!(refused(&refund(None)), Some(Unable("not_asked_by_buyer")));
    let before = asked.replace("\"type\":1", "\"type\":2");
    assert_eq!(refused(&refund(Some(&before))), Some(Unable("agree_before_shipping_is_not_set")));
    let with_return = asked.replace("\"type\":1", "\"type\":0");
    assert_eq!(refused(&refund(Some(&with_return))), Some(Unable("after_sale_type_is_decided_by_hand")));
    let mut less = refund(Some(asked));
    less.amount = Money::new(1, Currency::CNY);
    assert_eq!(refused(&less), Some(Unable("amount_is_not_what_was_asked")));
    let set = PROTOCOL.example_settings.replacen(
        "\"grant_time\"",
        "\"agree_before_shipping\": 211, \"grant_time\"",
        1,
    );
    let request =
        connect(&set).refund().expect("declared").request(&refund(Some(&before)), NOW).expect("built");
    assert_eq!(body(&request)["type"], 211);

    let job = refund(Some(asked));
    let answer = |status: i64, id: &str| {
        let items = json!([{ "aftersale_id": id, "status_code": status }]);
        let body = json!({ "code": 10000, "data": { "items": items } }).to_string();
        let outcome = refunds.interpret(&job, Ok(&response(200, &body)));
        let (what, code) = code_of(&outcome);
        format!("{what} {code}")
    };
    assert_eq!(answer(0, SALE), "done ");
    assert_eq!(answer(5, SALE), "refused status_code 5");
    assert_eq!(answer(0, "1"), "unknown foreign_after_sale");
    assert!(!refunds.repeat_is_safe() && refunds.ask(&job, NOW).is_some());
    let asked = |status, refund_status| {
        let body = json!({ "code": 10000, "data": sale(status, refund_status, 1) }).to_string();
        refunds.interpret_ask(&job, Ok(&response(200, &body)))
    };
    assert_eq!(asked(12, 3), CallOutcome::Done(true));
    assert_eq!(asked(12, 2), CallOutcome::Done(true));
    assert_eq!(asked(6, 1), CallOutcome::Done(false));
    assert_eq!(code_of(&asked(27, 0)), ("unknown", "after_sale_status 27"));
}

#[test]
fn lists_lead_to_what_must_be_read_page_by_page() {
    let adapter = adapter();
    let polls = adapter.polls();
    let mut window = Window { since: NOW, until: NOW.plus_secs(600), cursor: None };
    let request = polls[0].request(&window, NOW).expect("built");
    assert_eq!(path(&request), "/order/searchList");
    assert_eq!(
        body(&request),
        json!({ "update_time_start": 1_767_225_600, "update_time_end": 1_767_226_200, "order_by": "update_time",
            "order_asc": true, "page": 0, "size": 100 })
    );
    let order = |id: u64, status: i64, kind: i64| json!({ "order_id": id.to_string(), "order_status": status, "order_type": kind, "update_time": 7 });
    let list = [order(1, 2, 2), order(2, 2, 0), order(3, 3, 2), order(4, 77, 0)];
    let body_of = |data: Value| response(200, &json!({ "code": 10000, "data": data }).to_string());
    let found = body_of(json!({ "total": 101, "shop_order_list": list }));
    let CallOutcome::Done(page) = polls[0].interpret(&window, Ok(&found), NOW) else { panic!("a page") };
    let ids: Vec<_> = page.messages.iter().map(|m| m.id.clone().expect("an id")).collect();
    assert_eq!(ids, ["poll:1:2:7", "poll:4:77:7"]);
    assert!(matches!(&page.messages[0].ask, Ask::ReadBack { external_no } if external_no == "1"));
    assert_eq!(page.next.as_deref(), Some("1"));
    window.cursor = page.next;
    let request = polls[0].request(&window, NOW).expect("built");
    assert_eq!(body(&request)["page"], 1);
    let CallOutcome::Done(page) = polls[0].interpret(&window, Ok(&found), NOW) else { panic!("a page") };
    assert_eq!(page.next, None);

    let info = json!({ "aftersale_id": SALE, "aftersale_status": 6, "refund_status": 1, "update_time": 7 });
    let found = body_of(json!({ "has_more": true, "items": [{ "aftersale_info": info }] }));
    let CallOutcome::Done(page) = polls[1].interpret(&window, Ok(&found), NOW) else { panic!("a page") };
    assert!(
        matches!(&page.messages[0].ask, Ask::ReadBack { external_no } if *external_no == format!("after-sale/{SALE}"))
    );
    assert_eq!(page.next.as_deref(), Some("2"));
    assert_eq!(code_of(&polls[1].interpret(&window, Ok(&response(200, "{}")), NOW)).0, "unknown");
}

#[test]
fn the_token_is_renewed_a_day_ahead_and_the_rest_of_the_settings_stays() {
    let adapter = adapter();
    let renew = adapter.renew().expect("declared");
    assert_eq!(renew.due_at().map(|at| at.secs()), Some(1_767_830_400 - 86_400));
    let request = renew.request(NOW).expect("built");
    assert_eq!(path(&request), "/token/refresh");
    assert_eq!(
        body(&request),
        json!({ "grant_type": "refresh_token", "refresh_token": "exampleRefreshToken0001" })
    );
    assert!(!request.url.contains("access_token"));
    let told = |expires_in: i64, shop: i64| {
        let data =
            json!({ "access_token": "A2", "refresh_token": "R2", "expires_in": expires_in, "shop_id": shop });
        let body = json!({ "code": 10000, "data": data }).to_string();
        renew.interpret(Ok(&response(200, &body)), NOW)
    };
    for (expires_in, until) in [(604_800, 1_767_225_600 + 604_800), (1_767_900_000, 1_767_900_000)] {
        let CallOutcome::Done(settings) = told(expires_in, 90410) else { panic!("renewed") };
        let entered: Value = serde_json::from_str(settings.expose()).expect("JSON");
        assert_eq!((&entered["access_token"], &entered["refresh_token"]), (&json!("A2"), &json!("R2")));
        assert_eq!(entered["app_key"], "7043675397900000001");
        let renewed = connect(settings.expose());
        let due = renewed.renew().and_then(|renew| renew.due_at()).map(|at| at.secs());
        assert_eq!(due, Some(until - 86_400), "{expires_in}");
    }
    assert_eq!(told(604_800, 1).err_code(), "foreign_shop");
    assert_eq!(told(0, 90410).err_code(), "unreadable_answer");
    let fixed = PROTOCOL
        .example_settings
        .lines()
        .filter(|line| !line.contains("\"refresh_token\":") && !line.contains("\"token_expires_at\":"));
    assert!(connect(&fixed.collect::<Vec<_>>().join("\n")).renew().is_none());
}

trait ErrCode {
    fn err_code(&self) -> &str;
}
impl<T> ErrCode for CallOutcome<T> {
    fn err_code(&self) -> &str {
        code_of(self).1
    }
}
