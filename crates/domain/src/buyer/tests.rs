//! Every wish in every state of a buyer.

use events::{
    Fact,
    buyer::{BuyerErased, BuyerRegistered},
};
use vocabulary::Reason;

use super::{Buyer, Command, State};
use crate::Decider;

/// Given, when, then.
type Cell<'a> = (&'a [Fact], Command, Result<Vec<Fact>, Reason>);

fn registered() -> Fact {
    BuyerRegistered { buyer: "buyer-0a".parse().unwrap(), account: "wechat/main".parse().unwrap() }.into()
}
fn erased() -> Fact {
    BuyerErased { buyer: "buyer-0a".parse().unwrap(), reason: "requested by the buyer".into() }.into()
}
fn register() -> Command {
    Command::Register { buyer: "buyer-0a".parse().unwrap(), account: "wechat/main".parse().unwrap() }
}
fn erase() -> Command {
    Command::Erase { buyer: "buyer-0a".parse().unwrap(), reason: "requested by the buyer".into() }
}

#[test]
fn a_buyer_is_registered_once_and_erased_once() {
    let table: [Cell; 6] = [
        (&[], register(), Ok(vec![registered()])),
        (&[], erase(), Err(Reason::InvalidValue)),
        (&[registered()], register(), Ok(vec![])),
        (&[registered()], erase(), Ok(vec![erased()])),
        (&[registered(), erased()], register(), Ok(vec![])),
        (&[registered(), erased()], erase(), Ok(vec![])),
    ];
    for (given, when, then) in table {
        let mut state = State::default();
        given.iter().for_each(|fact| Buyer::evolve(&mut state, fact));
        assert_eq!(Buyer::decide(&state, &when).map_err(|no| no.reason), then, "{given:?} {when:?}");
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<State>(&text).unwrap(), state);
    }
}
