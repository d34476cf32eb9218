//! What follows from a wish put to a buyer's stream.

use events::{
    Fact,
    buyer::{BuyerErased, BuyerRegistered},
};
use vocabulary::Reason;

use super::{Command, State};
use crate::{Decider, Rejection};

/// The decider of a buyer.
#[derive(Debug, Clone, Copy)]
pub struct Buyer;

impl Decider for Buyer {
    const KIND: &'static str = "buyer";
    type State = State;
    type Command = Command;

    fn decide(state: &State, command: &Command) -> Result<Vec<Fact>, Rejection> {
        match (command.clone(), state) {
            (Command::Register { buyer, account }, State::Unknown) => {
                Ok(vec![BuyerRegistered { buyer, account }.into()])
            }
            (Command::Erase { buyer, reason }, State::Registered { .. }) => {
                Ok(vec![BuyerErased { buyer, reason }.into()])
            }
            (Command::Erase { .. }, State::Unknown) => {
                Err(Rejection::new(Reason::InvalidValue, "the buyer was never registered"))
            }
            (Command::Register { .. }, State::Registered { .. } | State::Erased)
            | (Command::Erase { .. }, State::Erased) => Ok(Vec::new()),
        }
    }

    fn evolve(state: &mut State, fact: &Fact) {
        match fact {
            Fact::BuyerRegistered(registered) => {
                *state = State::Registered { account: registered.account.clone() };
            }
            Fact::BuyerErased(_) => *state = State::Erased,
            _ => {}
        }
    }
}
