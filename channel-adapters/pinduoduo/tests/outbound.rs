//! Calls: what is asked, and what is made of the answers.

use std::{collections::BTreeMap, sync::Arc};

use channel::{
    Adapter, AmountCheck, Ask, CallOutcome, Inbound, OutboundRequest, OutboundResponse, RefundJob, Shortage,
    Stage, StockJob, Unable, Window,
};
use channel_pinduoduo::PROTOCOL;
use serde_json::{Value, json};
use vocabulary::{Currency, DeliveryMethod, Money, Timestamp};

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
const ORDER: &str = "260101-123456789012345";

fn adapter() -> Arc<dyn Adapter> {
    let account = "pinduoduo/main".parse().expect("an account");
    (PROTOCOL.connect)(account, PROTOCOL.example_settings).expect("usable settings")
}

fn answer(body: &Value) -> OutboundResponse {
    OutboundResponse {
        status: 200,
        headers: Vec::new(),
        retry_after: None,
        body: body.to_string().into_bytes(),
    }
}

fn params(request: &OutboundRequest) -> BTreeMap<String, String> {
    assert_eq!(request.url, "https://gw-api.pinduoduo.com/api/router");
    serde_json::from_slice(&request.body).expect("texts by name")
}

fn detail(order: i64, confirm: i64, refund: i64, risk: i64) -> Value {
    json!({"order_info_get_response": {"order_info": {
        "order_sn": ORDER, "order_status": order, "confirm_status": confirm, "refund_status": refund,
        "risk_control_status": risk, "pay_amount": 19.9, "confirm_time": "2026-01-01 08:00:00",
        "updated_at": "2026-01-01 08:00:01",
        "item_list": [{"goods_id": 711_452_345_678_i64, "sku_id": "1622345678901", "goods_count": 2}]
    }}})
}

fn refunds(status: i64, kind: i64, amount: &str) -> Value {
    json!({"refund_increment_get_response": {"total_count": 1, "refund_list": [{
        "id": 30185, "order_sn": ORDER, "after_sales_status": status, "after_sales_type": kind,
        "refund_amount": amount, "updated_time": "2026-01-01 09:00:00"}]}})
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

fn read(body: &Value) -> CallOutcome<Vec<Inbound>> {
    adapter().read_back().expect("declared").interpret(ORDER, Ok(&answer(body)))
}

fn one(body: &Value) -> Inbound {
    match read(body) {
        CallOutcome::Done(mut messages) if messages.len() == 1 => messages.remove(0),
        other => panic!("{:?}", code_of(&other)),
    }
}

fn name(inbound: &Inbound) -> String {
    match &inbound.ask {
        Ask::Order(_) => "order".to_owned(),
        Ask::Cancel { .. } => "cancel".to_owned(),
        Ask::RefundRequested(_) => "requested".to_owned(),
        Ask::RefundRefused(_) => "refused".to_owned(),
        Ask::RefundSettled(_) => "settled".to_owned(),
        Ask::ReadBack { .. } => "read".to_owned(),
        Ask::Nothing => "nothing".to_owned(),
        Ask::Unmapped { kind } => kind.clone(),
        _ => "other".to_owned(),
    }
}

#[test]
fn every_state_of_an_order_has_its_meaning() {
    for (order, confirm, refund, risk, meaning) in [
        (1, 1, 1, 0, "order"),
        (1, 1, 1, 1, "nothing"),
        (1, 0, 1, 0, "nothing"),
        (1, 2, 1, 0, "cancel"),
        (2, 1, 1, 0, "nothing"),
        (3, 1, 1, 0, "nothing"),
        (4, 1, 1, 0, "order_status 4 confirm_status 1"),
        (1, 3, 1, 0, "order_status 1 confirm_status 3"),
        (1, 1, 1, 2, "order_status 1 confirm_status 1"),
        (1, 1, 9, 0, "refund_status 9"),
    ] {
        assert_eq!(name(&one(&detail(order, confirm, refund, risk))), meaning);
    }
    for refund in 2..=4 {
        assert_eq!(code_of(&read(&detail(1, 1, refund, 0))), ("next", "after_sales"));
    }
}

#[test]
fn a_paid_order_is_taken_at_the_platforms_price_to_the_fen() {
    let message = one(&detail(1, 1, 1, 0));
    assert_eq!(message.id.as_deref(), Some("read:260101-123456789012345:paid"));
    assert_eq!(message.occurred_at, Some(NOW));
    let Ask::Order(order) = message.ask else { panic!("an order") };
    assert_eq!((order.external_no.as_str(), &order.stage), (ORDER, &Stage::Paid { txn: ORDER.into() }));
    assert_eq!(order.amount, AmountCheck::PlatformPrice(Money::new(1990, Currency::CNY)));
    assert_eq!((order.shortage, order.delivery), (Shortage::Backorder, DeliveryMethod::Api));
    let line = &order.lines[0];
    assert_eq!((line.item.as_str(), line.quantity.get()), ("711452345678/1622345678901", 2));
    for (pointer, value) in
        [("pay_amount", json!(0)), ("pay_amount", json!(19.999)), ("item_list", json!([]))]
    {
        let mut broken = detail(1, 1, 1, 0);
        broken["order_info_get_response"]["order_info"][pointer] = value;
        assert_eq!(name(&one(&broken)), "paid order without goods or amount", "{pointer}");
    }
}

#[test]
fn after_sales_become_refunds_by_their_own_number() {
    for (status, kind, amount, meaning) in [
        (2, 2, "9.90", "requested"),
        (3, 3, "9.90", "requested"),
        (4, 2, "9.90", "nothing"),
        (6, 2, "9.90", "refused"),
        (11, 2, "9.90", "refused"),
        (10, 2, "9.90", "settled"),
        (10, 2, "0", "refund without amount"),
        (10, 4, "9.90", "nothing"),
        (10, 1, "9.90", "after-sale type 1 status 10"),
        (99, 2, "9.90", "after-sale type 2 status 99"),
    ] {
        assert_eq!(name(&one(&refunds(status, kind, amount))), meaning, "{status}/{kind}");
    }
    let Ask::RefundSettled(refund) = one(&refunds(10, 2, "9.90")).ask else { panic!("a refund") };
    assert_eq!((refund.external_no.as_str(), refund.refund.as_str()), (ORDER, "30185"));
    assert_eq!(refund.amount, Some(Money::new(990, Currency::CNY)));
    let empty = json!({"refund_increment_get_response": {"total_count": 0, "refund_list": []}});
    assert_eq!(code_of(&read(&empty)), ("later", "after_sale_not_listed_yet"));
    let adapter = adapter();
    let next = adapter.read_back().expect("declared").next(ORDER, "after_sales", NOW).expect("built");
    let params = params(&next);
    assert_eq!(
        (params["type"].as_str(), params["order_sn"].as_str()),
        ("pdd.refund.list.increment.get", ORDER)
    );
}

#[test]
fn answers_about_other_orders_and_failures_are_not_believed() {
    let foreign = |mut body: Value, part: &str| {
        *body.pointer_mut(part).expect("there") = json!("1");
        code_of(&read(&body)) == ("refused", "foreign_order")
    };
    assert!(foreign(detail(1, 1, 1, 0), "/order_info_get_response/order_info/order_sn"));
    assert!(foreign(refunds(2, 2, "1"), "/refund_increment_get_response/refund_list/0/order_sn"));
    for (code, meaning) in [
        (10_019, ("later", "10019 x-1")),
        (70_031, ("later", "70031 x-1")),
        (20_004, ("refused", "20004 x-1")),
        (50_001, ("unknown", "50001 x-1")),
        (99_999, ("refused", "99999 x-1")),
    ] {
        let body =
            json!({"error_response": {"error_code": code, "sub_code": "x-1\n", "error_msg": "secret"}});
        assert_eq!(code_of(&read(&body)), meaning);
    }
    let twice = OutboundResponse {
        body: br#"{"order_info_get_response":{},"order_info_get_response":{}}"#.to_vec(),
        ..answer(&Value::Null)
    };
    let outcome = adapter().read_back().expect("declared").interpret(ORDER, Ok(&twice));
    assert_eq!(code_of(&outcome), ("unknown", "unreadable_answer"));
}

#[test]
fn stock_and_refunds_are_built_for_the_platforms_own_numbers_only() {
    let adapter = adapter();
    let push = |item: &str, available| {
        let job = StockJob { item: item.to_owned(), available, figure: 1 };
        adapter.push_stock().expect("declared").request(&job, NOW).map(|request| params(&request))
    };
    let sent = push("711452345678/1622345678901", 88).expect("built");
    let of = |name: &str| sent[name].as_str();
    assert_eq!((of("goods_id"), of("sku_id")), ("711452345678", "1622345678901"));
    assert_eq!((of("quantity"), of("update_type"), of("access_token")), ("88", "1", "tok_0001"));
    for bad in ["", "711", "711/", "/1", "a/1", "0/1", "1/1/1"] {
        assert_eq!(push(bad, 1), Err(Unable("item_is_no_goods_and_sku")), "{bad}");
    }
    let agree = |refund: &str| {
        let amount = Money::new(990, Currency::CNY);
        let job = RefundJob {
            external_no: ORDER.into(),
            txn: None,
            refund: refund.to_owned(),
            amount,
            total: amount,
            reason: "agreed".into(),
            asked_by_channel: true,
            memo: None,
            order_memo: None,
        };
        adapter
            .refund()
            .expect("declared")
            .request(&job, NOW)
            .map(|request| params(&request)["request"].clone())
    };
    let wanted = r#"{"after_sales_id":30185,"operate_desc":"agreed","order_sn":"260101-123456789012345"}"#;
    assert_eq!(agree("30185"), Ok(wanted.to_owned()));
    assert_eq!(agree("refund-1"), Err(Unable("not_a_request_of_the_buyer")));
}

#[test]
fn lists_are_read_from_the_last_page_to_the_first() {
    let adapter = adapter();
    let polls = adapter.polls();
    assert_eq!(polls.iter().map(|poll| poll.name()).collect::<Vec<_>>(), ["orders", "refunds"]);
    let window = |cursor: Option<&str>| Window {
        since: NOW.plus_secs(-600),
        until: NOW,
        cursor: cursor.map(str::to_owned),
    };
    let list = |total: u32| {
        let order = |sn: &str, order: i64, refund: i64| {
            let mut one = detail(order, 1, refund, 0)["order_info_get_response"]["order_info"].clone();
            one["order_sn"] = json!(sn);
            one
        };
        answer(&json!({"order_sn_increment_get_response": {"total_count": total, "order_sn_list":
            [order("1", 1, 1), order("2", 2, 1), order("3", 2, 4)]}}))
    };
    let page = |cursor: Option<&str>, total| match polls[0].interpret(&window(cursor), Ok(&list(total)), NOW)
    {
        CallOutcome::Done(page) => page,
        other => panic!("{:?}", code_of(&other)),
    };
    assert_eq!(
        (page(None, 250).next.as_deref(), page(Some("3"), 250).next.as_deref()),
        (Some("3"), Some("2"))
    );
    assert_eq!((page(Some("1"), 250).next, page(None, 100).next), (None, None));
    let found = page(None, 3).messages;
    let ids: Vec<_> = found.iter().filter_map(|message| message.id.as_deref()).collect();
    assert_eq!(ids, ["list:1:1:1:1:1767225601", "list:3:2:1:4:1767225601"], "what is shipped asks nothing");
    assert_eq!(name(&found[0]), "read");
    let sent = params(&polls[0].request(&window(Some("3")), NOW).expect("built"));
    assert_eq!((sent["page"].as_str(), sent["start_updated_at"].as_str()), ("3", "1767225000"));

    let mut cursor = None;
    let mut asked = Vec::new();
    loop {
        let sent = params(&polls[1].request(&window(cursor.as_deref()), NOW).expect("built"));
        asked.push(sent["after_sales_status"].clone());
        let body = answer(&refunds(2, 2, "9.90"));
        let CallOutcome::Done(page) = polls[1].interpret(&window(cursor.as_deref()), Ok(&body), NOW) else {
            panic!("a page")
        };
        assert_eq!(page.messages.iter().map(name).collect::<Vec<_>>(), ["requested"]);
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(asked, ["2", "3", "6", "9", "10", "11", "12", "13"]);
    assert!(
        polls[1].request(&window(Some("8:")), NOW).is_err()
            && polls[0].request(&window(Some("x")), NOW).is_err()
    );
}

#[test]
fn a_renewed_token_is_put_into_the_settings_and_one_of_another_shop_is_not() {
    let adapter = adapter();
    let renew = adapter.renew().expect("declared");
    assert_eq!(renew.due_at().map(|at| at.secs()), Some(1_798_761_600 - 3_600));
    let sent = params(&renew.request(NOW).expect("built"));
    assert_eq!((sent["refresh_token"].as_str(), sent.contains_key("access_token")), ("ref_0001", false));
    let renewed = |owner: &str, expires_at: i64| {
        let body = json!({"pop_auth_token_refresh_response": {"access_token": "tok_2", "refresh_token": "ref_2",
            "expires_at": expires_at, "expires_in": 86400, "owner_id": owner, "owner_name": "shop"}});
        renew.interpret(Ok(&answer(&body)), NOW)
    };
    let CallOutcome::Done(text) = renewed("171504183", NOW.secs() + 86_400) else { panic!("renewed") };
    let settings: Value = serde_json::from_str(text.expose()).expect("JSON");
    assert_eq!((&settings["access_token"], &settings["refresh_token"]), (&json!("tok_2"), &json!("ref_2")));
    assert_eq!(settings["client_secret"], json!("pddSecret0123456789abcdef0123456789abcdef"));
    let refused = renewed("1", NOW.secs() + 86_400);
    assert!(matches!(refused, CallOutcome::Refused { ref code } if code == "token_of_another_shop"));
    assert!(matches!(renewed("171504183", NOW.secs()), CallOutcome::Unknown { .. }));
}
