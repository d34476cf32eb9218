//! Every wish in every state of a price book, and the price of any instant.

use events::{
    Fact,
    price::{PriceSet, PriceWithdrawn},
};
use proptest::prelude::*;
use vocabulary::{Account, Currency, Money, Reason, Sku, Timestamp};

use super::{Command, PriceBook, State};
use crate::Decider;

/// Given, when, then.
type Cell = (Vec<Fact>, Command, Result<Vec<Fact>, Reason>);

fn sku() -> Sku {
    "steam-50".parse().unwrap()
}
fn account(text: &str) -> Account {
    text.parse().unwrap()
}
fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}
fn price(minor: i64, own: Option<&str>, from: i64, until: Option<i64>) -> PriceSet {
    PriceSet {
        sku: sku(),
        account: own.map(account),
        unit_price: Money::new(minor, Currency::CNY),
        valid_from: at(from),
        valid_until: until.map(at),
        reason: "plan".into(),
    }
}
fn set(wanted: PriceSet) -> Command {
    let PriceSet { sku, account, unit_price, valid_from, valid_until, reason } = wanted;
    Command::SetPrice { sku, account, unit_price, valid_from, valid_until, reason }
}
fn withdrawn(own: Option<&str>) -> PriceWithdrawn {
    PriceWithdrawn { sku: sku(), account: own.map(account), reason: "plan".into() }
}
fn withdraw(own: Option<&str>) -> Command {
    let PriceWithdrawn { sku, account, reason } = withdrawn(own);
    Command::Withdraw { sku, account, reason }
}
fn after(facts: &[Fact]) -> State {
    let mut state = State::default();
    facts.iter().for_each(|fact| PriceBook::evolve(&mut state, fact));
    state
}

#[test]
fn prices_are_set_replaced_and_withdrawn() {
    let general = || price(100, None, 0, None);
    let own = || price(90, Some("jd/a"), 0, None);
    let table: Vec<Cell> = vec![
        (vec![], set(general()), Ok(vec![general().into()])),
        (vec![], set(own()), Ok(vec![own().into()])),
        (vec![general().into()], set(general()), Ok(vec![])),
        (vec![general().into()], set(own()), Ok(vec![own().into()])),
        (vec![own().into()], set(own()), Ok(vec![])),
        (vec![own().into()], set(general()), Ok(vec![general().into()])),
        (
            vec![own().into()],
            set(price(80, Some("jd/a"), 0, None)),
            Ok(vec![price(80, Some("jd/a"), 0, None).into()]),
        ),
        (
            vec![own().into()],
            set(price(90, Some("jd/a"), 0, Some(9))),
            Ok(vec![price(90, Some("jd/a"), 0, Some(9)).into()]),
        ),
        (vec![], set(price(0, None, 0, None)), Err(Reason::InvalidValue)),
        (vec![], set(price(-1, None, 0, None)), Err(Reason::InvalidValue)),
        (vec![], set(price(1, None, 5, Some(5))), Err(Reason::InvalidValue)),
        (vec![], set(price(1, None, 5, Some(4))), Err(Reason::InvalidValue)),
        (vec![], withdraw(None), Ok(vec![])),
        (vec![], withdraw(Some("jd/a")), Ok(vec![])),
        (vec![general().into()], withdraw(None), Ok(vec![withdrawn(None).into()])),
        (vec![general().into()], withdraw(Some("jd/a")), Ok(vec![])),
        (vec![own().into()], withdraw(Some("jd/a")), Ok(vec![withdrawn(Some("jd/a")).into()])),
        (vec![own().into(), withdrawn(Some("jd/a")).into()], withdraw(Some("jd/a")), Ok(vec![])),
    ];
    for (given, when, then) in table {
        let decision = PriceBook::decide(&after(&given), &when).map_err(|no| no.reason);
        assert_eq!(decision, then, "{given:?} {when:?}");
    }
}

#[test]
fn an_accounts_own_valid_price_goes_before_the_general_one() {
    let state = after(&[
        price(100, None, 0, None).into(),
        price(95, None, 50, Some(60)).into(),
        price(90, Some("jd/a"), 10, Some(20)).into(),
        price(80, Some("jd/a"), 15, Some(18)).into(),
    ]);
    let fen = |own, secs| state.price_for(&account(own), at(secs)).map(|money| money.minor);
    let expected =
        [(-1, None), (0, Some(100)), (10, Some(90)), (15, Some(80)), (18, Some(90)), (20, Some(100))];
    for (secs, minor) in expected {
        assert_eq!(fen("jd/a", secs), minor, "at {secs}");
    }
    assert_eq!([fen("tb/b", 10), fen("tb/b", 50), fen("tb/b", 60)], [Some(100), Some(95), Some(100)]);
}

#[test]
fn a_withdrawn_price_of_its_own_leaves_the_general_one() {
    let facts = [
        price(100, None, 0, None).into(),
        price(90, Some("jd/a"), 0, None).into(),
        withdrawn(Some("jd/a")).into(),
    ];
    assert_eq!(after(&facts).price_for(&account("jd/a"), at(1)), Some(Money::new(100, Currency::CNY)));
}

/// The rule in its plainest words: a later fact of the same start replaces; the latest valid start wins.
fn plain(facts: &[Fact], own: &Account, now: Timestamp) -> Option<Money> {
    let among = |wanted: Option<&Account>| {
        let mut book: Vec<&PriceSet> = Vec::new();
        for fact in facts {
            match fact {
                Fact::PriceSet(set) if set.account.as_ref() == wanted => {
                    book.retain(|old| old.valid_from != set.valid_from);
                    book.push(set);
                }
                Fact::PriceWithdrawn(gone) if gone.account.as_ref() == wanted => book.clear(),
                _ => {}
            }
        }
        let valid =
            book.into_iter().filter(|set| set.valid_from <= now && set.valid_until.is_none_or(|u| now < u));
        valid.max_by_key(|set| set.valid_from).map(|set| set.unit_price)
    };
    among(Some(own)).or_else(|| among(None))
}

fn any_command() -> impl Strategy<Value = Command> {
    let own = prop::sample::select(vec![None, Some("jd/a"), Some("tb/b")]);
    prop_oneof![
        6 => (0..20i64, own.clone(), 0..12i64, prop::option::of(0..12i64)).prop_map(|(m, o, f, u)| set(price(m, o, f, u))),
        1 => own.prop_map(withdraw),
    ]
}

proptest! {
    #[test]
    fn the_price_is_that_of_the_plain_rule(commands in prop::collection::vec(any_command(), 0..40)) {
        let (mut state, mut facts) = (State::default(), Vec::new());
        for command in &commands {
            for fact in PriceBook::decide(&state, command).unwrap_or_default() {
                PriceBook::evolve(&mut state, &fact);
                facts.push(fact);
            }
        }
        for own in ["jd/a", "tb/b", "none/c"].map(account) {
            for secs in -1..14 {
                prop_assert_eq!(state.price_for(&own, at(secs)), plain(&facts, &own, at(secs)));
            }
        }
        let text = serde_json::to_string(&state).unwrap();
        prop_assert_eq!(serde_json::from_str::<State>(&text).unwrap(), state);
    }
}
