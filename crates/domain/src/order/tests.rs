//! An order and its pool, run by the purchase process as the sequencer runs them.

use std::collections::VecDeque;

use events::{Fact, channel::AttemptOutcome, order::OrderLine};
use uuid::Uuid;
use vocabulary::{
    Account, BatchId, Currency, DeliveryMethod, KeyKind, KeyRef, Money, OrderId, Quantity, Reason, Sku,
    Timestamp,
};

use super::{
    Command, DeliverBy, Order, Placing, Status,
    purchase::{self, Surroundings, Then},
    state::State,
};
use crate::{
    Decider, Rejection,
    pool::{self, Pool},
};

fn cny(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}
fn account() -> Account {
    "generic/own".parse().unwrap()
}
fn sku() -> Sku {
    "steam-50".parse().unwrap()
}
fn order_id() -> OrderId {
    OrderId::from_uuid(Uuid::from_u128(7))
}
const T0: Timestamp = Timestamp::from_secs(1_767_322_800);

/// One order, one pool.
struct World {
    order: State,
    pool: pool::State,
    log: Vec<Fact>,
    around: Surroundings,
}

impl World {
    fn with_keys(count: u32) -> Self {
        let around = Surroundings {
            now: T0,
            replying_to: Some(order_id()),
            backorder_secs: 3600,
            suspended: false,
            can_call: false,
            bad_keys_max: 3,
        };
        let mut world =
            Self { order: State::default(), pool: pool::State::default(), log: Vec::new(), around };
        let open = pool::Command::OpenBatch {
            sku: sku(),
            batch: BatchId(1),
            key_kind: KeyKind::OneShot,
            supplier: None,
            unit_cost: None,
            sell_until: None,
        };
        world.run(Then::Pool(sku(), Box::new(open))).unwrap();
        world.import(count);
        world
    }
    fn import(&mut self, count: u32) {
        if count > 0 {
            let first_index = self.pool.batch(BatchId(1)).map_or(0, |b| b.keys);
            let fingerprints = (0..count).map(|i| format!("{:032x}", first_index + i)).collect();
            let import = pool::Command::ImportKeys {
                sku: sku(),
                batch: BatchId(1),
                first_index,
                fingerprints,
                now: T0,
            };
            self.run(Then::Pool(sku(), Box::new(import))).unwrap();
        }
    }
    fn run(&mut self, first: Then) -> Result<(), Rejection> {
        let mut queue = VecDeque::from([first]);
        let mut outermost = true;
        while let Some(then) = queue.pop_front() {
            let before = self.order.is_over();
            let result = match &then {
                Then::Pool(_, command) => Pool::decide(&self.pool, command),
                Then::Order(_, command) => Order::decide(&self.order, command),
            };
            let facts = match result {
                Ok(facts) => facts,
                Err(rejection) if outermost => return Err(rejection),
                Err(rejection) => panic!("a step of the process was rejected: {rejection} ({then:?})"),
            };
            outermost = false;
            for fact in &facts {
                Order::evolve(&mut self.order, fact);
                Pool::evolve(&mut self.pool, fact);
            }
            queue.extend(match then {
                Then::Pool(..) => purchase::after_pool(&facts, &self.around),
                Then::Order(..) => purchase::after_order(&facts, before, &self.order, &self.around),
            });
            self.log.extend(facts);
        }
        Ok(())
    }
    fn order(&mut self, command: Command) -> Result<(), Rejection> {
        self.run(Then::Order(order_id(), Box::new(command)))
    }
    fn place(&mut self, reserve_secs: Option<i64>) -> Result<(), Rejection> {
        let place = Command::Place(Box::new(placing(&[2])), reserve_secs.map(|s| T0.plus_secs(s)));
        self.order(place)
    }
    fn pay(&mut self) -> Result<(), Rejection> {
        self.order(pay(2000))
    }
    /// What the engine does when a key of line 0 gives way to another.
    fn replace(&mut self, old: u32, new: u32) {
        let revoke = pool::Command::Revoke {
            order: order_id(),
            line: 0,
            keys: vec![key(old)],
            reason: pool::BAD_KEY.to_owned(),
        };
        let account = account();
        let allocate = pool::Command::AllocateReplacement { order: order_id(), line: 0, account, now: T0 };
        for command in [revoke, allocate] {
            self.run(Then::Pool(sku(), Box::new(command))).unwrap();
        }
        let (reason, cost_owner) = ("dead".to_owned(), "supplier".to_owned());
        self.order(Command::Replace { line: 0, old: key(old), new: key(new), reason, cost_owner }).unwrap();
    }
    fn names(&self) -> Vec<&'static str> {
        self.log
            .iter()
            .map(Fact::type_name)
            .filter(|n| !n.starts_with("Batch") && *n != "KeysImported")
            .collect()
    }
    fn live_keys(&self) -> usize {
        if self.order.given_back() { 0 } else { self.order.keys.values().map(Vec::len).sum() }
    }
}

fn placing(quantities: &[i64]) -> Placing {
    let line = |quantity: &i64| OrderLine {
        sku: sku(),
        item: None,
        quantity: Quantity::try_from(*quantity).unwrap(),
        amount: cny(quantity * 1000),
    };
    Placing {
        order: order_id(),
        account: account(),
        external_no: "A-1".to_owned(),
        lines: quantities.iter().map(line).collect(),
        total: cny(quantities.iter().sum::<i64>() * 1000),
        buyer: None,
        delivery: DeliveryMethod::Reply,
        memo: None,
    }
}
fn pay(minor: i64) -> Command {
    Command::Pay { txn: "T-1".to_owned(), through: account(), amount: cny(minor), can_refund: false }
}
fn request_refund() -> Command {
    Command::RequestRefund {
        refund: "R-1".to_owned(),
        amount: None,
        reason: "changed_mind".to_owned(),
        memo: None,
    }
}
fn settle_refund() -> Command {
    Command::SettleRefund { refund: "R-1".to_owned(), amount: None, reason: "agreed".to_owned() }
}
fn settle_part(refund: &str, minor: i64) -> Command {
    Command::SettleRefund { refund: refund.to_owned(), amount: Some(cny(minor)), reason: String::new() }
}
fn key(index: u32) -> KeyRef {
    KeyRef { batch: BatchId(1), index, use_no: 0 }
}

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
fn money_that_comes_after_the_cancellation_is_due_back_and_gives_no_key() {
    let mut world = World::with_keys(5);
    world.place(Some(900)).unwrap();
    world
        .order(Command::Cancel { reason: "buyer".to_owned(), can_refund: true, channel_refunds: false })
        .unwrap();
    assert_eq!(world.pool.sellable(T0), 5);
    world.pay().unwrap();
    assert_eq!(world.order.status(), Status::RefundDue);
    assert_eq!(world.pool.sellable(T0), 5);
    let attempt = Command::RecordRefundAttempt {
        refund: "late-T-1".to_owned(),
        attempt: 1,
        outcome: AttemptOutcome::Done,
    };
    world.order(attempt).unwrap();
    assert_eq!(world.order.status(), Status::Refunded);
    assert!(world.order.closed);
}

fn called_off_by_the_platform() -> Command {
    Command::Cancel { reason: "timeout".to_owned(), can_refund: true, channel_refunds: true }
}

#[test]
fn what_a_platform_pays_back_when_it_calls_an_order_off_is_not_paid_by_us_too() {
    let mut world = World::with_keys(1);
    world.place(None).unwrap();
    world.pay().unwrap();
    world.order(called_off_by_the_platform()).unwrap();
    assert_eq!(world.order.status(), Status::Refunded);
    assert!(!world.names().contains(&"RefundDue"));
    world.order(settle_part("RF-of-the-platform", 2000)).unwrap();
    assert_eq!(world.order.refunded(), 2000, "its own word of that money changes nothing");
}

#[test]
fn a_payment_that_comes_after_the_platform_called_off_went_back_with_it_unless_a_gateway_has_it() {
    let mut world = World::with_keys(5);
    world.place(Some(900)).unwrap();
    world.order(called_off_by_the_platform()).unwrap();
    world.pay().unwrap();
    assert_eq!(world.order.status(), Status::Refunded);
    let mut world = World::with_keys(5);
    world.place(Some(900)).unwrap();
    world.order(called_off_by_the_platform()).unwrap();
    let through = "epay-v1/main".parse().unwrap();
    let pay = Command::Pay { txn: "T-1".to_owned(), through, amount: cny(2000), can_refund: true };
    world.order(pay).unwrap();
    assert_eq!(world.order.status(), Status::RefundDue);
}

#[test]
fn a_platform_that_calls_off_what_was_delivered_has_the_money_back_and_voids_the_keys() {
    let mut world = World::with_keys(5);
    world.place(None).unwrap();
    world.pay().unwrap();
    world.order(called_off_by_the_platform()).unwrap();
    assert_eq!(world.order.status(), Status::Refunded);
    assert_eq!(world.pool.sellable(T0), 3, "keys that were seen do not come back");
}

#[test]
fn money_that_went_back_under_the_channels_number_is_what_we_owed_under_ours() {
    let mut world = World::with_keys(1);
    world.place(None).unwrap();
    world.pay().unwrap();
    let cancel = Command::Cancel { reason: "buyer".to_owned(), can_refund: true, channel_refunds: false };
    world.order(cancel).unwrap();
    assert_eq!(world.order.status(), Status::RefundDue);
    world.order(settle_part("RF-1", 2000)).unwrap();
    assert_eq!(world.order.status(), Status::Refunded);
    assert!(matches!(world.order.refunds["cancelled"], super::RefundState::Settled(_)));
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
fn a_wait_that_is_over_makes_a_refund_due_and_leaves_the_line() {
    let mut world = World::with_keys(1);
    world.place(None).unwrap();
    world.pay().unwrap();
    world.order(Command::ExpireBackorder { now: T0.plus_secs(3600), can_refund: true }).unwrap();
    assert_eq!(world.order.status(), Status::RefundDue);
    world.import(5);
    assert_eq!(world.live_keys(), 0);
    assert_eq!(world.pool.sellable(T0), 6);
}

#[test]
fn a_full_refund_of_a_delivered_order_revokes_its_keys() {
    let mut world = World::with_keys(5);
    world.place(None).unwrap();
    world.pay().unwrap();
    world.order(settle_refund()).unwrap();
    assert!(world.names().contains(&"KeysRevoked"));
    assert_eq!(world.order.status(), Status::Refunded);
    assert_eq!(world.pool.sellable(T0), 3, "revoked keys are never sold again");
}

#[test]
fn a_partial_refund_is_a_loss_until_the_rest_goes_back_too() {
    let mut world = World::with_keys(5);
    world.place(None).unwrap();
    world.pay().unwrap();
    world.order(settle_part("R-1", 500)).unwrap();
    assert_eq!((world.order.losses, world.live_keys()), (500, 2));
    assert_eq!(world.order(settle_part("R-2", 1501)).unwrap_err().reason, Reason::RefundTooLarge);
    world.order(settle_part("R-2", 1500)).unwrap();
    assert_eq!((world.order.losses, world.live_keys()), (0, 0));
    assert_eq!(world.order.status(), Status::Refunded);
}

#[test]
fn an_order_gives_its_keys_up_once() {
    let mut world = World::with_keys(5);
    world.around.replying_to = None;
    world.place(None).unwrap();
    world.pay().unwrap();
    let cancel = Command::Cancel { reason: "buyer".to_owned(), can_refund: true, channel_refunds: false };
    let settle =
        Command::SettleRefund { refund: "cancelled".to_owned(), amount: None, reason: String::new() };
    for (command, follows) in [(cancel, 1), (settle, 0)] {
        let was_over = world.order.is_over();
        let facts = Order::decide(&world.order, &command).unwrap();
        facts.iter().for_each(|fact| Order::evolve(&mut world.order, fact));
        let then = purchase::after_order(&facts, was_over, &world.order, &world.around);
        assert_eq!(then.len(), follows, "{facts:?} {then:?}");
    }
}

#[test]
fn what_was_due_and_is_settled_for_less_stays_owed() {
    let mut world = World::with_keys(5);
    world.place(None).unwrap();
    world.pay().unwrap();
    let agree = Command::AgreeRefund {
        refund: "R-1".to_owned(),
        amount: Some(cny(500)),
        reason: String::new(),
        can_refund: true,
    };
    world.order(agree).unwrap();
    world.order(settle_part("R-1", 300)).unwrap();
    assert_eq!((world.order.refunded(), world.order.refunded_or_due(), world.order.losses), (300, 500, 500));
    world.order(settle_part("R-1-rest", 200)).unwrap();
    assert_eq!((world.order.refunded(), world.order.losses, world.live_keys()), (500, 500, 2));
}

#[test]
fn money_after_the_cancellation_goes_back_in_full_though_part_of_it_was_settled_before() {
    let mut world = World::with_keys(5);
    world.order(settle_part("R-1", 500)).unwrap();
    world.place(None).unwrap();
    world
        .order(Command::Cancel { reason: "buyer".to_owned(), can_refund: true, channel_refunds: false })
        .unwrap();
    world.pay().unwrap();
    assert_eq!((world.order.refunded(), world.order.refunded_or_due(), world.order.losses), (500, 2000, 0));
}

#[test]
fn a_request_that_is_answered_with_part_of_the_money_lets_the_order_go_on() {
    let agree = Command::AgreeRefund {
        refund: "R-1".to_owned(),
        amount: Some(cny(500)),
        reason: String::new(),
        can_refund: true,
    };
    for answer in [agree, settle_part("R-1", 500)] {
        let mut world = World::with_keys(5);
        world.place(None).unwrap();
        world.order(request_refund()).unwrap();
        world.pay().unwrap();
        assert_eq!(world.order.status(), Status::Paid, "nothing moves while the request is open");
        world.order(answer).unwrap();
        assert_eq!(world.order.status(), Status::Delivered);
        assert_eq!((world.order.losses, world.pool.sellable(T0)), (500, 3));
    }
}

#[test]
fn a_delivery_that_was_given_up_is_not_repeated_because_part_of_the_money_goes_back() {
    let mut world = World::with_keys(5);
    world.around.replying_to = None;
    world.around.can_call = true;
    world.place(None).unwrap();
    world.pay().unwrap();
    let outcome = AttemptOutcome::Refused { code: "no".to_owned() };
    world.order(Command::RecordDelivery { delivery: 1, attempt: 1, outcome }).unwrap();
    world.order(settle_part("R-1", 500)).unwrap();
    assert!(world.order.delivery_failed && world.order.delivering.is_none());
}

#[test]
fn an_answer_after_all_money_went_back_sets_nothing_in_motion() {
    let mut world = World::with_keys(5);
    world.place(None).unwrap();
    world.pay().unwrap();
    world.order(request_refund()).unwrap();
    world.order(Command::Hold { reason: "look".to_owned() }).unwrap();
    world.order(settle_part("R-2", 2000)).unwrap();
    world.order(Command::Release { reason: "fine".to_owned() }).unwrap();
    world.order(Command::RefuseRefund { refund: "R-1".to_owned(), reason: "late".to_owned() }).unwrap();
    assert_eq!(world.names().last(), Some(&"RefundRefused"));
}

#[test]
fn every_refund_that_was_settled_before_the_payment_counts() {
    let mut world = World::with_keys(5);
    world.order(settle_part("R-1", 500)).unwrap();
    world.order(settle_part("R-2", 300)).unwrap();
    world.place(None).unwrap();
    world.pay().unwrap();
    assert_eq!((world.order.refunded(), world.order.losses), (800, 800));
    assert_eq!(world.order.status(), Status::Delivered);
}

#[test]
fn a_line_that_waits_is_not_served_with_what_its_own_order_gives_up() {
    let mut world = World::with_keys(0);
    world.order(Command::Place(Box::new(placing(&[2, 1])), None)).unwrap();
    world.order(pay(3000)).unwrap();
    world.import(1);
    assert_eq!(world.order.short, [0, 1], "the first in line wants two");
    world.order(Command::ExpireBackorder { now: T0.plus_secs(3600), can_refund: true }).unwrap();
    assert_eq!(world.pool.waiting().count(), 0);
    assert_eq!((world.pool.counters().allocated, world.pool.sellable(T0)), (0, 1));
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

#[test]
fn a_key_is_replaced_once_and_the_new_one_is_handed_over() {
    let mut world = World::with_keys(5);
    world.place(None).unwrap();
    world.pay().unwrap();
    let (line, old, new) = (0, key(0), key(2));
    let revoke =
        pool::Command::Revoke { order: order_id(), line, keys: vec![old], reason: "bad_key".to_owned() };
    let allocate =
        pool::Command::AllocateReplacement { order: order_id(), line, account: account(), now: T0 };
    let replace = |old, new| Command::Replace {
        line,
        old,
        new,
        reason: "dead".to_owned(),
        cost_owner: "supplier".to_owned(),
    };
    world.around.replying_to = None;
    for command in [revoke, allocate] {
        world.run(Then::Pool(sku(), Box::new(command))).unwrap();
    }
    world.order(replace(old, new)).unwrap();
    assert_eq!(world.order.keys[&0], [new, key(1)]);
    assert!(!world.order.all_handed);
    world.order(Command::ShowKeys { reason: "pickup".to_owned() }).unwrap();
    assert!(world.order.all_handed);
    assert_eq!(world.order(replace(old, key(3))).unwrap_err().reason, Reason::NotReplaceable);
}

fn resend() -> Command {
    Command::Deliver { by: DeliverBy::Call, again: true, reason: Some("not received".to_owned()) }
}

#[test]
fn a_resend_says_why_and_the_first_delivery_does_not() {
    let mut world = World::with_keys(5);
    world.around.replying_to = None;
    world.around.can_call = true;
    world.place(None).unwrap();
    world.pay().unwrap();
    let outcome = AttemptOutcome::Done;
    world.order(Command::RecordDelivery { delivery: 1, attempt: 1, outcome }).unwrap();
    world.order(resend()).unwrap();
    let reasons: Vec<Option<&str>> = world
        .log
        .iter()
        .filter_map(|fact| match fact {
            Fact::DeliveryRequested(e) => Some(e.reason.as_deref()),
            _ => None,
        })
        .collect();
    assert_eq!(reasons, [None, Some("not received")]);
}

#[test]
fn the_key_too_many_has_its_batch_quarantined_in_the_same_unit() {
    let mut world = World::with_keys(6);
    world.around.bad_keys_max = 2;
    world.place(None).unwrap();
    world.pay().unwrap();
    world.replace(0, 2);
    assert!(!world.names().contains(&"KeysQuarantined"), "one bad key is one bad key");
    world.replace(1, 3);
    assert!(world.names().contains(&"KeysQuarantined"));
    assert_eq!(world.pool.sellable(T0), 0);
    assert_eq!(world.pool.quarantined_of(BatchId(1)), 2);
}

#[test]
fn a_key_is_not_replaced_while_it_may_be_on_its_way_once_more() {
    let mut world = World::with_keys(5);
    world.place(None).unwrap();
    world.pay().unwrap();
    world.order(resend()).unwrap();
    let replaceable = |world: &World| world.order.may_replace(0, key(0)).map_err(|no| no.reason);
    assert_eq!(replaceable(&world), Err(Reason::NotReplaceable), "the call says which keys were handed over");
    let outcome = AttemptOutcome::Done;
    world.order(Command::RecordDelivery { delivery: 2, attempt: 1, outcome }).unwrap();
    assert_eq!(replaceable(&world), Ok(()));
}

#[test]
fn an_unknown_delivery_is_remembered_as_such_and_a_done_one_delivers() {
    let mut world = World::with_keys(5);
    world.around.replying_to = None;
    world.around.can_call = true;
    world.place(None).unwrap();
    world.pay().unwrap();
    assert_eq!(world.names().last(), Some(&"DeliveryRequested"));
    let attempt = |n, outcome| Command::RecordDelivery { delivery: 1, attempt: n, outcome };
    world.order(attempt(1, AttemptOutcome::Unknown { code: "no_answer".to_owned() })).unwrap();
    assert!(world.order.delivering.as_ref().unwrap().unknown);
    world.order(attempt(2, AttemptOutcome::Done)).unwrap();
    assert_eq!(world.order.status(), Status::Delivered);
    world.order(resend()).unwrap();
    assert_eq!(world.order.delivering.as_ref().unwrap().number, 2);
}

#[test]
fn a_refund_while_a_delivery_is_under_way_does_not_put_its_keys_back_on_stock() {
    let mut world = World::with_keys(5);
    world.around.replying_to = None;
    world.around.can_call = true;
    world.place(None).unwrap();
    world.pay().unwrap();
    world.order(settle_refund()).unwrap();
    assert!(world.names().contains(&"KeysRevoked"), "the call may have left with the keys");
    assert_eq!(world.pool.sellable(T0), 3);
}

fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
    if items.len() <= 1 {
        return vec![items.to_vec()];
    }
    let mut all = Vec::new();
    for (at, first) in items.iter().enumerate() {
        let mut rest = items.to_vec();
        rest.remove(at);
        for mut tail in permutations(&rest) {
            tail.insert(0, *first);
            all.push(tail);
        }
    }
    all
}

#[test]
fn any_order_of_created_paid_repaid_refund_asked_and_refund_agreed_ends_the_same() {
    for sequence in permutations(&[0, 1, 2, 3, 4]) {
        let mut world = World::with_keys(5);
        for message in &sequence {
            let told = match message {
                0 => world.place(None),
                // A payment message carries the order with it, as every channel's does.
                1 | 2 => world.place(None).and_then(|()| world.pay()),
                3 => world.order(request_refund()),
                _ => world.order(settle_refund()),
            };
            told.unwrap_or_else(|rejection| panic!("{sequence:?}: {rejection}"));
        }
        assert_eq!(world.order.status(), Status::Refunded, "{sequence:?}");
        assert_eq!(world.order.refunded(), 2000, "{sequence:?}");
        assert_eq!(world.live_keys(), 0, "{sequence:?}");
        assert_eq!((world.order.losses, world.order.closed), (0, true), "{sequence:?}");
        let delivered = world.names().iter().filter(|n| **n == "OrderDelivered").count();
        assert!(delivered <= 1, "{sequence:?}");
        assert_eq!(world.pool.sellable(T0) + 2 * delivered as u64, 5, "{sequence:?}: no key leaks");
    }
}
