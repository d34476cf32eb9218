//! What follows from a wish put to the price book.

use events::{
    Fact,
    price::{PriceSet, PriceWithdrawn},
};
use vocabulary::Reason;

use super::{Command, Price, State};
use crate::{Decider, Rejection};

/// The decider of a price book.
#[derive(Debug, Clone, Copy)]
pub struct PriceBook;

impl Decider for PriceBook {
    const KIND: &'static str = "price";
    type State = State;
    type Command = Command;

    fn decide(state: &State, command: &Command) -> Result<Vec<Fact>, Rejection> {
        match command.clone() {
            Command::SetPrice { sku, account, unit_price, valid_from, valid_until, reason } => {
                set(state, PriceSet { sku, account, unit_price, valid_from, valid_until, reason })
            }
            Command::Withdraw { sku, account, reason } => {
                let any = state.prices(account.as_ref()).next().is_some();
                Ok(if any { vec![PriceWithdrawn { sku, account, reason }.into()] } else { Vec::new() })
            }
        }
    }

    fn evolve(state: &mut State, fact: &Fact) {
        match fact {
            Fact::PriceSet(set) => state.set(set),
            Fact::PriceWithdrawn(withdrawn) => state.withdraw(withdrawn.account.as_ref()),
            _ => {}
        }
    }
}

fn set(state: &State, set: PriceSet) -> Result<Vec<Fact>, Rejection> {
    let invalid = |detail: &str| Err(Rejection::new(Reason::InvalidValue, detail));
    if set.unit_price.minor <= 0 {
        return invalid("the price is not more than nothing");
    }
    if set.valid_until.is_some_and(|until| until <= set.valid_from) {
        return invalid("the price would end before it begins");
    }
    let wanted = Price { unit_price: set.unit_price, valid_until: set.valid_until };
    let stands = state.starting(set.account.as_ref(), set.valid_from) == Some(&wanted);
    Ok(if stands { Vec::new() } else { vec![set.into()] })
}
