//! How each ending is told, and the result call-back.

mod common;

use channel::{
    CallOutcome, DeliveryJob, Offer, OrderState, OutboundResponse, Outcome, Refusal, Rejected, Step,
    TransportFailure, Unable,
};
use common::{CREATE, NOW, ORDER_NO, REFUND, adapter, answer, call, line, order, order_id, pair};
use serde_json::{Value, json};
use vocabulary::{Currency, Money, Reason};

const CREATE_TOPIC: &str = "goofish/order/purchase/create";
const DETAIL: &str = r#"{"order_type":2,"order_no":"1929063817978999932"}"#;

fn rejected(reason: Reason) -> Outcome {
    Outcome::Rejected(Rejected { reason, detail: String::new() })
}

#[test]
fn a_delivered_order_answers_with_its_cards() {
    let keys = vec![pair("ABCD-EFGH-0001", None), pair("NO-2", Some("PWD-2"))];
    let reply = answer(CREATE_TOPIC, CREATE, &order(OrderState::Delivered, vec![line(2, keys)]));
    assert_eq!(
        reply,
        json!({"code":0,"msg":"OK","data":{
            "order_no": ORDER_NO, "out_order_no": order_id().to_string(), "order_status": 20, "order_amount": 1200,
            "order_time": 1_767_225_600, "end_time": 1_767_225_601,
            "card_items": [{"card_no":"","card_pwd":"ABCD-EFGH-0001"},{"card_no":"NO-2","card_pwd":"PWD-2"}],
            "remark": ""
        }})
    );
}

#[test]
fn an_order_is_a_success_only_with_all_its_cards() {
    let status = |state, keys: usize| {
        let keys = (0..keys).map(|n| pair(&format!("K{n}"), None)).collect();
        let reply = answer(CREATE_TOPIC, CREATE, &order(state, vec![line(2, keys)]));
        let data = &reply["data"];
        assert_eq!(data["order_status"] == 10, data.get("end_time").is_none(), "{reply}");
        assert_eq!(
            data["card_items"].as_array().map(Vec::is_empty),
            Some(data["order_status"] != 20),
            "{reply}"
        );
        data["order_status"].as_i64()
    };
    let table = [
        (OrderState::AwaitingPayment, 10, 10),
        (OrderState::Processing, 10, 10),
        (OrderState::Fulfilled, 10, 20),
        (OrderState::Delivered, 10, 20),
        (OrderState::Refunded, 30, 30),
        (OrderState::Cancelled, 30, 30),
    ];
    for (state, without, with) in table {
        assert_eq!(status(state, 0), Some(without), "{state:?}");
        assert_eq!(status(state, 1), Some(without), "{state:?}");
        assert_eq!(status(state, 2), Some(with), "{state:?}");
    }
}

#[test]
fn the_detail_tells_more_of_the_order() {
    let outcome = order(OrderState::Delivered, vec![line(1, vec![pair("K", None)])]);
    let reply = answer("goofish/order/detail", DETAIL, &outcome);
    for (field, value) in
        [("order_type", json!(2)), ("goods_no", json!("ITEM-1")), ("buy_quantity", json!(1))]
    {
        assert_eq!(reply["data"][field], value);
    }
    assert_eq!(reply["data"]["goods_name"], "会员30天");
    assert_eq!(reply["data"]["order_status"], 20);
}

#[test]
fn an_order_in_another_currency_is_never_told_as_fen() {
    let mut view = common::view(OrderState::Delivered, vec![line(1, vec![pair("K", None)])]);
    view.total = Money::new(1200, Currency::USD);
    assert_eq!(answer(CREATE_TOPIC, CREATE, &Outcome::Order(Box::new(view)))["code"], 500);
}

#[test]
fn every_reason_has_its_code_on_every_interface() {
    let page = r#"{"goods_type":2,"page_no":1,"page_size":20}"#;
    let table = |reason| match reason {
        Reason::UnknownItem | Reason::UnknownSku => 1100,
        Reason::UnknownChannel => 1000,
        Reason::ChannelSuspended | Reason::NoPrice | Reason::CurrencyMismatch => 1101,
        Reason::OutOfStock | Reason::QuotaExhausted => 1102,
        Reason::UnknownOrder => 1200,
        Reason::AmountMismatch => 1202,
        Reason::InvalidQuantity | Reason::InvalidValue | Reason::WrongState | Reason::RefundTooLarge => 1201,
        Reason::OrderNumberReused | Reason::TxnReused | Reason::MessageIdReused | Reason::AlreadyExists => {
            1203
        }
        _ => 500,
    };
    for reason in Reason::ALL {
        for (topic, body) in
            [(CREATE_TOPIC, CREATE), ("goofish/order/detail", DETAIL), ("goofish/goods/list", page)]
        {
            let reply = answer(topic, body, &rejected(*reason));
            assert_eq!(reply["code"], table(*reason), "{reason:?} on {topic}");
            assert_eq!(reply["data"], json!({}));
        }
    }
}

#[test]
fn an_outcome_that_answers_nothing_is_an_error_and_never_success() {
    let page = r#"{"goods_type":2,"page_no":1,"page_size":20}"#;
    for outcome in [Outcome::Accepted { order: Some(order_id()) }, Outcome::Parked] {
        for (topic, body) in
            [(CREATE_TOPIC, CREATE), ("goofish/order/detail", DETAIL), ("goofish/goods/list", page)]
        {
            assert_eq!(answer(topic, body, &outcome)["code"], 500, "{topic}");
        }
    }
    assert_eq!(answer(CREATE_TOPIC, CREATE, &Outcome::Offers(Vec::new()))["code"], 500);
}

fn offer(item: &str, name: &str, price: Option<Money>, available: u64) -> Offer {
    let sku = "vip-30".parse().expect("a SKU");
    Offer { item: item.into(), sku, name: name.into(), on_sale: price.is_some(), price, available }
}

fn catalogue() -> Outcome {
    let yuan = |fen| Some(Money::new(fen, Currency::CNY));
    Outcome::Offers(vec![
        offer("VIP-30", "会员30天", yuan(1200), 7),
        offer("VIP-365", "会员一年", yuan(9900), u64::MAX),
        offer("DRAFT", "会员草稿", None, 1),
        offer("ABROAD", "会员国际", Some(Money::new(100, Currency::USD)), 1),
    ])
}

#[test]
fn goods_are_listed_page_by_page_and_by_keyword() {
    let list = |goods_type: i64, keyword: &str, page_no: i64, page_size: i64| {
        let body = json!({"goods_type":goods_type,"keyword":keyword,"page_no":page_no,"page_size":page_size});
        let reply = answer("goofish/goods/list", &body.to_string(), &catalogue());
        let goods = reply["data"]["list"].as_array().expect("a list").clone();
        let names: Vec<String> =
            goods.iter().map(|g| g["goods_no"].as_str().unwrap_or_default().to_owned()).collect();
        (names.join(","), reply["data"]["count"].as_i64())
    };
    assert_eq!(list(2, "", 1, 20), ("VIP-30,VIP-365".into(), Some(2)));
    assert_eq!(list(2, "", 2, 1), ("VIP-365".into(), Some(2)));
    assert_eq!(list(2, "", 3, 1), (String::new(), Some(2)));
    assert_eq!(list(2, "", i64::MAX, 100), (String::new(), Some(2)));
    assert_eq!(list(2, "一年", 1, 20), ("VIP-365".into(), Some(1)));
    assert_eq!(list(2, "VIP-30", 1, 20), ("VIP-30".into(), Some(1)));
    assert_eq!(list(1, "", 1, 20), (String::new(), Some(0)));
}

#[test]
fn one_good_is_shown_whole_or_with_the_code_that_says_why_not() {
    let detail = |goods_type: i64, goods_no: &str| {
        let body = json!({"goods_type":goods_type,"goods_no":goods_no}).to_string();
        answer("goofish/goods/detail", &body, &catalogue())
    };
    assert_eq!(
        detail(2, "VIP-365")["data"],
        json!({"goods_no":"VIP-365","goods_type":2,"goods_name":"会员一年","price":9900,"stock":2_147_483_647,
               "status":1,"update_time":1_767_225_600,"template":[]})
    );
    for (goods_type, goods_no, code) in [(2, "NONE", 1100), (1, "VIP-30", 1100), (2, "DRAFT", 1101)] {
        assert_eq!(detail(goods_type, goods_no)["code"], code, "{goods_no}");
    }
}

#[test]
fn the_platform_is_told_what_we_support() {
    let done = Outcome::Accepted { order: None };
    assert_eq!(
        answer("goofish/open/info", "", &done)["data"],
        json!({"app_id":510_000_000_000_001_i64,"features":{"is_support_order_refund":true,
               "is_support_goods_notify":false,"is_support_loss_purchase":false}})
    );
    assert_eq!(answer("goofish/user/info", "", &done)["data"], json!({"balance":99_999_900}));
    let none = answer("goofish/goods/change/subscribe/list", "{}", &done);
    assert_eq!(none["data"], json!({"list":[],"count":0}));
}

#[test]
fn a_refund_is_agreed_to_only_where_the_order_ended_so() {
    let apply = REFUND.replace("TIME", "apply_time");
    let verdict = |outcome: &Outcome| answer("goofish/order/refund/apply", &apply, outcome);
    for (state, result) in [
        (OrderState::Refunded, "agree"),
        (OrderState::Cancelled, "agree"),
        (OrderState::Delivered, "refuse"),
        (OrderState::Processing, "refuse"),
        (OrderState::Fulfilled, "refuse"),
    ] {
        let reply = verdict(&order(state, vec![line(1, Vec::new())]));
        assert_eq!((&reply["code"], &reply["data"]["result"]), (&json!(0), &json!(result)), "{state:?}");
        assert_eq!(reply["data"]["refund_data"], json!({"apply_time":1_767_225_500}));
    }
    assert_eq!(verdict(&Outcome::Accepted { order: None })["data"]["result"], "refuse");
    assert_eq!(verdict(&rejected(Reason::RefundTooLarge))["data"]["result"], "refuse");
    assert_eq!(verdict(&rejected(Reason::UnknownOrder))["code"], 1200);
    assert_eq!(verdict(&Outcome::Parked)["code"], 500);
}

#[test]
fn a_settled_refund_is_acknowledged_in_its_own_words() {
    let notify = REFUND.replace("TIME", "refund_time");
    let done = json!({"result":"success","msg":"接收成功"});
    for outcome in [Outcome::Accepted { order: None }, Outcome::Parked, rejected(Reason::UnknownOrder)] {
        assert_eq!(answer("goofish/order/refund/notify", &notify, &outcome), done);
    }
}

#[test]
fn refusals_have_their_documented_codes() {
    let refuse = |topic: &str, refusal: Refusal| -> Value {
        let reply = adapter().refuse(&call(topic, "{}"), &refusal);
        assert_eq!(reply.status, 200);
        serde_json::from_slice(&reply.body).expect("JSON")
    };
    let table = [
        (Step::Signature, "bad_signature", 401),
        (Step::Signature, "unknown_merchant", 401),
        (Step::Time, "stale_timestamp", 408),
        (Step::Format, "malformed_json", 1),
        (Step::Size, "body_too_large", 1),
        (Step::Meaning, "wrong_fields", 1),
        (Step::Meaning, "unsupported_topic", 1),
        (Step::Meaning, "bad_order", 1201),
        (Step::Meaning, "unknown_order", 1200),
        (Step::Meaning, "unsupported_order_type", 1101),
    ];
    for (step, code, number) in table {
        assert_eq!(refuse(CREATE_TOPIC, Refusal::new(step, code, ""))["code"], number, "{code}");
        assert_eq!(refuse("goofish/order/refund/notify", Refusal::new(step, code, ""))["result"], "fail");
    }
}

fn job(memo: Option<&str>, quantity: i64, keys: usize) -> DeliveryJob {
    DeliveryJob {
        order: order_id(),
        external_no: ORDER_NO.into(),
        memo: memo.map(str::to_owned),
        lines: vec![line(quantity, (0..keys).map(|n| pair(&format!("K{n}"), None)).collect())],
        total: Money::new(1200, Currency::CNY),
        txn: None,
        idempotency_key: "d1".into(),
        fulfilled_at: NOW,
    }
}

const MEMO: &str = r#"{"notify_url":"https://open.goofish.pro/cb/abcd?x=1","biz_order_no":""}"#;

#[test]
fn a_result_goes_to_the_orders_own_address_with_all_cards_or_the_news_that_there_are_none() {
    let adapter = adapter();
    let deliver = adapter.deliver().expect("declared");
    assert!(deliver.repeat_is_safe());
    let request = deliver.request(&job(Some(MEMO), 2, 2), NOW).expect("built");
    assert!(
        request
            .url
            .starts_with("https://open.goofish.pro/cb/abcd?x=1&mch_id=2333&timestamp=1767225600&sign=")
    );
    let body: Value = serde_json::from_slice(&request.body).expect("JSON");
    assert_eq!((&body["order_status"], body["card_items"].as_array().map(Vec::len)), (&json!(20), Some(2)));
    let request = deliver.request(&job(Some(MEMO), 2, 0), NOW).expect("built");
    let body: Value = serde_json::from_slice(&request.body).expect("JSON");
    assert_eq!((&body["order_status"], &body["card_items"]), (&json!(30), &json!([])));
    assert_ne!(body["remark"], "");
}

#[test]
fn a_result_is_not_sent_half_or_to_a_foreign_address() {
    let adapter = adapter();
    let deliver = adapter.deliver().expect("declared");
    let why = |job: &DeliveryJob| deliver.request(job, NOW).err();
    assert_eq!(why(&job(Some(MEMO), 2, 1)), Some(Unable("keys_are_incomplete")));
    assert_eq!(why(&job(None, 1, 1)), Some(Unable("no_callback_address")));
    assert_eq!(why(&job(Some("{}"), 1, 1)), Some(Unable("unreadable_memo")));
    let foreign = MEMO.replace("open.goofish.pro", "evil.example");
    assert_eq!(why(&job(Some(&foreign), 1, 1)), Some(Unable("callback_address_not_allowed")));
}

#[test]
fn responses_to_a_result_are_read_without_wishful_thinking() {
    let adapter = adapter();
    let deliver = adapter.deliver().expect("declared");
    let job = job(Some(MEMO), 1, 1);
    let read = |status, body: &str| {
        let response = OutboundResponse {
            status,
            headers: Vec::new(),
            retry_after: None,
            body: body.as_bytes().to_vec(),
        };
        deliver.interpret(&job, Ok(&response))
    };
    let refused = |code: &str| CallOutcome::Refused { code: code.into() };
    let later = |code: &str| CallOutcome::RetryAfter { secs: 0, code: code.into() };
    let unknown = |code: &str| CallOutcome::Unknown { code: code.into() };
    assert_eq!(read(200, r#"{"code":0,"msg":"OK"}"#), CallOutcome::Done(()));
    assert_eq!(read(200, r#"{"code":500}"#), later("500"));
    assert_eq!(read(200, r#"{"code":408}"#), later("408"));
    assert_eq!(read(200, r#"{"code":401}"#), refused("401"));
    assert_eq!(read(200, r#"{"code":1200}"#), refused("1200"));
    assert_eq!(read(404, "{}"), refused("http_404"));
    assert_eq!(read(302, ""), refused("http_302"));
    assert_eq!(read(429, ""), later("http_429"));
    assert_eq!(read(502, ""), unknown("http_502"));
    for body in ["", "OK", "{}", "[]", r#"{"code":"0"}"#] {
        assert_eq!(read(200, body), unknown("unreadable_answer"), "{body}");
    }
    assert_eq!(deliver.interpret(&job, Err(TransportFailure::NoAnswer)), unknown("no_answer"));
    assert_eq!(deliver.interpret(&job, Err(TransportFailure::NotSent)), later("not_sent"));
}
