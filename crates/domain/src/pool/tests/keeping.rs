//! Batches, quotas, quarantine and what is taken out for good.

use events::pool::AllocationReason::{Reserved, Stock, Waitlist};
use vocabulary::{Currency, Money};

use super::*;

#[test]
fn a_batch_number_is_taken_once() {
    let again = opened_as(1, KeyKind::OneShot, None);
    check_wish(&[], opened(1), Ok(vec![opened(1)]));
    check_wish(&[&[opened(1)]], opened(1), Ok(vec![]));
    check_wish(&[&stocked(1, 3)], opened(1), Ok(vec![]));
    check_wish(&[&[opened(1)]], opened(2), Ok(vec![opened(2)]));
    let others = [
        BatchOpened { key_kind: KeyKind::Pair, ..again.clone() },
        BatchOpened { supplier: None, ..again.clone() },
        BatchOpened { unit_cost: Some(Money::new(1, Currency::CNY)), ..again.clone() },
        BatchOpened { sell_until: Some(NOW), ..again.clone() },
    ];
    for other in others {
        check_wish(&[&[opened(1)]], other.into(), Err(Reason::AlreadyExists));
    }
    let endless = BatchOpened { key_kind: KeyKind::Reusable { use_limit: 0 }, ..again.clone() };
    let gainful = BatchOpened { unit_cost: Some(Money::new(-1, Currency::CNY)), ..again };
    check_wish(&[], endless.into(), Err(Reason::InvalidValue));
    check_wish(&[], gainful.into(), Err(Reason::InvalidValue));
}

#[test]
fn keys_are_imported_in_index_order_into_a_batch_that_was_begun() {
    check_wish(&[], imported(1, 0, 2), Err(Reason::UnknownKey));
    check_wish(&[&[opened(1)]], imported(1, 0, 2), Ok(vec![imported(1, 0, 2)]));
    check_wish(&[&[opened(1)]], imported(1, 0, 0), Err(Reason::InvalidValue));
    check_wish(&[&[opened(1)]], imported(1, 1, 2), Err(Reason::InvalidValue));
    check_wish(&[&stocked(1, 2)], imported(1, 0, 2), Err(Reason::InvalidValue));
    check_wish(&[&stocked(1, 2)], imported(1, 2, 1), Ok(vec![imported(1, 2, 1)]));
}

#[test]
fn an_import_serves_the_waiting_in_order_and_none_overtakes() {
    let line = [opened(1), waitlisted(1, JD, 2), waitlisted(2, TB, 3), waitlisted(3, JD, 1)];
    let first = allocated(1, JD, "b1-0 b1-1", Waitlist);
    let second = allocated(2, TB, "b1-2 b1-3 b1-4", Waitlist);
    let third = allocated(3, JD, "b1-5", Waitlist);
    check_wish(&[&line], imported(1, 0, 1), Ok(vec![imported(1, 0, 1)]));
    check_wish(&[&line], imported(1, 0, 4), Ok(vec![imported(1, 0, 4), first.clone()]));
    check_wish(&[&line], imported(1, 0, 7), Ok(vec![imported(1, 0, 7), first, second, third]));
}

#[test]
fn an_import_into_a_quarantined_or_expired_batch_serves_nobody() {
    let line = [waitlisted(1, JD, 1)];
    let expired = [opened_as(1, KeyKind::OneShot, Some(NOW)).into()];
    check_wish(&[&[opened(1), quarantined(1, "")], &line], imported(1, 0, 2), Ok(vec![imported(1, 0, 2)]));
    check_wish(&[&expired, &line], imported(1, 0, 2), Ok(vec![imported(1, 0, 2)]));
    let state = after(&[opened(1), quarantined(1, ""), imported(1, 0, 2)]);
    assert_eq!((state.sellable(NOW), state.quarantined_of(BatchId(1))), (0, 2));
}

#[test]
fn a_reusable_key_is_as_many_units_as_its_uses() {
    let kind = KeyKind::Reusable { use_limit: 2 };
    let given = [opened_as(1, kind, None).into(), imported(1, 0, 2)];
    assert_eq!(after(&given).sellable(NOW), 4);
    let taken = allocated(1, JD, "b1-0 b1-0.1 b1-1", Stock);
    check(&[&given], allocate(1, JD, 3, Shortage::Refuse), Ok(vec![taken]));
}

#[test]
fn a_quota_is_set_and_counts_from_then_on() {
    check_wish(&[], quota(JD, 1, Some(2)), Ok(vec![quota(JD, 1, Some(2))]));
    check_wish(&[], quota(JD, 0, None), Ok(vec![quota(JD, 0, None)]));
    check_wish(&[], quota(JD, 2, Some(1)), Err(Reason::InvalidValue));
    check_wish(&[&[quota(JD, 1, Some(2))]], quota(JD, 1, Some(2)), Ok(vec![]));
    check_wish(&[&[quota(JD, 1, Some(2))]], quota(JD, 1, None), Ok(vec![quota(JD, 1, None)]));
    check_wish(&[&[quota(JD, 1, Some(2))]], quota(TB, 1, Some(2)), Ok(vec![quota(TB, 1, Some(2))]));
    let sold = [&stocked(1, 9)[..], &[quota(JD, 1, Some(2)), allocated(1, JD, "b1-0", Stock)]].concat();
    check_wish(&[&sold], quota(JD, 1, Some(2)), Ok(vec![quota(JD, 1, Some(2))]));
    let again = [&sold[..], &[quota(JD, 1, Some(2))]].concat();
    assert_eq!(after(&sold).available_to(&account(JD), NOW), 1);
    assert_eq!(after(&again).available_to(&account(JD), NOW), 2);
}

#[test]
fn floors_are_set_aside_and_caps_are_ceilings() {
    let given = [&stocked(1, 10)[..], &[quota(JD, 4, Some(6)), quota(TB, 3, None)]].concat();
    let state = after(&given);
    let available = |state: &State, of| state.available_to(&account(of), NOW);
    assert_eq!(state.shared(NOW), 3);
    assert_eq!([available(&state, JD), available(&state, TB), available(&state, "own/shop")], [6, 6, 3]);
    let more = [&given[..], &[allocated(1, JD, "b1-0 b1-1 b1-2 b1-3 b1-4", Stock)]].concat();
    let state = after(&more);
    assert_eq!(state.shared(NOW), 2);
    assert_eq!([available(&state, JD), available(&state, TB), available(&state, "own/shop")], [1, 5, 2]);
    let short = after(&[&stocked(1, 2)[..], &[quota(JD, 4, None), quota(TB, 3, None)]].concat());
    assert_eq!([available(&short, JD), available(&short, TB), available(&short, "own/shop")], [2, 2, 0]);
}

#[test]
fn a_batch_with_as_many_bad_keys_as_are_too_many_is_quarantined_and_counted_anew_after_a_look() {
    let judge = |limit| Command::JudgeBatch { sku: sku(), batch: BatchId(1), limit };
    let quarantine = Fact::from(KeysQuarantined {
        sku: sku(),
        batch: BatchId(1),
        keys: Vec::new(),
        reason: "bad_keys_in_batch".to_owned(),
    });
    let sold = [stocked(1, 9), vec![allocated(1, JD, "b1-0 b1-1 b1-2 b1-3", Stock)]].concat();
    let refunded = KeysRevoked { order: order(1), line: 0, keys: keys("b1-3"), reason: "refunded".into() };
    let two_bad = [revoked(1, "b1-0"), revoked(1, "b1-1"), refunded.into()];
    check(&[], judge(1), Err(Reason::UnknownKey));
    check(&[&sold, &two_bad], judge(3), Ok(vec![]));
    check(&[&sold, &two_bad], judge(0), Ok(vec![]));
    check(&[&sold, &two_bad], judge(2), Ok(vec![quarantine.clone()]));
    let third = [revoked(1, "b1-2")];
    check(&[&sold, &two_bad, &third], judge(3), Ok(vec![quarantine.clone()]));
    check(&[&sold, &two_bad, &third, std::slice::from_ref(&quarantine)], judge(3), Ok(vec![]));
    let looked = [quarantine, lifted(1, "")];
    check(&[&sold, &two_bad, &looked, &third], judge(2), Ok(vec![]));
}

#[test]
fn the_uses_of_one_reusable_key_are_one_bad_key() {
    let reusable = [opened_as(1, KeyKind::Reusable { use_limit: 3 }, None)];
    let reusable: Vec<Fact> = reusable.into_iter().map(Fact::from).collect();
    let sold = [imported(1, 0, 2), allocated(1, JD, "b1-0.0 b1-0.1", Stock), revoked(1, "b1-0.0 b1-0.1")];
    let judge = Command::JudgeBatch { sku: sku(), batch: BatchId(1), limit: 2 };
    check(&[&reusable, &sold], judge, Ok(vec![]));
}

#[test]
fn a_batch_is_quarantined_as_a_whole_once() {
    check_wish(&[], quarantined(1, ""), Err(Reason::UnknownKey));
    check_wish(&[&stocked(1, 2)], quarantined(1, ""), Ok(vec![quarantined(1, "")]));
    check_wish(&[&[opened(1)]], quarantined(1, ""), Ok(vec![quarantined(1, "")]));
    check_wish(&[&stocked(1, 2), &[quarantined(1, "")]], quarantined(1, ""), Ok(vec![]));
    check_wish(
        &[&stocked(1, 2), &[quarantined(1, "b1-0")]],
        quarantined(1, ""),
        Ok(vec![quarantined(1, "")]),
    );
    let again = [quarantined(1, ""), lifted(1, "")];
    check_wish(&[&stocked(1, 2), &again], quarantined(1, ""), Ok(vec![quarantined(1, "")]));
}

#[test]
fn units_are_quarantined_by_name_while_they_are_in_stock() {
    let stock = stocked(1, 4);
    check_wish(&[&stock], quarantined(1, "b1-3 b1-1 b1-3"), Ok(vec![quarantined(1, "b1-1 b1-3")]));
    check_wish(&[&stock, &[quarantined(1, "b1-1")]], quarantined(1, "b1-1"), Ok(vec![]));
    check_wish(
        &[&stock, &[quarantined(1, "b1-1")]],
        quarantined(1, "b1-1 b1-2"),
        Ok(vec![quarantined(1, "b1-2")]),
    );
    check_wish(&[&stock], quarantined(1, "b1-4"), Err(Reason::UnknownKey));
    check_wish(&[&stock], quarantined(1, "b1-0.1"), Err(Reason::UnknownKey));
    check_wish(&[&stock, &stocked(2, 1)], quarantined(1, "b2-0"), Err(Reason::InvalidValue));
    for elsewhere in [reserved(1, JD, "b1-0"), allocated(1, JD, "b1-0", Stock), voided("b1-0")] {
        check_wish(&[&stock, &[elsewhere]], quarantined(1, "b1-0"), Err(Reason::InvalidValue));
    }
}

#[test]
fn quarantine_is_lifted_by_name_or_as_a_whole() {
    let by_name = [&stocked(1, 4)[..], &[quarantined(1, "b1-1 b1-2")]].concat();
    let whole = [&stocked(1, 4)[..], &[quarantined(1, "")]].concat();
    check_wish(&[], lifted(1, ""), Err(Reason::UnknownKey));
    check_wish(&[&stocked(1, 4)], lifted(1, ""), Ok(vec![]));
    check_wish(&[&stocked(1, 4)], lifted(1, "b1-1"), Ok(vec![]));
    check_wish(&[&by_name], lifted(1, "b1-1"), Ok(vec![lifted(1, "b1-1")]));
    check_wish(&[&by_name], lifted(1, "b1-0 b1-1"), Ok(vec![lifted(1, "b1-1")]));
    check_wish(&[&by_name], lifted(1, ""), Ok(vec![lifted(1, "")]));
    check_wish(&[&whole], lifted(1, "b1-0"), Ok(vec![lifted(1, "b1-0")]));
    check_wish(&[&whole], lifted(1, ""), Ok(vec![lifted(1, "")]));
    check_wish(&[&whole], lifted(1, "b1-4"), Err(Reason::UnknownKey));
    check_wish(&[&by_name, &[allocated(1, JD, "b1-0", Stock)]], lifted(1, "b1-0"), Err(Reason::InvalidValue));
    assert_eq!(after(&[&whole[..], &[lifted(1, "b1-0")]].concat()).sellable(NOW), 1);
    assert_eq!(after(&[&whole[..], &[lifted(1, "")]].concat()).sellable(NOW), 4);
}

#[test]
fn lifting_a_quarantine_serves_the_waiting_unless_the_batch_expired() {
    let line = [quarantined(1, ""), waitlisted(1, JD, 2)];
    let served = allocated(1, JD, "b1-0 b1-1", Waitlist);
    check_wish(&[&stocked(1, 3), &line], lifted(1, ""), Ok(vec![lifted(1, ""), served.clone()]));
    check_wish(&[&stocked(1, 3), &line], lifted(1, "b1-0"), Ok(vec![lifted(1, "b1-0")]));
    check_wish(&[&stocked(1, 3), &line], lifted(1, "b1-0 b1-1"), Ok(vec![lifted(1, "b1-0 b1-1"), served]));
    let expired = [opened_as(1, KeyKind::OneShot, Some(NOW)).into(), imported(1, 0, 3)];
    check_wish(&[&expired, &line], lifted(1, ""), Ok(vec![lifted(1, "")]));
}

#[test]
fn a_batch_sells_until_its_last_instant() {
    let state = after(&[opened_as(1, KeyKind::OneShot, Some(NOW)).into(), imported(1, 0, 3)]);
    assert_eq!([state.sellable(at(999)), state.sellable(NOW)], [3, 0]);
    assert_eq!(state.counters().in_stock, 3);
}

#[test]
fn delivered_units_are_revoked_once_and_never_return() {
    let sold = [&stocked(1, 4)[..], &[allocated(1, JD, "b1-0 b1-1", Stock)]].concat();
    let gone = [&sold[..], &[revoked(1, "b1-0")]].concat();
    check_wish(&[&sold], revoked(1, "b1-0"), Ok(vec![revoked(1, "b1-0")]));
    check_wish(&[&gone], revoked(1, "b1-0"), Ok(vec![]));
    check_wish(&[&gone], revoked(1, "b1-0 b1-1"), Ok(vec![revoked(1, "b1-1")]));
    check_wish(&[&sold], revoked(1, "b1-9"), Err(Reason::UnknownKey));
    for elsewhere in [voided("b1-2"), quarantined(1, "b1-2"), reserved(2, JD, "b1-2"), left(1)] {
        check_wish(&[&sold, &[elsewhere]], revoked(1, "b1-2"), Err(Reason::InvalidValue));
    }
    check(&[&gone], release(1, JD, "b1-0"), Ok(vec![]));
    let counters = after(&gone).counters();
    assert_eq!((counters.allocated, counters.revoked), (2, 1));
}

#[test]
fn units_in_stock_are_voided_once() {
    let stock = stocked(1, 4);
    check_wish(&[&stock], voided("b1-0 b1-3"), Ok(vec![voided("b1-0 b1-3")]));
    check_wish(&[&stock, &[quarantined(1, "")]], voided("b1-0"), Ok(vec![voided("b1-0")]));
    check_wish(&[&stock, &[voided("b1-0")]], voided("b1-0"), Ok(vec![]));
    check_wish(&[&stock, &[voided("b1-0")]], voided("b1-0 b1-1"), Ok(vec![voided("b1-1")]));
    check_wish(&[&stock], voided("b1-4"), Err(Reason::UnknownKey));
    check_wish(&[], voided("b1-0"), Err(Reason::UnknownKey));
    for elsewhere in [reserved(1, JD, "b1-0"), allocated(1, JD, "b1-0", Stock)] {
        check_wish(&[&stock, &[elsewhere]], voided("b1-0"), Err(Reason::InvalidValue));
    }
}

#[test]
fn every_unit_is_counted_where_it_is() {
    let state = after(
        &[
            &stocked(1, 10)[..],
            &[
                reserved(1, JD, "b1-0 b1-1"),
                allocated(2, JD, "b1-2 b1-3", Stock),
                quarantined(1, "b1-4"),
                voided("b1-5"),
                reserved(3, JD, "b1-6"),
                allocated(3, JD, "b1-6", Reserved),
                revoked(3, "b1-6"),
            ],
        ]
        .concat(),
    );
    let counters = state.counters();
    let expected = super::super::Counters {
        imported: 10,
        in_stock: 3,
        reserved: 2,
        quarantined: 1,
        allocated: 3,
        revoked: 1,
        voided: 1,
    };
    assert_eq!(counters, expected);
    assert_eq!(counters.on_hand(), 6);
    assert_eq!(state.in_stock_of(BatchId(1)), 3);
    assert_eq!(state.batch(BatchId(1)).unwrap().keys, 10);
    assert_eq!(state.batches().count(), 1);
}
