//! Streams that only keep a record: journeys, what staff looked at, what models were fitted. Nothing is decided
//! about them but that a fact stands in a stream of its kind.

use events::Fact;
use serde::{Deserialize, Serialize};
use vocabulary::{Reason, StreamId};

use crate::{Decider, Rejection};

/// The kinds of streams that are journals.
pub const KINDS: [&str; 3] = ["journey", "staff", "policy"];

/// Whether a stream is a journal.
pub fn is_journal(stream: &StreamId) -> bool {
    KINDS.contains(&stream.kind())
}

/// The decider of a journal.
#[derive(Debug, Clone, Copy)]
pub struct Journal;

/// How long the journal is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// How many facts it has.
    pub facts: u64,
}

/// What can be asked of a journal.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Write a fact down in a stream of that name. `InvalidValue` where it does not belong there.
    Record {
        /// The stream.
        stream: StreamId,
        /// The fact.
        fact: Box<Fact>,
    },
}

impl Decider for Journal {
    const KIND: &'static str = "journal";
    type State = State;
    type Command = Command;

    fn decide(_: &State, command: &Command) -> Result<Vec<Fact>, Rejection> {
        let Command::Record { stream, fact } = command;
        let belongs = Fact::stream_kind(fact.type_name()) == Some(stream.kind());
        if belongs && is_journal(stream) {
            Ok(vec![fact.as_ref().clone()])
        } else {
            Err(Rejection::new(Reason::InvalidValue, format!("{} is not kept in {stream}", fact.type_name())))
        }
    }

    fn evolve(state: &mut State, fact: &Fact) {
        if Fact::stream_kind(fact.type_name()).is_some_and(|kind| KINDS.contains(&kind)) {
            state.facts += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use events::{journey::JourneyOrdered, order::OrderReleased};

    use super::*;

    fn record(stream: &str, fact: Fact) -> Result<Vec<Fact>, Reason> {
        let command = Command::Record { stream: stream.parse().unwrap(), fact: Box::new(fact) };
        Journal::decide(&State::default(), &command).map_err(|no| no.reason)
    }
    fn ordered() -> Fact {
        let order = "order-0198c1c0a0007000800000000000002a".parse().unwrap();
        JourneyOrdered { journey: "journey-a".parse().unwrap(), order }.into()
    }

    #[test]
    fn a_fact_is_kept_in_a_journal_of_its_kind_and_nowhere_else() {
        assert_eq!(record("journey-a", ordered()), Ok(vec![ordered()]));
        assert_eq!(record("staff-wang", ordered()), Err(Reason::InvalidValue));
        let released: Fact = OrderReleased { reason: "checked".to_owned() }.into();
        let order = "order-0198c1c0a0007000800000000000002a";
        assert_eq!(record(order, released), Err(Reason::InvalidValue), "orders are no journals");
    }

    #[test]
    fn a_journal_counts_its_facts() {
        let mut state = State::default();
        Journal::evolve(&mut state, &ordered());
        assert_eq!(state, State { facts: 1 });
    }
}
