//! What follows from a wish put to a SKU.

use events::{Fact, sku::SkuDefined};
use vocabulary::{KeyKind, Reason};

use super::{Command, State};
use crate::{Decider, Rejection};

/// The decider of a SKU's definition.
#[derive(Debug, Clone, Copy)]
pub struct SkuDefinition;

impl Decider for SkuDefinition {
    const KIND: &'static str = "sku";
    type State = State;
    type Command = Command;

    fn decide(state: &State, command: &Command) -> Result<Vec<Fact>, Rejection> {
        let Command::Define { sku, name, family, key_kind, face_value } = command.clone();
        define(state, SkuDefined { sku, name, family, key_kind, face_value })
    }

    fn evolve(state: &mut State, fact: &Fact) {
        if let Fact::SkuDefined(defined) = fact {
            state.define(defined);
        }
    }
}

fn define(state: &State, wanted: SkuDefined) -> Result<Vec<Fact>, Rejection> {
    let invalid = |detail: &str| Err(Rejection::new(Reason::InvalidValue, detail));
    if !is_name(&wanted.name) || !is_name(&wanted.family) {
        return invalid("name and family have 1 to 200 characters, none of them a control character");
    }
    if wanted.key_kind == (KeyKind::Reusable { use_limit: 0 }) {
        return invalid("the use limit of a reusable key is at least 1");
    }
    if wanted.face_value.is_some_and(|value| value.minor <= 0) {
        return invalid("the face value is not more than nothing");
    }
    if let Some(defined) = state.defined() {
        if *defined == wanted {
            return Ok(Vec::new());
        }
        if (defined.key_kind, &defined.family) != (wanted.key_kind, &wanted.family) {
            return Err(Rejection::new(
                Reason::AlreadyExists,
                "the kind of keys and the family cannot change",
            ));
        }
    }
    Ok(vec![wanted.into()])
}

fn is_name(text: &str) -> bool {
    (1..=200).contains(&text.chars().count())
        && !text.chars().any(char::is_control)
        && !text.trim().is_empty()
}
