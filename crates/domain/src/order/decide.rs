//! What an order answers to each wish.

use events::{
    Fact,
    channel::AttemptOutcome,
    order::{
        DeliveryAttempted, DeliveryRequested, KeyReplaced, KeysRevealed, LineAllocated, LineKeys,
        OrderBackordered, OrderCancelled, OrderDelivered, OrderFulfilled, OrderHeld, OrderNoted, OrderPlaced,
        OrderReleased, OrderReserved, PaymentCheckRequested, PaymentCheckSettled, PaymentConfirmed,
        PaymentDisputed, ReservationExpired,
    },
};
use vocabulary::{DeliveryMethod, KeyRef, Money, Reason, Timestamp};

use super::{Command, DeliverBy, Paid, Placed, Placing, RefundState, State, claim, past, refund};
use crate::{Decider, Rejection};

/// The decider of one order.
#[derive(Debug, Default)]
pub struct Order;

/// Why keys are shown when a channel asks for them.
pub const CHANNEL_QUERY: &str = "channel_query";

type Decision = Result<Vec<Fact>, Rejection>;

impl Decider for Order {
    const KIND: &'static str = "order";
    type State = State;
    type Command = Command;

    fn decide(state: &State, command: &Command) -> Decision {
        if let Some(taken) = &state.past {
            return past::decide(taken, command);
        }
        match command {
            Command::RecordPast(order, past) => past::record(state, *order, past),
            Command::Place(placing, reserve_until) => place(state, placing, *reserve_until),
            Command::Pay { txn, through, amount, can_refund } => {
                let paid = Paid { txn: txn.clone(), through: through.clone(), amount: *amount };
                pay(state, &paid, *can_refund)
            }
            Command::CheckPayment { txn, through, amount } => {
                let paid = Paid { txn: txn.clone(), through: through.clone(), amount: *amount };
                check_payment(state, &paid)
            }
            Command::SettlePaymentCheck { txn, outcome, attempts, can_refund } => {
                settle_payment_check(state, txn, outcome, *attempts, *can_refund)
            }
            Command::RecordKeys { line, keys } => record_keys(state, *line, keys),
            Command::RecordShortage { line, until } => Ok(record_shortage(state, *line, *until)),
            Command::ExpireReservation { now } => Ok(expire_reservation(state, *now)),
            Command::ExpireBackorder { now, can_refund } => expire_backorder(state, *now, *can_refund),
            Command::Cancel { reason, can_refund, channel_refunds } => {
                cancel(state, reason, *can_refund, *channel_refunds)
            }
            Command::Deliver { by, again, reason } => deliver(state, *by, *again, reason.as_deref()),
            Command::RecordDelivery { delivery, attempt, outcome } => {
                Ok(record_delivery(state, *delivery, *attempt, outcome))
            }
            Command::ShowKeys { reason } => show_keys(state, reason),
            Command::Replace { line, old, new, reason, cost_owner } => {
                may_replace(state, *line, *old)?;
                let (reason, cost_owner) = (reason.clone(), cost_owner.clone());
                Ok(vec![KeyReplaced { line: *line, old: *old, new: *new, reason, cost_owner }.into()])
            }
            Command::Hold { reason } => {
                Ok(if state.held { Vec::new() } else { vec![OrderHeld { reason: reason.clone() }.into()] })
            }
            Command::Release { reason } => Ok(if state.held {
                vec![OrderReleased { reason: reason.clone() }.into()]
            } else {
                Vec::new()
            }),
            Command::Claim(attempt) => Ok(vec![claim::attempt(state, attempt)?.into()]),
            Command::Note { text } => Ok(vec![OrderNoted { text: text.clone() }.into()]),
            Command::RequestRefund { .. }
            | Command::RefuseRefund { .. }
            | Command::AgreeRefund { .. }
            | Command::RecordRefundAttempt { .. }
            | Command::SettleRefund { .. } => refund::decide(state, command),
        }
    }

    fn evolve(state: &mut State, fact: &Fact) {
        state.apply(fact);
    }
}

/// Whether this key of the line can be replaced: it is live, handed over and not on its way once more (the end of
/// that delivery would speak of the new key), and the order is not going back.
pub(super) fn may_replace(state: &State, line: u16, old: KeyRef) -> Result<(), Rejection> {
    let live = state.keys.get(&line).is_some_and(|keys| keys.contains(&old));
    if !live || !state.delivered || state.given_back() || state.held {
        let detail = format!("line {line} has no delivered live key {old}");
        return Err(Rejection::new(Reason::NotReplaceable, detail));
    }
    if state.delivering.is_some() {
        return Err(Rejection::new(Reason::NotReplaceable, "a delivery is under way; wait for its end"));
    }
    Ok(())
}

impl State {
    /// Whether a key can be replaced (see [`Command::Replace`]).
    pub fn may_replace(&self, line: u16, old: KeyRef) -> Result<(), Rejection> {
        may_replace(self, line, old)
    }
}

fn known(state: &State) -> Result<&Placed, Rejection> {
    state.placed.as_ref().ok_or_else(|| Rejection::new(Reason::UnknownOrder, "the order was not placed yet"))
}

fn place(state: &State, placing: &Placing, reserve_until: Option<Timestamp>) -> Decision {
    if let Some(placed) = &state.placed {
        let same = placed.total == placing.total
            && placed.lines.len() == placing.lines.len()
            && placed
                .lines
                .iter()
                .zip(&placing.lines)
                .all(|(a, b)| a.sku == b.sku && a.quantity == b.quantity);
        return if same {
            Ok(Vec::new())
        } else {
            Err(Rejection::new(
                Reason::OrderNumberReused,
                "the order was placed with other lines or another total",
            ))
        };
    }
    check_sum(placing)?;
    let mut facts = vec![
        OrderPlaced {
            order: placing.order,
            account: placing.account.clone(),
            external_no: placing.external_no.clone(),
            lines: placing.lines.clone(),
            total: placing.total,
            buyer: placing.buyer.clone(),
            delivery: placing.delivery,
            memo: placing.memo.clone(),
        }
        .into(),
    ];
    if let Some(until) = reserve_until.filter(|_| !state.cancelled) {
        facts.push(OrderReserved { until }.into());
    }
    Ok(facts)
}

fn check_sum(placing: &Placing) -> Result<(), Rejection> {
    if placing.lines.is_empty() || placing.lines.len() > 100 {
        return Err(Rejection::new(Reason::InvalidQuantity, "an order has 1 to 100 lines"));
    }
    let zero = Money::zero(placing.total.currency);
    let sum = placing.lines.iter().try_fold(zero, |sum, line| sum.checked_add(line.amount));
    match sum {
        Ok(sum) if sum == placing.total && sum.minor > 0 => Ok(()),
        _ => Err(Rejection::new(Reason::AmountMismatch, "the lines do not add up to a positive total")),
    }
}

fn check_amount(placed: &Placed, amount: Money) -> Result<(), Rejection> {
    if amount.currency != placed.total.currency {
        return Err(Rejection::new(
            Reason::CurrencyMismatch,
            format!("the order is in {}", placed.total.currency),
        ));
    }
    if amount != placed.total {
        return Err(Rejection::new(Reason::AmountMismatch, format!("the order costs {}", placed.total)));
    }
    Ok(())
}

fn pay(state: &State, paid: &Paid, can_refund: bool) -> Decision {
    let placed = known(state)?;
    if let Some(earlier) = &state.paid {
        if earlier.txn == paid.txn && earlier.through == paid.through {
            return check_amount(placed, paid.amount).map(|()| Vec::new());
        }
        return Ok(vec![disputed(paid, "paid_twice")]);
    }
    check_amount(placed, paid.amount)?;
    Ok(confirm(state, paid, can_refund))
}

/// The payment is real. What follows at once: refunds that were settled early, and one that is due because the
/// order was called off.
fn confirm(state: &State, paid: &Paid, can_refund: bool) -> Vec<Fact> {
    let confirmed =
        PaymentConfirmed { txn: paid.txn.clone(), through: paid.through.clone(), amount: paid.amount };
    let mut facts = vec![Fact::from(confirmed)];
    let mut then = state.clone();
    then.paid = Some(paid.clone());
    for (number, refund) in &state.refunds {
        let RefundState::SettledEarly(amount) = refund else { continue };
        // One that does not fit the payment stays open: a person must look.
        let settled = refund::settle(&then, number, *amount).unwrap_or_default();
        settled.iter().for_each(|fact| then.apply(fact));
        facts.extend(settled);
    }
    if state.cancelled {
        let number = format!("late-{}", paid.txn);
        facts.extend(if state.channel_refunds && through_its_channel(state, paid) {
            refund::settle(&then, &number, None).unwrap_or_default()
        } else {
            refund::due(&then, &number, "paid_after_cancel", can_refund)
        });
    }
    facts
}

fn disputed(paid: &Paid, reason: &str) -> Fact {
    let (txn, through) = (paid.txn.clone(), paid.through.clone());
    PaymentDisputed { txn, through, amount: paid.amount, reason: reason.to_owned() }.into()
}

fn check_payment(state: &State, paid: &Paid) -> Decision {
    let placed = known(state)?;
    check_amount(placed, paid.amount)?;
    let known = [state.paid.as_ref(), state.checking.as_ref().map(|(paid, _)| paid)];
    if known.into_iter().flatten().any(|k| k.txn == paid.txn && k.through == paid.through) {
        return Ok(Vec::new());
    }
    if state.paid.is_some() || state.checking.is_some() {
        return Ok(vec![disputed(paid, "paid_twice")]);
    }
    let (txn, through) = (paid.txn.clone(), paid.through.clone());
    Ok(vec![PaymentCheckRequested { through, txn, amount: paid.amount }.into()])
}

fn settle_payment_check(
    state: &State,
    txn: &str,
    outcome: &AttemptOutcome,
    attempts: u32,
    can_refund: bool,
) -> Decision {
    let Some((paid, _)) = state.checking.as_ref().filter(|(paid, _)| paid.txn == txn) else {
        return Ok(Vec::new());
    };
    let (through, txn, outcome) = (paid.through.clone(), paid.txn.clone(), outcome.clone());
    let confirmed = outcome == AttemptOutcome::Done;
    let mut facts = vec![Fact::from(PaymentCheckSettled { through, txn, outcome, attempts })];
    if confirmed && state.paid.is_some() {
        facts.push(disputed(paid, "paid_twice"));
    } else if confirmed {
        facts.extend(confirm(state, paid, can_refund));
    } else {
        facts.push(disputed(paid, "not_confirmed"));
    }
    Ok(facts)
}

fn record_keys(state: &State, line: u16, keys: &[KeyRef]) -> Decision {
    let placed = known(state)?;
    if state.keys.contains_key(&line) {
        return Ok(Vec::new());
    }
    let mut all = state.keys.clone();
    all.insert(line, keys.to_vec());
    if all.len() < placed.lines.len() {
        return Ok(vec![LineAllocated { line, keys: keys.to_vec() }.into()]);
    }
    let lines = all
        .into_iter()
        .filter_map(|(line, keys)| {
            let sku = placed.lines.get(usize::from(line))?.sku.clone();
            Some(LineKeys { line, sku, keys })
        })
        .collect();
    Ok(vec![OrderFulfilled { lines }.into()])
}

fn record_shortage(state: &State, line: u16, until: Timestamp) -> Vec<Fact> {
    if state.short.contains(&line) || state.keys.contains_key(&line) {
        return Vec::new();
    }
    let until = state.backordered_until.unwrap_or(until);
    vec![OrderBackordered { lines: vec![line], until }.into()]
}

fn expire_reservation(state: &State, now: Timestamp) -> Vec<Fact> {
    let over = state.reserved_until.is_some_and(|until| until <= now);
    let open = state.paid.is_none() && !state.cancelled && !state.expired && state.checking.is_none();
    if over && open { vec![ReservationExpired {}.into()] } else { Vec::new() }
}

fn expire_backorder(state: &State, now: Timestamp, can_refund: bool) -> Decision {
    let over = state.backordered_until.is_some_and(|until| until <= now);
    if !over || state.short.is_empty() || state.given_back() || state.paid.is_none() {
        return Ok(Vec::new());
    }
    Ok(refund::due(state, "backorder", "backorder_expired", can_refund))
}

/// Whether the money came through the channel that the order was placed on, and not through a gateway of ours.
fn through_its_channel(state: &State, paid: &Paid) -> bool {
    state.placed.as_ref().is_some_and(|placed| placed.account == paid.through)
}

/// Called off: what was paid goes back, once. A channel that pays it back by itself has done so with these words.
fn cancel(state: &State, reason: &str, can_refund: bool, channel_refunds: bool) -> Decision {
    if state.cancelled {
        return Ok(Vec::new());
    }
    let paid_back =
        channel_refunds && state.paid.as_ref().is_some_and(|paid| through_its_channel(state, paid));
    if state.delivered && paid_back {
        return refund::settle(state, "cancelled", None);
    }
    if state.delivered {
        return Err(Rejection::new(
            Reason::WrongState,
            "the order's keys were handed over; ask for a refund",
        ));
    }
    let mut facts = vec![Fact::from(OrderCancelled { reason: reason.to_owned(), channel_refunds })];
    if paid_back {
        facts.extend(refund::settle(state, "cancelled", None)?);
    } else if state.paid.is_some() && !state.given_back() {
        facts.extend(refund::due(state, "cancelled", "cancelled", can_refund));
    }
    Ok(facts)
}

fn deliver(state: &State, by: DeliverBy, again: bool, reason: Option<&str>) -> Decision {
    let placed = known(state)?;
    if !state.fulfilled || state.given_back() || state.cancelled {
        return Err(Rejection::new(Reason::WrongState, "the order has no keys to hand over"));
    }
    let done = state.all_handed && !again;
    if state.held || state.refund_open() || done || state.delivering.is_some() {
        return Ok(Vec::new());
    }
    let (delivery, lines) = (state.deliveries.saturating_add(1), state.line_keys());
    Ok(match by {
        DeliverBy::ReplyNow => {
            vec![OrderDelivered { delivery, method: DeliveryMethod::Reply, lines }.into()]
        }
        DeliverBy::Call => {
            let (account, reason) = (placed.account.clone(), reason.map(str::to_owned));
            vec![DeliveryRequested { delivery, account, lines, reason }.into()]
        }
        DeliverBy::Pickup => Vec::new(),
    })
}

fn record_delivery(state: &State, delivery: u32, attempt: u32, outcome: &AttemptOutcome) -> Vec<Fact> {
    if state.delivering.as_ref().is_none_or(|pending| pending.number != delivery) {
        return Vec::new();
    }
    let mut facts = vec![Fact::from(DeliveryAttempted { delivery, attempt, outcome: outcome.clone() })];
    if *outcome == AttemptOutcome::Done {
        let lines = state.line_keys();
        facts.push(OrderDelivered { delivery, method: DeliveryMethod::Api, lines }.into());
    }
    facts
}

fn show_keys(state: &State, reason: &str) -> Decision {
    known(state)?;
    if !state.fulfilled || state.given_back() || state.cancelled || state.held || state.refund_open() {
        return Err(Rejection::new(Reason::WrongState, "the order has no keys to show"));
    }
    let lines = state.line_keys();
    let keys = lines.iter().flat_map(|line| line.keys.clone()).collect();
    let shown = Fact::from(KeysRevealed { keys, reason: reason.to_owned() });
    if state.all_handed {
        return Ok(vec![shown]);
    }
    let delivery = state.deliveries.saturating_add(1);
    let delivered = OrderDelivered { delivery, method: DeliveryMethod::Pickup, lines }.into();
    // To a channel this is the delivery. A person who looks says why, and that is kept as well.
    Ok(if reason == CHANNEL_QUERY { vec![delivered] } else { vec![delivered, shown] })
}
