//! An order as the shop states it, by webhook, read back or listed: the same fields each time.

use channel::{
    AmountCheck, Ask, BuyerAsk, Inbound, Kind, LineAsk, OrderAsk, RefundAsk, Refusal, Shortage, Stage, Step,
};
use serde::Deserialize;
use vocabulary::{Currency, DeliveryMethod, Money, Quantity, Secret, Timestamp};

use crate::{
    settings::Settings,
    status::{Standing, standing},
};

/// The fields of an order that we use. Amounts are decimal text in major units, times are text without a zone.
#[derive(Deserialize)]
pub(crate) struct Order {
    pub(crate) id: u64,
    status: String,
    currency: String,
    total: String,
    date_paid: Option<String>,
    date_paid_gmt: Option<String>,
    date_modified_gmt: Option<String>,
    payment_method: Option<String>,
    transaction_id: Option<String>,
    billing: Option<Billing>,
    line_items: Vec<Line>,
    #[serde(default)]
    refunds: Vec<Refund>,
}

#[derive(Deserialize)]
struct Billing {
    email: Option<String>,
}

#[derive(Deserialize)]
struct Line {
    product_id: u64,
    #[serde(default)]
    variation_id: u64,
    quantity: i64,
}

#[derive(Deserialize)]
struct Refund {
    id: u64,
    reason: Option<String>,
    /// Negative.
    total: String,
}

const fn wrong(field: &'static str) -> Refusal {
    Refusal::new(Step::Meaning, "invalid_field", field)
}

impl Order {
    /// What the order's state says. The ids are made of that state, so the same state is one message however
    /// often and by whichever way it comes. Never empty.
    pub(crate) fn messages(&self, settings: &Settings) -> Result<Vec<Inbound>, Refusal> {
        let mut messages = Vec::new();
        messages.extend(self.standing(settings)?);
        for refund in &self.refunds {
            messages.extend(self.refunded(refund)?);
        }
        if messages.is_empty() {
            let at = self.date_modified_gmt.as_deref().unwrap_or("-");
            messages.push(self.message(
                &clip(&format!("{}:{at}", self.status)),
                String::new(),
                Ask::Nothing,
            )?);
        }
        Ok(messages)
    }

    fn standing(&self, settings: &Settings) -> Result<Option<Inbound>, Refusal> {
        let paid = self.date_paid.is_some() || self.date_paid_gmt.is_some();
        // The shop calls an order paid that is to be paid to the postman.
        let in_cash = self.payment_method.as_deref() == Some("cod");
        match standing(&self.status) {
            Standing::Processing if paid && !in_cash => self.paid(settings).map(Some),
            Standing::Completed if paid && settings.completed_orders => self.paid(settings).map(Some),
            // A cart that was never paid is called off by the hundred; nothing of ours is held for it.
            Standing::Cancelled if paid => {
                let ask = Ask::Cancel { external_no: self.id.to_string(), reason: "cancelled".to_owned() };
                self.message("cancelled", String::new(), ask).map(Some)
            }
            Standing::Unlisted => {
                let kind = clip(&format!("status {}", self.status));
                self.message(&kind, String::new(), Ask::Unmapped { kind: kind.clone() }).map(Some)
            }
            Standing::Open
            | Standing::Processing
            | Standing::Completed
            | Standing::Cancelled
            | Standing::Refunded => Ok(None),
        }
    }

    fn paid(&self, settings: &Settings) -> Result<Inbound, Refusal> {
        let total = self.money("total", &self.total)?;
        if !(1..=100).contains(&self.line_items.len()) {
            return Err(wrong("line_items"));
        }
        let line = |line: &Line| {
            let quantity = Quantity::try_from(line.quantity).map_err(|_| wrong("quantity"))?;
            Ok(LineAsk { item: line.item(), quantity })
        };
        let lines = self.line_items.iter().map(line).collect::<Result<Vec<_>, Refusal>>()?;
        if total.minor == 0 {
            let kind = "order for nothing".to_owned();
            return self.message(&kind, String::new(), Ask::Unmapped { kind: kind.clone() });
        }
        let wanted: Vec<String> =
            lines.iter().map(|line| format!("{} x {}", line.item, line.quantity.get())).collect();
        let content = format!("{}|{total}", wanted.join(","));
        let ask = Ask::Order(OrderAsk {
            external_no: self.id.to_string(),
            lines,
            amount: AmountCheck::PlatformPrice(total),
            stage: Stage::Paid { txn: self.txn() },
            buyer: self.buyer(),
            shortage: Shortage::Backorder,
            delivery: if settings.key_notes { DeliveryMethod::Api } else { DeliveryMethod::Pickup },
            journey: None,
            memo: None,
        });
        self.message("paid", content, ask)
    }

    /// The gateway's number, where it gave the shop one.
    fn txn(&self) -> String {
        let plain =
            |text: &&str| (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        let given = self.transaction_id.as_deref().filter(plain);
        given.map_or_else(|| self.id.to_string(), str::to_owned)
    }

    fn buyer(&self) -> Option<BuyerAsk> {
        let email = self.billing.as_ref()?.email.clone()?;
        let fits = !email.is_empty() && email.len() <= 254;
        fits.then(|| BuyerAsk { reference: Secret::new(email), details: None })
    }

    fn refunded(&self, refund: &Refund) -> Result<Option<Inbound>, Refusal> {
        let amount = self.money("refunds", refund.total.strip_prefix('-').unwrap_or(&refund.total))?;
        if amount.minor == 0 {
            return Ok(None);
        }
        let ours = refund.reason.as_deref().and_then(number_in);
        let ask = Ask::RefundSettled(RefundAsk {
            external_no: self.id.to_string(),
            refund: ours.map_or_else(|| refund.id.to_string(), str::to_owned),
            amount: Some(amount),
            reason: "refunded".to_owned(),
            memo: None,
        });
        self.message(&format!("refund:{}", refund.id), amount.to_string(), ask).map(Some)
    }

    fn money(&self, field: &'static str, text: &str) -> Result<Money, Refusal> {
        let currency: Currency = self.currency.parse().map_err(|_| wrong("currency"))?;
        Money::from_major_text(text, currency).map_err(|_| wrong(field))
    }

    /// `content` holds what must not differ between two readings of the same state, and nothing else.
    fn message(&self, seen: &str, content: String, ask: Ask) -> Result<Inbound, Refusal> {
        let occurred_at = self.date_modified_gmt.as_deref().map(utc).transpose()?;
        let id = Some(format!("order:{}:{seen}", self.id));
        Ok(Inbound { id, content: content.into_bytes(), kind: Kind::Notice, occurred_at, ask })
    }
}

impl Line {
    /// `product` or `product/variation`, as stock is published too.
    fn item(&self) -> String {
        match self.variation_id {
            0 => self.product_id.to_string(),
            variation => format!("{}/{variation}", self.product_id),
        }
    }
}

/// The end of a refund's reason, by which a refund of ours is known again.
pub(crate) fn marked(number: &str) -> String {
    format!("[kami {number}]")
}

fn number_in(reason: &str) -> Option<&str> {
    let (_, number) = reason.trim_end().strip_suffix(']')?.rsplit_once("[kami ")?;
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'[' && byte != b']';
    ((1..=128).contains(&number.len()) && number.bytes().all(plain)).then_some(number)
}

/// A time in UTC, written without its zone.
fn utc(text: &str) -> Result<Timestamp, Refusal> {
    let zone = if text.ends_with('Z') { "" } else { "Z" };
    Timestamp::parse_rfc3339(&format!("{text}{zone}")).map_err(|_| wrong("date_modified_gmt"))
}

/// At most 64 plain characters.
fn clip(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii() && !c.is_ascii_control()).take(64).collect()
}
