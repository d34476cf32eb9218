//! Money back: asked for, turned down, due, settled, and what it does to the order's money.

use events::{
    Fact,
    channel::AttemptOutcome,
    order::{
        LossRecorded, OrderClosed, RefundAttempted, RefundDue, RefundRefused, RefundRequested, RefundSettled,
    },
};
use vocabulary::{Money, Reason};

use super::{Command, Paid, RefundState, State};
use crate::Rejection;

type Decision = Result<Vec<Fact>, Rejection>;

pub(super) fn decide(state: &State, command: &Command) -> Decision {
    match command {
        Command::RequestRefund { refund, amount, reason, memo } => {
            request(state, refund, *amount, (reason, memo.clone()))
        }
        Command::RefuseRefund { refund, reason } => Ok(refuse(state, refund, reason)),
        Command::AgreeRefund { refund, amount, reason, can_refund } => {
            agree(state, refund, *amount, reason, *can_refund)
        }
        Command::RecordRefundAttempt { refund, attempt, outcome } => {
            Ok(record_attempt(state, refund, *attempt, outcome))
        }
        Command::SettleRefund { refund, amount, .. } => settle(state, refund, *amount),
        _ => Ok(Vec::new()),
    }
}

fn request(
    state: &State,
    refund: &str,
    amount: Option<Money>,
    (reason, memo): (&str, Option<String>),
) -> Decision {
    if state.refunds.contains_key(refund) || state.given_back() {
        return Ok(Vec::new());
    }
    if let (Some(amount), Some(paid)) = (amount, &state.paid) {
        within(state, paid, amount, 0)?;
    }
    let (refund, reason) = (refund.to_owned(), reason.to_owned());
    Ok(vec![RefundRequested { refund, amount, reason, settled_early: false, memo }.into()])
}

fn refuse(state: &State, refund: &str, reason: &str) -> Vec<Fact> {
    match state.refunds.get(refund) {
        Some(RefundState::Requested(_)) => {
            vec![RefundRefused { refund: refund.to_owned(), reason: reason.to_owned() }.into()]
        }
        _ => Vec::new(),
    }
}

fn agree(state: &State, refund: &str, amount: Option<Money>, reason: &str, can_refund: bool) -> Decision {
    let Some(paid) = &state.paid else {
        return Err(Rejection::new(Reason::WrongState, "the order was not paid"));
    };
    if matches!(state.refunds.get(refund), Some(RefundState::Due { .. } | RefundState::Settled(_))) {
        return Ok(Vec::new());
    }
    let asked = match state.refunds.get(refund) {
        Some(RefundState::Requested(asked)) => amount.or(*asked),
        _ => amount,
    };
    let amount = asked.unwrap_or_else(|| left(state, paid, 0));
    within(state, paid, amount, 0)?;
    Ok(owe(state, paid, refund, amount, reason, can_refund))
}

/// All that is left of the payment is due back; nothing where nothing is left.
pub(super) fn due(state: &State, refund: &str, reason: &str, can_refund: bool) -> Vec<Fact> {
    let Some(paid) = &state.paid else { return Vec::new() };
    let amount = left(state, paid, 0);
    if amount.minor <= 0 { Vec::new() } else { owe(state, paid, refund, amount, reason, can_refund) }
}

fn owe(state: &State, paid: &Paid, refund: &str, amount: Money, reason: &str, can_refund: bool) -> Vec<Fact> {
    let through = can_refund.then(|| paid.through.clone());
    let due = RefundDue { refund: refund.to_owned(), amount, reason: reason.to_owned(), through };
    let mut facts = vec![Fact::from(due)];
    facts.extend(loss(state, paid, amount));
    facts
}

/// Money went back, as the channel says.
pub(super) fn settle(state: &State, refund: &str, amount: Option<Money>) -> Decision {
    let Some(paid) = &state.paid else {
        return Ok(settle_early(state, refund, amount));
    };
    let refund = known_as(state, refund, amount);
    let already_due = match state.refunds.get(refund) {
        Some(RefundState::Settled(_)) => return Ok(Vec::new()),
        Some(RefundState::Due { amount, .. }) => Some(*amount),
        // The channel's word of the money that its cancellation gave back.
        _ if state.channel_refunds && state.given_back() => return Ok(Vec::new()),
        _ => None,
    };
    let due_minor = already_due.map_or(0, |due| due.minor);
    let amount = amount.or(already_due).unwrap_or_else(|| left(state, paid, due_minor));
    if amount.minor == 0 && amount.currency == paid.amount.currency {
        return Ok(Vec::new());
    }
    within(state, paid, amount, due_minor)?;
    let mut facts = vec![Fact::from(RefundSettled { refund: refund.to_owned(), amount })];
    match already_due {
        None => facts.extend(loss(state, paid, amount)),
        // What was promised and not paid stays owed.
        Some(due) if due.minor > amount.minor => {
            let rest = Money::new(due.minor.saturating_sub(amount.minor), due.currency);
            let (refund, reason) = (format!("{refund}-rest"), "settled_short".to_owned());
            facts.push(RefundDue { refund, amount: rest, reason, through: None }.into());
        }
        Some(due) if due.minor < amount.minor => facts.extend(correct_loss(state, paid, due, amount)),
        Some(_) => {}
    }
    let settled = state.refunded().saturating_add(amount.minor);
    if settled >= paid.amount.minor && !state.closed {
        facts.push(OrderClosed { reason: "refunded".to_owned() }.into());
    }
    Ok(facts)
}

/// The number by which we know a refund that the channel settled. What we owe under a number of our own making is
/// all that is left, so money that went back under the channel's number is that money: we must not pay it again.
fn known_as<'a>(state: &'a State, refund: &'a str, amount: Option<Money>) -> &'a str {
    if matches!(state.refunds.get(refund), Some(RefundState::Due { .. } | RefundState::Settled(_))) {
        return refund;
    }
    let ours = |number: &str| matches!(number, "cancelled" | "backorder") || number.starts_with("late-");
    let fits =
        |due: Money| amount.is_none_or(|a| a.currency == due.currency && (1..=due.minor).contains(&a.minor));
    let owed = state.refunds.iter().find(|(number, refund)| {
        ours(number) && matches!(refund, RefundState::Due { amount, .. } if fits(*amount))
    });
    owed.map_or(refund, |(number, _)| number)
}

fn settle_early(state: &State, refund: &str, amount: Option<Money>) -> Vec<Fact> {
    if matches!(state.refunds.get(refund), Some(RefundState::SettledEarly(_))) {
        return Vec::new();
    }
    let (refund, reason) = (refund.to_owned(), "settled_before_payment".to_owned());
    vec![RefundRequested { refund, amount, reason, settled_early: true, memo: None }.into()]
}

fn record_attempt(state: &State, refund: &str, attempt: u32, outcome: &AttemptOutcome) -> Vec<Fact> {
    let Some(RefundState::Due { amount, .. }) = state.refunds.get(refund) else { return Vec::new() };
    let attempted = RefundAttempted { refund: refund.to_owned(), attempt, outcome: outcome.clone() };
    let mut facts = vec![Fact::from(attempted)];
    if *outcome == AttemptOutcome::Done {
        facts.extend(settle(state, refund, Some(*amount)).unwrap_or_default());
    }
    facts
}

/// What is left of the payment, not counting `own` minor units that are this refund's already.
fn left(state: &State, paid: &Paid, own: i64) -> Money {
    let gone = state.refunded_or_due().saturating_sub(own);
    Money::new(paid.amount.minor.saturating_sub(gone).max(0), paid.amount.currency)
}

fn within(state: &State, paid: &Paid, amount: Money, own: i64) -> Result<(), Rejection> {
    if amount.currency != paid.amount.currency {
        return Err(Rejection::new(
            Reason::CurrencyMismatch,
            format!("the order is in {}", paid.amount.currency),
        ));
    }
    let left = left(state, paid, own);
    if amount.minor <= 0 || amount.minor > left.minor {
        return Err(Rejection::new(Reason::RefundTooLarge, format!("{left} of the payment is left")));
    }
    Ok(())
}

/// A refund that leaves part of the payment with us leaves the keys with the buyer: a loss. One that completes the
/// payment takes the keys back, and with them the losses of the earlier ones.
fn loss(state: &State, paid: &Paid, amount: Money) -> Option<Fact> {
    let after = state.refunded_or_due().saturating_add(amount.minor);
    let (minor, reason) = if after < paid.amount.minor {
        (amount.minor, "partial_refund")
    } else if state.losses != 0 {
        (state.losses.saturating_neg(), "keys_taken_back")
    } else {
        return None;
    };
    let amount = Money::new(minor, paid.amount.currency);
    Some(LossRecorded { amount, reason: reason.to_owned() }.into())
}

/// The channel paid back more than was due.
fn correct_loss(state: &State, paid: &Paid, due: Money, amount: Money) -> Option<Fact> {
    let total = state.refunded_or_due().saturating_sub(due.minor).saturating_add(amount.minor);
    let wanted = if total < paid.amount.minor { total } else { 0 };
    let minor = wanted.saturating_sub(state.losses);
    let amount = Money::new(minor, paid.amount.currency);
    (minor != 0).then(|| LossRecorded { amount, reason: "refund_differs".to_owned() }.into())
}
