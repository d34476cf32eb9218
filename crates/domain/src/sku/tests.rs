//! Every wish in every state of a SKU.

use events::{Fact, sku::SkuDefined};
use vocabulary::{Currency, KeyKind, Money, Reason};

use super::{Command, SkuDefinition, State};
use crate::Decider;

fn defined() -> SkuDefined {
    SkuDefined {
        sku: "steam-50".parse().unwrap(),
        name: "Steam 50".into(),
        family: "steam".into(),
        key_kind: KeyKind::OneShot,
        face_value: Some(Money::new(5000, Currency::CNY)),
    }
}
fn define(wanted: SkuDefined) -> Command {
    let SkuDefined { sku, name, family, key_kind, face_value } = wanted;
    Command::Define { sku, name, family, key_kind, face_value }
}
fn after(facts: &[Fact]) -> State {
    let mut state = State::default();
    facts.iter().for_each(|fact| SkuDefinition::evolve(&mut state, fact));
    state
}
fn check(given: &[Fact], wanted: SkuDefined, then: Result<Vec<Fact>, Reason>) {
    let decision = SkuDefinition::decide(&after(given), &define(wanted.clone()));
    assert_eq!(decision.map_err(|no| no.reason), then, "{given:?} {wanted:?}");
}

#[test]
fn a_sku_is_defined_and_redefined_but_keeps_family_and_kind() {
    let given = [defined().into()];
    let renamed = SkuDefined { name: "Steam card 50".into(), ..defined() };
    let revalued = SkuDefined { face_value: None, ..defined() };
    check(&[], defined(), Ok(vec![defined().into()]));
    check(&given, defined(), Ok(vec![]));
    check(&given, renamed.clone(), Ok(vec![renamed.into()]));
    check(&given, revalued.clone(), Ok(vec![revalued.into()]));
    check(&given, SkuDefined { family: "other".into(), ..defined() }, Err(Reason::AlreadyExists));
    let shared = KeyKind::Reusable { use_limit: 3 };
    check(&given, SkuDefined { key_kind: shared, ..defined() }, Err(Reason::AlreadyExists));
}

#[test]
fn values_out_of_bounds_are_refused_in_every_state() {
    let long = "五".repeat(201);
    let mut bad = Vec::new();
    for name in ["", "  ", "a\nb", "a\u{7f}", long.as_str()] {
        bad.push(SkuDefined { name: name.into(), ..defined() });
        bad.push(SkuDefined { family: name.into(), ..defined() });
    }
    bad.push(SkuDefined { key_kind: KeyKind::Reusable { use_limit: 0 }, ..defined() });
    bad.push(SkuDefined { face_value: Some(Money::zero(Currency::CNY)), ..defined() });
    for wanted in bad {
        check(&[], wanted.clone(), Err(Reason::InvalidValue));
        check(&[defined().into()], wanted, Err(Reason::InvalidValue));
    }
    let longest = SkuDefined { name: "五".repeat(200), ..defined() };
    check(&[], longest.clone(), Ok(vec![longest.into()]));
}

#[test]
fn the_state_tells_what_was_defined_and_reads_back() {
    assert_eq!(after(&[]).key_kind(), None);
    let state = after(&[defined().into()]);
    assert_eq!(state.defined(), Some(&defined()));
    assert_eq!(state.key_kind(), Some(KeyKind::OneShot));
    let text = serde_json::to_string(&state).unwrap();
    assert_eq!(serde_json::from_str::<State>(&text).unwrap(), state);
}
