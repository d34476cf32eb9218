//! What order lines hold, get, give back and wait for.

use events::pool::AllocationReason::{Replacement, Reserved, Stock, Waitlist};

use super::*;
use Shortage::Refuse;

const WAIT: Shortage = Shortage::Waitlist;

#[test]
fn a_line_reserves_the_oldest_units_within_its_quota() {
    let two = [stocked(1, 2), stocked(2, 3)].concat();
    check(&[], reserve(1, JD, 1), Err(Reason::OutOfStock));
    check(&[&two], reserve(1, JD, 3), Ok(vec![reserved(1, JD, "b1-0 b1-1 b2-0")]));
    check(&[&two], reserve(1, JD, 6), Err(Reason::OutOfStock));
    check(&[&two, &[quota(TB, 3, None)]], reserve(1, JD, 3), Err(Reason::QuotaExhausted));
    check(&[&two, &[quota(TB, 3, None)]], reserve(1, JD, 2), Ok(vec![reserved(1, JD, "b1-0 b1-1")]));
    check(&[&two, &[quota(JD, 0, Some(1))]], reserve(1, JD, 2), Err(Reason::QuotaExhausted));
    check(&[&two, &[quota(JD, 0, Some(1))]], reserve(1, JD, 6), Err(Reason::OutOfStock));
    check(&[&two, &[quarantined(1, "")]], reserve(1, JD, 1), Ok(vec![reserved(1, JD, "b2-0")]));
}

#[test]
fn a_line_reserves_once_and_not_while_it_waits() {
    let stock = stocked(1, 5);
    check(&[&stock, &[reserved(1, JD, "b1-0")]], reserve(1, JD, 1), Ok(vec![]));
    check(&[&stock, &[reserved(1, JD, "b1-0")]], reserve(1, JD, 3), Ok(vec![]));
    check(&[&stock, &[reserved(1, JD, "b1-0")]], reserve(2, JD, 1), Ok(vec![reserved(2, JD, "b1-1")]));
    check(&[&stock, &[waitlisted(1, JD, 9)]], reserve(1, JD, 1), Err(Reason::WrongState));
    let (order, account) = (order(1), account(JD));
    let late = Command::Reserve { order, line: 0, account, quantity: units(1), until: NOW, now: NOW };
    check(&[&stock], late, Err(Reason::InvalidValue));
}

#[test]
fn a_paid_line_gets_exactly_what_it_reserved() {
    let given = [&stocked(1, 5)[..], &[reserved(1, JD, "b1-3 b1-4"), quota(JD, 0, Some(0))]].concat();
    for shortage in [Refuse, WAIT] {
        let then = allocated(1, JD, "b1-3 b1-4", Reserved);
        check(&[&given], allocate(1, JD, 2, shortage), Ok(vec![then]));
    }
    let state = after(&[&given[..], &[allocated(1, JD, "b1-3 b1-4", Reserved)]].concat());
    assert_eq!(state.reserved(order(1), 0), None);
    assert_eq!((state.counters().reserved, state.counters().allocated), (0, 2));
}

#[test]
fn a_hold_made_in_time_is_honoured_after_its_batch_expired() {
    let until = Some(at(900));
    let given = [opened_as(1, KeyKind::OneShot, until).into(), imported(1, 0, 1), reserved(1, JD, "b1-0")];
    check(&[&given], allocate(1, JD, 1, Refuse), Ok(vec![allocated(1, JD, "b1-0", Reserved)]));
}

#[test]
fn a_paid_line_without_a_hold_takes_stock_or_is_refused_or_waits() {
    let floor = [quota(TB, 2, None)];
    let took = |keys| Ok(vec![allocated(1, JD, keys, Stock)]);
    check(&[&stocked(1, 3)], allocate(1, JD, 2, Refuse), took("b1-0 b1-1"));
    check(&[&stocked(1, 3)], allocate(1, JD, 2, WAIT), took("b1-0 b1-1"));
    check(&[&stocked(1, 3)], allocate(1, JD, 4, Refuse), Err(Reason::OutOfStock));
    check(&[&stocked(1, 3)], allocate(1, JD, 4, WAIT), Ok(vec![waitlisted(1, JD, 4)]));
    check(&[&stocked(1, 3), &floor], allocate(1, JD, 2, Refuse), Err(Reason::QuotaExhausted));
    check(&[&stocked(1, 3), &floor], allocate(1, JD, 2, WAIT), took("b1-0 b1-1"));
    check(&[&stocked(1, 3), &[waitlisted(1, JD, 4)]], allocate(1, JD, 4, WAIT), Ok(vec![]));
    check(&[&stocked(1, 3), &[waitlisted(1, JD, 4)]], allocate(1, JD, 4, Refuse), Err(Reason::OutOfStock));
}

#[test]
fn a_line_whose_held_batch_was_quarantined_gets_other_units() {
    let held =
        [&stocked(1, 2)[..], &stocked(2, 2), &[reserved(1, JD, "b1-0 b1-1"), quarantined(1, "")]].concat();
    let gave_up = released(1, "b1-0 b1-1", "quarantined");
    for shortage in [Refuse, WAIT] {
        let then = vec![gave_up.clone(), allocated(1, JD, "b2-0 b2-1", Stock)];
        check(&[&held], allocate(1, JD, 2, shortage), Ok(then));
    }
    let state = after(&[&held[..], std::slice::from_ref(&gave_up)].concat());
    assert_eq!(state.quarantined_of(BatchId(1)), 2);
    let sold_out = [&held[..], &[voided("b2-0")]].concat();
    check(&[&sold_out], allocate(1, JD, 2, Refuse), Err(Reason::OutOfStock));
    check(&[&sold_out], allocate(1, JD, 2, WAIT), Ok(vec![gave_up, waitlisted(1, JD, 2)]));
    let checked = [&held[..], &[lifted(1, "")]].concat();
    check(&[&checked], allocate(1, JD, 2, Refuse), Ok(vec![allocated(1, JD, "b1-0 b1-1", Reserved)]));
}

#[test]
fn good_units_of_a_partly_quarantined_hold_go_to_the_line_first_and_then_to_the_waiting() {
    let held = [
        &stocked(1, 1)[..],
        &stocked(2, 2),
        &[reserved(1, JD, "b1-0 b2-0"), waitlisted(2, TB, 2), quarantined(1, ""), quota(JD, 0, Some(0))],
    ]
    .concat();
    let gave_up = released(1, "b1-0 b2-0", "quarantined");
    let then = vec![gave_up.clone(), allocated(1, JD, "b2-0 b2-1", Stock)];
    check(&[&held], allocate(1, JD, 2, WAIT), Ok(then));
    let short = [&held[..], &[voided("b2-1"), waitlisted(3, TB, 1)]].concat();
    check(&[&short], allocate(1, JD, 2, WAIT), Ok(vec![gave_up.clone(), waitlisted(1, JD, 2)]));
    let one = [&short[..], &[left(2)]].concat();
    let served = allocated(3, TB, "b2-0", Waitlist);
    check(&[&one], allocate(1, JD, 2, WAIT), Ok(vec![gave_up, waitlisted(1, JD, 2), served]));
}

#[test]
fn choosing_anew_credits_the_quota_with_what_is_given_up() {
    let held = [
        &stocked(1, 2)[..],
        &stocked(2, 3),
        &[quota(JD, 0, Some(2)), reserved(1, JD, "b1-0 b1-1"), quarantined(1, "")],
    ]
    .concat();
    let gave_up = released(1, "b1-0 b1-1", "quarantined");
    let then = vec![gave_up, allocated(1, JD, "b2-0 b2-1", Stock)];
    check(&[&held], allocate(1, JD, 2, Refuse), Ok(then));
    check(&[&held], allocate(1, JD, 3, Refuse), Err(Reason::QuotaExhausted));
}

#[test]
fn a_hold_of_another_size_is_chosen_anew() {
    let held = [&stocked(1, 4)[..], &[reserved(1, JD, "b1-2 b1-3")]].concat();
    let then = vec![released(1, "b1-2 b1-3", "resized"), allocated(1, JD, "b1-0 b1-1 b1-2", Stock)];
    check(&[&held], allocate(1, JD, 3, Refuse), Ok(then));
}

#[test]
fn a_unit_lifted_by_name_is_sold_though_its_batch_is_quarantined() {
    let given =
        [&stocked(1, 2)[..], &[quarantined(1, ""), lifted(1, "b1-1"), reserved(1, JD, "b1-1")]].concat();
    check(&[&given], allocate(1, JD, 1, Refuse), Ok(vec![allocated(1, JD, "b1-1", Reserved)]));
}

#[test]
fn a_replacement_takes_any_sellable_unit_and_counts_in_no_quota() {
    let bad = allocated(1, JD, "b1-0", Stock);
    let given = [&stocked(1, 2)[..], &[quota(JD, 0, Some(1)), quota(TB, 9, None), bad]].concat();
    let replaced = allocated(1, JD, "b1-1", Replacement);
    check(&[&given], replace(1, JD), Ok(vec![replaced.clone()]));
    check(&[&given, std::slice::from_ref(&replaced)], replace(1, JD), Err(Reason::OutOfStock));
    check(&[&given, &[quarantined(1, "")]], replace(1, JD), Err(Reason::OutOfStock));
    let state = after(&[&given[..], &[replaced]].concat());
    assert!(state.quotas().any(|(of, quota)| of.as_str() == JD && quota.taken == 1));
}

#[test]
fn a_line_gives_back_what_it_holds_whatever_that_is() {
    let stock = stocked(1, 4);
    let held = [reserved(1, JD, "b1-0 b1-1")];
    let paid = [allocated(1, JD, "b1-0 b1-1", Stock)];
    let waits = [waitlisted(1, JD, 9)];
    check(&[&stock], release(1, JD, ""), Ok(vec![]));
    check(&[&stock, &held], release(1, JD, ""), Ok(vec![released(1, "b1-0 b1-1", "cancelled")]));
    check(&[&stock, &held], release(2, JD, ""), Ok(vec![]));
    check(&[&stock, &paid], release(1, JD, ""), Ok(vec![]));
    check(&[&stock, &paid], release(1, JD, "b1-1"), Ok(vec![released(1, "b1-1", "cancelled")]));
    check(
        &[&stock, &paid],
        release(1, JD, "b1-1 b1-0 b1-1"),
        Ok(vec![released(1, "b1-0 b1-1", "cancelled")]),
    );
    check(&[&stock, &waits], release(1, JD, ""), Ok(vec![left(1)]));
    check(&[&stock, &waits, &[left(1)]], release(1, JD, ""), Ok(vec![]));
}

#[test]
fn only_units_that_are_out_are_given_back_by_name() {
    let stock = stocked(1, 4);
    check(&[&stock], release(1, JD, "b1-4"), Err(Reason::UnknownKey));
    check(&[&stock], release(1, JD, "b1-0"), Ok(vec![]));
    for elsewhere in [quarantined(1, "b1-0"), voided("b1-0"), reserved(2, JD, "b1-0")] {
        check(&[&stock, &[elsewhere]], release(1, JD, "b1-0"), Ok(vec![]));
    }
}

#[test]
fn a_unit_returns_to_where_its_batch_is() {
    let out = [allocated(1, JD, "b1-0", Stock)];
    let back = released(1, "b1-0", "cancelled");
    let waits = [waitlisted(2, TB, 1)];
    check(
        &[&stocked(1, 1), &out, &[quarantined(1, "")], &waits],
        release(1, JD, "b1-0"),
        Ok(vec![back.clone()]),
    );
    let state = after(&[&stocked(1, 1)[..], &out, &[quarantined(1, ""), back.clone()]].concat());
    assert_eq!((state.sellable(NOW), state.counters().quarantined), (0, 1));
    let expired = [opened_as(1, KeyKind::OneShot, Some(NOW)).into(), imported(1, 0, 1)];
    check(&[&expired, &out, &waits], release(1, JD, "b1-0"), Ok(vec![back.clone()]));
    let state = after(&[&expired[..], &out, &[back]].concat());
    assert_eq!((state.sellable(NOW), state.counters().in_stock), (0, 1));
}

#[test]
fn what_a_line_gives_back_serves_the_waiting_at_once() {
    let line = [waitlisted(2, TB, 1), waitlisted(3, TB, 1)];
    let served = |number, key| allocated(number, TB, key, Waitlist);
    let held = [&stocked(1, 2)[..], &[reserved(1, JD, "b1-0 b1-1")], &line].concat();
    let back = released(1, "b1-0 b1-1", "cancelled");
    check(&[&held], release(1, JD, ""), Ok(vec![back, served(2, "b1-0"), served(3, "b1-1")]));
    let queue = [&stocked(1, 1)[..], &[waitlisted(1, JD, 2)], &line].concat();
    check(&[&queue], release(1, JD, ""), Ok(vec![left(1), served(2, "b1-0")]));
    check(&[&queue], release(2, TB, ""), Ok(vec![left(2)]));
}

#[test]
fn what_is_given_back_is_given_back_to_the_quota() {
    let start = [&stocked(1, 9)[..], &[quota(JD, 0, Some(4)), quota(TB, 0, Some(4))]].concat();
    let taken = |facts: &[Fact]| -> Vec<u64> {
        after(&[&start[..], facts].concat()).quotas().map(|(_, quota)| quota.taken).collect()
    };
    let paid = allocated(1, JD, "b1-0 b1-1", Stock);
    let held = reserved(2, TB, "b1-2");
    assert_eq!(taken(&[paid.clone(), held.clone()]), [2, 1]);
    assert_eq!(taken(&[paid.clone(), released(1, "b1-1", "refunded")]), [1, 0]);
    assert_eq!(taken(&[held.clone(), released(2, "b1-2", "expired")]), [0, 0]);
    assert_eq!(taken(&[held.clone(), allocated(2, TB, "b1-2", Reserved)]), [0, 1]);
    assert_eq!(
        taken(&[held.clone(), allocated(2, TB, "b1-2", Reserved), released(2, "b1-2", "held")]),
        [0, 0]
    );
    assert_eq!(taken(&[waitlisted(3, JD, 1), allocated(3, JD, "b1-0", Waitlist)]), [1, 0]);
    assert_eq!(taken(&[held, quota(TB, 0, Some(4)), released(2, "b1-2", "expired")]), [0, 0]);
}
