//! Calls, what is read back, lists, stock in two steps, and the access token.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use std::sync::Arc;

use channel::{
    Adapter, AmountCheck, Ask, CallOutcome, IdentifierKind, Inbound, OutboundRequest, OutboundResponse,
    Protocol, RefundJob, Stage, StockJob, Window,
};
use channel_wechat_shop::{SHOP, XPAY};
use serde_json::{Value, json};
use testkit::pretend::{Call, Platform};
use vocabulary::{Currency, Money, Timestamp};

use platform::{ACCESS, APP_KEY, APP_SECRET, NOW, Order, Wechat};

const ORDER: &str = "3705115058471208928";
const NUMBER: u64 = 3_705_115_058_471_208_928;

fn connect(protocol: Protocol, token: &str) -> Arc<dyn Adapter> {
    let mut settings: Value = serde_json::from_str(protocol.example_settings).unwrap();
    settings["access_token"] = token.into();
    settings["access_token_expires_at"] = NOW.plus_secs(7_200).secs().into();
    let account = format!("{}/shop-1", protocol.manifest.code).parse().unwrap();
    (protocol.connect)(account, &settings.to_string()).unwrap()
}

fn response(body: &Value) -> OutboundResponse {
    OutboundResponse { status: 200, headers: Vec::new(), retry_after: None, body: body.to_string().into() }
}

/// Makes a call at the pretend WeChat.
fn make(wechat: &mut Wechat, request: OutboundRequest) -> OutboundResponse {
    let rest = request.url.strip_prefix("https://api.weixin.qq.com").unwrap();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap();
        (name.to_owned(), value.replace("%2D", "-").replace("%5F", "_"))
    };
    let call = Call {
        method: request.method.to_owned(),
        path: path.to_owned(),
        query: query.split('&').filter(|part| !part.is_empty()).map(pair).collect(),
        headers: Vec::new(),
        body: request.body,
        now: NOW,
    };
    let answer = wechat.answer(&call, false);
    OutboundResponse {
        status: answer.status,
        headers: Vec::new(),
        retry_after: None,
        body: answer.body.into(),
    }
}

fn shown(change: impl FnOnce(&mut Value)) -> Inbound {
    let order = Order { status: 20, count: 2, price: 5_776, deliver_method: 1, deliveries: 0 };
    let mut body = Wechat::shown(NUMBER, &order);
    change(&mut body["order"]);
    let shop = connect(SHOP, ACCESS);
    match shop.read_back().unwrap().interpret(ORDER, Ok(&response(&body))) {
        CallOutcome::Done(mut messages) if messages.len() == 1 => messages.remove(0),
        _ => panic!("{body}"),
    }
}

#[test]
fn a_paid_virtual_order_becomes_ours_with_what_later_calls_need() {
    let inbound = shown(|_| {});
    let Ask::Order(order) = &inbound.ask else { panic!("an order") };
    assert_eq!(order.external_no, ORDER, "all nineteen digits");
    assert_eq!((order.lines[0].item.as_str(), order.lines[0].quantity.get()), ("100/200", 2));
    assert_eq!(order.amount, AmountCheck::PlatformPrice(Money::new(5_776, Currency::CNY)));
    assert_eq!(order.stage, Stage::Paid { txn: format!("42{ORDER}") });
    assert_eq!(order.memo.as_deref(), Some("100/200*2"));
    assert_eq!(order.buyer.as_ref().unwrap().reference.expose(), "oBuyer");
    let again = shown(|order| order["update_time"] = json!(NOW.secs() + 99));
    assert_eq!((again.id, again.content), (inbound.id, inbound.content), "a paid order is read once");
}

#[test]
fn a_union_id_identifies_the_buyer_and_an_open_id_alone_nobody_else() {
    let shop = connect(SHOP, ACCESS);
    let told = |change: fn(&mut Value)| {
        let Ask::Order(order) = shown(change).ask else { panic!("an order") };
        shop.identifiers(order.buyer.as_ref().unwrap())
    };
    assert!(told(|_| {}).is_empty());
    let identifiers = told(|order| order["unionid"] = json!("uBuyer"));
    let [one] = identifiers.as_slice() else { panic!("one identifier") };
    assert_eq!((one.kind, one.value.expose().as_str()), (IdentifierKind::UnionId, "uBuyer"));
    assert_eq!((one.scope.as_deref(), one.verified), (None, true));
}

#[test]
fn only_a_paid_virtual_order_without_after_sale_is_paid() {
    let asks = |change: fn(&mut Value)| shown(change).ask;
    for (name, change, unmapped) in [
        (
            "posted",
            (|o| o["order_detail"]["delivery_info"]["deliver_method"] = json!(0)) as fn(&mut Value),
            false,
        ),
        ("unclear", |o| o["order_detail"]["delivery_info"] = json!({}), true),
        ("asks", |o| o["order_detail"]["product_infos"][0]["on_aftersale_sku_cnt"] = json!(1), false),
        ("part", |o| o["order_detail"]["product_infos"][0]["finish_aftersale_sku_cnt"] = json!(1), true),
        ("free", |o| o["order_detail"]["price_info"]["order_price"] = json!(0), true),
        ("empty", |o| o["order_detail"]["product_infos"] = json!([]), true),
        ("odd item", |o| o["order_detail"]["product_infos"][0]["sku_id"] = json!("x"), true),
        ("unpaid", |o| o["status"] = json!(10), false),
        ("done", |o| o["status"] = json!(100), false),
        ("unknown", |o| o["status"] = json!(25), true),
    ] {
        let ask = asks(change);
        assert_eq!(matches!(ask, Ask::Unmapped { .. }), unmapped, "{name}");
        assert_eq!(matches!(ask, Ask::Nothing), !unmapped, "{name}");
    }
    assert!(matches!(asks(|o| o["status"] = json!(250)), Ask::Cancel { .. }));
    let Ask::RefundSettled(refund) = asks(|o| o["status"] = json!(200)) else { panic!("paid back") };
    assert_eq!(refund.amount, None, "all that is left");
    let shop = connect(SHOP, ACCESS);
    let order = Order { status: 20, count: 1, price: 1, deliver_method: 1, deliveries: 0 };
    let foreign = response(&Wechat::shown(NUMBER + 1, &order));
    let read = shop.read_back().unwrap().interpret(ORDER, Ok(&foreign));
    assert!(matches!(read, CallOutcome::Refused { .. }));
}

#[test]
fn an_after_sale_is_read_back_with_its_order_and_amount() {
    let shop = connect(SHOP, ACCESS);
    let read = shop.read_back().unwrap();
    let mut wechat = Wechat::default();
    wechat.pay(NUMBER, 2_888);
    wechat.ask("2000000001234567", NUMBER);
    let name = "aftersale:2000000001234567";
    let mut ask = |status: &'static str| {
        wechat.aftersales.get_mut("2000000001234567").unwrap().status = status;
        let answer = make(&mut wechat, read.request(name, NOW).unwrap());
        match read.interpret(name, Ok(&answer)) {
            CallOutcome::Done(mut messages) => messages.remove(0).ask,
            _ => panic!("{status}"),
        }
    };
    let Ask::RefundRequested(asked) = ask("MERCHANT_PROCESSING") else { panic!("asked") };
    assert_eq!((asked.external_no.as_str(), asked.refund.as_str()), (ORDER, name));
    assert_eq!((asked.amount, asked.memo.as_deref()), (Some(Money::new(2_888, Currency::CNY)), Some("2888")));
    assert!(matches!(ask("USER_CANCELD"), Ask::RefundRefused(_)));
    assert!(matches!(ask("PLATFORM_REFUNDING"), Ask::Nothing));
    assert!(matches!(ask("MERCHANT_REFUND_SUCCESS"), Ask::RefundSettled(_)));
    assert!(matches!(ask("PLATFORM_REFUND_FAIL"), Ask::Unmapped { .. }));
    assert!(matches!(ask("SOMETHING_NEW"), Ask::Unmapped { .. }));
    for bad in ["", "aftersale:", "aftersale:x", "1/2", "0"] {
        assert!(read.request(bad, NOW).is_err(), "{bad}");
    }
}

/// Runs a stock push as the engine does: call after call.
fn push_stock(wechat: &mut Wechat, available: u64) -> (CallOutcome<()>, u32) {
    let shop = connect(SHOP, ACCESS);
    let push = shop.push_stock().unwrap();
    let job = StockJob { item: "100/200".into(), available, figure: 1 };
    let mut request = push.request(&job, NOW).unwrap();
    for calls in 1.. {
        let answer = make(wechat, request);
        match push.interpret(&job, Ok(&answer)) {
            CallOutcome::Next { state } => request = push.next(&job, &state, NOW).unwrap(),
            end => return (end, calls),
        }
    }
    unreachable!("a push ends")
}

#[test]
fn stock_is_read_and_the_difference_applied_down_to_nothing() {
    let mut wechat = Wechat { stock: 3, ..Wechat::default() };
    for (available, calls) in [(10, 2), (10, 1), (4, 2), (0, 2), (0, 1)] {
        assert_eq!(push_stock(&mut wechat, available), (CallOutcome::Done(()), calls), "{available}");
        assert_eq!(wechat.stock, available);
    }
    let shop = connect(SHOP, ACCESS);
    for item in ["steam-50", "100", "100/", "100/x", "../1"] {
        let job = StockJob { item: item.into(), available: 1, figure: 1 };
        assert!(shop.push_stock().unwrap().request(&job, NOW).is_err(), "{item}");
    }
}

#[test]
fn a_list_of_after_sales_is_a_list_of_read_backs() {
    let shop = connect(SHOP, ACCESS);
    let poll = shop.polls()[1];
    let window = Window { since: NOW.plus_secs(-600), until: NOW, cursor: None };
    let sent: Value = serde_json::from_slice(&poll.request(&window, NOW).unwrap().body).unwrap();
    let asked =
        json!({ "begin_update_time": NOW.secs() - 600, "end_update_time": NOW.secs(), "next_key": "" });
    assert_eq!((poll.name(), poll.window_max_secs(), sent), ("aftersales", 86_400, asked));
    let body =
        json!({ "errcode": 0, "after_sale_order_id_list": ["77"], "has_more": true, "next_key": "K2" });
    let CallOutcome::Done(page) = poll.interpret(&window, Ok(&response(&body)), NOW) else {
        panic!("a page")
    };
    assert_eq!((page.messages.len(), page.next.as_deref()), (1, Some("K2")));
    let asks = |number: &str| matches!(&page.messages[0].ask, Ask::ReadBack { external_no } if external_no == number);
    assert!(asks("aftersale:77"));
    let odd = json!({ "errcode": 0, "after_sale_order_id_list": ["x"], "has_more": false });
    assert!(matches!(poll.interpret(&window, Ok(&response(&odd)), NOW), CallOutcome::Unknown { .. }));
}

#[test]
fn a_list_of_orders_is_a_list_of_read_backs() {
    let shop = connect(SHOP, ACCESS);
    let poll = shop.polls()[0];
    let window = Window { since: NOW.plus_secs(-600), until: NOW, cursor: Some("K 1".into()) };
    let sent: Value = serde_json::from_slice(&poll.request(&window, NOW).unwrap().body).unwrap();
    let range = json!({ "start_time": NOW.secs() - 600, "end_time": NOW.secs() });
    assert_eq!(sent, json!({ "update_time_range": range, "page_size": 100, "next_key": "K 1" }));
    let body = json!({ "errcode": 0, "order_id_list": [NUMBER, "123"], "has_more": true, "next_key": "K2" });
    let CallOutcome::Done(page) = poll.interpret(&window, Ok(&response(&body)), NOW) else {
        panic!("a page")
    };
    let numbers: Vec<_> = page
        .messages
        .iter()
        .map(|message| match &message.ask {
            Ask::ReadBack { external_no } => external_no.as_str(),
            _ => "?",
        })
        .collect();
    assert_eq!((numbers, page.next.as_deref()), (vec![ORDER, "123"], Some("K2")));
    let last = json!({ "errcode": 0, "order_id_list": [], "has_more": false, "next_key": "K3" });
    let CallOutcome::Done(page) = poll.interpret(&window, Ok(&response(&last)), NOW) else {
        panic!("a page")
    };
    assert_eq!((page.messages.len(), page.next), (0, None));
}

#[test]
fn codes_are_read_as_the_table_says() {
    let shop = connect(SHOP, ACCESS);
    let push = shop.push_stock().unwrap();
    let job = StockJob { item: "100/200".into(), available: 1, figure: 1 };
    let read = |code: i64| push.interpret(&job, Ok(&response(&json!({ "errcode": code }))));
    for busy in [-1, 40_001, 42_001, 45_009, 100_003, 10_020_112] {
        assert!(matches!(read(busy), CallOutcome::RetryAfter { .. }), "{busy}");
    }
    for refused in [48_001, 10_020_217, 10_020_219, 7] {
        assert!(matches!(read(refused), CallOutcome::Refused { .. }), "{refused}");
    }
}

fn refund_job(refund: &str) -> RefundJob {
    let price = Money::new(2_888, Currency::CNY);
    RefundJob {
        external_no: "CKX1".into(),
        txn: None,
        refund: refund.into(),
        amount: price,
        total: price,
        reason: "asked".into(),
        asked_by_channel: true,
        memo: None,
        order_memo: channel::cipher::seal_reference(APP_KEY.as_bytes(), "oAbCd"),
    }
}

#[test]
fn a_shop_pays_back_what_a_buyer_asked_for_and_nothing_else() {
    let shop = connect(SHOP, ACCESS);
    let refund = shop.refund().unwrap();
    assert!(!refund.repeat_is_safe());
    let asked = RefundJob { memo: Some("2888".into()), ..refund_job("aftersale:77") };
    let call = refund.request(&asked, NOW).unwrap();
    assert!(
        call.url.starts_with("https://api.weixin.qq.com/channels/ec/aftersale/acceptapply?"),
        "{}",
        call.url
    );
    assert_eq!(String::from_utf8(call.body).unwrap(), r#"{"after_sale_order_id":"77"}"#);
    let other = RefundJob { memo: Some("1000".into()), ..refund_job("aftersale:77") };
    assert!(refund.request(&other, NOW).is_err(), "WeChat would pay 10.00");
    assert!(refund.request(&refund_job("R-1"), NOW).is_err(), "nobody asked");
    let state = |status: &str| {
        let body = json!({ "errcode": 0, "after_sale_order": { "after_sale_order_id": 77, "order_id": 1,
            "status": status } });
        refund.interpret_ask(&asked, Ok(&response(&body)))
    };
    assert_eq!(state("PLATFORM_REFUNDING"), CallOutcome::Done(true));
    assert_eq!(state("MERCHANT_PROCESSING"), CallOutcome::Done(false));
    assert!(matches!(state("SOMETHING_NEW"), CallOutcome::Unknown { .. }));
}

#[test]
fn a_virtual_payment_is_paid_back_under_a_number_that_is_equal_on_every_retry() {
    let shop = connect(XPAY, ACCESS);
    let refund = shop.refund().unwrap();
    assert!(refund.repeat_is_safe());
    let mut wechat = Wechat::default();
    for _ in 0..2 {
        let answer = make(&mut wechat, refund.request(&refund_job("R-1"), NOW).unwrap());
        assert_eq!(refund.interpret(&refund_job("R-1"), Ok(&answer)), CallOutcome::Done(()));
    }
    assert_eq!((wechat.refunds.len(), wechat.forged_calls), (1, 0));
    let number = wechat.refunds.keys().next().unwrap();
    assert!(number.starts_with("KM") && number.len() == 26, "{number}");
    assert!(refund.request(&RefundJob { order_memo: None, ..refund_job("R-1") }, NOW).is_err());
}

#[test]
fn the_access_token_is_renewed_in_time_and_at_once_where_there_is_none() {
    let bare = (SHOP.connect)("wechat-shop/shop-1".parse().unwrap(), SHOP.example_settings).unwrap();
    assert_eq!(bare.renew().unwrap().due_at(), Some(Timestamp::from_secs(0)));
    let mut wechat = Wechat::default();
    let call = bare.renew().unwrap().request(NOW).unwrap();
    assert!(!call.url.contains(APP_SECRET));
    let answer = make(&mut wechat, call);
    let CallOutcome::Done(settings) = bare.renew().unwrap().interpret(Ok(&answer), NOW) else {
        panic!("renewed")
    };
    let again = (SHOP.connect)("wechat-shop/shop-1".parse().unwrap(), settings.expose()).unwrap();
    assert_eq!(again.renew().unwrap().due_at(), Some(NOW.plus_secs(6_900)));
    let answer = make(&mut wechat, again.read_back().unwrap().request(ORDER, NOW).unwrap());
    let outcome = again.read_back().unwrap().interpret(ORDER, Ok(&answer));
    assert!(matches!(outcome, CallOutcome::Refused { code } if code == "errcode_100002"), "the token works");
    for body in [
        json!({}),
        json!({ "access_token": "", "expires_in": 7200 }),
        json!({ "access_token": "x", "expires_in": 0 }),
    ] {
        assert!(!matches!(bare.renew().unwrap().interpret(Ok(&response(&body)), NOW), CallOutcome::Done(_)));
    }
    let wrong = response(&json!({ "errcode": 40_125, "errmsg": "invalid appsecret" }));
    assert!(matches!(bare.renew().unwrap().interpret(Ok(&wrong), NOW), CallOutcome::Refused { .. }));
}
