//! What follows from a wish put to a purchase.

use events::{
    Fact,
    procurement::{ProcurementAccepted, ProcurementEnd, ProcurementRequested, ProcurementSettled},
};
use vocabulary::Reason;

use super::{Command, State};
use crate::{Decider, Rejection};

/// The decider of a purchase.
#[derive(Debug, Clone, Copy)]
pub struct Procurement;

impl Decider for Procurement {
    const KIND: &'static str = "procurement";
    type State = State;
    type Command = Command;

    fn decide(state: &State, command: &Command) -> Result<Vec<Fact>, Rejection> {
        let fact = match (command.clone(), &state.requested) {
            (Command::Request(wanted), before) => request(before.as_ref(), wanted)?,
            (_, None) => return Err(Rejection::new(Reason::WrongState, "the purchase was never asked for")),
            (Command::Accept { reference }, Some(asked)) => accept(state, &asked.our_no, reference),
            (Command::Settle { end, reference }, Some(asked)) => settle(state, &asked.our_no, end, reference),
        };
        Ok(fact.into_iter().collect())
    }

    fn evolve(state: &mut State, fact: &Fact) {
        match fact {
            Fact::ProcurementRequested(requested) => state.requested = Some(requested.clone()),
            Fact::ProcurementAccepted(accepted) => {
                state.accepted = true;
                state.reference = accepted.reference.clone().or(state.reference.take());
            }
            Fact::ProcurementSettled(settled) => {
                state.end = Some(settled.end.clone());
                state.reference = settled.reference.clone().or(state.reference.take());
            }
            _ => {}
        }
    }
}

fn request(
    before: Option<&ProcurementRequested>,
    wanted: ProcurementRequested,
) -> Result<Option<Fact>, Rejection> {
    check_text(&wanted.item, 200, "the item")?;
    check_text(&wanted.reason, 500, "the reason")?;
    if wanted.max_price.minor <= 0 {
        return Err(Rejection::new(Reason::InvalidValue, "the highest price is not more than nothing"));
    }
    match before {
        Some(before) if *before == wanted => Ok(None),
        Some(_) => Err(Rejection::new(Reason::AlreadyExists, "the number is another purchase's")),
        None => Ok(Some(wanted.into())),
    }
}

fn accept(state: &State, our_no: &str, reference: Option<String>) -> Option<Fact> {
    let news = !state.accepted || (reference.is_some() && reference != state.reference);
    (news && state.end.is_none()).then(|| ProcurementAccepted { our_no: our_no.to_owned(), reference }.into())
}

fn settle(state: &State, our_no: &str, end: ProcurementEnd, reference: Option<String>) -> Option<Fact> {
    use ProcurementEnd::{Failed, ForAPerson, Keys};
    let news = match (&state.end, &end) {
        (Some(Keys { .. }), _) => false,
        (None, _) | (_, Keys { .. }) | (Some(ForAPerson { .. }), Failed { .. }) => true,
        (Some(_), _) => false,
    };
    let reference = reference.or_else(|| state.reference.clone());
    news.then(|| ProcurementSettled { our_no: our_no.to_owned(), end, reference }.into())
}

fn check_text(text: &str, max: usize, what: &str) -> Result<(), Rejection> {
    if (1..=max).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        return Ok(());
    }
    let detail = format!("{what} has 1 to {max} characters, none of them a control character");
    Err(Rejection::new(Reason::InvalidValue, detail))
}
