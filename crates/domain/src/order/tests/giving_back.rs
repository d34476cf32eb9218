//! Calling off and paying back, in whatever order the words of it come.

use super::*;

fn called_off_by_the_platform() -> Command {
    Command::Cancel { reason: "timeout".to_owned(), can_refund: true, channel_refunds: true }
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
    assert!(matches!(world.order.refunds["cancelled"], crate::order::RefundState::Settled(_)));
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
