//! What follows from a wish put to a buyer's stream.

use events::{
    Fact,
    buyer::{BuyerErased, BuyerRegistered, IdentifierKind, IdentityLinked, IdentityUnlinked, LinkEvidence},
};
use vocabulary::{BuyerId, Reason};

use super::{Command, Link, State, state::Links};
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
            (Command::Link { buyer, link }, State::Registered { links, .. }) => bind(buyer, link, links),
            (Command::Unlink { buyer, kind, identifier, reason }, State::Registered { links, .. }) => {
                if links.get(kind, &identifier) == Some(true) {
                    return Ok(vec![IdentityUnlinked { buyer, kind, identifier, reason }.into()]);
                }
                Err(Rejection::new(Reason::InvalidValue, "the buyer has no such link"))
            }
            (Command::Unlink { .. }, State::Erased) => {
                Err(Rejection::new(Reason::InvalidValue, "an erased buyer has no links"))
            }
            (Command::Erase { .. } | Command::Link { .. } | Command::Unlink { .. }, State::Unknown) => {
                Err(Rejection::new(Reason::InvalidValue, "the buyer was never registered"))
            }
            (Command::Register { .. }, State::Registered { .. })
            | (Command::Register { .. } | Command::Erase { .. } | Command::Link { .. }, State::Erased) => {
                Ok(Vec::new())
            }
        }
    }

    fn evolve(state: &mut State, fact: &Fact) {
        match (fact, state) {
            (Fact::BuyerRegistered(registered), state) => {
                *state = State::Registered { account: registered.account.clone(), links: Links::default() };
            }
            (Fact::BuyerErased(_), state) => *state = State::Erased,
            (Fact::IdentityLinked(e), State::Registered { links, .. }) => {
                links.set(e.kind, &e.identifier, true);
            }
            (Fact::IdentityUnlinked(e), State::Registered { links, .. }) => {
                links.set(e.kind, &e.identifier, false);
            }
            _ => {}
        }
    }
}

fn bind(buyer: BuyerId, link: Link, links: &Links) -> Result<Vec<Fact>, Rejection> {
    if link.kind == IdentifierKind::Buyer && link.identifier == buyer.as_str() {
        return Err(Rejection::new(Reason::InvalidValue, "a buyer is not linked to themselves"));
    }
    // An account says the same with every order: what a person took back would be back with the next one.
    let repeats = matches!(link.evidence, LinkEvidence::Channel { .. });
    match links.get(link.kind, &link.identifier) {
        Some(true) => Ok(Vec::new()),
        Some(false) if repeats => Ok(Vec::new()),
        _ => {
            let Link { kind, identifier, scope, strength, evidence, last4 } = link;
            Ok(vec![IdentityLinked { buyer, kind, identifier, scope, strength, evidence, last4 }.into()])
        }
    }
}
