//! Updates, the answers to questions, calls, and the list of transactions.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use std::sync::Arc;

use channel::{
    Adapter, Ask, CallOutcome, DeliveryJob, Inbound, LineView, Offer, OrderState, OrderView,
    OutboundResponse, Outcome, Page, RefundJob, Refusal, Rejected, Verified, Window,
};
use channel_telegram::PROTOCOL;
use serde_json::{Value, json};
use vocabulary::{CardKey, Currency, Money, OrderId, Quantity, Reason, Secret};

use platform::{NOW, TOKEN, Transaction, paid, question, raw, refunded};

fn bot() -> Arc<dyn Adapter> {
    (PROTOCOL.connect)("telegram/shop-1".parse().unwrap(), PROTOCOL.example_settings).unwrap()
}

fn stars(count: i64) -> Money {
    Money::new(count, Currency::XTR)
}

fn read(body: &Value) -> Result<Inbound, Refusal> {
    let (bot, request) = (bot(), raw(body));
    let proof = bot.verify(&request, NOW)?;
    bot.parse(&Verified::new(&request, proof))
}

fn sale() -> Transaction {
    Transaction::new("stxTESTcharge0001", 777_000_111, "item:steam-50", 150)
}

#[test]
fn what_moves_no_money_is_nothing_and_what_is_not_known_is_kept() {
    let chat = json!({ "update_id": 1, "message": { "message_id": 1, "date": 1, "text": "hi" } });
    assert!(matches!(read(&chat).unwrap().ask, Ask::Nothing));
    let button = json!({ "update_id": 2, "callback_query": { "id": "1", "data": "x" } });
    assert!(matches!(read(&button).unwrap().ask, Ask::Nothing));
    for kind in ["purchased_paid_media", "my_chat_member", "zz_unknown"] {
        let other = json!({ "update_id": 3, kind: {} });
        assert!(matches!(read(&other).unwrap().ask, Ask::Unmapped { .. }), "{kind}");
    }
    let foreign = Transaction { payload: "donation".into(), ..sale() };
    assert!(matches!(read(&paid(4, &foreign)).unwrap().ask, Ask::Unmapped { .. }));
    assert!(matches!(read(&refunded(5, &foreign)).unwrap().ask, Ask::Unmapped { .. }));
    let group = json!({ "update_id": 6, "message": { "message_id": 1, "date": 1, "successful_payment": {
        "currency": "XTR", "total_amount": 1, "invoice_payload": "item:a", "telegram_payment_charge_id": "x" } } });
    assert_eq!(read(&group).err().unwrap().detail, "from.id", "nobody paid");
}

fn answered(payload: &str, asked: i64, outcome: &Outcome) -> Value {
    let (bot, request) = (bot(), raw(&question(777_000_111, payload, asked)));
    let verified = Verified::new(&request, bot.verify(&request, NOW).unwrap());
    let inbound = bot.parse(&verified).unwrap();
    let reply = bot.answer(&verified, &inbound, outcome);
    assert_eq!(reply.status, 200);
    let body: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(body["method"], "answerPreCheckoutQuery");
    assert_eq!(body["pre_checkout_query_id"], "3337001112223334445");
    assert_eq!(body["ok"] == json!(false), body.get("error_message").is_some());
    body
}

fn offers(price: Option<Money>, available: u64, on_sale: bool) -> Outcome {
    let (item, name) = ("steam-50".to_owned(), "Steam 50".to_owned());
    Outcome::Offers(vec![Offer { item, sku: "steam-50".parse().unwrap(), name, price, available, on_sale }])
}

fn order(state: OrderState, total: Money) -> Outcome {
    Outcome::Order(Box::new(OrderView {
        order: order_id(),
        external_no: "CK1".into(),
        memo: None,
        state,
        total,
        lines: Vec::new(),
        placed_at: NOW,
        ended_at: None,
    }))
}

fn order_id() -> OrderId {
    "order-0198c1a0-0000-7000-8000-000000000001".parse().unwrap()
}

#[test]
fn a_payment_may_go_ahead_only_for_what_is_there_at_this_price() {
    let ok = |payload: &str, asked: i64, outcome: &Outcome| answered(payload, asked, outcome)["ok"] == true;
    assert!(ok("item:steam-50", 150, &offers(Some(stars(150)), 1, true)));
    for (asked, outcome) in [
        (149, offers(Some(stars(150)), 1, true)),
        (151, offers(Some(stars(150)), 1, true)),
        (150, offers(Some(Money::new(150, Currency::CNY)), 1, true)),
        (150, offers(Some(stars(150)), 0, true)),
        (150, offers(Some(stars(150)), 1, false)),
        (150, offers(None, 1, true)),
        (150, Outcome::Offers(Vec::new())),
        (150, Outcome::Accepted { order: None }),
        (150, Outcome::Rejected(Rejected { reason: Reason::OutOfStock, detail: String::new() })),
        (150, Outcome::Rejected(Rejected { reason: Reason::UnknownChannel, detail: String::new() })),
    ] {
        assert!(!ok("item:steam-50", asked, &outcome), "{asked}");
    }
    assert!(ok("order:CK1", 150, &order(OrderState::AwaitingPayment, stars(150))));
    assert!(!ok("order:CK1", 149, &order(OrderState::AwaitingPayment, stars(150))));
    for state in [OrderState::Processing, OrderState::Fulfilled, OrderState::Delivered, OrderState::Cancelled]
    {
        assert!(!ok("order:CK1", 150, &order(state, stars(150))), "{state:?}");
    }
    assert!(!ok("donation", 150, &Outcome::Accepted { order: None }), "nobody knows what it is for");
}

/// A payment's number as the log has it.
fn txn(charge: &str) -> String {
    format!("{}:{charge}", channel::cipher::seal_reference(TOKEN.as_bytes(), "777000111").unwrap())
}

fn delivery(code: &str, txn: Option<&str>) -> DeliveryJob {
    let key =
        CardKey { code: Secret::new(code.into()), pin: Some(Secret::new("99".into())), expires_on: None };
    DeliveryJob {
        order: order_id(),
        external_no: "stxTESTcharge0001".into(),
        memo: None,
        lines: vec![LineView {
            item: "steam-50".into(),
            sku: "steam-50".parse().unwrap(),
            name: "Steam 50".into(),
            quantity: Quantity::ONE,
            amount: stars(150),
            keys: vec![key],
        }],
        total: stars(150),
        txn: txn.map(str::to_owned),
        idempotency_key: "d-1".into(),
        fulfilled_at: NOW,
    }
}

#[test]
fn keys_go_to_the_private_chat_of_who_paid_and_cannot_be_passed_on() {
    let bot = bot();
    let deliver = bot.deliver().unwrap();
    assert!(!deliver.repeat_is_safe());
    let call = deliver.request(&delivery("KEY-1", Some(&txn("stx"))), NOW).unwrap();
    assert_eq!(call.url, format!("https://api.telegram.org/bot{TOKEN}/sendMessage"));
    let body: Value = serde_json::from_slice(&call.body).unwrap();
    let expected = json!({ "chat_id": 777_000_111, "text": "Steam 50\nKEY-1  PIN 99", "protect_content": true,
        "link_preview_options": { "is_disabled": true } });
    assert_eq!(body, expected);
    assert!(deliver.request(&delivery("KEY-1", None), NOW).is_err());
    assert!(deliver.request(&delivery(&"x".repeat(4_096), Some("1:stx")), NOW).is_err());
}

fn response(status: u16, body: &str) -> OutboundResponse {
    OutboundResponse { status, headers: Vec::new(), retry_after: None, body: body.into() }
}

#[test]
fn answers_are_read_without_wishful_thinking() {
    let bot = bot();
    let deliver = bot.deliver().unwrap();
    let job = delivery("KEY-1", Some("1:stx"));
    let read = |status, body: &str| deliver.interpret(&job, Ok(&response(status, body)));
    assert_eq!(read(200, r#"{"ok":true,"result":{"message_id":43,"date":1}}"#), CallOutcome::Done(()));
    for body in [r#"{"ok":true}"#, r#"{"ok":true,"result":true}"#, r#"{"ok":true,"result":{}}"#] {
        assert!(matches!(read(200, body), CallOutcome::Unknown { .. }), "{body}");
    }
    let flood =
        r#"{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":9}}"#;
    assert_eq!(read(429, flood), CallOutcome::RetryAfter { secs: 9, code: "http_429".into() });
    for (words, code) in [
        ("Forbidden: bot was blocked by the user", "blocked_by_the_buyer"),
        ("Bad Request: chat not found", "chat_not_found"),
        ("Bad Request: something else", "telegram_400"),
    ] {
        let body = json!({ "ok": false, "error_code": 400, "description": words }).to_string();
        assert_eq!(read(400, &body), CallOutcome::Refused { code: code.into() });
    }
}

fn refund_job() -> RefundJob {
    RefundJob {
        external_no: "stxTESTcharge0001".into(),
        txn: Some(txn("stxTESTcharge0001")),
        refund: "R-1".into(),
        amount: stars(150),
        total: stars(150),
        reason: "asked".into(),
        asked_by_channel: false,
        memo: None,
        order_memo: None,
    }
}

#[test]
fn whole_payments_go_back_once() {
    let bot = bot();
    let refund = bot.refund().unwrap();
    assert!(refund.repeat_is_safe());
    let call = refund.request(&refund_job(), NOW).unwrap();
    let body: Value = serde_json::from_slice(&call.body).unwrap();
    let expected = json!({ "user_id": 777_000_111, "telegram_payment_charge_id": "stxTESTcharge0001" });
    assert_eq!((call.url.ends_with("/refundStarPayment"), body), (true, expected));
    let read = |body: &str| refund.interpret(&refund_job(), Ok(&response(200, body)));
    assert_eq!(read(r#"{"ok":true,"result":true}"#), CallOutcome::Done(()));
    assert!(matches!(read(r#"{"ok":true,"result":false}"#), CallOutcome::Unknown { .. }));
    let again = r#"{"ok":false,"error_code":400,"description":"Bad Request: CHARGE_ALREADY_REFUNDED"}"#;
    assert_eq!(refund.interpret(&refund_job(), Ok(&response(400, again))), CallOutcome::Done(()));
    for job in [
        RefundJob { amount: stars(100), ..refund_job() },
        RefundJob {
            amount: Money::new(150, Currency::CNY),
            total: Money::new(150, Currency::CNY),
            ..refund_job()
        },
        RefundJob { txn: None, ..refund_job() },
        RefundJob { txn: Some("stx".into()), ..refund_job() },
    ] {
        assert!(refund.request(&job, NOW).is_err());
    }
}

fn window(cursor: Option<&str>) -> Window {
    Window { since: NOW.plus_secs(-10), until: NOW.plus_secs(100), cursor: cursor.map(str::to_owned) }
}

fn page(cursor: Option<&str>, transactions: &[Value]) -> Page {
    let bot = bot();
    let body = json!({ "ok": true, "result": { "transactions": transactions } }).to_string();
    match bot.polls()[0].interpret(&window(cursor), Ok(&response(200, &body)), NOW) {
        CallOutcome::Done(page) => page,
        other => panic!("{:?}", matches!(other, CallOutcome::Unknown { .. })),
    }
}

#[test]
fn a_payment_found_in_the_list_is_the_message_that_the_update_was() {
    let done = Transaction { refunds: 1, ..sale() };
    let found = page(None, &done.listed());
    assert_eq!((found.messages.len(), found.next), (2, None));
    // What went back stands first, so that no key leaves for money that is gone.
    for (listed, told) in found.messages.iter().zip([refunded(2, &done), paid(1, &done)]) {
        let told = read(&told).unwrap();
        assert_eq!(channel_conformance::meaning(listed), channel_conformance::meaning(&told));
    }
}

#[test]
fn the_list_is_read_to_its_end_and_other_transactions_are_passed_over() {
    let bot = bot();
    let call = bot.polls()[0].request(&window(Some("200")), NOW).unwrap();
    let body: Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!(body, json!({ "offset": 200, "limit": 100 }));
    assert!(bot.polls()[0].request(&window(Some("x")), NOW).is_err());
    let old = Transaction { date: NOW.secs() - 11, ..sale() };
    let many: Vec<Value> = (0..100).flat_map(|_| old.listed()).collect();
    let full = page(Some("200"), &many);
    assert_eq!((full.messages.len(), full.next.as_deref()), (0, Some("300")));
    let gift = json!({ "id": "g", "amount": 5, "date": NOW.secs(), "source": { "type": "user",
        "transaction_type": "gift_purchase", "user": { "id": 1 } } });
    let fragment = json!({ "id": "f", "amount": 5, "date": NOW.secs(), "receiver": { "type": "fragment" } });
    assert_eq!(page(None, &[gift, fragment]).messages.len(), 0);
}
