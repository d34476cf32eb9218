//! What JD asks: verified form → what it wants, in our words.

use base64::Engine;
use channel::{
    AmountCheck, Ask, BuyerAsk, Inbound, Kind, LineAsk, OrderAsk, RawRequest, Refusal, Shortage, Stage, Step,
    strict_json,
};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use vocabulary::{Currency, DeliveryMethod, Money, Quantity, Secret};

use crate::{
    settings::Settings,
    wire::{BASE64, Word},
};

/// The interface that is called: the path behind the shop's address, as the merchant enters it in JD's
/// console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    CardOrder,
    CardQuery,
    Precheck,
    /// Direct top-up, order or query: we sell card keys only.
    TopUp,
    /// The signature does not cover the path, so nothing genuine is lost by refusing one that does not exist.
    Unknown,
}

impl Topic {
    pub(crate) fn of(request: &RawRequest) -> Self {
        match request.topic.trim_matches('/') {
            "card/order" => Self::CardOrder,
            "card/query" => Self::CardQuery,
            "precheck" => Self::Precheck,
            "topup/order" | "topup/query" => Self::TopUp,
            _ => Self::Unknown,
        }
    }
}

pub(crate) fn parse(settings: &Settings, request: &RawRequest) -> Result<Inbound, Refusal> {
    match Topic::of(request) {
        Topic::CardOrder => order(request, settings.shortage),
        Topic::CardQuery => query(request),
        Topic::Precheck => precheck(request),
        Topic::TopUp => Err(unsupported("direct top-up")),
        Topic::Unknown => Err(Refusal::new(Step::Meaning, "unsupported_topic", "path")),
    }
}

/// The business data: JSON under Base64.
fn data<T: DeserializeOwned>(request: &RawRequest) -> Result<T, Refusal> {
    let form = request.form()?;
    let (_, text) = form.iter().find(|(name, _)| name == "data").ok_or(Refusal::new(
        Step::Format,
        "missing_data",
        "data",
    ))?;
    let json = BASE64.decode(text).map_err(|_| Refusal::new(Step::Format, "malformed_base64", "data"))?;
    strict_json::from_slice(&json)
}

/// The fields of an order and of a pre-check that we use. All may arrive as text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Purchase {
    #[serde(default)]
    order_id: Word,
    #[serde(default)]
    pin: Word,
    buy_num: Word,
    total_price: Word,
    sku_id: Word,
    #[serde(default)]
    out_id: Word,
    #[serde(default)]
    game_account: Word,
    #[serde(default)]
    token_id: Word,
}

/// What both an order and a pre-check come down to.
pub(crate) struct Wanted {
    pub(crate) item: String,
    pub(crate) quantity: Quantity,
    pub(crate) total: Money,
}

impl Purchase {
    fn wanted(&self) -> Result<Wanted, Refusal> {
        // An account to top up, or a chosen game account: no key of ours is that.
        if !self.game_account.0.is_empty() {
            return Err(unsupported("gameAccount"));
        }
        if !self.token_id.0.is_empty() {
            return Err(unsupported("tokenId"));
        }
        if !is_number(&self.sku_id.0) {
            return Err(bad("skuId"));
        }
        let out_id = &self.out_id.0;
        if out_id.len() > 128 || out_id.chars().any(char::is_control) {
            return Err(bad("outId"));
        }
        let count = is_number(&self.buy_num.0).then(|| self.buy_num.0.parse::<i64>().ok()).flatten();
        let quantity = count.and_then(|n| Quantity::try_from(n).ok()).ok_or_else(|| bad("buyNum"))?;
        let total =
            Money::from_major_text(&self.total_price.0, Currency::CNY).map_err(|_| bad("totalPrice"))?;
        // `outId` is the merchant's own code for the item; JD's sku id stands in where none was entered.
        let item = if out_id.is_empty() { &self.sku_id.0 } else { out_id };
        Ok(Wanted { item: item.clone(), quantity, total })
    }
}

fn order(request: &RawRequest, shortage: Shortage) -> Result<Inbound, Refusal> {
    let purchase: Purchase = data(request)?;
    let Wanted { item, quantity, total } = purchase.wanted()?;
    let order_id = order_no(purchase.order_id)?;
    let pin = purchase.pin.0;
    if pin.len() > 256 {
        return Err(bad("pin"));
    }
    // The form carries a fresh time and signature on every repeat, so what makes a repeat one is the order
    // itself.
    let content = serde_json::json!([order_id, item, quantity.get(), total.minor, pin]).to_string();
    Ok(Inbound {
        id: Some(format!("order:{order_id}")),
        content: content.into_bytes(),
        kind: Kind::Call,
        occurred_at: None,
        ask: Ask::Order(OrderAsk {
            lines: vec![LineAsk { item, quantity }],
            amount: AmountCheck::Exactly(total),
            stage: Stage::Paid { txn: order_id.clone() },
            external_no: order_id,
            buyer: (!pin.is_empty()).then(|| BuyerAsk { reference: Secret::new(pin), details: None }),
            shortage,
            delivery: DeliveryMethod::Reply,
            journey: None,
            memo: None,
        }),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Query {
    order_id: Word,
    buy_num: Option<IgnoredAny>,
}

fn query(request: &RawRequest) -> Result<Inbound, Refusal> {
    let asked: Query = data(request)?;
    // The signature does not cover the path: an order's form, replayed here, must not show the cards.
    if asked.buy_num.is_some() {
        return Err(bad("buyNum"));
    }
    let external_no = order_no(asked.order_id)?;
    let ask = Ask::OrderQuery { external_no: Some(external_no), order: None, with_keys: true };
    Ok(Inbound { id: None, content: Vec::new(), kind: Kind::Query, occurred_at: None, ask })
}

fn precheck(request: &RawRequest) -> Result<Inbound, Refusal> {
    let Wanted { item, quantity, .. } = wanted(request)?;
    let ask = Ask::Availability { item, quantity };
    Ok(Inbound { id: None, content: Vec::new(), kind: Kind::Query, occurred_at: None, ask })
}

/// What a pre-check asks about; the reply is held against it.
pub(crate) fn wanted(request: &RawRequest) -> Result<Wanted, Refusal> {
    let purchase: Purchase = data(request)?;
    // An order's form, replayed here, is no pre-check: those come before there is a number.
    if !purchase.order_id.0.is_empty() {
        return Err(bad("orderId"));
    }
    purchase.wanted()
}

fn order_no(word: Word) -> Result<String, Refusal> {
    if is_number(&word.0) { Ok(word.0) } else { Err(bad("orderId")) }
}

/// JD's numbers are 64-bit integers: at most 20 digits.
fn is_number(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

fn bad(field: &'static str) -> Refusal {
    Refusal::new(Step::Meaning, "bad_parameter", field)
}

fn unsupported(what: &'static str) -> Refusal {
    Refusal::new(Step::Meaning, "unsupported_order", what)
}
