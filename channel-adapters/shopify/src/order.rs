//! An order and a refund as Shopify states them, by webhook or read back, and what they mean to us.

use channel::{
    AmountCheck, Ask, BuyerAsk, Inbound, Kind, LineAsk, OrderAsk, RefundAsk, Refusal, Shortage, Stage, Step,
};
use vocabulary::{Currency, DeliveryMethod, Money, Quantity, Secret, Timestamp};

use crate::{
    settings::Settings,
    status::{Financial, financial},
};

/// An order. What a webhook may leave out is an option; it is missed only where it is needed.
#[derive(Default)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) financial_status: String,
    /// Whether everything was handed over already.
    pub(crate) fulfilled: bool,
    pub(crate) test: bool,
    pub(crate) cancelled_at: Option<String>,
    pub(crate) cancel_reason: Option<String>,
    pub(crate) updated_at: Option<String>,
    pub(crate) currency: Option<String>,
    /// Decimal text in major units.
    pub(crate) total: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) lines: Vec<Line>,
    pub(crate) refunds: Vec<Refund>,
}

pub(crate) struct Line {
    /// None for a line that was typed in by hand, or whose variant was deleted.
    pub(crate) variant: Option<u64>,
    pub(crate) quantity: i64,
}

pub(crate) struct Refund {
    pub(crate) id: u64,
    pub(crate) order: u64,
    pub(crate) note: Option<String>,
    pub(crate) created_at: Option<String>,
    pub(crate) transactions: Vec<Transaction>,
}

pub(crate) struct Transaction {
    pub(crate) kind: String,
    pub(crate) status: String,
    pub(crate) amount: String,
    pub(crate) currency: String,
}

const fn wrong(field: &'static str) -> Refusal {
    Refusal::new(Step::Meaning, "invalid_field", field)
}

impl Order {
    /// What the order's state says. The ids are made of that state, so the same state is one message however
    /// often and by whichever way it comes. Never empty.
    pub(crate) fn messages(&self, settings: &Settings) -> Result<Vec<Inbound>, Refusal> {
        if self.test {
            return Err(Refusal::new(Step::Meaning, "test_order", "test"));
        }
        let mut messages = Vec::new();
        messages.extend(self.standing(settings)?);
        for refund in &self.refunds {
            messages.push(refund.message()?);
        }
        if messages.is_empty() {
            let seen = format!("{}:{}", self.financial_status, self.updated_at.as_deref().unwrap_or("-"));
            messages.push(self.message(&clip(&seen), String::new(), None, Ask::Nothing)?);
        }
        Ok(messages)
    }

    fn standing(&self, settings: &Settings) -> Result<Option<Inbound>, Refusal> {
        let cancelled = self.cancelled_at.is_some();
        let message = match financial(&self.financial_status) {
            Financial::Unlisted => self.unmapped(&format!("financial_status {}", self.financial_status))?,
            // The refunds, which are messages of their own, say how much went back.
            Financial::Refunded => return Ok(None),
            Financial::PartlyRefunded if cancelled => self.unmapped("cancelled and partly refunded")?,
            Financial::Unpaid | Financial::Paid | Financial::Void if cancelled => self.cancelled()?,
            Financial::Unpaid | Financial::Void => return Ok(None),
            // An order that was fulfilled before we saw it is not ours to fulfil; one that we fulfilled is known.
            Financial::Paid | Financial::PartlyRefunded if self.fulfilled => return Ok(None),
            Financial::Paid | Financial::PartlyRefunded => self.paid(settings)?,
        };
        Ok(Some(message))
    }

    fn paid(&self, settings: &Settings) -> Result<Inbound, Refusal> {
        let total = money("total_price", self.total.as_deref(), self.currency.as_deref())?;
        if !(1..=100).contains(&self.lines.len()) {
            return Err(wrong("line_items"));
        }
        let mut lines = Vec::with_capacity(self.lines.len());
        for line in &self.lines {
            let quantity = Quantity::try_from(line.quantity).map_err(|_| wrong("quantity"))?;
            let Some(variant) = line.variant else { return self.unmapped("line without a variant") };
            lines.push(LineAsk { item: variant.to_string(), quantity });
        }
        if total.minor == 0 {
            return self.unmapped("order for nothing");
        }
        let wanted: Vec<String> =
            lines.iter().map(|line| format!("{} x {}", line.item, line.quantity.get())).collect();
        let content = format!("{}|{total}", wanted.join(","));
        let by_call = settings.keys_metafield.is_some();
        let ask = Ask::Order(OrderAsk {
            external_no: self.id.to_string(),
            lines,
            amount: AmountCheck::PlatformPrice(total),
            // Shopify numbers payments apart from orders and lists them only when asked; an order is paid once.
            stage: Stage::Paid { txn: self.id.to_string() },
            buyer: self.buyer(),
            shortage: Shortage::Backorder,
            delivery: if by_call { DeliveryMethod::Api } else { DeliveryMethod::Pickup },
            journey: None,
            memo: None,
        });
        self.message("paid", content, self.updated_at.as_deref(), ask)
    }

    fn buyer(&self) -> Option<BuyerAsk> {
        let email = self.email.clone().filter(|email| !email.is_empty() && email.len() <= 254)?;
        Some(BuyerAsk { reference: Secret::new(email), details: None })
    }

    fn cancelled(&self) -> Result<Inbound, Refusal> {
        let reason = clip(self.cancel_reason.as_deref().unwrap_or_default());
        let reason = if reason.is_empty() { "cancelled".to_owned() } else { reason };
        let ask = Ask::Cancel { external_no: self.id.to_string(), reason };
        self.message("cancelled", String::new(), self.cancelled_at.as_deref(), ask)
    }

    fn unmapped(&self, kind: &str) -> Result<Inbound, Refusal> {
        let kind = clip(kind);
        self.message(&kind, String::new(), self.updated_at.as_deref(), Ask::Unmapped { kind: kind.clone() })
    }

    /// `content` holds what must not differ between two readings of the same state, and nothing else.
    fn message(&self, seen: &str, content: String, at: Option<&str>, ask: Ask) -> Result<Inbound, Refusal> {
        notice(format!("order:{}:{seen}", self.id), content, at, ask)
    }
}

impl Refund {
    pub(crate) fn message(&self) -> Result<Inbound, Refusal> {
        let id = format!("refund:{}", self.id);
        let at = self.created_at.as_deref();
        let moved = self.transactions.iter().filter(|t| t.kind.eq_ignore_ascii_case("refund"));
        let mut sum: Option<Money> = None;
        for transaction in moved {
            if !transaction.status.eq_ignore_ascii_case("success") {
                // No webhook tells of its end, so a person must look.
                let kind = clip(&format!("refund {}", transaction.status));
                return notice(format!("{id}:{kind}"), String::new(), at, Ask::Unmapped { kind });
            }
            let amount = money("amount", Some(&transaction.amount), Some(&transaction.currency))?;
            sum = Some(match sum {
                Some(sum) => sum.checked_add(amount).map_err(|_| wrong("transactions"))?,
                None => amount,
            });
        }
        let Some(amount) = sum.filter(|sum| sum.minor > 0) else {
            // Goods came back and no money moved.
            return notice(id, String::new(), at, Ask::Nothing);
        };
        let ask = Ask::RefundSettled(RefundAsk {
            external_no: self.order.to_string(),
            refund: self.number(),
            amount: Some(amount),
            reason: "refunded".to_owned(),
            memo: None,
        });
        notice(id, amount.to_string(), at, ask)
    }

    /// Our number where we made the refund, else Shopify's.
    pub(crate) fn number(&self) -> String {
        let ours = self.note.as_deref().and_then(number_in);
        ours.map_or_else(|| self.id.to_string(), str::to_owned)
    }
}

/// The end of a refund's note, by which a refund of ours is known again.
pub(crate) fn marked(number: &str) -> String {
    format!("[kami {number}]")
}

fn number_in(note: &str) -> Option<&str> {
    let (_, number) = note.trim_end().strip_suffix(']')?.rsplit_once("[kami ")?;
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'[' && byte != b']';
    ((1..=128).contains(&number.len()) && number.bytes().all(plain)).then_some(number)
}

fn notice(id: String, content: String, at: Option<&str>, ask: Ask) -> Result<Inbound, Refusal> {
    let occurred_at = at.map(Timestamp::parse_rfc3339).transpose().map_err(|_| wrong("time"))?;
    Ok(Inbound { id: Some(id), content: content.into_bytes(), kind: Kind::Notice, occurred_at, ask })
}

fn money(field: &'static str, text: Option<&str>, currency: Option<&str>) -> Result<Money, Refusal> {
    let currency: Currency = currency.unwrap_or_default().parse().map_err(|_| wrong("currency"))?;
    Money::from_major_text(text.unwrap_or_default(), currency).map_err(|_| wrong(field))
}

/// At most 64 plain characters.
fn clip(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii() && !c.is_ascii_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refund_of_ours_is_known_by_the_end_of_its_note() {
        assert_eq!(number_in(&format!("out of stock {}", marked("R-1"))), Some("R-1"));
        assert_eq!(number_in("[kami 0198-cancelled] \n"), Some("0198-cancelled"));
        for other in ["", "kami R-1", "[kami ]", "[kami R-1] and more", "[kami a b]", "[kami [x]]"] {
            assert_eq!(number_in(other), None, "{other}");
        }
    }
}
