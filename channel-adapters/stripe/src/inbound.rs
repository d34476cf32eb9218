//! What an event says.

use channel::{Ask, Inbound, Kind, Refusal, Step, strict_json};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use vocabulary::Timestamp;

use crate::{
    hint::{Dispute, DisputeStanding, Hint},
    session::{Session, Standing, money},
    settings::{Stripe, is_id},
};

/// The kinds of events that mean something to us, as an endpoint should be told to send them.
pub(crate) const EVENTS: [&str; 12] = [
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "charge.refunded",
    "charge.refund.updated",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
];

/// An event, as sent and as listed.
#[derive(Deserialize)]
pub(crate) struct Event {
    pub(crate) id: String,
    object: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    livemode: Option<bool>,
    #[serde(default)]
    created: Option<i64>,
    /// Set where the event is of a connected account.
    #[serde(default)]
    account: Option<String>,
    #[serde(default)]
    data: Data,
}

#[derive(Deserialize, Default)]
struct Data {
    #[serde(default)]
    object: Value,
}

/// A charge or a refund, as far as it says what was paid.
#[derive(Deserialize)]
struct PaidBack {
    id: String,
    payment_intent: Option<String>,
}

#[derive(Deserialize)]
struct Disputed {
    id: String,
    payment_intent: Option<String>,
    status: String,
    amount: i64,
    currency: String,
}

/// Reads a verified body.
pub(crate) fn parse(stripe: &Stripe, body: &[u8]) -> Result<Inbound, Refusal> {
    read(stripe, &strict_json::from_slice(body)?)
}

/// Reads an event.
pub(crate) fn read(stripe: &Stripe, event: &Event) -> Result<Inbound, Refusal> {
    let meaning = |code, detail| Refusal::new(Step::Meaning, code, detail);
    if !is_id(&event.id) {
        return Err(meaning("invalid_field", "id"));
    }
    if event.object == "event" && event.livemode != Some(stripe.livemode) {
        return Err(meaning("livemode_mismatch", "livemode"));
    }
    if event.account.is_some() {
        return Err(meaning("account_mismatch", "account"));
    }
    // Other objects are events of another product, which say nothing themselves.
    let ask = if event.object == "event" { ask(stripe, event)? } else { unmapped(&event.object) };
    Ok(Inbound {
        id: Some(event.id.clone()),
        content: content(&event.kind, &ask),
        kind: Kind::Notice,
        occurred_at: event.created.filter(|at| *at > 0).map(Timestamp::from_secs),
        ask,
    })
}

fn ask(stripe: &Stripe, event: &Event) -> Result<Ask, Refusal> {
    match event.kind.as_str() {
        "checkout.session.completed" | "checkout.session.async_payment_succeeded" => {
            match object::<Session>(event)?.standing(stripe.confirm_by_query)? {
                Standing::Paid(payment) => Ok(Ask::Payment(payment)),
                Standing::Unpaid => Ok(Ask::Nothing),
                Standing::Unclear(what) => Ok(unmapped(what)),
            }
        }
        "checkout.session.async_payment_failed" | "checkout.session.expired" => Ok(Ask::Nothing),
        "charge.refunded" | "charge.refund.updated" | "refund.created" | "refund.updated" => {
            let paid_back: PaidBack = object(event)?;
            if !is_id(&paid_back.id) {
                return Err(Refusal::new(Step::Meaning, "invalid_field", "data.object.id"));
            }
            hint(event, paid_back.payment_intent, None)
        }
        "charge.dispute.created" | "charge.dispute.updated" | "charge.dispute.closed" => {
            let disputed: Disputed = object(event)?;
            let Some(standing) = DisputeStanding::of(&disputed.status) else {
                return Ok(unmapped("dispute of an unknown status"));
            };
            let amount = money(Some(disputed.amount), Some(&disputed.currency))?;
            hint(event, disputed.payment_intent, Some(Dispute { id: disputed.id, standing, amount }))
        }
        // The dispute's status says the same.
        "charge.dispute.funds_withdrawn" | "charge.dispute.funds_reinstated" => Ok(Ask::Nothing),
        // `refund.failed` too: the money is with us again, and a person has to pay it in another way.
        other => Ok(unmapped(other)),
    }
}

/// A hint that does not read back as itself would be lost later.
fn hint(event: &Event, intent: Option<String>, dispute: Option<Dispute>) -> Result<Ask, Refusal> {
    let Some(intent) = intent else { return Ok(unmapped(&event.kind)) };
    let hint = Hint { intent, dispute };
    let text = hint.write();
    if Hint::read(&text).as_ref() != Some(&hint) {
        return Err(Refusal::new(Step::Meaning, "invalid_field", "data.object"));
    }
    Ok(Ask::ReadBack { external_no: text })
}

fn object<T: DeserializeOwned>(event: &Event) -> Result<T, Refusal> {
    T::deserialize(&event.data.object)
        .map_err(|_| Refusal::new(Step::Meaning, "wrong_fields", "data.object: missing or of another type"))
}

/// An event of the list that cannot be read.
pub(crate) fn unreadable(id: &str, refusal: &Refusal) -> Inbound {
    let content = refusal.code.as_bytes().to_vec();
    let ask = unmapped(refusal.code);
    Inbound { id: Some(format!("{id}/unreadable")), content, kind: Kind::Notice, occurred_at: None, ask }
}

/// Kept for a person, under a name that is safe to show.
pub(crate) fn unmapped(kind: &str) -> Ask {
    let safe = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ' ');
    let kind: String = kind.chars().filter(safe).take(64).collect();
    Ask::Unmapped { kind: if kind.is_empty() { "unnamed".to_owned() } else { kind } }
}

/// What was understood. The rest of an event differs between the endpoint, its repeats and the list of events.
fn content(kind: &str, ask: &Ask) -> Vec<u8> {
    let facts = match ask {
        Ask::Payment(payment) => format!("{}\n{}\n{}", payment.external_no, payment.txn, payment.amount),
        Ask::ReadBack { external_no } => external_no.clone(),
        _ => String::new(),
    };
    format!("{kind}\n{facts}").into_bytes()
}
