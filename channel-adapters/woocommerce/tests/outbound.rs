//! Deliveries, stock and refunds, call by call, against the pretend shop.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use std::sync::Arc;

use channel::{
    Adapter, CallOutcome, DeliveryJob, LineView, OutboundRequest, OutboundResponse, RefundJob, Response,
    StockJob, TransportFailure, Unable,
};
use channel_woocommerce::PROTOCOL;
use platform::{PRODUCT, Shop};
use testkit::{
    Fault,
    pretend::{Call, Platform},
};
use vocabulary::{CardKey, Currency, Money, OrderId, Quantity, Secret, Timestamp};

const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);

fn adapter() -> Arc<dyn Adapter> {
    (PROTOCOL.connect)("woocommerce/main".parse().unwrap(), PROTOCOL.example_settings).unwrap()
}

fn yuan(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}

fn delivery() -> DeliveryJob {
    let key = |code: &str| CardKey { code: Secret::new(code.into()), pin: None, expires_on: None };
    let pair = CardKey { pin: Some(Secret::new("PIN-2".into())), ..key("<K>--2&") };
    let line = LineView {
        item: PRODUCT.into(),
        sku: "steam-50".parse().unwrap(),
        name: "Steam 50".into(),
        quantity: Quantity::try_from(2).unwrap(),
        amount: yuan(5_776),
        keys: vec![key("KEY-1"), pair],
    };
    DeliveryJob {
        order: "order-0198c1a0-0000-7000-8000-000000000001".parse::<OrderId>().unwrap(),
        external_no: "7".into(),
        memo: None,
        lines: vec![line],
        total: yuan(5_776),
        txn: Some("7".into()),
        idempotency_key: "delivery-1".into(),
        fulfilled_at: NOW,
    }
}

fn refund(number: &str, minor: i64) -> RefundJob {
    RefundJob {
        external_no: "7".into(),
        txn: Some("7".into()),
        refund: number.into(),
        amount: yuan(minor),
        total: yuan(5_776),
        reason: "out of stock".into(),
        asked_by_channel: false,
        memo: None,
        order_memo: None,
    }
}

/// One call, which may go wrong.
fn call<T>(
    shop: &mut Shop,
    fault: Option<Fault>,
    request: &OutboundRequest,
    interpret: impl Fn(Response<'_>) -> CallOutcome<T>,
) -> CallOutcome<T> {
    let path = request.url.split_once("example").unwrap().1;
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let pair = |part: &str| part.split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned()));
    let call = Call {
        method: request.method.to_owned(),
        path: path.to_owned(),
        query: query.split('&').filter_map(pair).collect(),
        headers: request.headers.clone(),
        body: request.body.clone(),
        now: NOW,
    };
    let acts = !matches!(fault, Some(Fault::ErrorBefore(_) | Fault::HangUpBefore | Fault::TooMany(_)));
    let answer = acts.then(|| shop.answer(&call, fault == Some(Fault::WrongSignature)));
    let (status, retry_after) = match fault {
        Some(Fault::ErrorBefore(status) | Fault::ErrorAfter(status)) => (status, None),
        Some(Fault::TooMany(secs)) => (429, Some(secs)),
        _ => (answer.as_ref().map_or(200, |answer| answer.status), None),
    };
    let body = answer.map(|answer| answer.body.into_bytes()).unwrap_or_default();
    let response = OutboundResponse { status, headers: Vec::new(), retry_after, body };
    let lost = matches!(fault, Some(Fault::HangUpBefore | Fault::HangUpAfter));
    interpret(if lost { Err(TransportFailure::NoAnswer) } else { Ok(&response) })
}

/// One delivery as the engine attempts it: the first call, and those that follow; one of them may go wrong.
fn deliver(shop: &mut Shop, fault: Option<(usize, Fault)>) -> CallOutcome<()> {
    let (adapter, job) = (adapter(), delivery());
    let deliver = adapter.deliver().unwrap();
    let mut request = deliver.request(&job, NOW).unwrap();
    for number in 0..8 {
        let fault = fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault);
        match call(shop, fault, &request, |response| deliver.interpret(&job, response)) {
            CallOutcome::Next { state } => request = deliver.next(&job, &state, NOW).unwrap(),
            over => return over,
        }
    }
    panic!("more than eight calls")
}

fn open() -> Shop {
    let mut shop = Shop::default();
    shop.pay(7, 2, "57.76");
    shop
}

const FAULTS: [Fault; 6] = [
    Fault::HangUpBefore,
    Fault::HangUpAfter,
    Fault::ErrorBefore(502),
    Fault::ErrorAfter(500),
    Fault::TooMany(2),
    Fault::WrongSignature,
];

#[test]
fn keys_go_into_a_customer_note_and_the_order_is_completed() {
    let mut shop = open();
    assert_eq!(deliver(&mut shop, None), CallOutcome::Done(()));
    let order = &shop.orders[&7];
    let note =
        "Steam 50\n<code>KEY-1</code>\n<code>&lt;K&gt;--2&amp;</code> <code>PIN-2</code>\n[delivery-1]";
    assert_eq!((order.notes.as_slice(), order.status), (&[note.to_owned()][..], "completed"));
}

#[test]
fn a_delivery_that_broke_off_at_any_call_goes_on_where_it_was() {
    for at in 0..4 {
        for fault in FAULTS {
            let mut shop = open();
            let broken = deliver(&mut shop, Some((at, fault)));
            let again = matches!(broken, CallOutcome::Unknown { .. } | CallOutcome::RetryAfter { .. });
            assert!(again, "{fault:?} at {at}: {broken:?}");
            assert_eq!(deliver(&mut shop, None), CallOutcome::Done(()), "{fault:?} at {at}");
            let order = &shop.orders[&7];
            assert_eq!((order.notes.len(), order.status), (1, "completed"), "{fault:?} at {at}");
        }
    }
}

#[test]
fn an_order_that_is_over_gets_no_keys() {
    for status in ["cancelled", "refunded", "pending", "failed", "trash"] {
        let mut shop = open();
        shop.orders.get_mut(&7).unwrap().status = status;
        assert_eq!(deliver(&mut shop, None), CallOutcome::Refused { code: "order_is_not_paid".into() });
        assert!(shop.orders[&7].notes.is_empty(), "{status}");
    }
}

#[test]
fn stock_is_published_for_products_and_variations() {
    let (adapter, mut shop) = (adapter(), open());
    let push = adapter.push_stock().unwrap();
    for (item, available, figure) in [("93", 9, 1), ("93/5", 4, 2), ("93", u64::MAX, 3)] {
        let job = StockJob { item: item.into(), available, figure };
        let request = push.request(&job, NOW).unwrap();
        assert_eq!(call(&mut shop, None, &request, |r| push.interpret(&job, r)), CallOutcome::Done(()));
    }
    assert_eq!(
        (&shop.stock["93"][..], &shop.stock["93/variations/5"][..]),
        (&[9, 2_147_483_647][..], &[4][..])
    );
    for bad in ["", "steam-50", "93/", "/5", "93/5/6", "+93", "0"] {
        let job = StockJob { item: bad.into(), available: 1, figure: 1 };
        assert_eq!(push.request(&job, NOW).err(), Some(Unable("item_is_no_product")), "{bad}");
    }
}

#[test]
fn a_refund_whose_end_is_unknown_is_looked_for_before_another_is_made() {
    let adapter = adapter();
    let back = adapter.refund().unwrap();
    assert!(!back.repeat_is_safe());
    for fault in FAULTS {
        let (mut shop, job) = (open(), refund("R-1", 1_000));
        let request = back.request(&job, NOW).unwrap();
        let broken = call(&mut shop, Some(fault), &request, |r| back.interpret(&job, r));
        assert!(matches!(broken, CallOutcome::Unknown { .. } | CallOutcome::RetryAfter { .. }), "{fault:?}");
        let question = back.ask(&job, NOW).unwrap().unwrap();
        let made = call(&mut shop, None, &question, |r| back.interpret_ask(&job, r));
        let acted = matches!(fault, Fault::HangUpAfter | Fault::ErrorAfter(_) | Fault::WrongSignature);
        assert_eq!(made, CallOutcome::Done(acted), "{fault:?}");
        assert_eq!(shop.orders[&7].refunds.len(), usize::from(acted), "{fault:?}");
    }
    let (mut shop, job) = (open(), refund("R-1", 1_000));
    let request = back.request(&job, NOW).unwrap();
    assert_eq!(call(&mut shop, None, &request, |r| back.interpret(&job, r)), CallOutcome::Done(()));
    let other = refund("R-12", 1_000);
    let question = back.ask(&other, NOW).unwrap().unwrap();
    assert_eq!(call(&mut shop, None, &question, |r| back.interpret_ask(&other, r)), CallOutcome::Done(false));
    let (too_much, code) = (refund("R-2", 5_776), "woocommerce_rest_cannot_create_order_refund".to_owned());
    let request = back.request(&too_much, NOW).unwrap();
    let outcome = call(&mut shop, None, &request, |r| back.interpret(&too_much, r));
    assert_eq!(outcome, CallOutcome::Refused { code });
}

#[test]
fn wrong_credentials_are_a_refusal() {
    let settings = PROTOCOL.example_settings.replace("cs_TEST", "cs_OTHER");
    let adapter = (PROTOCOL.connect)("woocommerce/main".parse().unwrap(), &settings).unwrap();
    let (mut shop, deliver) = (open(), adapter.deliver().unwrap());
    let request = deliver.request(&delivery(), NOW).unwrap();
    let outcome = call(&mut shop, None, &request, |r| deliver.interpret(&delivery(), r));
    assert_eq!(outcome, CallOutcome::Refused { code: "woocommerce_rest_cannot_view".into() });
    assert_eq!(shop.forged_calls, 1);
}
