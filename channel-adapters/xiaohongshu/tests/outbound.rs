//! Reading back, delivering, publishing stock, agreeing to refunds, polling and renewing.

use std::sync::Arc;

use channel::{
    Adapter, AmountCheck, Ask, CallOutcome, DeliveryJob, Inbound, LineView, OutboundRequest,
    OutboundResponse, RefundJob, Stage, StockJob, Unable, Window,
};
use channel_xiaohongshu::PROTOCOL;
use serde_json::{Value, json};
use vocabulary::{CardKey, Currency, DeliveryMethod, Money, OrderId, Quantity, Secret, Timestamp};

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
const ORDER: &str = "P768291112062421411";
const SALE: &str = "R4889848165315631";

fn adapter() -> Arc<dyn Adapter> {
    connect(PROTOCOL.example_settings)
}

fn connect(settings: &str) -> Arc<dyn Adapter> {
    (PROTOCOL.connect)("xiaohongshu/main".parse().expect("an account"), settings).expect("usable settings")
}

fn response(body: &Value) -> OutboundResponse {
    OutboundResponse {
        status: 200,
        headers: Vec::new(),
        retry_after: None,
        body: body.to_string().into_bytes(),
    }
}

fn yes(data: &Value) -> OutboundResponse {
    response(&json!({ "success": true, "error_code": 0, "error_msg": "", "data": data }))
}

/// The method and the business parameters of a call.
fn call(request: &OutboundRequest) -> (String, Value) {
    let mut body: Value = serde_json::from_slice(&request.body).expect("JSON");
    let fields = body.as_object_mut().expect("an object");
    for name in ["appId", "timestamp", "version", "sign", "accessToken"] {
        fields.remove(name);
    }
    let method = fields.remove("method").expect("a method");
    (method.as_str().expect("text").to_owned(), body)
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
    json!({ "orderId": ORDER, "orderStatus": 4, "orderAfterSalesStatus": 1, "paidTime": 1_767_225_500_000_i64,
        "updateTime": 1_767_225_590_000_i64, "cancelTime": 0, "deliveryTime": 0, "totalPayAmount": 5776,
        "userId": "user-1", "expressTrackingNo": "",
        "skuList": [{ "skuId": "sku1", "erpcode": "VIP-30", "skuQuantity": 2, "deliveryMode": 1 }] })
}

fn sale(status: i64, return_type: i64) -> Value {
    let text = r#"{"returnsId":"R4889848165315631","orderId":"P768291112062421411","updatedAt":1767225590000,
        "expectedRefundAmountYuan":28.88,"refundAmountYuan":28.9}"#;
    let mut info: Value = serde_json::from_str(text).expect("JSON");
    (info["status"], info["returnType"]) = (json!(status), json!(return_type));
    json!({ "afterSaleInfo": info })
}

fn messages(settings: &str, number: &str, data: &Value) -> Vec<Inbound> {
    match connect(settings).read_back().expect("declared").interpret(number, Ok(&yes(data))) {
        CallOutcome::Done(messages) => messages,
        other => panic!("not read: {:?}", code_of(&other)),
    }
}

fn kind(number: &str, data: &Value) -> String {
    match messages(PROTOCOL.example_settings, number, data).remove(0).ask {
        Ask::Order(order) => format!("order {}", order.external_no),
        Ask::RefundRequested(refund) => {
            format!("requested {} {:?}", refund.refund, refund.amount.map(|m| m.minor))
        }
        Ask::RefundRefused(refund) => format!("refused {}", refund.refund),
        Ask::RefundSettled(refund) => {
            format!("settled {} {:?}", refund.refund, refund.amount.map(|m| m.minor))
        }
        Ask::Nothing => "nothing".to_owned(),
        Ask::Unmapped { kind } => format!("unmapped {kind}"),
        _ => "other".to_owned(),
    }
}

#[test]
fn a_paid_order_without_logistics_is_ours_at_xiaohongshus_price() {
    let message = messages(PROTOCOL.example_settings, ORDER, &detail()).remove(0);
    assert_eq!(message.id.as_deref(), Some("read:P768291112062421411:paid"));
    assert_eq!(message.occurred_at.map(|at| at.secs()), Some(1_767_225_500));
    let Ask::Order(order) = message.ask else { panic!("an order") };
    assert_eq!((&order.stage, order.delivery), (&Stage::Paid { txn: ORDER.into() }, DeliveryMethod::Api));
    assert_eq!(order.amount, AmountCheck::PlatformPrice(Money::new(5776, Currency::CNY)));
    assert_eq!((order.lines[0].item.as_str(), order.lines[0].quantity.get()), ("sku1", 2));
    let by_code = PROTOCOL.example_settings.replace("\"item_by\": \"sku_id\"", "\"item_by\": \"erpcode\"");
    let Ask::Order(order) = messages(&by_code, ORDER, &detail()).remove(0).ask else { panic!("an order") };
    assert_eq!(order.lines[0].item, "VIP-30");
    assert!(connect(&by_code).push_stock().is_none() && adapter().push_stock().is_some());
}

#[test]
fn every_order_state_has_its_meaning() {
    let with = |name: &str, value: Value| {
        let mut detail = detail();
        detail[name] = value;
        kind(ORDER, &detail)
    };
    for code in [1, 2, 3, 5, 6, 7, 8, 10] {
        assert_eq!(with("orderStatus", json!(code)), "nothing", "{code}");
    }
    assert_eq!(with("orderStatus", json!(11)), "unmapped orderStatus 11");
    assert_eq!(with("orderStatus", json!(9)), "settled before-shipping:P768291112062421411 None");
    let mut unpaid = detail();
    (unpaid["orderStatus"], unpaid["paidTime"]) = (json!(9), json!(0));
    assert_eq!(kind(ORDER, &unpaid), "nothing");
    for (code, meaning) in [(2, "nothing"), (3, "nothing"), (6, "nothing"), (4, "order P768291112062421411")]
    {
        assert_eq!(with("orderAfterSalesStatus", json!(code)), meaning, "{code}");
    }
    let odd = "unmapped paid order without items or amount";
    assert_eq!(with("totalPayAmount", json!(0)), odd);
    assert_eq!(with("skuList", json!([])), odd);
    let line = |mode: Value, count: i64| {
        with("skuList", json!([{ "skuId": "a", "skuQuantity": count, "deliveryMode": mode }]))
    };
    assert_eq!(line(json!(1), 0), odd);
    assert_eq!(line(json!(0), 1), "nothing", "goods to be sent");
    assert_eq!(line(Value::Null, 1), "unmapped paid order without delivery mode");
}

#[test]
fn every_after_sale_state_has_its_meaning_and_yuan_become_fen_exactly() {
    let number = format!("after-sale/{SALE}");
    for (status, kind_of, meaning) in [
        (1, 4, "requested R4889848165315631 Some(2888)"),
        (1, 5, "requested before-shipping:P768291112062421411 Some(2888)"),
        (4, 4, "settled R4889848165315631 Some(2890)"),
        (4, 5, "settled before-shipping:P768291112062421411 Some(2890)"),
        (5, 4, "refused R4889848165315631"),
        (6, 4, "refused R4889848165315631"),
        (9, 4, "refused R4889848165315631"),
        (2, 1, "nothing"),
        (3, 1, "nothing"),
        (8, 4, "unmapped after-sale status 8"),
        (1, 2, "unmapped returnType 2"),
    ] {
        assert_eq!(kind(&number, &sale(status, kind_of)), meaning, "{status}/{kind_of}");
    }
    let mut none = sale(4, 4);
    for name in ["refundAmountYuan", "expectedRefundAmountYuan"] {
        none["afterSaleInfo"][name] = json!(0);
    }
    assert_eq!(kind(&number, &none), "unmapped refund without amount");
    let back = adapter();
    let back = back.read_back().expect("declared");
    let foreign = back.interpret("P1", Ok(&yes(&detail())));
    assert_eq!(code_of(&foreign), ("refused", "foreign_order"));
    assert_eq!(back.request("a b", NOW).err(), Some(Unable("bad_order_no")));
    let read = |number: &str| call(&back.request(number, NOW).expect("built"));
    assert_eq!(read(ORDER), ("order.getOrderDetail".into(), json!({ "orderId": ORDER })));
    assert_eq!(read(&number), ("afterSale.getAfterSaleInfo".into(), json!({ "returnsId": SALE })));
}

fn delivery(codes: &[&str]) -> DeliveryJob {
    let key = |(at, code): (usize, &&str)| CardKey {
        code: Secret::new((*code).to_owned()),
        pin: (at == 0).then(|| Secret::new("密码".to_owned())),
        expires_on: None,
    };
    let line = LineView {
        item: "sku1".into(),
        sku: "vip-30".parse().expect("a SKU"),
        name: "VIP".into(),
        quantity: Quantity::ONE,
        amount: Money::new(5776, Currency::CNY),
        keys: codes.iter().enumerate().map(key).collect(),
    };
    DeliveryJob {
        order: OrderId::from_uuid(Default::default()),
        external_no: ORDER.into(),
        memo: None,
        lines: vec![line],
        total: Money::new(5776, Currency::CNY),
        txn: None,
        idempotency_key: "d-1".into(),
        fulfilled_at: NOW,
    }
}

#[test]
fn the_text_goes_where_a_parcels_number_would_and_never_too_long() {
    let adapter = adapter();
    let deliver = adapter.deliver().expect("declared");
    let request = deliver.request(&delivery(&["A", "B"]), NOW).expect("built");
    assert_eq!(
        call(&request),
        (
            "order.orderDeliver".into(),
            json!({ "orderId": ORDER, "expressCompanyCode": "selfdelivery", "expressNo": "A 密码 | B" })
        )
    );
    assert_eq!(deliver.request(&delivery(&[]), NOW).err(), Some(Unable("no_keys")));
    let long = "x".repeat(98);
    assert_eq!(deliver.request(&delivery(&[&long]), NOW).err(), Some(Unable("content_too_long")));
    assert!(!deliver.repeat_is_safe());
    let asked = |status: i64, told: &str| {
        let mut detail = detail();
        (detail["orderStatus"], detail["expressTrackingNo"]) = (json!(status), json!(told));
        deliver.interpret_ask(&delivery(&["A"]), Ok(&yes(&detail)))
    };
    assert_eq!(asked(6, "A 密码"), CallOutcome::Done(true));
    assert_eq!(asked(7, ""), CallOutcome::Done(true));
    assert_eq!(asked(4, ""), CallOutcome::Done(false));
    assert_eq!(code_of(&asked(6, "SF123")), ("unknown", "shipped_otherwise"));
    assert_eq!(code_of(&asked(9, "")), ("unknown", "neither_shipped_nor_open"));
}

#[test]
fn only_a_yes_in_both_fields_is_a_yes() {
    let adapter = adapter();
    let (deliver, stock) = (adapter.deliver().expect("declared"), adapter.push_stock().expect("declared"));
    let job = StockJob { item: "sku1".into(), available: u64::MAX, figure: 1 };
    for (body, wanted) in [
        (json!({ "success": true, "error_code": 0 }), ("done", "")),
        (json!({ "success": false, "error_code": 42 }), ("refused", "42")),
        (json!({ "success": true, "error_code": 7 }), ("unknown", "contradiction 7")),
        (json!({ "success": false, "error_code": 0 }), ("unknown", "contradiction 0")),
        (json!({ "error_code": 0 }), ("unknown", "unreadable_answer")),
    ] {
        assert_eq!(code_of(&deliver.interpret(&delivery(&["A"]), Ok(&response(&body)))), wanted, "{body}");
        assert_eq!(code_of(&stock.interpret(&job, Ok(&response(&body)))), wanted, "{body}");
    }
    let request = stock.request(&job, NOW).expect("built");
    assert_eq!(
        call(&request),
        ("inventory.syncSkuStock".into(), json!({ "skuId": "sku1", "qty": 1_000_000 }))
    );
    let odd = StockJob { item: "a/b".into(), ..job };
    assert_eq!(stock.request(&odd, NOW).err(), Some(Unable("item_is_no_sku_id")));
}

#[test]
fn only_what_the_buyer_asked_for_is_agreed_to() {
    let adapter = adapter();
    let refunds = adapter.refund().expect("declared");
    let job = |memo: Option<String>, minor| RefundJob {
        external_no: ORDER.into(),
        txn: None,
        refund: SALE.into(),
        amount: Money::new(minor, Currency::CNY),
        total: Money::new(5776, Currency::CNY),
        reason: "refund".into(),
        asked_by_channel: memo.is_some(),
        memo,
        order_memo: None,
    };
    let memo = |kind: i64, amount: i64| {
        Some(json!({ "returns_id": SALE, "return_type": kind, "amount": amount }).to_string())
    };
    let agreed = |memo, minor| refunds.request(&job(memo, minor), NOW).map(|request| call(&request));
    let audit = ("afterSale.auditReturns".to_owned(), json!({ "returnsId": SALE, "action": 1 }));
    assert_eq!(agreed(memo(4, 2888), 2888), Ok(audit.clone()));
    assert_eq!(agreed(memo(5, 0), 5776), Ok(audit));
    assert_eq!(agreed(memo(5, 0), 5000), Err(Unable("amount_is_not_what_was_asked")));
    assert_eq!(agreed(memo(4, 2888), 2887), Err(Unable("amount_is_not_what_was_asked")));
    assert_eq!(agreed(memo(1, 2888), 2888), Err(Unable("return_type_is_decided_by_hand")));
    assert_eq!(agreed(None, 2888), Err(Unable("not_asked_by_buyer")));
    let asked = |status| refunds.interpret_ask(&job(memo(4, 2888), 2888), Ok(&yes(&sale(status, 4))));
    assert_eq!((asked(4), asked(1)), (CallOutcome::Done(true), CallOutcome::Done(false)));
    assert_eq!(code_of(&asked(9)).0, "unknown");
    assert!(!refunds.repeat_is_safe());
}

#[test]
fn lists_lead_to_what_must_be_read_page_by_page() {
    let adapter = adapter();
    let polls = adapter.polls();
    assert!(polls.iter().all(|poll| poll.window_max_secs() == 1_800 && poll.every_secs() == 300));
    let mut window = Window { since: NOW, until: NOW.plus_secs(600), cursor: None };
    let (method, list) = call(&polls[0].request(&window, NOW).expect("built"));
    assert_eq!(method, "order.getOrderList");
    assert_eq!(
        list,
        json!({ "startTime": 1_767_225_600, "endTime": 1_767_226_200, "timeType": 2, "pageNo": 1, "pageSize": 50 })
    );
    let order = |id: &str, status: i64| json!({ "orderId": id, "orderStatus": status, "updateTime": 7 });
    let found =
        yes(&json!({ "maxPageNo": 2, "orderList": [order("P1", 4), order("P2", 6), order("P3", 9)] }));
    let CallOutcome::Done(page) = polls[0].interpret(&window, Ok(&found), NOW) else { panic!("a page") };
    let ids: Vec<_> = page.messages.iter().map(|m| m.id.clone().expect("an id")).collect();
    assert_eq!(
        (ids, page.next.as_deref()),
        (vec!["poll:P1:4:7".to_owned(), "poll:P3:9:7".to_owned()], Some("2"))
    );
    window.cursor = page.next;
    let CallOutcome::Done(page) = polls[0].interpret(&window, Ok(&found), NOW) else { panic!("a page") };
    assert_eq!(page.next, None);
    assert_eq!(call(&polls[1].request(&window, NOW).expect("built")).0, "afterSale.listAfterSaleInfos");
    let infos = json!([{ "returnsId": SALE, "status": 1, "updatedAt": 7 }]);
    let found = yes(&json!({ "maxPageNo": 1, "afterSaleBasicInfos": infos }));
    let CallOutcome::Done(page) = polls[1].interpret(&window, Ok(&found), NOW) else { panic!("a page") };
    assert!(
        matches!(&page.messages[0].ask, Ask::ReadBack { external_no } if *external_no == format!("after-sale/{SALE}"))
    );
}

#[test]
fn the_token_is_renewed_a_day_ahead_and_the_rest_of_the_settings_stays() {
    let adapter = adapter();
    let renew = adapter.renew().expect("declared");
    assert_eq!(renew.due_at().map(|at| at.secs()), Some(1_767_830_400 - 86_400));
    let request = renew.request(NOW).expect("built");
    assert!(!String::from_utf8_lossy(&request.body).contains("exampleAccessToken0001"));
    assert_eq!(
        call(&request),
        ("oauth.refreshToken".into(), json!({ "refreshToken": "exampleRefreshToken0001" }))
    );
    let told = |at: i64, seller: &str| {
        renew.interpret(
            Ok(&yes(&json!({ "accessToken": "A2", "accessTokenExpiresAt": at, "refreshToken": "R2", "sellerId": seller }))),
            NOW,
        )
    };
    for at in [1_767_900_000, 1_767_900_000_000] {
        let CallOutcome::Done(settings) = told(at, "60aa00112233") else { panic!("renewed") };
        let entered: Value = serde_json::from_str(settings.expose()).expect("JSON");
        assert_eq!((&entered["access_token"], &entered["app_id"]), (&json!("A2"), &json!("xhsdemo0001")));
        let due = connect(settings.expose()).renew().and_then(|renew| renew.due_at()).map(|at| at.secs());
        assert_eq!(due, Some(1_767_900_000 - 86_400));
    }
    assert_eq!(code_of(&told(1_767_900_000, "other")), ("refused", "foreign_seller"));
    assert_eq!(code_of(&told(1_767_225_600, "60aa00112233")), ("unknown", "unreadable_answer"));
}
