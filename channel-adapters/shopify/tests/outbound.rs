//! Deliveries, stock and refunds, call by call, against the pretend shop.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use std::sync::Arc;

use channel::{
    Adapter, CallOutcome, DeliveryJob, LineView, OutboundRequest, OutboundResponse, RefundJob, Response,
    StockJob, TransportFailure, Unable,
};
use channel_shopify::PROTOCOL;
use platform::{INVENTORY_ITEM, Shop, VARIANT};
use testkit::{
    Fault,
    pretend::{Call, Platform},
};
use vocabulary::{CardKey, Currency, Money, OrderId, Quantity, Secret, Timestamp};

const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);

fn adapter() -> Arc<dyn Adapter> {
    (PROTOCOL.connect)("shopify/main".parse().unwrap(), PROTOCOL.example_settings).unwrap()
}

fn yuan(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}

fn delivery() -> DeliveryJob {
    let key = |code: &str| CardKey { code: Secret::new(code.into()), pin: None, expires_on: None };
    let pair = CardKey { pin: Some(Secret::new("PIN-2".into())), ..key("KEY-2") };
    let line = LineView {
        item: VARIANT.into(),
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

/// One attempt as the engine makes it: the first call, and those that follow; one of them may go wrong.
fn attempt(
    shop: &mut Shop,
    fault: Option<(usize, Fault)>,
    first: Result<OutboundRequest, Unable>,
    interpret: impl Fn(Response<'_>) -> CallOutcome<()>,
    next: impl Fn(&str) -> Result<OutboundRequest, Unable>,
) -> CallOutcome<()> {
    let mut request = first.unwrap();
    for number in 0..8 {
        let call = Call {
            method: request.method.to_owned(),
            path: request.url.split_once(".com").unwrap().1.to_owned(),
            query: Vec::new(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            now: NOW,
        };
        let fault = fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault);
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
        match interpret(if lost { Err(TransportFailure::NoAnswer) } else { Ok(&response) }) {
            CallOutcome::Next { state } => request = next(&state).unwrap(),
            over => return over,
        }
    }
    panic!("more than eight calls")
}

fn deliver(shop: &mut Shop, fault: Option<(usize, Fault)>) -> CallOutcome<()> {
    let (adapter, job) = (adapter(), delivery());
    let deliver = adapter.deliver().unwrap();
    let first = deliver.request(&job, NOW);
    attempt(shop, fault, first, |r| deliver.interpret(&job, r), |state| deliver.next(&job, state, NOW))
}

fn pay_back(shop: &mut Shop, fault: Option<(usize, Fault)>, job: &RefundJob) -> CallOutcome<()> {
    let adapter = adapter();
    let refund = adapter.refund().unwrap();
    let first = refund.request(job, NOW);
    attempt(shop, fault, first, |r| refund.interpret(job, r), |state| refund.next(job, state, NOW))
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
fn keys_are_written_to_the_order_and_every_fulfilment_order_is_fulfilled() {
    let mut shop = open();
    shop.orders.get_mut(&7).unwrap().fulfilments = vec!["OPEN", "CANCELLED", "IN_PROGRESS"];
    shop.orders.get_mut(&7).unwrap().fulfilments[2] = "OPEN";
    assert_eq!(deliver(&mut shop, None), CallOutcome::Done(()));
    let order = &shop.orders[&7];
    assert_eq!(order.keys, ["Steam 50\nKEY-1\nKEY-2 PIN-2\n"]);
    assert_eq!((order.fulfilments.as_slice(), order.fulfilled), (&["CLOSED", "CANCELLED", "CLOSED"][..], 2));
}

#[test]
fn a_delivery_that_broke_off_at_any_call_goes_on_where_it_was() {
    for at in 0..5 {
        for fault in FAULTS {
            let mut shop = open();
            let broken = deliver(&mut shop, Some((at, fault)));
            let again = matches!(broken, CallOutcome::Unknown { .. } | CallOutcome::RetryAfter { .. });
            assert!(again, "{fault:?} at {at}: {broken:?}");
            assert_eq!(deliver(&mut shop, None), CallOutcome::Done(()), "{fault:?} at {at}");
            let order = &shop.orders[&7];
            assert_eq!((order.keys.len(), order.fulfilled), (1, 1), "{fault:?} at {at}");
        }
    }
}

#[test]
fn an_order_that_waits_is_not_given_keys_and_one_that_is_over_is_refused_them() {
    let mut shop = open();
    shop.orders.get_mut(&7).unwrap().fulfilments = vec!["ON_HOLD"];
    assert!(matches!(deliver(&mut shop, None), CallOutcome::RetryAfter { secs: 600, .. }));
    for change in [
        |order: &mut platform::Order| order.cancelled = true,
        |order: &mut platform::Order| order.status = "REFUNDED",
    ] {
        let mut shop = open();
        change(shop.orders.get_mut(&7).unwrap());
        assert_eq!(deliver(&mut shop, None), CallOutcome::Refused { code: "order_is_not_paid".into() });
        assert!(shop.orders[&7].keys.is_empty());
    }
}

#[test]
fn stock_is_published_at_the_location_and_a_repeat_is_the_same_call() {
    let (adapter, mut shop) = (adapter(), open());
    let push = adapter.push_stock().unwrap();
    let mut publish = |figure, available, item: &str| {
        let job = StockJob { item: item.into(), available, figure };
        let first = push.request(&job, NOW);
        attempt(&mut shop, None, first, |r| push.interpret(&job, r), |state| push.next(&job, state, NOW))
    };
    for _ in 0..2 {
        assert_eq!(publish(3, 9, VARIANT), CallOutcome::Done(()));
    }
    assert_eq!(publish(4, u64::MAX, VARIANT), CallOutcome::Done(()));
    assert_eq!(publish(5, 1, "808950811"), CallOutcome::Refused { code: "no_such_variant".into() });
    assert_eq!(shop.stock[INVENTORY_ITEM], [9, 2_147_483_647]);
    for bad in ["", "steam-50", "0", "+1", "99999999999999999999"] {
        let job = StockJob { item: bad.into(), available: 1, figure: 1 };
        assert_eq!(push.request(&job, NOW).err(), Some(Unable("item_is_no_variant")), "{bad}");
    }
}

#[test]
fn a_refund_whose_end_is_unknown_is_made_once() {
    for at in 0..2 {
        for fault in FAULTS {
            let mut shop = open();
            let broken = pay_back(&mut shop, Some((at, fault)), &refund("R-1", 1_000));
            assert!(
                !matches!(broken, CallOutcome::Done(()) | CallOutcome::Refused { .. }),
                "{fault:?} at {at}"
            );
            assert_eq!(pay_back(&mut shop, None, &refund("R-1", 1_000)), CallOutcome::Done(()));
            assert_eq!(shop.orders[&7].refunds.len(), 1, "{fault:?} at {at}");
        }
    }
    let mut shop = open();
    for number in ["R-1", "R-2", "R-1"] {
        assert_eq!(pay_back(&mut shop, None, &refund(number, 1_000)), CallOutcome::Done(()));
    }
    let notes: Vec<&str> = shop.orders[&7].refunds.iter().map(|refund| refund.note.as_str()).collect();
    assert_eq!(notes, ["out of stock [kami R-1]", "out of stock [kami R-2]"]);
    let too_much = pay_back(&mut shop, None, &refund("R-3", 5_777));
    assert_eq!(too_much, CallOutcome::Refused { code: "no_payment_fits".into() });
}

#[test]
fn a_throttled_call_is_made_again_and_a_wrong_token_is_a_refusal() {
    let mut shop = open();
    shop.throttled = 1;
    assert!(matches!(deliver(&mut shop, None), CallOutcome::RetryAfter { secs: 1, .. }));
    let settings = PROTOCOL.example_settings.replace("shpat_TEST", "shpat_OTHER");
    let other = (PROTOCOL.connect)("shopify/main".parse().unwrap(), &settings).unwrap();
    let request = other.deliver().unwrap().request(&delivery(), NOW);
    let interpret = |response: Response<'_>| other.deliver().unwrap().interpret(&delivery(), response);
    let outcome = attempt(&mut shop, None, request, interpret, |_| Err(Unable("no_next_call")));
    assert_eq!((outcome, shop.forged_calls), (CallOutcome::Refused { code: "http_401".into() }, 1));
}
