//! Somebody says that an order is theirs. What can be guessed is bounded by the order itself.

use events::order::ClaimAttempted;
use serde::{Deserialize, Serialize};
use vocabulary::Reason;

use super::State;
use crate::Rejection;

/// How many guessable proofs an order takes a day, right or wrong.
pub const CLAIM_TRIES: u32 = 5;

/// Guessable proofs that were tried on one business day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The day, `yyyy-mm-dd`.
    pub day: String,
    /// How many.
    pub tries: u32,
}

/// A proof that could be found by trying: a phone number's last digits have ten thousand values.
fn is_guessable(proof: &str) -> bool {
    proof != "card_key"
}

pub(super) fn attempt(state: &State, attempt: &ClaimAttempted) -> Result<ClaimAttempted, Rejection> {
    if state.placed.is_none() {
        return Err(Rejection::new(Reason::UnknownOrder, "the order was not placed yet"));
    }
    let Claims { day, tries } = &state.claims;
    if is_guessable(&attempt.proof) && *day == attempt.day && *tries >= CLAIM_TRIES {
        return Err(Rejection::new(Reason::WrongState, "the order was claimed too often today"));
    }
    Ok(attempt.clone())
}

pub(super) fn count(claims: &mut Claims, attempt: &ClaimAttempted) {
    if !is_guessable(&attempt.proof) {
        return;
    }
    if claims.day != attempt.day {
        *claims = Claims { day: attempt.day.clone(), tries: 0 };
    }
    claims.tries = claims.tries.saturating_add(1);
}

#[cfg(test)]
mod tests {
    use events::{Fact, order::OrderPlaced};
    use vocabulary::{Currency, DeliveryMethod, Money};

    use super::*;
    use crate::{
        Decider,
        order::{Command, Order},
    };

    fn tried(proof: &str, day: &str) -> ClaimAttempted {
        let (proof, client, day) = (proof.to_owned(), "c".to_owned(), day.to_owned());
        ClaimAttempted { proof, matched: false, client, day }
    }
    fn placed() -> Fact {
        OrderPlaced {
            order: "order-0198c1c0a0007000800000000000002a".parse().unwrap(),
            account: "wechat/main".parse().unwrap(),
            external_no: "A-1".to_owned(),
            lines: Vec::new(),
            total: Money::new(100, Currency::CNY),
            buyer: None,
            delivery: DeliveryMethod::Reply,
            memo: None,
        }
        .into()
    }
    fn after(given: &[Fact], attempt: ClaimAttempted) -> Result<Vec<Fact>, Reason> {
        let mut state = State::default();
        given.iter().for_each(|fact| Order::evolve(&mut state, fact));
        Order::decide(&state, &Command::Claim(attempt)).map_err(|no| no.reason)
    }

    #[test]
    fn an_order_takes_five_guessable_proofs_a_day_and_any_number_of_strong_ones() {
        let last4 = tried("phone_last4", "2026-06-18");
        let mut given = vec![placed()];
        for _ in 0..CLAIM_TRIES {
            let facts = after(&given, last4.clone()).unwrap();
            assert_eq!(facts, [Fact::from(last4.clone())]);
            given.extend(facts);
        }
        assert_eq!(after(&given, last4), Err(Reason::WrongState));
        assert!(after(&given, tried("card_key", "2026-06-18")).is_ok());
        assert!(after(&given, tried("phone_last4", "2026-06-19")).is_ok(), "another day");
    }

    #[test]
    fn an_order_that_was_not_placed_is_claimed_by_nobody() {
        assert_eq!(after(&[], tried("card_key", "2026-06-18")), Err(Reason::UnknownOrder));
    }
}
