//! What lost updates told: the bot's Star transactions, read from the beginning, for the list can only be skipped into
//! by count. A payment found here is the same message as the update that told of it.

use channel::{CallOutcome, Inbound, OutboundRequest, Page, Poll, Response, Unable, Window};
use serde::{Deserialize, Serialize};
use vocabulary::{Currency, Money, Timestamp};

use crate::{payment::Payment, settings::Bot, status::read};

/// The most that one call gives.
const LIMIT: u64 = 100;

#[derive(Serialize)]
struct GetStarTransactions {
    offset: u64,
    limit: u64,
}

#[derive(Deserialize)]
struct StarTransactions {
    transactions: Vec<Transaction>,
}

#[derive(Deserialize)]
struct Transaction {
    id: String,
    amount: i64,
    date: i64,
    source: Option<Partner>,
    receiver: Option<Partner>,
}

#[derive(Deserialize)]
struct Partner {
    #[serde(rename = "type")]
    kind: String,
    /// Missing from servers of 2024; then every user's payment is one of an invoice.
    transaction_type: Option<String>,
    user: Option<User>,
    invoice_payload: Option<String>,
}

#[derive(Deserialize)]
struct User {
    id: i64,
}

impl Transaction {
    /// A payment of an invoice, or its refund; `None` for gifts, withdrawals and whatever else moves Stars, and for
    /// refunds that do not say which invoice they are of.
    fn message(&self, bot: &Bot) -> Option<Inbound> {
        let (partner, returned) = match (&self.source, &self.receiver) {
            (Some(source), None) => (source, false),
            (None, Some(receiver)) => (receiver, true),
            _ => return None,
        };
        let of_invoice = partner.transaction_type.as_deref().is_none_or(|kind| kind == "invoice_payment");
        if partner.kind != "user" || !of_invoice || self.amount < 1 {
            return None;
        }
        let (user, payload) = (partner.user.as_ref()?.id, partner.invoice_payload.as_deref()?);
        let amount = Money::new(self.amount, Currency::XTR);
        let payment = Payment::read(&self.id, user, payload, amount, self.date).ok()?;
        Some(if returned { payment.returned() } else { payment.received(bot) })
    }

    fn is_in(&self, window: &Window) -> bool {
        (window.since.secs()..=window.until.secs()).contains(&self.date)
    }
}

impl Poll for Bot {
    fn name(&self) -> &'static str {
        "star_transactions"
    }
    fn every_secs(&self) -> u32 {
        3_600
    }
    fn window_max_secs(&self) -> u32 {
        31 * 24 * 3_600
    }

    fn request(&self, window: &Window, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let offset = offset(window).ok_or(Unable("foreign_cursor"))?;
        self.call("getStarTransactions", &GetStarTransactions { offset, limit: LIMIT })
    }

    fn interpret(&self, window: &Window, response: Response<'_>, _: Timestamp) -> CallOutcome<Page> {
        let found = match read::<StarTransactions, _>(response) {
            Ok(Ok(found)) => found.transactions,
            Ok(Err(no)) => return CallOutcome::Refused { code: no.code },
            Err(outcome) => return outcome,
        };
        let read = u64::try_from(found.len()).unwrap_or(u64::MAX);
        let next = offset(window).and_then(|offset| offset.checked_add(read)).filter(|_| read >= LIMIT);
        let mut inside: Vec<_> = found.iter().filter(|transaction| transaction.is_in(window)).collect();
        // What went back comes first: a payment that is known to be over lets no key out.
        inside.sort_by_key(|transaction| transaction.receiver.is_none());
        let messages = inside.into_iter().filter_map(|transaction| transaction.message(self)).collect();
        CallOutcome::Done(Page { messages, next: next.map(|next| next.to_string()), confirm: None })
    }
}

fn offset(window: &Window) -> Option<u64> {
    window.cursor.as_deref().map_or(Some(0), |cursor| cursor.parse().ok())
}
