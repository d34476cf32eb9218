//! What an adapter makes of a request, step by step, for the person who sets a channel up. Nothing is acted on.

use serde::Serialize;
use serde_json::{Value, json};
use vocabulary::{Money, Timestamp};

use crate::{
    Adapter, AmountCheck, Ask, Inbound, OrderAsk, ProcureState, RawRequest, RefundAsk, Refusal, Stage, Step,
    Verified,
};

/// The steps in the order in which they are told.
const STEPS: [Step; 5] = [Step::Size, Step::Signature, Step::Time, Step::Format, Step::Meaning];

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Passage {
    /// The request passed it.
    Passed,
    /// The request was refused at it.
    Failed,
    /// It was refused elsewhere before anybody could tell: in which order a protocol checks is its own matter.
    Open,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepTaken {
    /// Which.
    pub step: Step,
    /// How it went.
    pub state: Passage,
    /// The refusal's code; `null` unless the step failed.
    pub code: Option<&'static str>,
    /// Which field, in the adapter's words; never a value of the request.
    pub detail: Option<&'static str>,
}

/// What an adapter makes of a request.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// Whether the request is taken in. What the engine decides then (unknown item, wrong price) is not judged.
    pub accepted: bool,
    /// Whether a signature was checked: some informational queries need none.
    pub signed: bool,
    /// Every step.
    pub steps: Vec<StepTaken>,
    /// The text that the signature is made over, with `***` for every secret; `null` where there is none.
    pub signed_text: Option<String>,
    /// What the request asks for, without buyers, keys and free text; `null` where it was refused.
    pub meaning: Option<Value>,
}

impl Explanation {
    /// The refusal as the inbox names it (`signature:bad_signature`); `None` where the request was accepted.
    pub fn refused_as(&self) -> Option<String> {
        let failed = self.steps.iter().find(|taken| taken.state == Passage::Failed)?;
        let step = serde_json::to_value(failed.step).ok()?;
        Some(format!("{}:{}", step.as_str()?, failed.code?))
    }
}

/// Judges a request as if it came in at `now`. `body_bytes_max` is the largest body that would have been read.
pub fn explain(
    adapter: &dyn Adapter,
    request: &RawRequest,
    now: Timestamp,
    body_bytes_max: usize,
) -> Explanation {
    let mut request = request.clone();
    request.received_at = now;
    let (steps, signed, meaning) = match judge(adapter, &request, now, body_bytes_max) {
        Ok((inbound, signed)) => (steps(None, true), signed, Some(meaning(&inbound))),
        Err((refusal, verified)) => (steps(Some(&refusal), verified), verified, None),
    };
    let signed_text = adapter.signed_text(&request);
    Explanation { accepted: meaning.is_some(), signed, steps, signed_text, meaning }
}

/// The message and whether it was signed, or the refusal and whether the request had been verified by then.
fn judge(
    adapter: &dyn Adapter,
    request: &RawRequest,
    now: Timestamp,
    body_bytes_max: usize,
) -> Result<(Inbound, bool), (Refusal, bool)> {
    if request.body.len() > body_bytes_max {
        return Err((Refusal::new(Step::Size, "body_unreadable", "too large"), false));
    }
    let proof = adapter.verify(request, now).map_err(|refusal| (refusal, false))?;
    let signed = proof.is_signed();
    let inbound = adapter.parse(&Verified::new(request, proof)).map_err(|refusal| (refusal, true))?;
    if !signed && !matches!(inbound.ask, Ask::Nothing) {
        let missing = Refusal::new(Step::Signature, "missing_signature", "the request must be signed");
        return Err((missing, false));
    }
    if matches!(&inbound.ask, Ask::Batch(messages) if messages.is_empty()) {
        return Err((Refusal::new(Step::Meaning, "empty_batch", "the request holds no message"), true));
    }
    Ok((inbound, signed))
}

/// What the one refusal tells of every step. A verified request passed signature and time, and a refusal of its
/// meaning comes after its format.
fn steps(refusal: Option<&Refusal>, verified: bool) -> Vec<StepTaken> {
    let state = |step: Step| match refusal {
        None => Passage::Passed,
        Some(refusal) if refusal.step == step => Passage::Failed,
        Some(refusal) => match step {
            Step::Size => Passage::Passed,
            Step::Signature | Step::Time if verified => Passage::Passed,
            Step::Format if verified && refusal.step == Step::Meaning => Passage::Passed,
            _ => Passage::Open,
        },
    };
    let taken = |step: Step| {
        let state = state(step);
        let why = refusal.filter(|_| state == Passage::Failed);
        StepTaken { step, state, code: why.map(|why| why.code), detail: why.map(|why| why.detail) }
    };
    STEPS.into_iter().map(taken).collect()
}

/// What a message asks for: kind, ids and amounts. Who buys, keys, memos and free text are left out.
pub fn meaning(inbound: &Inbound) -> Value {
    let ask = ask(&inbound.ask);
    json!({ "kind": inbound.kind, "id": inbound.id, "occurred_at": inbound.occurred_at, "ask": ask })
}

fn ask(ask: &Ask) -> Value {
    match ask {
        Ask::Order(wanted) => order(wanted),
        Ask::Payment(payment) => json!({
            "what": "payment", "order": payment.external_no, "txn": payment.txn, "amount": payment.amount,
            "check_first": payment.check_first,
        }),
        Ask::Cancel { external_no, .. } => json!({ "what": "cancel", "order": external_no }),
        Ask::RefundRequested(asked) => refund("refund_requested", asked),
        Ask::RefundRefused(asked) => refund("refund_refused", asked),
        Ask::RefundSettled(asked) => refund("refund_settled", asked),
        Ask::ReadBack { external_no } => json!({ "what": "read_back", "order": external_no }),
        Ask::OrderQuery { external_no, order, with_keys } => {
            let ours = order.map(|order| order.to_string());
            json!({ "what": "order_query", "order": external_no, "our_order": ours, "with_keys": with_keys })
        }
        Ask::Availability { item, quantity } => {
            json!({ "what": "availability", "item": item, "quantity": quantity.get() })
        }
        Ask::Catalogue => json!({ "what": "catalogue" }),
        Ask::Nothing => json!({ "what": "nothing" }),
        Ask::Procured(procured) => {
            let (state, keys) = match &procured.state {
                ProcureState::Accepted => ("accepted", 0),
                ProcureState::Keys(keys) => ("keys", keys.len()),
                ProcureState::Failed { .. } => ("failed", 0),
            };
            json!({ "what": "procured", "purchase": procured.our_no, "state": state, "keys": keys })
        }
        Ask::Batch(messages) => {
            json!({ "what": "batch", "messages": messages.iter().map(meaning).collect::<Vec<_>>() })
        }
        Ask::Unmapped { kind } => json!({ "what": "unmapped", "named": kind }),
    }
}

fn order(order: &OrderAsk) -> Value {
    let (check, amount): (&str, Option<Money>) = match order.amount {
        AmountCheck::Exactly(money) => ("exactly", Some(money)),
        AmountCheck::AtMost(money) => ("at_most", Some(money)),
        AmountCheck::PlatformPrice(money) => ("platform_price", Some(money)),
        AmountCheck::OurPrice => ("our_price", None),
    };
    let (stage, txn) = match &order.stage {
        Stage::Placed { .. } => ("placed", None),
        Stage::Paid { txn } => ("paid", Some(txn)),
    };
    let line = |line: &crate::LineAsk| json!({ "item": line.item, "quantity": line.quantity.get() });
    json!({
        "what": "order", "order": order.external_no, "stage": stage, "txn": txn,
        "lines": order.lines.iter().map(line).collect::<Vec<_>>(), "amount_check": check, "amount": amount,
        "names_a_buyer": order.buyer.is_some(),
    })
}

fn refund(what: &str, asked: &RefundAsk) -> Value {
    json!({ "what": what, "order": asked.external_no, "refund": asked.refund, "amount": asked.amount })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(refusal: Refusal, verified: bool) -> Vec<Passage> {
        steps(Some(&refusal), verified).into_iter().map(|taken| taken.state).collect()
    }

    #[test]
    fn a_refusal_tells_of_the_other_steps_no_more_than_is_known() {
        use Passage::{Failed, Open, Passed};
        let at = |step| Refusal::new(step, "code", "field");
        assert_eq!(states(at(Step::Signature), false), [Passed, Failed, Open, Open, Open]);
        assert_eq!(states(at(Step::Time), false), [Passed, Open, Failed, Open, Open]);
        assert_eq!(states(at(Step::Format), true), [Passed, Passed, Passed, Failed, Open]);
        assert_eq!(states(at(Step::Meaning), true), [Passed, Passed, Passed, Passed, Failed]);
        assert_eq!(states(at(Step::Size), false), [Failed, Open, Open, Open, Open]);
        assert!(steps(None, true).iter().all(|taken| taken.state == Passed && taken.code.is_none()));
    }
}
