//! Calls: what is asked, and what is made of the answers.

use std::{collections::BTreeMap, sync::Arc};

use channel::{
    Adapter, AmountCheck, Ask, CallOutcome, DeliveryJob, Inbound, LineView, OutboundRequest,
    OutboundResponse, RefundJob, StockJob, Unable, Window,
};
use channel_taobao::PROTOCOL;
use serde_json::{Value, json};
use vocabulary::{CardKey, Currency, DeliveryMethod, Money, OrderId, Quantity, Secret, Timestamp};

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
const TID: &str = "1234567890123456789";

fn connect(from: &str, to: &str) -> Arc<dyn Adapter> {
    let settings = PROTOCOL.example_settings.replacen(from, to, 1);
    (PROTOCOL.connect)("taobao/main".parse().expect("an account"), &settings).expect("usable settings")
}

fn adapter() -> Arc<dyn Adapter> {
    connect("", "")
}

fn answer(body: &Value) -> OutboundResponse {
    OutboundResponse {
        status: 200,
        headers: Vec::new(),
        retry_after: None,
        body: body.to_string().into_bytes(),
    }
}

/// The form, decoded as far as these calls need it.
fn params(request: &OutboundRequest) -> BTreeMap<String, String> {
    assert_eq!((request.method, request.url.as_str()), ("POST", "https://eco.taobao.com/router/rest"));
    let body = String::from_utf8(request.body.clone()).expect("text");
    let decode = |text: &str| {
        [("%20", " "), ("%3A", ":"), ("%2C", ","), ("%7C", "|"), ("%2F", "/")]
            .iter()
            .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    };
    body.split('&').filter_map(|part| part.split_once('=')).map(|(n, v)| (decode(n), decode(v))).collect()
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

fn trade(status: &str, refund_status: &str) -> Value {
    let tid: serde_json::Number = TID.parse().expect("a number");
    json!({"trade_fullinfo_get_response": {"trade": {
        "tid": tid, "status": status, "payment": "19.90", "pay_time": "2026-01-01 08:00:00",
        "modified": "2026-01-01 08:00:01", "buyer_open_uid": "AAuid", "buyer_nick": "小**",
        "orders": {"order": [{"num_iid": 520_813_250_866_i64, "sku_id": "4011", "num": 2, "status": status,
            "refund_status": refund_status, "refund_id": "9001"}]},
    }}})
}

fn refund(status: &str, fee: &str) -> Value {
    json!({"refund_get_response": {"refund": {"refund_id": "9001", "tid": TID, "status": status, "refund_fee": fee,
        "modified": "2026-01-01 09:00:00", "refund_version": 1_767_229_200_123_i64, "refund_phase": "onsale"}}})
}

fn read(body: &Value) -> CallOutcome<Vec<Inbound>> {
    adapter().read_back().expect("declared").interpret(TID, Ok(&answer(body)))
}

fn kinds(body: &Value) -> String {
    match read(body) {
        CallOutcome::Done(messages) => messages.iter().map(name).collect::<Vec<_>>().join(" + "),
        other => format!("{} {}", code_of(&other).0, code_of(&other).1),
    }
}

fn name(inbound: &Inbound) -> String {
    match &inbound.ask {
        Ask::Order(_) => "order".to_owned(),
        Ask::Cancel { .. } => "cancel".to_owned(),
        Ask::RefundRequested(_) => "requested".to_owned(),
        Ask::RefundRefused(_) => "refused".to_owned(),
        Ask::RefundSettled(_) => "settled".to_owned(),
        Ask::ReadBack { external_no } => format!("read {external_no}"),
        Ask::Nothing => "nothing".to_owned(),
        Ask::Unmapped { kind } => kind.clone(),
        _ => "other".to_owned(),
    }
}

#[test]
fn every_state_of_a_trade_has_its_meaning() {
    for (status, refund, meaning) in [
        ("WAIT_BUYER_PAY", "NO_REFUND", "nothing"),
        ("WAIT_SELLER_SEND_GOODS", "NO_REFUND", "order"),
        ("WAIT_SELLER_SEND_GOODS", "CLOSED", "order + refused"),
        ("WAIT_SELLER_SEND_GOODS", "SELLER_REFUSE_BUYER", "order + refused"),
        ("WAIT_SELLER_SEND_GOODS", "WAIT_SELLER_AGREE", "next 9001"),
        ("WAIT_SELLER_SEND_GOODS", "WAIT_BUYER_RETURN_GOODS", "next 9001"),
        ("WAIT_SELLER_SEND_GOODS", "NEW_STATE", "refund_status NEW_STATE"),
        ("WAIT_BUYER_CONFIRM_GOODS", "NO_REFUND", "nothing"),
        ("TRADE_FINISHED", "NO_REFUND", "nothing"),
        ("TRADE_CLOSED", "SUCCESS", "next 9001"),
        ("TRADE_CLOSED", "NO_REFUND", "closed without a refund"),
        ("TRADE_CLOSED_BY_TAOBAO", "NO_REFUND", "cancel"),
        ("PAID_FORBID_CONSIGN", "NO_REFUND", "trade PAID_FORBID_CONSIGN"),
    ] {
        assert_eq!(kinds(&trade(status, refund)), meaning, "{status}/{refund}");
    }
    for (status, fee, meaning) in [
        ("WAIT_SELLER_AGREE", "9.90", "requested"),
        ("WAIT_BUYER_RETURN_GOODS", "9.90", "nothing"),
        ("CLOSED", "9.90", "refused"),
        ("SUCCESS", "9.90", "settled"),
        ("SUCCESS", "0.00", "refund without amount"),
        ("NEW_STATE", "9.90", "refund NEW_STATE"),
    ] {
        assert_eq!(kinds(&refund(status, fee)), meaning, "{status}");
    }
}

#[test]
fn a_paid_trade_is_taken_at_the_platforms_price_with_its_whole_number() {
    let CallOutcome::Done(mut messages) = read(&trade("WAIT_SELLER_SEND_GOODS", "NO_REFUND")) else {
        panic!("read")
    };
    let message = messages.remove(0);
    assert_eq!(message.id.as_deref(), Some("read:1234567890123456789:paid"));
    assert_eq!(message.occurred_at, Some(NOW));
    let Ask::Order(order) = message.ask else { panic!("an order") };
    assert_eq!((order.external_no.as_str(), order.delivery), (TID, DeliveryMethod::Api));
    assert_eq!(order.amount, AmountCheck::PlatformPrice(Money::new(1990, Currency::CNY)));
    assert_eq!((order.lines[0].item.as_str(), order.lines[0].quantity.get()), ("520813250866/4011", 2));
    assert_eq!(order.buyer.expect("a buyer").reference.expose(), "AAuid");
    let mut foreign = trade("WAIT_SELLER_SEND_GOODS", "NO_REFUND");
    foreign["trade_fullinfo_get_response"]["trade"]["tid"] = json!(1_234_567_890_123_456_790_i64);
    assert_eq!(kinds(&foreign), "refused foreign_trade");
    let mut eticket = trade("WAIT_SELLER_SEND_GOODS", "NO_REFUND");
    eticket["trade_fullinfo_get_response"]["trade"]["eticket_ext"] = json!("x");
    assert_eq!(kinds(&eticket), "nothing", "its notice brings it");
}

fn job(memo: Option<&str>, code: &str, pin: Option<&str>) -> DeliveryJob {
    let secret = |text: &str| Secret::new(text.to_owned());
    let key =
        |n: u32| CardKey { code: secret(&format!("{code}{n}")), pin: pin.map(secret), expires_on: None };
    DeliveryJob {
        order: OrderId::from_uuid(Default::default()),
        external_no: TID.into(),
        memo: memo.map(str::to_owned),
        lines: vec![LineView {
            item: "520813250866/4011".into(),
            sku: "steam-50".parse().expect("a SKU"),
            name: "Steam 50".into(),
            quantity: Quantity::try_from(2).expect("a quantity"),
            amount: Money::new(1990, Currency::CNY),
            keys: vec![key(1), key(2)],
        }],
        total: Money::new(1990, Currency::CNY),
        txn: None,
        idempotency_key: "d-1".into(),
        fulfilled_at: NOW,
    }
}

#[test]
fn an_ordinary_trade_is_marked_shipped_and_carries_no_key() {
    let adapter = adapter();
    let deliver = adapter.deliver().expect("declared");
    let job = job(None, "KEY-", None);
    let sent = params(&deliver.request(&job, NOW).expect("built"));
    assert_eq!((sent["method"].as_str(), sent["tid"].as_str()), ("taobao.logistics.dummy.send", TID));
    assert!(!sent.values().any(|value| value.contains("KEY-")));
    let done = json!({"logistics_dummy_send_response": {"shipping": {"is_success": true}}});
    assert_eq!(code_of(&deliver.interpret(&job, Ok(&answer(&done)))).0, "done");
    for (status, known) in [("WAIT_BUYER_CONFIRM_GOODS", true), ("WAIT_SELLER_SEND_GOODS", false)] {
        let asked = deliver.interpret_ask(&job, Ok(&answer(&trade(status, "NO_REFUND"))));
        assert!(matches!(asked, CallOutcome::Done(shipped) if shipped == known), "{status}");
    }
    assert!(connect("\"mark_shipped\"", "\"pickup\"").deliver().is_some(), "e-tickets are still handed in");
}

#[test]
fn codes_of_an_eticket_leave_only_after_the_trade_was_seen_to_be_paid() {
    let adapter = adapter();
    let deliver = adapter.deliver().expect("declared");
    let ticket = job(Some("eticket:c3ab8f"), "KEY-", None);
    assert_eq!(params(&deliver.request(&ticket, NOW).expect("built"))["method"], "taobao.trade.fullinfo.get");
    for (status, refund, outcome) in [
        ("WAIT_SELLER_SEND_GOODS", "NO_REFUND", ("next", "codes")),
        ("WAIT_SELLER_SEND_GOODS", "WAIT_SELLER_AGREE", ("refused", "refund_asked_for")),
        ("WAIT_BUYER_PAY", "NO_REFUND", ("later", "not_paid_yet")),
        ("WAIT_BUYER_CONFIRM_GOODS", "NO_REFUND", ("done", "")),
        ("TRADE_CLOSED", "SUCCESS", ("refused", "not_to_ship")),
    ] {
        assert_eq!(
            code_of(&deliver.interpret(&ticket, Ok(&answer(&trade(status, refund))))),
            outcome,
            "{status}"
        );
    }
    let mut one = trade("WAIT_SELLER_SEND_GOODS", "NO_REFUND");
    one["trade_fullinfo_get_response"]["trade"]["orders"]["order"][0]["num"] = json!(1);
    assert_eq!(code_of(&deliver.interpret(&ticket, Ok(&answer(&one)))), ("refused", "other_quantity"));

    let sent = params(&deliver.next(&ticket, "codes", NOW).expect("built"));
    assert_eq!(sent["method"], "taobao.vmarket.eticket.send");
    assert_eq!((sent["verify_codes"].as_str(), sent["token"].as_str()), ("KEY-1:1,KEY-2:1", "c3ab8f"));
    assert!(!sent.contains_key("codemerchant_id"));
    for (code, pin) in [("A:", None), ("A,", None), ("卡", None), ("A", Some("1"))] {
        let refused = deliver.next(&job(Some("eticket:c3ab8f"), code, pin), "codes", NOW);
        assert_eq!(refused.err(), Some(Unable("key_is_no_eticket_code")), "{code}");
    }
    for (ret_code, outcome) in [(json!(1), "done"), (json!(0), "refused")] {
        let body = json!({"vmarket_eticket_send_response": {"ret_code": ret_code}});
        assert_eq!(code_of(&deliver.interpret(&ticket, Ok(&answer(&body)))).0, outcome);
    }
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
    let interpret = |adapter: &Arc<dyn Adapter>, body: &Value| {
        let outcome = adapter.refund().expect("declared").interpret(&job("9001"), Ok(&answer(body)));
        format!("{} {}", code_of(&outcome).0, code_of(&outcome).1)
    };
    let (taobao, tmall) = (adapter(), connect("\"tmall\": false", "\"tmall\": true"));
    let refunds = taobao.refund().expect("declared");
    assert_eq!(params(&refunds.request(&job("9001"), NOW).expect("built"))["refund_id"], "9001");
    assert_eq!(refunds.request(&job("refund-1"), NOW).err(), Some(Unable("not_a_request_of_the_buyer")));
    let open = refund("WAIT_SELLER_AGREE", "9.90");
    assert_eq!(interpret(&taobao, &open), "next 9001|990|1767229200123");
    assert_eq!(interpret(&tmall, &open), "next 9001|990|1767229200123|onsale");
    assert_eq!(
        interpret(&taobao, &refund("WAIT_SELLER_AGREE", "9.80")),
        "refused other_amount_or_no_version"
    );
    assert_eq!(interpret(&taobao, &refund("SUCCESS", "9.90")), "done ");
    assert_eq!(interpret(&taobao, &refund("CLOSED", "9.90")), "refused no_longer_asked_for");
    let sent = params(&refunds.next(&job("9001"), "9001|990|1767229200123", NOW).expect("built"));
    assert_eq!(
        (sent["method"].as_str(), sent["refund_infos"].as_str()),
        ("taobao.rp.refunds.agree", "9001|990|1767229200123")
    );
    for (succ, msg_code, outcome) in [
        (true, "OP_SUCC", "done "),
        (true, "SOME_OP_SUCC", "refused not_agreed"),
        (false, "", "refused not_agreed"),
    ] {
        let body = json!({"rp_refunds_agree_response": {"succ": succ, "msg_code": msg_code, "message": "x"}});
        assert_eq!(interpret(&taobao, &body), outcome);
    }
}

#[test]
fn stock_goes_to_items_and_their_skus_by_number() {
    let adapter = adapter();
    let push = |item: &str| {
        let job = StockJob { item: item.to_owned(), available: 7, figure: 1 };
        adapter.push_stock().expect("declared").request(&job, NOW).map(|request| params(&request))
    };
    let sent = push("520813250866/4011").expect("built");
    assert_eq!((sent["num_iid"].as_str(), sent["sku_id"].as_str()), ("520813250866", "4011"));
    assert_eq!((sent["quantity"].as_str(), sent["type"].as_str()), ("7", "1"));
    assert!(!push("520813250866").expect("built").contains_key("sku_id"));
    for bad in ["", "steam-50", "1/", "/1", "1/2/3", "01"] {
        assert_eq!(push(bad), Err(Unable("item_is_no_number")), "{bad}");
    }
}

fn window(cursor: Option<&str>) -> Window {
    Window { since: NOW.plus_secs(-600), until: NOW, cursor: cursor.map(str::to_owned) }
}

#[test]
fn messages_are_taken_out_of_the_queue_only_when_they_are_kept_and_ours() {
    let adapter = adapter();
    let polls = adapter.polls();
    assert_eq!(polls.iter().map(|poll| poll.name()).collect::<Vec<_>>(), ["messages", "orders", "refunds"]);
    let sent = params(&polls[0].request(&window(None), NOW).expect("built"));
    assert_eq!(
        (sent["method"].as_str(), sent["group_name"].as_str()),
        ("taobao.tmc.messages.consume", "default")
    );
    assert!(!sent.contains_key("session"), "the queue is the app's");
    let message = |id: i64, topic: &str, user: i64, content: &str| json!({"id": id, "topic": topic, "user_id": user, "pub_time": "2026-01-01 08:00:00", "content": content});
    let tid = r#"{"tid":1234567890123456789,"payment":"12.00"}"#;
    let body = json!({"tmc_messages_consume_response": {"messages": {"tmc_message": [
        message(4_100_000_000_123_456, "taobao_trade_TradeBuyerPay", 2_074_082_786, tid),
        message(2, "taobao_trade_TradeSuccess", 2_074_082_786, tid),
        message(3, "taobao_refund_RefundCreated", 2_074_082_786, r#"{"tid":"77","refund_id":"9"}"#),
        message(4, "taobao_trade_TradeBuyerPay", 1, tid),
        message(5, "taobao_item_ItemUpdate", 2_074_082_786, "{}"),
        message(6, "taobao_trade_TradeBuyerPay", 2_074_082_786, "<xml/>"),
    ]}}});
    let CallOutcome::Done(page) = polls[0].interpret(&window(None), Ok(&answer(&body)), NOW) else {
        panic!("a page")
    };
    let found: Vec<String> = page.messages.iter().map(name).collect();
    let (read, unread) = ("read 1234567890123456789", "taobao_trade_TradeBuyerPay");
    assert_eq!(found, [read, "nothing", "read 77", "taobao_item_ItemUpdate", unread]);
    assert_eq!(page.messages[0].id.as_deref(), Some("tmc:4100000000123456"));
    assert_eq!((page.confirm.as_deref(), page.next), (Some("4100000000123456,2,3,5,6"), None));
    let confirm = params(&polls[0].confirm("2,3", NOW).expect("built"));
    assert_eq!((confirm["s_message_ids"].as_str(), confirm["group_name"].as_str()), ("2,3", "default"));
    let done = json!({"tmc_messages_confirm_response": {"is_success": true}});
    assert_eq!(code_of(&polls[0].interpret_confirm("2", Ok(&answer(&done)))).0, "done");
    let empty = json!({"tmc_messages_consume_response": {"request_id": "1"}});
    let CallOutcome::Done(page) = polls[0].interpret(&window(None), Ok(&answer(&empty)), NOW) else {
        panic!("a page")
    };
    assert!(page.messages.is_empty() && page.confirm.is_none() && page.next.is_none());
}

#[test]
fn lists_are_read_from_the_last_page_to_the_first() {
    let adapter = adapter();
    let polls = adapter.polls();
    let sold = |total: u32| {
        let one =
            |tid: i64, status: &str| json!({"tid": tid, "status": status, "modified": "2026-01-01 08:00:00"});
        answer(&json!({"trades_sold_increment_get_response": {"total_results": total, "trades": {"trade": [
            one(1, "WAIT_SELLER_SEND_GOODS"), one(2, "WAIT_BUYER_PAY"), one(3, "TRADE_CLOSED"),
            one(4, "TRADE_FINISHED")]}}}))
    };
    let page = |cursor: Option<&str>, total| match polls[1].interpret(&window(cursor), Ok(&sold(total)), NOW)
    {
        CallOutcome::Done(page) => page,
        other => panic!("{:?}", code_of(&other)),
    };
    assert_eq!(page(None, 3).messages.iter().map(name).collect::<Vec<_>>(), ["read 1", "read 3"]);
    assert_eq!(
        (page(None, 101).next.as_deref(), page(Some("3"), 101).next.as_deref()),
        (Some("3"), Some("2"))
    );
    assert_eq!((page(Some("1"), 101).next, page(None, 50).next), (None, None));
    let sent = params(&polls[1].request(&window(Some("2")), NOW).expect("built"));
    assert_eq!((sent["page_no"].as_str(), sent["start_modified"].as_str()), ("2", "2026-01-01 07:50:00"));
    let detail = refund("SUCCESS", "9.90")["refund_get_response"]["refund"].clone();
    let refunds =
        json!({"refunds_receive_get_response": {"total_results": 1, "refunds": {"refund": [detail]}}});
    let CallOutcome::Done(page) = polls[2].interpret(&window(None), Ok(&answer(&refunds)), NOW) else {
        panic!("a page")
    };
    assert_eq!(page.messages.iter().map(name).collect::<Vec<_>>(), ["settled"]);
}

#[test]
fn failures_are_told_apart() {
    for (code, sub_code, meaning) in [
        (7, "accesscontrol.limited-by-api-access-count", "later 7 accesscontrol.limited-by-api-access-count"),
        (27, "", "later 27"),
        (15, "isp.remote-service-timeout", "unknown 15 isp.remote-service-timeout"),
        (15, "isv.trade-not-exist", "refused 15 isv.trade-not-exist"),
        (25, "", "refused 25"),
    ] {
        assert_eq!(
            kinds(&json!({"error_response": {"code": code, "sub_code": sub_code, "msg": "secret"}})),
            meaning
        );
    }
}

#[test]
fn a_renewed_session_is_put_into_the_settings_and_one_of_another_seller_is_not() {
    let adapter = adapter();
    let renew = adapter.renew().expect("declared");
    assert_eq!(renew.due_at().map(|at| at.secs()), Some(1_798_761_600 - 86_400));
    let renewed = |user: &str| {
        let token =
            json!({"access_token": "sess2", "refresh_token": "refr2", "expire_time": 1_798_848_000_000_i64,
            "taobao_user_id": user})
            .to_string();
        renew
            .interpret(Ok(&answer(&json!({"top_auth_token_refresh_response": {"token_result": token}}))), NOW)
    };
    let CallOutcome::Done(text) = renewed("2074082786") else { panic!("renewed") };
    let settings: Value = serde_json::from_str(text.expose()).expect("JSON");
    assert_eq!((&settings["session"], &settings["refresh_token"]), (&json!("sess2"), &json!("refr2")));
    assert_eq!(settings["token_expires_at"], json!(1_798_848_000));
    assert!(matches!(renewed("1"), CallOutcome::Refused { ref code } if code == "token_of_another_shop"));
}
