//! Orders that were sold, or given back, elsewhere and are taken over as history. Such an order is over when it is
//! born: it is a state of its own, and accepts nothing but notes.

use events::{
    Fact,
    order::{OrderNoted, PastLine, PastOrderRecorded, PastRefundRecorded},
};
use serde::{Deserialize, Serialize};
use vocabulary::{Account, BuyerId, Money, OrderId, Reason};

use super::{Command, State};
use crate::Rejection;

/// The most lines a past order may have.
const LINES_MAX: usize = 5_000;

/// Which way the money went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PastKind {
    /// Something was sold.
    Sale,
    /// Something came back, and its money with it.
    Refund,
}

/// An order to take over, as its books have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// Which way the money went.
    pub kind: PastKind,
    /// The account it is booked under.
    pub account: Account,
    /// Its number there: 1 to 200 characters, no control characters.
    pub external_no: String,
    /// Its lines, with their signs: 1 to 5000, in one currency. What came back has a negative quantity.
    pub lines: Vec<PastLine>,
    /// Who bought, where that is known.
    pub buyer: Option<BuyerId>,
}

/// What is kept in memory of an order that was taken over: enough to know it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    /// Which way the money went.
    pub kind: PastKind,
    /// The account it is booked under.
    pub account: Account,
    /// Its number there.
    pub external_no: String,
    /// What was paid, or given back.
    pub total: Money,
    /// How many lines it has.
    pub lines: usize,
    /// How many units they have, signs and all.
    pub units: i64,
    /// Who bought.
    pub buyer: Option<BuyerId>,
}

impl Past {
    /// What was paid, or given back: the sum of the lines, for a refund with the sign turned. `InvalidValue` where the
    /// lines are none, too many, or in several currencies, or their sum is out of range.
    pub fn total(&self) -> Result<Money, Rejection> {
        let wrong =
            |what: &str| Rejection::new(Reason::InvalidValue, format!("{}: {what}", self.external_no));
        let first = self.lines.first().filter(|_| self.lines.len() <= LINES_MAX);
        let first = first.ok_or_else(|| wrong("a past order has 1 to 5000 lines"))?;
        let zero = Money::zero(first.amount.currency);
        let sum = self.lines.iter().try_fold(zero, |sum, line| sum.checked_add(line.amount));
        let sum = sum.map_err(|_| wrong("the lines are in several currencies, or out of range"))?;
        Ok(match self.kind {
            PastKind::Sale => sum,
            PastKind::Refund => {
                Money::new(sum.minor.checked_neg().ok_or_else(|| wrong("out of range"))?, sum.currency)
            }
        })
    }

    fn taken(&self) -> Result<Taken, Rejection> {
        Ok(Taken {
            kind: self.kind,
            account: self.account.clone(),
            external_no: self.external_no.clone(),
            total: self.total()?,
            lines: self.lines.len(),
            units: units(&self.lines),
            buyer: self.buyer.clone(),
        })
    }

    fn check_words(&self) -> Result<(), Rejection> {
        let fits =
            |text: &str| (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits(&self.external_no) && self.lines.iter().all(|line| fits(&line.item)) {
            return Ok(());
        }
        let what =
            "a past order's number and items have 1 to 200 characters, none of them a control character";
        Err(Rejection::new(Reason::InvalidValue, what))
    }
}

fn units(lines: &[PastLine]) -> i64 {
    lines.iter().fold(0, |sum, line| sum.saturating_add(line.quantity))
}

impl From<&PastOrderRecorded> for Taken {
    fn from(e: &PastOrderRecorded) -> Self {
        Self {
            kind: PastKind::Sale,
            account: e.account.clone(),
            external_no: e.external_no.clone(),
            total: e.total,
            lines: e.lines.len(),
            units: units(&e.lines),
            buyer: e.buyer.clone(),
        }
    }
}

impl From<&PastRefundRecorded> for Taken {
    fn from(e: &PastRefundRecorded) -> Self {
        Self {
            kind: PastKind::Refund,
            account: e.account.clone(),
            external_no: e.external_no.clone(),
            total: e.total,
            lines: e.lines.len(),
            units: units(&e.lines),
            buyer: e.buyer.clone(),
        }
    }
}

/// An order of which nothing of the past is known: it is taken over, unless something else was heard of it.
pub(super) fn record(state: &State, order: OrderId, past: &Past) -> Result<Vec<Fact>, Rejection> {
    past.check_words()?;
    let total = past.total()?;
    if *state != State::default() {
        let detail = format!("{} of {} is an order of ours", past.external_no, past.account);
        return Err(Rejection::new(Reason::OrderNumberReused, detail));
    }
    let Past { kind, account, external_no, lines, buyer } = past.clone();
    Ok(vec![match kind {
        PastKind::Sale => PastOrderRecorded { order, account, external_no, lines, total, buyer }.into(),
        PastKind::Refund => PastRefundRecorded { order, account, external_no, lines, total, buyer }.into(),
    }])
}

/// What an order that was taken over answers.
pub(super) fn decide(taken: &Taken, command: &Command) -> Result<Vec<Fact>, Rejection> {
    match command {
        Command::RecordPast(_, past) if past.taken()? == *taken => Ok(Vec::new()),
        Command::RecordPast(..) | Command::Place(..) => {
            let detail =
                format!("{} of {} was taken over as another order", taken.external_no, taken.account);
            Err(Rejection::new(Reason::OrderNumberReused, detail))
        }
        Command::Note { text } => Ok(vec![OrderNoted { text: text.clone() }.into()]),
        _ => Err(Rejection::new(
            Reason::WrongState,
            "the order was taken over as history: it takes notes only",
        )),
    }
}

#[cfg(test)]
mod tests {
    use vocabulary::{Currency, Timestamp};

    use super::*;
    use crate::{Decider, order::Order};

    fn id() -> OrderId {
        "order-0198c1c0a0007000800000000000002a".parse().unwrap()
    }
    fn line(item: &str, quantity: i64, minor: i64) -> PastLine {
        PastLine { item: item.to_owned(), quantity, amount: Money::new(minor, Currency::GBM) }
    }
    fn past(kind: PastKind, lines: Vec<PastLine>) -> Past {
        let account = "retail/france".parse().unwrap();
        Past { kind, account, external_no: "536370".to_owned(), lines, buyer: None }
    }
    fn sale() -> Past {
        past(PastKind::Sale, vec![line("22728", 24, 90_000), line("POST", 3, 54_000)])
    }
    fn take_over(past: Past) -> Command {
        Command::RecordPast(id(), Box::new(past))
    }
    /// The state after these commands, all of which are accepted.
    fn given(commands: &[Command]) -> State {
        let mut state = State::default();
        for command in commands {
            for fact in Order::decide(&state, command).unwrap() {
                Order::evolve(&mut state, &fact);
            }
        }
        state
    }
    fn when(state: &State, command: &Command) -> Result<Vec<Fact>, Reason> {
        Order::decide(state, command).map_err(|no| no.reason)
    }

    #[test]
    fn an_order_is_taken_over_with_the_sum_of_its_lines_and_a_refund_with_the_sign_turned() {
        let recorded = when(&State::default(), &take_over(sale())).unwrap();
        let [Fact::PastOrderRecorded(fact)] = recorded.as_slice() else { panic!("{recorded:?}") };
        assert_eq!(fact.total, Money::new(144_000, Currency::GBM));
        let back = past(PastKind::Refund, vec![line("22728", -2, -7_500)]);
        let recorded = when(&State::default(), &take_over(back)).unwrap();
        let [Fact::PastRefundRecorded(fact)] = recorded.as_slice() else { panic!("{recorded:?}") };
        assert_eq!((fact.total.minor, fact.lines[0].quantity), (7_500, -2));
    }

    #[test]
    fn what_was_taken_over_before_adds_nothing_and_another_order_of_its_number_is_turned_down() {
        let state = given(&[take_over(sale())]);
        assert_eq!(when(&state, &take_over(sale())), Ok(Vec::new()));
        let others = [
            past(PastKind::Refund, sale().lines),
            past(PastKind::Sale, vec![line("22728", 24, 90_000)]),
            Past { buyer: Some("buyer-1".parse().unwrap()), ..sale() },
        ];
        for other in others {
            assert_eq!(when(&state, &take_over(other)), Err(Reason::OrderNumberReused));
        }
    }

    #[test]
    fn a_past_order_takes_notes_and_nothing_else() {
        let state = given(&[take_over(sale())]);
        assert_eq!(state.status(), crate::order::Status::Past);
        assert!(state.is_at_rest() && state.lines_wanting_keys().is_empty() && state.due_at().is_none());
        let note = Command::Note { text: "asked about in May".to_owned() };
        assert_eq!(when(&state, &note).map(|facts| facts.len()), Ok(1));
        let (txn, through) = ("T-1".to_owned(), "retail/france".parse().unwrap());
        let amount = Money::new(144_000, Currency::GBM);
        let cancel = Command::Cancel { reason: "late".to_owned(), can_refund: true, channel_refunds: true };
        let settle = Command::SettleRefund { refund: "R-1".to_owned(), amount: None, reason: String::new() };
        let others = [
            Command::Pay { txn, through, amount, can_refund: true },
            Command::ShowKeys { reason: "channel_query".to_owned() },
            Command::RecordShortage { line: 0, until: Timestamp::default() },
            Command::Hold { reason: "look".to_owned() },
            cancel,
            settle,
        ];
        for command in others {
            assert_eq!(when(&state, &command), Err(Reason::WrongState), "{command:?}");
        }
    }

    #[test]
    fn an_order_of_ours_is_not_taken_over_as_history() {
        let cancel = Command::Cancel { reason: "late".to_owned(), can_refund: true, channel_refunds: true };
        let note = Command::Note { text: "asked about in May".to_owned() };
        for known in [cancel, note] {
            assert_eq!(when(&given(&[known]), &take_over(sale())), Err(Reason::OrderNumberReused));
        }
    }

    #[test]
    fn books_that_do_not_add_up_are_turned_down() {
        let mixed = PastLine { amount: Money::new(1, Currency::CNY), ..line("a", 1, 1) };
        let wrong = [
            Vec::new(),
            vec![line("a", 1, i64::MAX), line("b", 1, 1)],
            vec![line("a", 1, 1), mixed],
            vec![line("", 1, 1)],
            vec![line("a", 1, 1); LINES_MAX + 1],
        ];
        for lines in wrong {
            let command = take_over(past(PastKind::Sale, lines));
            assert_eq!(when(&State::default(), &command), Err(Reason::InvalidValue));
        }
        let least = past(PastKind::Refund, vec![line("a", -1, i64::MIN)]);
        assert_eq!(when(&State::default(), &take_over(least)), Err(Reason::InvalidValue));
    }
}
