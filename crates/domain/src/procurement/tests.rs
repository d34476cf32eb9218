//! Every wish in every state of a purchase.

use events::{
    Fact,
    procurement::{ProcurementAccepted, ProcurementEnd, ProcurementRequested, ProcurementSettled},
};
use vocabulary::{BatchId, Currency, Money, Quantity, Reason};

use super::{Command, Procurement, State};
use crate::Decider;

fn our_no() -> String {
    "0198c1c0a0007000800000000000002b".to_owned()
}
fn wanted() -> ProcurementRequested {
    ProcurementRequested {
        our_no: our_no(),
        sku: "steam-50".parse().unwrap(),
        account: "dujiao-next/b".parse().unwrap(),
        item: "7".into(),
        quantity: Quantity::ONE,
        max_price: Money::new(4_800, Currency::CNY),
        batch: BatchId(4),
        reason: "low stock".into(),
    }
}
fn requested() -> Fact {
    wanted().into()
}
fn accepted(reference: Option<&str>) -> Fact {
    ProcurementAccepted { our_no: our_no(), reference: reference.map(str::to_owned) }.into()
}
fn settled(end: ProcurementEnd, reference: Option<&str>) -> Fact {
    ProcurementSettled { our_no: our_no(), end, reference: reference.map(str::to_owned) }.into()
}
fn keys() -> ProcurementEnd {
    ProcurementEnd::Keys { batch: BatchId(4), count: 1, asked: 1, duplicates: 0 }
}
fn failed() -> ProcurementEnd {
    ProcurementEnd::Failed { code: "sold_out".into() }
}
fn for_a_person() -> ProcurementEnd {
    ProcurementEnd::ForAPerson { code: "no_answer".into() }
}
fn accept(reference: Option<&str>) -> Command {
    Command::Accept { reference: reference.map(str::to_owned) }
}
fn settle(end: ProcurementEnd) -> Command {
    Command::Settle { end, reference: None }
}
fn after(facts: &[Fact]) -> State {
    let mut state = State::default();
    facts.iter().for_each(|fact| Procurement::evolve(&mut state, fact));
    state
}
fn check(given: &[Fact], when: Command, then: Result<Vec<Fact>, Reason>) {
    let decision = Procurement::decide(&after(given), &when);
    assert_eq!(decision.map_err(|no| no.reason), then, "{given:?} {when:?}");
}

#[test]
fn a_purchase_is_asked_for_once() {
    check(&[], Command::Request(wanted()), Ok(vec![requested()]));
    check(&[requested()], Command::Request(wanted()), Ok(vec![]));
    let other = ProcurementRequested { item: "8".into(), ..wanted() };
    check(&[requested()], Command::Request(other), Err(Reason::AlreadyExists));
}

#[test]
fn values_out_of_bounds_are_refused() {
    for bad in [
        ProcurementRequested { item: String::new(), ..wanted() },
        ProcurementRequested { item: "x".repeat(201), ..wanted() },
        ProcurementRequested { reason: String::new(), ..wanted() },
        ProcurementRequested { reason: "a\nb".into(), ..wanted() },
        ProcurementRequested { max_price: Money::zero(Currency::CNY), ..wanted() },
    ] {
        check(&[], Command::Request(bad), Err(Reason::InvalidValue));
    }
}

#[test]
fn a_purchase_that_was_never_asked_for_cannot_go_on() {
    check(&[], accept(Some("100")), Err(Reason::WrongState));
    check(&[], settle(keys()), Err(Reason::WrongState));
}

#[test]
fn that_the_supplier_took_it_is_said_once_for_every_number_it_gives() {
    let (asked, taken) = (requested(), accepted(Some("100")));
    check(&[requested()], accept(None), Ok(vec![accepted(None)]));
    check(&[asked.clone(), accepted(None)], accept(None), Ok(vec![]));
    check(&[asked.clone(), accepted(None)], accept(Some("100")), Ok(vec![taken.clone()]));
    check(&[asked.clone(), taken.clone()], accept(Some("100")), Ok(vec![]));
    check(&[asked.clone(), taken.clone()], accept(None), Ok(vec![]));
    check(&[asked, taken, settled(failed(), None)], accept(Some("101")), Ok(vec![]));
}

#[test]
fn a_purchase_ends_once_but_keys_are_never_turned_away() {
    let asked = [requested(), accepted(Some("100"))];
    for end in [keys(), failed(), for_a_person()] {
        check(&asked, settle(end.clone()), Ok(vec![settled(end, Some("100"))]));
    }
    let after_end = |end| [asked.to_vec(), vec![settled(end, Some("100"))]].concat();
    for end in [keys(), failed(), for_a_person()] {
        check(&after_end(keys()), settle(end), Ok(vec![]));
    }
    for (end, new, is_news) in [
        (failed(), keys(), true),
        (failed(), failed(), false),
        (failed(), for_a_person(), false),
        (for_a_person(), keys(), true),
        (for_a_person(), failed(), true),
        (for_a_person(), for_a_person(), false),
    ] {
        let news = if is_news { vec![settled(new.clone(), Some("100"))] } else { Vec::new() };
        check(&after_end(end), settle(new), Ok(news));
    }
}

#[test]
fn the_state_tells_what_is_to_be_done_and_reads_back() {
    let open = after(&[requested(), accepted(Some("100")), accepted(None)]);
    assert!(open.is_open() && open.takes_keys() && open.accepted());
    assert_eq!((open.reference(), open.end()), (Some("100"), None));
    let doubtful = after(&[requested(), settled(for_a_person(), None)]);
    assert!(!doubtful.is_open() && doubtful.takes_keys());
    let over = after(&[requested(), settled(keys(), Some("9"))]);
    assert!(!over.is_open() && !over.takes_keys() && !after(&[]).takes_keys());
    let text = serde_json::to_string(&over).unwrap();
    assert_eq!(serde_json::from_str::<State>(&text).unwrap(), over);
}
