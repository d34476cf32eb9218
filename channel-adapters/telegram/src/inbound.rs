//! What an update says: a question before a payment, a payment, a refund, or chatter.

use channel::{Ask, Inbound, Kind, RawRequest, Refusal, Step, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::{Money, Quantity, Timestamp};

use crate::{
    payment::{Payment, Subject, stars, subject},
    settings::Bot,
};

#[derive(Deserialize)]
struct Update {
    update_id: i64,
    message: Option<Message>,
    pre_checkout_query: Option<PreCheckoutQuery>,
    callback_query: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Message {
    from: Option<User>,
    date: i64,
    successful_payment: Option<Paid>,
    refunded_payment: Option<Paid>,
}

#[derive(Deserialize)]
struct User {
    id: i64,
}

#[derive(Deserialize)]
struct Paid {
    currency: String,
    total_amount: i64,
    invoice_payload: String,
    telegram_payment_charge_id: String,
}

impl Paid {
    fn payment(&self, message: &Message) -> Result<Payment, Refusal> {
        let amount = stars(&self.currency, self.total_amount)?;
        let user = message.from.as_ref().map_or(0, |user| user.id);
        let charge = &self.telegram_payment_charge_id;
        Payment::read(charge, user, &self.invoice_payload, amount, message.date)
    }
}

#[derive(Deserialize)]
struct PreCheckoutQuery {
    id: String,
    currency: String,
    total_amount: i64,
    invoice_payload: String,
}

/// May this payment go ahead?
pub(crate) struct Question {
    /// The question's own id, which the answer must carry.
    pub(crate) id: String,
    pub(crate) subject: Subject,
    pub(crate) amount: Money,
}

impl PreCheckoutQuery {
    fn question(&self) -> Result<Question, Refusal> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !(1..=64).contains(&self.id.len()) || !self.id.bytes().all(plain) {
            return Err(Refusal::new(Step::Meaning, "invalid_field", "pre_checkout_query.id"));
        }
        let amount = stars(&self.currency, self.total_amount)?;
        Ok(Question { id: self.id.clone(), subject: subject(&self.invoice_payload)?, amount })
    }
}

/// Reads a verified update.
pub(crate) fn parse(bot: &Bot, request: &RawRequest) -> Result<Inbound, Refusal> {
    let update: Update = strict_json::from_slice(&request.body)?;
    if let Some(query) = &update.pre_checkout_query {
        return Ok(asked(&query.question()?));
    }
    match &update.message {
        Some(message) => match (&message.successful_payment, &message.refunded_payment) {
            (Some(paid), _) => Ok(paid.payment(message)?.received(bot)),
            (None, Some(refunded)) => Ok(refunded.payment(message)?.returned()),
            (None, None) => Ok(notice(&update, Ask::Nothing)),
        },
        None if update.callback_query.is_some() => Ok(notice(&update, Ask::Nothing)),
        None => Ok(notice(&update, Ask::Unmapped { kind: "update of another kind".to_owned() })),
    }
}

/// The question of an update that was parsed, for its answer.
pub(crate) fn question(request: &RawRequest) -> Option<Question> {
    let update: Update = strict_json::from_slice(&request.body).ok()?;
    update.pre_checkout_query?.question().ok()
}

/// A question changes nothing: the order must be there and unpaid, or the item on sale, at this price.
fn asked(question: &Question) -> Inbound {
    let ask = match &question.subject {
        Subject::Order(number) => {
            Ask::OrderQuery { external_no: Some(number.clone()), order: None, with_keys: false }
        }
        Subject::Item(item) => Ask::Availability { item: item.clone(), quantity: Quantity::ONE },
        // Answered with a no, whatever the outcome.
        Subject::Other => Ask::Nothing,
    };
    Inbound { id: None, content: Vec::new(), kind: Kind::Query, occurred_at: None, ask }
}

/// An update that moves no money. Its text may be a private message; the update's number tells it apart.
fn notice(update: &Update, ask: Ask) -> Inbound {
    let date = update.message.as_ref().map_or(0, |message| message.date);
    Inbound {
        id: Some(format!("update:{}", update.update_id)),
        content: Vec::new(),
        kind: Kind::Notice,
        occurred_at: (1..=253_402_300_799).contains(&date).then(|| Timestamp::from_secs(date)),
        ask,
    }
}
