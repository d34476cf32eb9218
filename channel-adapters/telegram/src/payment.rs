//! A payment of an invoice, wherever Telegram speaks of it: what it was for, who paid, and what becomes of it.

use channel::{
    AmountCheck, Ask, BuyerAsk, Inbound, Kind, LineAsk, OrderAsk, PaymentAsk, RefundAsk, Refusal, Shortage,
    Stage, Step,
    cipher::{open_reference, seal_reference},
};
use vocabulary::{Currency, DeliveryMethod, Money, Quantity, Secret, Timestamp};

use crate::settings::Bot;

/// What an invoice's payload names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// `order:<number>`: an order that was placed before, in the shop whose order numbers the account shares.
    Order(String),
    /// `item:<item>`: one unit of an item of this account; the payment itself is the order.
    Item(String),
    /// Not ours to read.
    Other,
}

/// Reads a payload. Telegram takes 1 to 128 bytes; control characters are refused, for no invoice of ours has any.
pub(crate) fn subject(payload: &str) -> Result<Subject, Refusal> {
    if !(1..=128).contains(&payload.len()) || payload.chars().any(char::is_control) {
        return Err(Refusal::new(Step::Meaning, "invalid_field", "invoice_payload"));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    Ok(match payload.split_once(':') {
        Some(("order", no)) if (1..=64).contains(&no.len()) && no.bytes().all(plain) => {
            Subject::Order(no.to_owned())
        }
        Some(("item", item)) if !item.trim().is_empty() => Subject::Item(item.to_owned()),
        _ => Subject::Other,
    })
}

/// Whole Stars, above 0; no other currency may buy digital goods inside Telegram.
pub(crate) fn stars(currency: &str, amount: i64) -> Result<Money, Refusal> {
    if currency != Currency::XTR.as_str() {
        return Err(Refusal::new(Step::Meaning, "not_stars", "currency"));
    }
    if amount < 1 {
        return Err(Refusal::new(Step::Meaning, "invalid_field", "total_amount"));
    }
    Ok(Money::new(amount, Currency::XTR))
}

/// A payment, or its way back.
pub(crate) struct Payment {
    subject: Subject,
    payload: String,
    charge: String,
    user: i64,
    amount: Money,
    at: Timestamp,
}

impl Payment {
    /// Checks the parts of a payment. `at` is in Unix seconds.
    pub(crate) fn read(
        charge: &str,
        user: i64,
        payload: &str,
        amount: Money,
        at: i64,
    ) -> Result<Self, Refusal> {
        let wrong = |field| Refusal::new(Step::Meaning, "invalid_field", field);
        if !(1..=200).contains(&charge.len()) || !charge.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(wrong("telegram_payment_charge_id"));
        }
        if user < 1 {
            return Err(wrong("from.id"));
        }
        // Well before the year 10000, and never negative.
        if !(1..=253_402_300_799).contains(&at) {
            return Err(wrong("date"));
        }
        let (subject, charge, payload) = (subject(payload)?, charge.to_owned(), payload.to_owned());
        Ok(Self { subject, payload, charge, user, amount, at: Timestamp::from_secs(at) })
    }

    /// The money came in. Told by an update or found in the list of transactions, it is one and the same message.
    pub(crate) fn received(self, bot: &Bot) -> Inbound {
        let txn = Charge { user: self.user, id: &self.charge }.to_text(bot);
        let ask = match &self.subject {
            Subject::Order(number) => Ask::Payment(PaymentAsk {
                external_no: number.clone(),
                txn,
                amount: self.amount,
                check_first: false,
            }),
            Subject::Item(item) => Ask::Order(OrderAsk {
                external_no: self.charge.clone(),
                lines: vec![LineAsk { item: item.clone(), quantity: Quantity::ONE }],
                // The price was held against ours before the buyer paid; what was agreed then holds.
                amount: AmountCheck::PlatformPrice(self.amount),
                stage: Stage::Paid { txn },
                buyer: Some(BuyerAsk { reference: Secret::new(self.user.to_string()), details: None }),
                shortage: Shortage::Backorder,
                delivery: DeliveryMethod::Api,
                journey: None,
                memo: None,
            }),
            // Money that we cannot place: somebody must look.
            Subject::Other => Ask::Unmapped { kind: "payment of an unknown invoice".to_owned() },
        };
        self.message("paid", ask)
    }

    /// The money went back, all of it: Telegram knows no other refunds.
    pub(crate) fn returned(self) -> Inbound {
        let refund = |external_no: &str| {
            Ask::RefundSettled(RefundAsk {
                external_no: external_no.to_owned(),
                refund: format!("stars:{}", self.charge),
                // All that is left: nothing, where it was our own refund and is counted already.
                amount: None,
                reason: "refunded_payment".to_owned(),
                memo: None,
            })
        };
        let ask = match &self.subject {
            Subject::Order(number) => refund(number),
            Subject::Item(_) => refund(&self.charge),
            Subject::Other => Ask::Unmapped { kind: "refund of an unknown invoice".to_owned() },
        };
        self.message("refunded", ask)
    }

    fn message(self, what: &str, ask: Ask) -> Inbound {
        Inbound {
            id: Some(format!("{what}:{}", self.charge)),
            content: format!("{}|{}|{}", self.amount, self.user, self.payload).into_bytes(),
            kind: Kind::Notice,
            occurred_at: Some(self.at),
            ask,
        }
    }
}

/// A payment's number as orders keep it: `<user>:<charge>`, the user sealed with the bot's token. Telegram wants the
/// user with every refund, and keys go to the user who paid, so the two belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Charge<'a> {
    pub(crate) user: i64,
    pub(crate) id: &'a str,
}

impl<'a> Charge<'a> {
    pub(crate) fn to_text(self, bot: &Bot) -> String {
        let user = seal_reference(bot.token.expose().as_bytes(), &self.user.to_string()).unwrap_or_default();
        format!("{user}:{}", self.id)
    }
    /// Reads a payment's number; `None` where it is not one of ours.
    pub(crate) fn read(txn: Option<&'a str>, bot: &Bot) -> Option<Self> {
        let (sealed, id) = txn?.split_once(':')?;
        let user = open_reference(bot.token.expose().as_bytes(), sealed)?.parse().ok()?;
        (!id.is_empty()).then_some(Self { user, id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_names_an_order_an_item_or_nothing_of_ours() {
        let read = |payload: &str| subject(payload).map_err(|refusal| refusal.detail);
        assert_eq!(read("order:CK20260102000001"), Ok(Subject::Order("CK20260102000001".into())));
        assert_eq!(read("item:steam-50"), Ok(Subject::Item("steam-50".into())));
        assert_eq!(read("item:a:b"), Ok(Subject::Item("a:b".into())));
        for other in ["steam-50", "order:", "order:a b", "item:", "item: ", "ITEM:x", "x:y"] {
            assert_eq!(read(other), Ok(Subject::Other), "{other}");
        }
        for bad in ["", "order:A\0", "item:a\nb", &"x".repeat(129)] {
            assert_eq!(read(bad), Err("invoice_payload"), "{bad:?}");
        }
    }

    #[test]
    fn a_charge_is_read_back_as_it_was_written() {
        let bot = Bot::open(include_str!("example-settings.json")).unwrap();
        let charge = Charge { user: 777_000_111, id: "stx:odd/one" };
        let text = charge.to_text(&bot);
        assert_eq!(Charge::read(Some(&text), &bot), Some(charge));
        assert!(!text.contains("777000111"), "the user stands in the log: {text}");
        for bad in ["", "stx", ":stx", "1:stx", "777000111:stx", text.strip_suffix("stx:odd/one").unwrap()] {
            assert_eq!(Charge::read(Some(bad), &bot), None, "{bad}");
        }
    }
}
