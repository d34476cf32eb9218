//! Calls: what is asked, and what is made of the answers.

use std::sync::Arc;

use channel::{
    Adapter, AmountCheck, Ask, CallOutcome, Inbound, OutboundRequest, OutboundResponse, RefundJob, StockJob,
    Unable, Window,
};
use channel_youzan::PROTOCOL;
use serde_json::{Value, json};
use vocabulary::{Currency, DeliveryMethod, Money, Timestamp};

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
const TID: &str = "E20260101080000012300001";
const REFUND: &str = "201903201354390000010886";

fn adapter() -> Arc<dyn Adapter> {
    (PROTOCOL.connect)("youzan/main".parse().expect("an account"), PROTOCOL.example_settings).expect("usable")
}

fn answer(body: &Value) -> OutboundResponse {
    OutboundResponse {
        status: 200,
        headers: Vec::new(),
        retry_after: None,
        body: body.to_string().into_bytes(),
    }
}

fn yes(data: &Value) -> OutboundResponse {
    answer(&json!({"trace_id": "1", "code": 200, "success": true, "message": "successful", "data": data}))
}

fn sent(request: &OutboundRequest) -> (String, Value) {
    let call = request.url.strip_prefix("https://open.youzanyun.com/api/").expect("a call");
    let name = call.strip_suffix("?access_token=tok0001").expect("a token");
    (name.to_owned(), serde_json::from_slice(&request.body).expect("JSON"))
}

fn order(status: &str, refund_state: i64, is_virtual: bool) -> Value {
    json!({"full_order_info": {
        "order_info": {"tid": TID, "status": status, "refund_state": refund_state, "pay_time": "2026-01-01 08:00:00",
            "update_time": "2026-01-01 08:00:01", "close_type": 2,
            "order_tags": {"is_virtual": is_virtual, "is_payed": true}},
        "orders": [{"oid": 1_468_000_000_000_000_001_i64, "item_id": 415, "sku_id": 36, "num": 2, "payment": "19.80"}],
        "pay_info": {"payment": "19.80"}, "buyer_info": {"yz_open_id": "yz-1"},
    }, "refund_order": []})
}

fn refund(status: &str, fee: &str) -> Value {
    json!({"refund_id": REFUND, "tid": TID, "status": status, "refund_fee": fee, "version": 1_553_482_678_792_i64,
        "modified": "2026-01-01 09:00:00"})
}

fn show<T>(outcome: &CallOutcome<T>) -> String {
    match outcome {
        CallOutcome::Done(_) => "done".to_owned(),
        CallOutcome::Refused { code } => format!("refused {code}"),
        CallOutcome::RetryAfter { secs, code } => format!("later {secs} {code}"),
        CallOutcome::Unknown { code } => format!("unknown {code}"),
        CallOutcome::Next { state } => format!("next {state}"),
    }
}

fn name(inbound: &Inbound) -> String {
    match &inbound.ask {
        Ask::Order(order) => format!("order {:?}", order.delivery),
        Ask::Cancel { reason, .. } => format!("cancel {reason}"),
        Ask::RefundRequested(_) => "requested".to_owned(),
        Ask::RefundRefused(_) => "refused".to_owned(),
        Ask::RefundSettled(_) => "settled".to_owned(),
        Ask::ReadBack { external_no } => format!("read {external_no}"),
        Ask::Nothing => "nothing".to_owned(),
        Ask::Unmapped { kind } => kind.clone(),
        _ => "other".to_owned(),
    }
}

fn read(response: &OutboundResponse) -> String {
    match adapter().read_back().expect("declared").interpret(TID, Ok(response)) {
        CallOutcome::Done(messages) => messages.iter().map(name).collect::<Vec<_>>().join(" + "),
        other => show(&other),
    }
}

#[test]
fn every_state_of_an_order_has_its_meaning() {
    for (status, refund_state, is_virtual, meaning) in [
        ("WAIT_BUYER_PAY", 0, false, "nothing"),
        ("TRADE_PAID", 0, false, "nothing"),
        ("WAIT_CONFIRM", 0, false, "nothing"),
        ("WAIT_SELLER_SEND_GOODS", 0, false, "order Api"),
        ("WAIT_SELLER_SEND_GOODS", 0, true, "order Pickup"),
        ("WAIT_BUYER_CONFIRM_GOODS", 0, false, "nothing"),
        ("WAIT_BUYER_CONFIRM_GOODS", 0, true, "order Pickup"),
        ("TRADE_SUCCESS", 0, true, "order Pickup"),
        ("TRADE_CLOSED", 0, false, "cancel close_type 2"),
        ("TRADE_REFUND", 0, false, "order TRADE_REFUND"),
        ("WAIT_SELLER_SEND_GOODS", 11, false, "next refunds"),
        ("TRADE_CLOSED", 12, false, "next refunds"),
        ("WAIT_SELLER_SEND_GOODS", 7, false, "refund_state 7"),
    ] {
        assert_eq!(read(&yes(&order(status, refund_state, is_virtual))), meaning, "{status}/{refund_state}");
    }
    for (status, fee, meaning) in [
        ("WAIT_SELLER_AGREE", "9.90", "requested"),
        ("WAIT_SELLER_CONFIRM_GOODS", "9.90", "nothing"),
        ("SELLER_REFUSE_BUYER", "9.90", "refused"),
        ("CLOSED", "9.90", "refused"),
        ("SUCCESS", "9.90", "settled"),
        ("SUCCESS", "", "refund without amount"),
        ("NEW", "9.90", "refund NEW"),
    ] {
        assert_eq!(read(&yes(&json!({"total": 1, "refunds": [refund(status, fee)]}))), meaning, "{status}");
    }
    assert_eq!(read(&yes(&json!({"total": 0, "refunds": []}))), "later 30 refund_not_listed_yet");
}

#[test]
fn a_paid_order_is_taken_at_the_platforms_price() {
    let outcome = adapter()
        .read_back()
        .expect("declared")
        .interpret(TID, Ok(&yes(&order("WAIT_SELLER_SEND_GOODS", 0, false))));
    let CallOutcome::Done(mut messages) = outcome else { panic!("read") };
    let message = messages.remove(0);
    assert_eq!(message.id.as_deref(), Some("read:E20260101080000012300001:paid"));
    assert_eq!(message.occurred_at, Some(NOW));
    let Ask::Order(order) = message.ask else { panic!("an order") };
    assert_eq!(order.amount, AmountCheck::PlatformPrice(Money::new(1980, Currency::CNY)));
    assert_eq!((order.lines[0].item.as_str(), order.lines[0].quantity.get()), ("415/36", 2));
    assert_eq!((order.delivery, order.external_no.as_str()), (DeliveryMethod::Api, TID));
    assert_eq!(order.buyer.expect("a buyer").reference.expose(), "yz-1");
}

#[test]
fn the_three_envelopes_are_told_apart_and_others_are_not_believed() {
    let failure =
        |code: Value| answer(&json!({"code": code, "success": false, "data": null, "message": "secret"}));
    let gateway = |code: i64| answer(&json!({"gw_err_resp": {"err_code": code, "err_msg": "secret"}}));
    assert_eq!(read(&gateway(4101)), "later 3 4101");
    assert_eq!(read(&gateway(4203)), "later 60 4203");
    assert_eq!(read(&gateway(4005)), "refused 4005");
    assert_eq!(read(&gateway(5001)), "unknown 5001");
    assert_eq!(read(&failure(json!(5000))), "later 30 5000", "details lag behind pushes");
    assert_eq!(read(&failure(json!("106000004"))), "refused 106000004");
    let mut foreign = order("WAIT_SELLER_SEND_GOODS", 0, false);
    foreign["full_order_info"]["order_info"]["tid"] = "E2".into();
    assert_eq!(read(&yes(&foreign)), "refused foreign_order");
    let mut other = refund("SUCCESS", "1");
    other["tid"] = "E2".into();
    assert_eq!(read(&yes(&json!({"total": 1, "refunds": [other]}))), "refused foreign_order");
    let unsure = answer(&json!({"code": 200, "data": order("WAIT_SELLER_SEND_GOODS", 0, false)}));
    assert_eq!(read(&unsure), "unknown unreadable_answer");
}

#[test]
fn a_refund_is_agreed_to_with_the_version_that_was_just_read() {
    let amount = Money::new(990, Currency::CNY);
    let job = |refund: &str| RefundJob {
        external_no: TID.into(),
        txn: None,
        refund: refund.to_owned(),
        amount,
        total: amount,
        reason: "agreed".into(),
        asked_by_channel: true,
        memo: None,
        order_memo: None,
    };
    let adapter = adapter();
    let refunds = adapter.refund().expect("declared");
    let (call, body) = sent(&refunds.request(&job(REFUND), NOW).expect("built"));
    assert_eq!((call.as_str(), body), ("youzan.trade.refund.get/3.0.1", json!({"refund_id": REFUND})));
    assert_eq!(refunds.request(&job("refund-1"), NOW).err(), Some(Unable("not_a_request_of_the_buyer")));
    let read = |data: &Value| show(&refunds.interpret(&job(REFUND), Ok(&yes(data))));
    assert_eq!(read(&refund("WAIT_SELLER_AGREE", "9.90")), "next 1553482678792");
    assert_eq!(read(&refund("WAIT_SELLER_AGREE", "9.80")), "refused other_amount");
    assert_eq!(read(&refund("SUCCESS", "9.90")), "done");
    assert_eq!(read(&refund("CLOSED", "9.90")), "refused no_longer_asked_for");
    assert_eq!(read(&json!({"is_success": true})), "done");
    assert_eq!(read(&json!({"is_success": false})), "refused no_success");
    let (call, body) = sent(&refunds.next(&job(REFUND), "1553482678792", NOW).expect("built"));
    assert_eq!(call, "youzan.trade.refund.agree/3.0.1");
    assert_eq!(body, json!({"refund_id": REFUND, "version": 1_553_482_678_792_i64}));
    let stale = answer(&json!({"code": 103_010_039, "success": false, "message": "x"}));
    assert_eq!(show(&refunds.interpret(&job(REFUND), Ok(&stale))), "refused 103010039");
}

#[test]
fn stock_goes_to_items_and_their_skus_by_number() {
    let adapter = adapter();
    let push = |item: &str| {
        let job = StockJob { item: item.to_owned(), available: 7, figure: 1 };
        adapter.push_stock().expect("declared").request(&job, NOW).map(|request| sent(&request))
    };
    let (call, body) = push("415/36").expect("built");
    assert_eq!(call, "youzan.item.quantity.update/3.0.0");
    assert_eq!(body, json!({"item_id": 415, "sku_id": 36, "quantity": 7, "type": 0}));
    assert_eq!(push("415").expect("built").1, json!({"item_id": 415, "quantity": 7, "type": 0}));
    for bad in ["", "steam-50", "1/", "/1", "1/2/3"] {
        assert_eq!(push(bad).err(), Some(Unable("item_is_no_number")), "{bad}");
    }
}

#[test]
fn lists_are_read_from_the_last_page_to_the_first() {
    let adapter = adapter();
    let polls = adapter.polls();
    let window = |cursor: Option<&str>| Window {
        since: NOW.plus_secs(-600),
        until: NOW,
        cursor: cursor.map(str::to_owned),
    };
    let (call, body) = sent(&polls[0].request(&window(Some("2")), NOW).expect("built"));
    assert_eq!((call.as_str(), &body["page_no"]), ("youzan.trades.sold.get/4.0.4", &json!(2)));
    assert_eq!(body["start_update"], "2026-01-01 07:50:00");
    let one = |status: &str, refund_state, is_virtual| json!({"full_order_info": order(status, refund_state, is_virtual)["full_order_info"]});
    let list = |total: u32| {
        yes(&json!({"total_results": total, "full_order_info_list": [
            one("WAIT_SELLER_SEND_GOODS", 0, false), one("TRADE_SUCCESS", 0, false), one("TRADE_SUCCESS", 2, false)]}))
    };
    let page = |cursor: Option<&str>, total| match polls[0].interpret(&window(cursor), Ok(&list(total)), NOW)
    {
        CallOutcome::Done(page) => page,
        other => panic!("{}", show(&other)),
    };
    assert_eq!(page(None, 3).messages.len(), 2, "what is done and untouched asks nothing");
    assert_eq!(
        (page(None, 101).next.as_deref(), page(Some("3"), 101).next.as_deref()),
        (Some("3"), Some("2"))
    );
    assert_eq!((page(Some("1"), 101).next, page(None, 50).next), (None, None));
    let (call, body) = sent(&polls[1].request(&window(None), NOW).expect("built"));
    assert_eq!(
        (call.as_str(), &body["update_time_end"]),
        ("youzan.trade.refund.search/3.0.1", &json!(NOW.secs()))
    );
    let refunds = yes(&json!({"total": 1, "refunds": [refund("SUCCESS", "9.90")]}));
    let CallOutcome::Done(page) = polls[1].interpret(&window(None), Ok(&refunds), NOW) else {
        panic!("a page")
    };
    assert_eq!(page.messages.iter().map(name).collect::<Vec<_>>(), ["settled"]);
}

#[test]
fn a_renewed_token_is_put_into_the_settings_and_one_of_another_shop_is_not() {
    let adapter = adapter();
    let renew = adapter.renew().expect("declared");
    assert_eq!(renew.due_at().map(|at| at.secs()), Some(1_798_761_600 - 86_400));
    let request = renew.request(NOW).expect("built");
    assert_eq!(request.url, "https://open.youzanyun.com/auth/token");
    let body: Value = serde_json::from_slice(&request.body).expect("JSON");
    assert_eq!((&body["authorize_type"], &body["grant_id"]), (&json!("silent"), &json!("63077")));
    let renewed = |shop: &str| {
        let data = json!({"access_token": "tok0002", "expires": 1_799_366_400_000_i64, "authority_id": shop});
        renew.interpret(Ok(&yes(&data)), NOW)
    };
    let CallOutcome::Done(text) = renewed("63077") else { panic!("renewed") };
    let settings: Value = serde_json::from_str(text.expose()).expect("JSON");
    assert_eq!(settings["access_token"], json!("tok0002"));
    assert_eq!(
        (&settings["token_expires_at"], &settings["refresh_token"]),
        (&json!(1_799_366_400), &Value::Null)
    );
    assert!(matches!(renewed("1"), CallOutcome::Refused { ref code } if code == "token_of_another_shop"));
}
