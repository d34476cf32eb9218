//! Reading back, handing codes over, agreeing to refunds, polling and renewing.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use channel::{
    Adapter, AmountCheck, Ask, CallOutcome, DeliveryJob, Inbound, LineView, OutboundRequest,
    OutboundResponse, Page, RefundJob, Stage, Unable, Window,
};
use channel_kuaishou::PROTOCOL;
use serde_json::{Value, json};
use vocabulary::{CardKey, Currency, DeliveryMethod, Money, OrderId, Quantity, Secret, Timestamp};

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
const OID: u64 = 2_607_602_240_240_301;
const TICKET: &str = r#"{"token":"tk&1=2","kind":"DINING_OPEN_TICKET","validity":{"days":30}}"#;

fn adapter() -> Arc<dyn Adapter> {
    connect(PROTOCOL.example_settings)
}

fn connect(settings: &str) -> Arc<dyn Adapter> {
    (PROTOCOL.connect)("kuaishou/main".parse().expect("an account"), settings).expect("usable settings")
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
    response(&json!({ "result": 1, "error_msg": "", "data": data }))
}

/// The method, path and business parameters of a call, whose other parameters must be complete.
fn call(request: &OutboundRequest) -> (&'static str, String, Value) {
    let (address, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
    let body = String::from_utf8(request.body.clone()).expect("UTF-8");
    let form = if request.method == "GET" { query } else { &body };
    let raw = channel::RawRequest {
        method: "GET".into(),
        topic: String::new(),
        query: form.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        received_at: NOW,
    };
    let pairs = raw.query_pairs().expect("a form");
    let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    let all = ["access_token", "appkey", "method", "param", "signMethod", "timestamp", "version", "sign"];
    assert_eq!(names, all);
    assert_eq!(pairs[5].1, "1767225600000");
    let path = address.strip_prefix("https://openapi.kwaixiaodian.com/").expect("the host");
    assert_eq!(path.replace('/', "."), pairs[2].1);
    (request.method, pairs[2].1.clone(), serde_json::from_str(&pairs[3].1).expect("JSON"))
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
    json!({
        "orderBaseInfo": { "oid": OID, "status": 30, "payTime": 1_767_225_500_000_i64,
            "updateTime": 1_767_225_590_000_i64, "totalFee": 5776, "coType": 14, "riskCode": 0,
            "buyerOpenId": "buyer-1" },
        "orderItemInfo": { "itemId": 8, "skuId": 888_390_671_925_u64, "skuNick": "VIP-30", "num": 2, "price": 2888 },
        "orderRefundList": [{ "refundId": 1, "refundStatus": 70 }],
    })
}

fn refund(status: i64, handling_way: i64) -> Value {
    json!({ "refundId": 77, "oid": OID, "status": status, "handlingWay": handling_way, "refundFee": 2888,
        "negotiateStatus": 1, "updateTime": 1_767_225_590_000_i64 })
}

fn asked_for() -> String {
    format!("eticket/{OID}/{}", URL_SAFE_NO_PAD.encode(TICKET))
}

fn reading(settings: &str, number: &str, data: &Value) -> CallOutcome<Vec<Inbound>> {
    connect(settings).read_back().expect("declared").interpret(number, Ok(&yes(data)))
}

fn read(number: &str, data: &Value) -> Inbound {
    match reading(PROTOCOL.example_settings, number, data) {
        CallOutcome::Done(mut messages) => messages.remove(0),
        other => panic!("not read: {:?}", code_of(&other)),
    }
}

fn kind(number: &str, data: &Value) -> String {
    let amount = |refund: &channel::RefundAsk| refund.amount.map_or(0, |money| money.minor);
    match read(number, data).ask {
        Ask::Order(order) => format!("order {}", order.external_no),
        Ask::RefundRequested(refund) => format!("requested {} {}", refund.refund, amount(&refund)),
        Ask::RefundRefused(refund) => format!("refused {}", refund.refund),
        Ask::RefundSettled(refund) => format!("settled {} {}", refund.refund, amount(&refund)),
        Ask::Nothing => "nothing".to_owned(),
        Ask::Unmapped { kind } => format!("unmapped {kind}"),
        _ => "other".to_owned(),
    }
}

#[test]
fn a_paid_order_whose_codes_are_asked_for_is_ours_at_kuaishous_price() {
    let message = read(&asked_for(), &detail());
    assert_eq!(message.id, Some(format!("read:{OID}:paid")));
    assert_eq!(message.occurred_at.map(|at| at.secs()), Some(1_767_225_500));
    let Ask::Order(order) = message.ask else { panic!("an order") };
    assert_eq!((&order.stage, order.delivery), (&Stage::Paid { txn: OID.to_string() }, DeliveryMethod::Api));
    assert_eq!(order.amount, AmountCheck::PlatformPrice(Money::new(5776, Currency::CNY)));
    assert_eq!((order.lines[0].item.as_str(), order.lines[0].quantity.get()), ("888390671925", 2));
    assert_eq!(order.memo.as_deref(), Some(TICKET));
    let by_nick = PROTOCOL.example_settings.replace("\"item_by\": \"sku_id\"", "\"item_by\": \"sku_nick\"");
    let CallOutcome::Done(found) = reading(&by_nick, &asked_for(), &detail()) else { panic!("read") };
    let Ask::Order(order) = &found[0].ask else { panic!("an order") };
    assert_eq!(order.lines[0].item, "VIP-30");
}

#[test]
fn every_order_state_has_its_meaning() {
    let with = |number: &str, name: &str, value: Value| {
        let mut detail = detail();
        detail["orderBaseInfo"][name] = value;
        kind(number, &detail)
    };
    let (plain, asked) = (OID.to_string(), asked_for());
    assert_eq!(with(&plain, "status", json!(30)), "nothing", "nobody asked for codes yet");
    for code in [40, 50, 70, 80] {
        assert_eq!(with(&asked, "status", json!(code)), "nothing", "{code}");
    }
    assert_eq!(with(&plain, "status", json!(10)), "nothing");
    assert_eq!(with(&asked, "status", json!(31)), "unmapped order status 31");
    assert_eq!(with(&plain, "coType", json!(0)), "nothing");
    assert_eq!(with(&asked, "coType", json!(0)), "unmapped codes asked for an order of coType 0");
    for code in [2, 3, 9, 13] {
        let said = with(&plain, "coType", json!(code));
        assert_eq!(said, format!("unmapped paid virtual order of coType {code}"));
    }
    assert_eq!(with(&asked, "riskCode", json!(10_001)), "unmapped paid order with riskCode 10001");
    assert_eq!(with(&asked, "totalFee", json!(0)), "unmapped paid order without item or amount");
    for status in [10, 20, 50, 60, 99] {
        let mut open = detail();
        open["orderRefundList"][0]["refundStatus"] = json!(status);
        assert_eq!(kind(&asked, &open), "unmapped codes asked for an order with a refund", "{status}");
    }
    let mut item = detail();
    item["orderItemInfo"]["num"] = json!(0);
    assert_eq!(kind(&asked, &item), "unmapped paid order without item or amount");
}

#[test]
fn what_is_null_counts_as_missing() {
    let mut sparse = detail();
    sparse["orderBaseInfo"]["riskCode"] = Value::Null;
    sparse["orderBaseInfo"]["updateTime"] = Value::Null;
    sparse["orderBaseInfo"]["buyerOpenId"] = Value::Null;
    sparse["orderRefundList"] = Value::Null;
    assert_eq!(kind(&asked_for(), &sparse), format!("order {OID}"));
    sparse["orderItemInfo"] = Value::Null;
    assert_eq!(kind(&asked_for(), &sparse), "unmapped paid order without item or amount");
    let mut asked = refund(10, 10);
    asked["refundFee"] = Value::Null;
    assert_eq!(kind("refund/77", &asked), "requested 77 0");
}

#[test]
fn a_wish_that_overtakes_the_payment_is_read_again_later() {
    let mut unpaid = detail();
    unpaid["orderBaseInfo"]["status"] = json!(10);
    let outcome = reading(PROTOCOL.example_settings, &asked_for(), &unpaid);
    assert_eq!(code_of(&outcome), ("later", "not_paid_yet"));
}

#[test]
fn every_refund_state_has_its_meaning() {
    for (status, way, meaning) in [
        (10, 10, "requested 77 2888"),
        (11, 1, "requested 77 2888"),
        (12, 10, "refused 77"),
        (70, 10, "refused 77"),
        (60, 10, "settled 77 2888"),
        (60, 1, "settled 77 2888"),
        (20, 10, "nothing"),
        (30, 1, "nothing"),
        (50, 10, "nothing"),
        (61, 10, "unmapped refund status 61"),
        (60, 3, "unmapped handlingWay 3"),
        (60, 0, "unmapped handlingWay 0"),
    ] {
        assert_eq!(kind("refund/77", &refund(status, way)), meaning, "{status}/{way}");
    }
    let mut none = refund(60, 10);
    none["refundFee"] = json!(0);
    assert_eq!(kind("refund/77", &none), "unmapped refund without amount");
}

#[test]
fn what_is_read_is_what_was_asked_for() {
    let adapter = adapter();
    let back = adapter.read_back().expect("declared");
    let made = |number: &str| call(&back.request(number, NOW).expect("built"));
    let order = ("GET", "open.order.detail".to_owned(), json!({ "oid": OID }));
    assert_eq!(made(&OID.to_string()), order);
    assert_eq!(made(&asked_for()), order);
    let detailed = "open.seller.order.refund.detail".to_owned();
    assert_eq!(made("refund/77"), ("GET", detailed, json!({ "refundId": 77 })));
    for bad in ["", "0", "07", "a", "refund/", "eticket/1/x", "eticket/1"] {
        assert_eq!(back.request(bad, NOW).err(), Some(Unable("bad_order_no")), "{bad}");
    }
    assert_eq!(code_of(&back.interpret("5", Ok(&yes(&detail())))), ("refused", "foreign_order"));
    assert_eq!(
        code_of(&back.interpret("refund/5", Ok(&yes(&refund(60, 10))))),
        ("refused", "foreign_refund")
    );
}

fn delivery(memo: Option<&str>, codes: &[&str]) -> DeliveryJob {
    let key = |(at, code): (usize, &&str)| CardKey {
        code: Secret::new((*code).to_owned()),
        pin: (at == 0).then(|| Secret::new("密码".to_owned())),
        expires_on: None,
    };
    let line = LineView {
        item: "888390671925".into(),
        sku: "vip-30".parse().expect("a SKU"),
        name: "VIP".into(),
        quantity: Quantity::ONE,
        amount: Money::new(5776, Currency::CNY),
        keys: codes.iter().enumerate().map(key).collect(),
    };
    DeliveryJob {
        order: OrderId::from_uuid(Default::default()),
        external_no: OID.to_string(),
        memo: memo.map(str::to_owned),
        lines: vec![line],
        total: Money::new(5776, Currency::CNY),
        txn: None,
        idempotency_key: "d-1".into(),
        fulfilled_at: NOW,
    }
}

#[test]
fn codes_are_handed_over_with_the_token_and_the_validity_that_was_asked_for() {
    let adapter = adapter();
    let deliver = adapter.deliver().expect("declared");
    let made = |memo: &str| {
        let request = deliver.request(&delivery(Some(memo), &["A", "B"]), NOW).expect("built");
        assert!(!request.url.contains('?'));
        call(&request)
    };
    let (verb, method, param) = made(TICKET);
    assert_eq!((verb, method.as_str()), ("POST", "integration.callback.virtual.eticket.send"));
    let (from, to) = (1_767_225_600_000_i64, 1_769_817_600_000_i64);
    let code = |at: u8, text: &str| json!({ "id": format!("{OID}-{at}"), "code": text, "num": 1, "validStartTime": from, "validEndTime": to });
    assert_eq!(
        param,
        json!({ "oid": OID, "etickets": [code(1, "A 密码"), code(2, "B")], "sendNum": 2, "sendType": "virtual",
            "eticketType": "DINING_OPEN_TICKET", "token": "tk&1=2" })
    );
    let times = |validity: &str| {
        let (.., param) = made(&TICKET.replace(r#"{"days":30}"#, validity));
        (param["etickets"][0]["validStartTime"].clone(), param["etickets"][0]["validEndTime"].clone())
    };
    assert_eq!(times(r#"{"range":{"from":1,"to":2}}"#), (json!(1), json!(2)));
    assert_eq!(times(r#"{"until":1800000000000}"#), (json!(from), json!(1_800_000_000_000_i64)));
    let unable = |job: &DeliveryJob| deliver.request(job, NOW).err();
    assert_eq!(unable(&delivery(None, &["A"])), Some(Unable("codes_were_not_asked_for")));
    assert_eq!(unable(&delivery(Some("x"), &["A"])), Some(Unable("unreadable_memo")));
    assert_eq!(unable(&delivery(Some(TICKET), &[])), Some(Unable("no_keys")));
}

#[test]
fn an_unknown_delivery_is_asked_about_and_never_repeated_blindly() {
    let adapter = adapter();
    let deliver = adapter.deliver().expect("declared");
    let job = delivery(Some(TICKET), &["A"]);
    assert!(!deliver.repeat_is_safe());
    let request = deliver.ask(&job, NOW).expect("it can").expect("built");
    assert_eq!(call(&request).1, "open.order.detail");
    let asked = |status: i64, oid: u64| {
        let mut detail = detail();
        (detail["orderBaseInfo"]["status"], detail["orderBaseInfo"]["oid"]) = (json!(status), json!(oid));
        deliver.interpret_ask(&job, Ok(&yes(&detail)))
    };
    assert_eq!((asked(40, OID), asked(30, OID)), (CallOutcome::Done(true), CallOutcome::Done(false)));
    assert_eq!(code_of(&asked(80, OID)), ("unknown", "neither_shipped_nor_open"));
    assert_eq!(code_of(&asked(40, 5)), ("unknown", "foreign_order"));
}

#[test]
fn every_result_has_its_outcome_and_only_one_is_a_yes() {
    let adapter = adapter();
    let deliver = adapter.deliver().expect("declared");
    let job = delivery(Some(TICKET), &["A"]);
    for (result, wanted) in [
        (1, ("done", "")),
        (9, ("later", "9")),
        (802_000, ("later", "802000")),
        (24, ("later", "24")),
        (11, ("unknown", "11")),
        (1_016, ("unknown", "1016")),
        (27, ("refused", "27")),
        (0, ("refused", "0")),
    ] {
        let outcome = deliver.interpret(&job, Ok(&response(&json!({ "result": result }))));
        assert_eq!(code_of(&outcome), wanted, "{result}");
    }
    let odd = deliver.interpret(&job, Ok(&response(&json!({ "success": true }))));
    assert_eq!(code_of(&odd), ("unknown", "unreadable_answer"));
}

#[test]
fn only_what_the_buyer_asked_for_is_agreed_to() {
    let adapter = adapter();
    let refunds = adapter.refund().expect("declared");
    let memo = |way: i64| match read("refund/77", &refund(10, way)).ask {
        Ask::RefundRequested(refund) => refund.memo,
        _ => None,
    };
    let job = |memo: Option<String>, minor| RefundJob {
        external_no: OID.to_string(),
        txn: None,
        refund: "77".into(),
        amount: Money::new(minor, Currency::CNY),
        total: Money::new(5776, Currency::CNY),
        reason: "refund".into(),
        asked_by_channel: memo.is_some(),
        memo,
        order_memo: None,
    };
    let agreed = |memo, minor| refunds.request(&job(memo, minor), NOW).map(|request| call(&request));
    let param = json!({ "refundId": 77, "refundAmount": 2888, "status": 10, "negotiateStatus": 1,
        "refundHandingWay": 10 });
    assert_eq!(agreed(memo(10), 2888), Ok(("POST", "open.seller.order.refund.approve".into(), param)));
    assert_eq!(agreed(memo(10), 2887), Err(Unable("amount_is_not_what_was_asked")));
    assert_eq!(agreed(memo(1), 2888), Err(Unable("handling_way_is_decided_by_hand")));
    assert_eq!(agreed(None, 2888), Err(Unable("not_asked_by_buyer")));
    let asked = |status| refunds.interpret_ask(&job(memo(10), 2888), Ok(&yes(&refund(status, 10))));
    assert_eq!((asked(60), asked(50)), (CallOutcome::Done(true), CallOutcome::Done(true)));
    assert_eq!(asked(10), CallOutcome::Done(false));
    assert_eq!(code_of(&asked(12)), ("unknown", "neither_paid_nor_open"));
    assert!(!refunds.repeat_is_safe());
}

fn page(at: usize, window: &Window, data: &Value) -> Page {
    let adapter = adapter();
    match adapter.polls()[at].interpret(window, Ok(&yes(data)), NOW) {
        CallOutcome::Done(page) => page,
        other => panic!("no page: {:?}", code_of(&other)),
    }
}

fn window(cursor: Option<&str>) -> Window {
    Window { since: NOW.plus_secs(-600), until: NOW, cursor: cursor.map(str::to_owned) }
}

#[test]
fn the_list_of_orders_names_those_that_wait_too_long_once() {
    let adapter = adapter();
    let poll = adapter.polls()[0];
    assert!(poll.window_max_secs() <= 7 * 86_400);
    let (_, method, param) = call(&poll.request(&window(None), NOW).expect("built"));
    assert_eq!(method, "open.order.cursor.list");
    assert_eq!(
        param,
        json!({ "orderViewStatus": 1, "pageSize": 50, "sort": 2, "queryType": 2, "cursor": "",
            "beginTime": 1_767_225_000_000_i64, "endTime": 1_767_225_600_000_i64 })
    );
    let order = |oid: u64, status: i64, kind: i64, waited: i64| {
        let mut order = detail();
        order["orderBaseInfo"] = json!({ "oid": oid, "status": status, "coType": kind,
            "payTime": (NOW.secs() - waited) * 1_000 });
        order
    };
    let orders = json!([
        order(1, 30, 14, 1_801),
        order(2, 30, 14, 1_799),
        order(3, 40, 14, 9_000),
        order(4, 30, 0, 9_000)
    ]);
    let found = page(0, &window(None), &json!({ "orderList": orders, "cursor": "c2" }));
    let ids: Vec<_> = found.messages.iter().map(|message| message.id.clone()).collect();
    assert_eq!((ids, found.next.as_deref()), (vec![Some("poll:overdue:1".to_owned())], Some("c2")));
    assert!(matches!(&found.messages[0].ask, Ask::Unmapped { .. }));
    for last in ["nomore", "c2", ""] {
        let found = page(0, &window(Some("c2")), &json!({ "orderList": [], "cursor": last }));
        assert_eq!(found.next, None, "{last}");
    }
}

#[test]
fn the_list_of_refunds_leads_to_what_must_be_read_page_by_page() {
    let adapter = adapter();
    let poll = adapter.polls()[1];
    assert!(poll.window_max_secs() <= 86_400);
    let (_, method, param) = call(&poll.request(&window(Some("c2")), NOW).expect("built"));
    assert_eq!(method, "open.seller.order.refund.pcursor.list");
    assert_eq!(
        param,
        json!({ "type": 9, "pageSize": 100, "currentPage": 1, "sort": 2, "queryType": 2, "pcursor": "c2",
            "beginTime": 1_767_225_000_000_i64, "endTime": 1_767_225_600_000_i64 })
    );
    let data = json!({ "refundOrderInfoList": [refund(10, 10)], "pcursor": "nomore" });
    let found = page(1, &window(None), &data);
    assert_eq!(found.messages[0].id.as_deref(), Some("poll:refund:77:10:1767225590000"));
    assert!(matches!(&found.messages[0].ask, Ask::ReadBack { external_no } if external_no == "refund/77"));
    assert_eq!(found.next, None);
}

#[test]
fn the_token_is_renewed_ahead_and_the_rest_of_the_settings_stays() {
    let adapter = adapter();
    let renew = adapter.renew().expect("declared");
    assert_eq!(renew.due_at().map(|at| at.secs()), Some(1_767_830_400 - 43_200));
    let request = renew.request(NOW).expect("built");
    assert_eq!(request.url, "https://openapi.kwaixiaodian.com/oauth2/refresh_token");
    assert_eq!(
        String::from_utf8(request.body).expect("UTF-8"),
        "grant_type=refresh_token&refresh_token=exampleRefreshToken0001&app_id=ks660000001&app_secret=ksAppSecret0001"
    );
    let told = |access: &str, secs: i64| {
        let body = json!({ "result": 1, "access_token": access, "refresh_token": "R2", "expires_in": secs });
        renew.interpret(Ok(&response(&body)), NOW)
    };
    let CallOutcome::Done(settings) = told("A2", 172_800) else { panic!("renewed") };
    let entered: Value = serde_json::from_str(settings.expose()).expect("JSON");
    assert_eq!((&entered["access_token"], &entered["app_key"]), (&json!("A2"), &json!("ks660000001")));
    let due = connect(settings.expose()).renew().and_then(|renew| renew.due_at()).map(|at| at.secs());
    assert_eq!(due, Some(1_767_225_600 + 172_800 - 43_200));
    assert_eq!(code_of(&told("A2", 0)), ("unknown", "unreadable_answer"));
    assert_eq!(code_of(&told("", 172_800)), ("unknown", "unreadable_answer"));
    let denied = renew.interpret(Ok(&response(&json!({ "result": 100_200_103 }))), NOW);
    assert_eq!(code_of(&denied), ("refused", "100200103"));
}
