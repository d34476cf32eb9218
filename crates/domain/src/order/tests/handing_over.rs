//! Keys on their way to the buyer, once more, or in place of others.

use super::*;

fn resend() -> Command {
    Command::Deliver { by: DeliverBy::Call, again: true, reason: Some("not received".to_owned()) }
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
