//! Placing, paying, waiting: how an order comes to its keys.

use super::*;

#[test]
fn a_paid_order_gets_its_keys_and_hands_them_over_in_one_unit() {
    let mut world = World::with_keys(5);
    world.place(None).unwrap();
    world.pay().unwrap();
    assert_eq!(
        world.names(),
        ["OrderPlaced", "PaymentConfirmed", "KeysAllocated", "OrderFulfilled", "OrderDelivered"]
    );
    assert_eq!(world.order.status(), Status::Delivered);
    assert_eq!(world.order.keys[&0], [key(0), key(1)]);
    assert_eq!(world.pool.sellable(T0), 3);
}

#[test]
fn a_repeated_word_adds_nothing() {
    let mut world = World::with_keys(5);
    world.place(None).unwrap();
    world.pay().unwrap();
    let before = world.log.len();
    world.place(None).unwrap();
    world.pay().unwrap();
    assert_eq!(world.log.len(), before);
}

#[test]
fn an_amount_off_by_one_minor_unit_is_rejected_and_leaves_nothing() {
    for minor in [1999, 2001, 0, -2000] {
        let mut world = World::with_keys(5);
        world.place(None).unwrap();
        let before = world.log.len();
        assert_eq!(world.order(pay(minor)).unwrap_err().reason, Reason::AmountMismatch);
        assert_eq!(world.log.len(), before);
    }
    let mut world = World::with_keys(5);
    world.place(None).unwrap();
    let usd = Command::Pay {
        txn: "T-1".to_owned(),
        through: account(),
        amount: Money::new(2000, Currency::USD),
        can_refund: false,
    };
    assert_eq!(world.order(usd).unwrap_err().reason, Reason::CurrencyMismatch);
}

#[test]
fn a_second_payment_is_disputed_and_gives_no_second_key() {
    let mut world = World::with_keys(5);
    world.place(None).unwrap();
    world.pay().unwrap();
    let again =
        Command::Pay { txn: "T-2".to_owned(), through: account(), amount: cny(2000), can_refund: false };
    world.order(again).unwrap();
    assert_eq!(world.names().last(), Some(&"PaymentDisputed"));
    assert_eq!(world.pool.sellable(T0), 3);
}

#[test]
fn a_reservation_is_used_by_the_payment_and_lapses_without_it() {
    let mut world = World::with_keys(5);
    world.place(Some(900)).unwrap();
    assert_eq!(world.pool.sellable(T0), 3);
    assert_eq!(world.order.due_at(), Some(T0.plus_secs(900)));
    world.pay().unwrap();
    assert_eq!(world.order.keys[&0], [key(0), key(1)]);
    assert_eq!(world.order.due_at(), None);

    let mut world = World::with_keys(5);
    world.place(Some(900)).unwrap();
    world.order(Command::ExpireReservation { now: T0.plus_secs(899) }).unwrap();
    assert_eq!(world.order.status(), Status::AwaitingPayment);
    world.order(Command::ExpireReservation { now: T0.plus_secs(900) }).unwrap();
    assert_eq!(world.order.status(), Status::Expired);
    assert_eq!(world.pool.sellable(T0), 5);
    world.pay().unwrap();
    assert_eq!(world.order.status(), Status::Delivered, "a late payment is served while there is stock");
}

#[test]
fn a_delivered_order_cannot_be_cancelled() {
    let mut world = World::with_keys(5);
    world.place(None).unwrap();
    world.pay().unwrap();
    let cancel = Command::Cancel { reason: "buyer".to_owned(), can_refund: false, channel_refunds: false };
    assert_eq!(world.order(cancel).unwrap_err().reason, Reason::WrongState);
}

#[test]
fn a_paid_order_without_stock_waits_and_is_served_when_keys_come() {
    let mut world = World::with_keys(1);
    world.place(None).unwrap();
    world.pay().unwrap();
    assert_eq!(world.order.status(), Status::Backordered);
    assert_eq!(world.order.due_at(), Some(T0.plus_secs(3600)));
    world.import(1);
    assert_eq!(world.order.status(), Status::Delivered);
    assert_eq!(world.order.keys[&0], [key(0), key(1)]);
}

#[test]
fn a_held_order_gets_no_keys_until_it_is_released() {
    let mut world = World::with_keys(5);
    world.place(None).unwrap();
    world.order(Command::Hold { reason: "look".to_owned() }).unwrap();
    world.pay().unwrap();
    assert_eq!(world.order.status(), Status::Paid);
    world.order(Command::Release { reason: "fine".to_owned() }).unwrap();
    assert_eq!(world.order.status(), Status::Delivered);
}

#[test]
fn paid_orders_wait_while_sales_on_the_channel_are_stopped() {
    let mut world = World::with_keys(5);
    world.around.suspended = true;
    world.place(None).unwrap();
    world.pay().unwrap();
    assert_eq!(world.order.status(), Status::Paid);
    world.around.suspended = false;
    for then in purchase::resume(&world.order, &world.around) {
        world.run(then).unwrap();
    }
    assert_eq!(world.order.status(), Status::Delivered);
}

#[test]
fn a_payment_that_the_gateway_does_not_confirm_gives_no_key() {
    let mut world = World::with_keys(5);
    world.place(None).unwrap();
    let check = Command::CheckPayment { txn: "T-1".to_owned(), through: account(), amount: cny(2000) };
    world.order(check).unwrap();
    assert_eq!(world.order.status(), Status::CheckingPayment);
    let settle = |outcome| Command::SettlePaymentCheck {
        txn: "T-1".to_owned(),
        outcome,
        attempts: 1,
        can_refund: false,
    };
    let mut confirmed =
        World { order: world.order.clone(), pool: world.pool.clone(), log: Vec::new(), around: world.around };
    world.order(settle(AttemptOutcome::Refused { code: "not_paid".to_owned() })).unwrap();
    assert_eq!(world.order.status(), Status::AwaitingPayment);
    confirmed.order(settle(AttemptOutcome::Done)).unwrap();
    assert_eq!(confirmed.order.status(), Status::Delivered);
}

#[test]
fn a_check_that_confirms_a_second_payment_leaves_it_disputed() {
    let mut world = World::with_keys(5);
    world.place(None).unwrap();
    let check = Command::CheckPayment { txn: "T-2".to_owned(), through: account(), amount: cny(2000) };
    world.order(check).unwrap();
    world.pay().unwrap();
    let (txn, outcome) = ("T-2".to_owned(), AttemptOutcome::Done);
    world.order(Command::SettlePaymentCheck { txn, outcome, attempts: 1, can_refund: false }).unwrap();
    assert_eq!(world.names().last(), Some(&"PaymentDisputed"));
    assert_eq!(world.order.paid.as_ref().map(|paid| paid.txn.as_str()), Some("T-1"));
    assert_eq!(world.pool.sellable(T0), 3);
}
