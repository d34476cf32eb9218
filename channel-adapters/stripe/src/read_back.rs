//! What is true of a payment: its session names the order, its charge lists the refunds.

use channel::{
    Ask, CallOutcome, Inbound, Kind, OutboundRequest, ReadBack, RefundAsk, Refusal, Response, Unable,
};
use vocabulary::Timestamp;

use crate::{
    answer::{read, unknown},
    hint::{Dispute, DisputeStanding, Hint},
    session::{List, Refunded, Session, Standing},
    settings::Stripe,
};

impl ReadBack for Stripe {
    fn request(&self, external_no: &str, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let intent = Hint::read(external_no).ok_or(Unable("not_a_payment"))?.intent;
        // Four levels, which is as deep as Stripe goes.
        let refunds = ("expand[]", "data.payment_intent.latest_charge.refunds");
        Ok(self.get("/v1/checkout/sessions", &[("payment_intent", &intent), ("limit", "1"), refunds]))
    }

    fn interpret(&self, external_no: &str, response: Response<'_>) -> CallOutcome<Vec<Inbound>> {
        let list: List<Session> = match read(response) {
            Ok(list) => list,
            Err(outcome) => return outcome,
        };
        let Some(hint) = Hint::read(external_no) else { return unknown("not_a_payment") };
        // Paid, but not through Checkout: no sale of ours.
        let Some(session) = list.data.first() else { return CallOutcome::Done(Vec::new()) };
        if session.txn().ok() != Some(hint.intent.as_str()) {
            return unknown("answer_about_another_payment");
        }
        match messages(&hint, session) {
            Ok(Some(messages)) => CallOutcome::Done(messages),
            Ok(None) => unknown("more_refunds_than_shown"),
            Err(refusal) => unknown(refusal.code),
        }
    }
}

/// What a session and its hint come to; `None` where not all refunds are shown.
fn messages(hint: &Hint, session: &Session) -> Result<Option<Vec<Inbound>>, Refusal> {
    let Some(order) = session.order()? else { return Ok(Some(Vec::new())) };
    if let Some(dispute) = &hint.dispute {
        return Ok(Some(vec![disputed(order, dispute)]));
    }
    let Some(refunds) = session.payment_intent.as_ref().and_then(|intent| intent.refunds()) else {
        return Ok(None);
    };
    let mut all = Vec::new();
    if let Standing::Paid(payment) = session.standing(false)? {
        let facts = format!("{}\n{}", payment.external_no, payment.amount);
        all.push(message(format!("payment/{}", payment.txn), facts, Ask::Payment(payment)));
    }
    for refund in refunds.iter().filter(|refund| refund.status.as_deref() == Some("succeeded")) {
        all.push(settled(order, refund)?);
    }
    Ok(Some(all))
}

fn settled(order: &str, refund: &Refunded) -> Result<Inbound, Refusal> {
    let amount = refund.amount()?;
    let number = refund.number().to_owned();
    let facts = format!("{order}\n{number}\n{amount}");
    let ask = refund_ask(order, number, amount, "refunded at stripe");
    Ok(message(format!("refund/{}/succeeded", refund.id), facts, Ask::RefundSettled(ask)))
}

fn disputed(order: &str, dispute: &Dispute) -> Inbound {
    let (id, amount) = (&dispute.id, dispute.amount);
    let ask = |reason| refund_ask(order, id.clone(), amount, reason);
    let ask = match dispute.standing {
        DisputeStanding::Open => Ask::RefundRequested(ask("dispute opened")),
        DisputeStanding::Won => Ask::RefundRefused(ask("dispute won")),
        DisputeStanding::Lost => Ask::RefundSettled(ask("dispute lost")),
    };
    message(format!("dispute/{id}/{}", dispute.standing.word()), format!("{order}\n{amount}"), ask)
}

fn refund_ask(order: &str, refund: String, amount: vocabulary::Money, reason: &str) -> RefundAsk {
    RefundAsk {
        external_no: order.to_owned(),
        refund,
        amount: Some(amount),
        reason: reason.to_owned(),
        memo: None,
    }
}

fn message(id: String, facts: String, ask: Ask) -> Inbound {
    Inbound { id: Some(id), content: facts.into_bytes(), kind: Kind::Notice, occurred_at: None, ask }
}
