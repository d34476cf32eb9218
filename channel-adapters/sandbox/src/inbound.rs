//! What the marketplace wants: verified request → our words. Every field is checked before it is believed.

use channel::{
    AmountCheck, Ask, BuyerAsk, Inbound, Kind, LineAsk, OrderAsk, PaymentAsk, RawRequest, RefundAsk, Refusal,
    Shortage, Stage, Step, strict_json,
};
use serde::Deserialize;
use vocabulary::{DeliveryMethod, Money, Quantity, Secret, Timestamp};

use crate::{
    settings::Settings,
    verify::{is_reference, message_id},
};

/// How it is to be answered, when it happened, and what it wants.
type Read = (Kind, Option<String>, Ask);

/// Reads a verified request.
pub(crate) fn parse(settings: &Settings, request: &RawRequest) -> Result<Inbound, Refusal> {
    let body = &request.body;
    let (kind, at, ask) = match request.topic.as_str() {
        "order-placed" => strict_json::from_slice::<OrderBody>(body)?.placed(settings.reserve_secs)?,
        "order-paid" => strict_json::from_slice::<OrderBody>(body)?.paid()?,
        "purchase" => strict_json::from_slice::<OrderBody>(body)?.purchase()?,
        "order-changed" => strict_json::from_slice::<NumberBody>(body)?.changed()?,
        "order-cancelled" => strict_json::from_slice::<NumberBody>(body)?.cancelled()?,
        "payment-reported" => strict_json::from_slice::<PaymentBody>(body)?.reported()?,
        "refund-requested" => strict_json::from_slice::<RefundBody>(body)?.into_ask(Ask::RefundRequested)?,
        "refund-refused" => strict_json::from_slice::<RefundBody>(body)?.into_ask(Ask::RefundRefused)?,
        "refund-settled" => strict_json::from_slice::<RefundBody>(body)?.into_ask(Ask::RefundSettled)?,
        "order" => strict_json::from_slice::<OrderQuery>(body)?.query()?,
        "stock" => strict_json::from_slice::<StockQuery>(body)?.query()?,
        // The signature covers the topic, so a topic that is new to us is genuine: it is kept.
        other => (Kind::Notice, None, Ask::Unmapped { kind: other.to_owned() }),
    };
    let id = message_id(request)?;
    Ok(Inbound {
        id: (kind != Kind::Query).then(|| id.to_owned()),
        // The topic is part of what a repeat must repeat: one body may fit two topics.
        content: [request.topic.as_bytes(), b"\n", body].concat(),
        kind,
        occurred_at: at.map(|at| Timestamp::parse_rfc3339(&at).map_err(|_| wrong("at"))).transpose()?,
        ask,
    })
}

const fn wrong(field: &'static str) -> Refusal {
    Refusal::new(Step::Meaning, "invalid_field", field)
}

fn reference(field: &'static str, text: &str) -> Result<String, Refusal> {
    if is_reference(text) { Ok(text.to_owned()) } else { Err(wrong(field)) }
}

/// Free text of 1 to `most` characters, none of them a control character.
fn words(field: &'static str, text: &str, most: usize) -> Result<String, Refusal> {
    let fits = (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(wrong(field)) }
}

fn money(minor: i64, currency: &str) -> Result<Money, Refusal> {
    let currency = currency.parse().map_err(|_| wrong("currency"))?;
    if minor > 0 { Ok(Money::new(minor, currency)) } else { Err(wrong("amount_minor")) }
}

/// `order-placed`, `order-paid`, `purchase`; also the order inside a detail that was read back.
#[derive(Deserialize)]
pub(crate) struct OrderBody {
    pub(crate) order: String,
    lines: Vec<Line>,
    amount_minor: i64,
    currency: String,
    payment: Option<String>,
    buyer: Option<String>,
    buyer_phone: Option<String>,
    at: Option<String>,
}

#[derive(Deserialize)]
struct Line {
    item: String,
    quantity: i64,
}

impl OrderBody {
    /// The buyer is at the till: whether there are keys decides whether the marketplace takes the money.
    fn placed(self, reserve_secs: u32) -> Result<Read, Refusal> {
        let ask = self.ask(Stage::Placed { reserve_secs }, Shortage::Refuse, DeliveryMethod::Api)?;
        Ok((Kind::Call, self.at, Ask::Order(ask)))
    }

    /// The money is taken: the order is never refused for want of keys.
    pub(crate) fn paid(self) -> Result<Read, Refusal> {
        let ask = self.ask(self.paid_stage()?, Shortage::Backorder, DeliveryMethod::Api)?;
        Ok((Kind::Notice, self.at, Ask::Order(ask)))
    }

    /// The marketplace waits, and hands the keys of the reply to its buyer.
    fn purchase(self) -> Result<Read, Refusal> {
        let ask = self.ask(self.paid_stage()?, Shortage::Refuse, DeliveryMethod::Reply)?;
        Ok((Kind::Call, self.at, Ask::Order(ask)))
    }

    /// What must not differ between two readings of one order.
    pub(crate) fn facts(&self) -> String {
        let lines: Vec<String> =
            self.lines.iter().map(|line| format!("{} {}", line.quantity, line.item)).collect();
        format!("{} {} {}", self.amount_minor, self.currency, lines.join(","))
    }

    fn paid_stage(&self) -> Result<Stage, Refusal> {
        let payment = self.payment.as_deref().ok_or_else(|| wrong("payment"))?;
        Ok(Stage::Paid { txn: reference("payment", payment)? })
    }

    fn ask(&self, stage: Stage, shortage: Shortage, delivery: DeliveryMethod) -> Result<OrderAsk, Refusal> {
        if !(1..=100).contains(&self.lines.len()) {
            return Err(wrong("lines"));
        }
        let line = |line: &Line| {
            let quantity = Quantity::try_from(line.quantity).map_err(|_| wrong("quantity"))?;
            Ok(LineAsk { item: words("item", &line.item, 64)?, quantity })
        };
        Ok(OrderAsk {
            external_no: reference("order", &self.order)?,
            lines: self.lines.iter().map(line).collect::<Result<_, Refusal>>()?,
            amount: AmountCheck::Exactly(money(self.amount_minor, &self.currency)?),
            stage,
            buyer: self.buyer()?,
            shortage,
            delivery,
            journey: None,
            memo: None,
        })
    }

    fn buyer(&self) -> Result<Option<BuyerAsk>, Refusal> {
        let Some(name) = self.buyer.as_deref().filter(|name| !name.is_empty()) else { return Ok(None) };
        let phone = self.buyer_phone.as_deref().filter(|phone| !phone.is_empty());
        let phone = phone.map(|phone| words("buyer_phone", phone, 32)).transpose()?;
        let details = phone.map(|phone| Secret::new(serde_json::json!({ "phone": phone }).to_string()));
        Ok(Some(BuyerAsk { reference: Secret::new(words("buyer", name, 128)?), details }))
    }
}

/// `order-changed` and `order-cancelled`.
#[derive(Deserialize)]
struct NumberBody {
    order: String,
    reason: Option<String>,
    at: Option<String>,
}

impl NumberBody {
    /// Only a hint: what is true is read back.
    fn changed(self) -> Result<Read, Refusal> {
        let external_no = reference("order", &self.order)?;
        Ok((Kind::Notice, self.at, Ask::ReadBack { external_no }))
    }

    fn cancelled(self) -> Result<Read, Refusal> {
        let external_no = reference("order", &self.order)?;
        let reason = words("reason", self.reason.as_deref().unwrap_or("cancelled"), 200)?;
        Ok((Kind::Notice, self.at, Ask::Cancel { external_no, reason }))
    }
}

/// `payment-reported`.
#[derive(Deserialize)]
struct PaymentBody {
    order: String,
    payment: String,
    amount_minor: i64,
    currency: String,
    at: Option<String>,
}

impl PaymentBody {
    /// The marketplace passes on what a bank told it and asks to be asked before it is believed.
    fn reported(self) -> Result<Read, Refusal> {
        let ask = PaymentAsk {
            external_no: reference("order", &self.order)?,
            txn: reference("payment", &self.payment)?,
            amount: money(self.amount_minor, &self.currency)?,
            check_first: true,
        };
        Ok((Kind::Notice, self.at, Ask::Payment(ask)))
    }
}

/// The three words about a refund; also a refund inside a detail that was read back.
#[derive(Deserialize)]
pub(crate) struct RefundBody {
    pub(crate) order: String,
    pub(crate) refund: String,
    pub(crate) amount_minor: i64,
    pub(crate) currency: String,
    pub(crate) reason: Option<String>,
    pub(crate) at: Option<String>,
}

impl RefundBody {
    pub(crate) fn into_ask(self, ask: fn(RefundAsk) -> Ask) -> Result<Read, Refusal> {
        let refund = RefundAsk {
            external_no: reference("order", &self.order)?,
            refund: reference("refund", &self.refund)?,
            amount: Some(money(self.amount_minor, &self.currency)?),
            reason: words("reason", self.reason.as_deref().unwrap_or("refund"), 200)?,
            memo: None,
        };
        Ok((Kind::Notice, self.at, ask(refund)))
    }
}

/// `order`: how an order stands; with `keys`, its keys too, and that look is recorded.
#[derive(Deserialize)]
struct OrderQuery {
    order: String,
    #[serde(default)]
    keys: bool,
}

impl OrderQuery {
    fn query(self) -> Result<Read, Refusal> {
        let external_no = Some(reference("order", &self.order)?);
        Ok((Kind::Query, None, Ask::OrderQuery { external_no, order: None, with_keys: self.keys }))
    }
}

/// `stock`: one item, or all.
#[derive(Deserialize)]
struct StockQuery {
    item: Option<String>,
    quantity: Option<i64>,
}

impl StockQuery {
    fn query(self) -> Result<Read, Refusal> {
        let quantity = self.quantity.map_or(Ok(Quantity::ONE), Quantity::try_from);
        let quantity = quantity.map_err(|_| wrong("quantity"))?;
        let ask = match self.item {
            Some(item) => Ask::Availability { item: words("item", &item, 64)?, quantity },
            None => Ask::Catalogue,
        };
        Ok((Kind::Query, None, ask))
    }
}
