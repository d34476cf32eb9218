//! What JD asks: verified form → what it wants, in our words.

use channel::{AmountCheck, Ask, Inbound, Kind, LineAsk, OrderAsk, RawRequest, Refusal, Stage, Step};
use vocabulary::{Currency, DeliveryMethod, Money, Quantity};

use crate::{settings::Settings, wire};

/// The interface that is called: the path behind the shop's address, as JD's staff enter it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    Begin,
    Find,
    /// The signature does not cover the path, so nothing genuine is lost by refusing one that does not exist.
    Unknown,
}

impl Topic {
    pub(crate) fn of(request: &RawRequest) -> Self {
        match request.topic.trim_matches('/') {
            // The document's example spells it with two s.
            "beginDistill" | "beginDisstill" => Self::Begin,
            "findDistill" => Self::Find,
            _ => Self::Unknown,
        }
    }
}

/// The form's fields. None is empty: JD leaves out or empties what it has no value for.
struct Form(Vec<(String, String)>);

impl Form {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_str())
    }
    fn number(&self, name: &'static str) -> Result<&str, Refusal> {
        self.get(name).filter(|text| is_number(text)).ok_or_else(|| bad(name))
    }
}

pub(crate) fn parse(settings: &Settings, request: &RawRequest) -> Result<Inbound, Refusal> {
    let form = Form(request.form()?);
    match Topic::of(request) {
        Topic::Begin => begin(settings, &form),
        Topic::Find => find(&form),
        Topic::Unknown => Err(Refusal::new(Step::Meaning, "unsupported_topic", "path")),
    }
}

fn begin(settings: &Settings, form: &Form) -> Result<Inbound, Refusal> {
    if form.get("vendorId") != Some(settings.vendor_id.as_str()) {
        return Err(Refusal::new(Step::Meaning, "unknown_vendor", "vendorId"));
    }
    // An account to top up: no key of ours is that.
    if form.get("produceAccount").is_some() {
        return Err(Refusal::new(Step::Meaning, "unsupported_order", "produceAccount"));
    }
    let number = form.number("jdOrderNo")?.to_owned();
    let quantity = form.number("quantity")?.parse::<i64>().ok();
    let quantity = quantity.and_then(|n| Quantity::try_from(n).ok()).ok_or_else(|| bad("quantity"))?;
    let fen: i64 = form.number("totalPrice")?.parse().map_err(|_| bad("totalPrice"))?;
    let paid_at = form.get("payTime").and_then(wire::beijing_time).ok_or_else(|| bad("payTime"))?;
    let item = form.get("wareNo").filter(|text| is_item(text)).ok_or_else(|| bad("wareNo"))?.to_owned();
    let notify_url = form.get("notifyUrl").ok_or_else(|| bad("notifyUrl"))?;
    if !settings.may_call(notify_url) {
        return Err(bad("notifyUrl"));
    }
    // The form carries a fresh time and signature on every repeat, so what makes a repeat one is the order itself.
    let content = serde_json::json!([number, item, quantity.get(), fen]).to_string();
    Ok(Inbound {
        id: Some(format!("begin:{number}")),
        content: content.into_bytes(),
        kind: Kind::Call,
        occurred_at: Some(paid_at),
        ask: Ask::Order(OrderAsk {
            lines: vec![LineAsk { item, quantity }],
            // JD sells at its own price and names what the buyer paid.
            amount: AmountCheck::PlatformPrice(Money::new(fen, Currency::CNY)),
            stage: Stage::Paid { txn: number.clone() },
            external_no: number,
            buyer: None,
            shortage: settings.shortage,
            delivery: DeliveryMethod::Reply,
            journey: None,
            memo: Some(notify_url.to_owned()),
        }),
    })
}

fn find(form: &Form) -> Result<Inbound, Refusal> {
    // The signature does not cover the path: an order's form, replayed here, must not show the cards.
    if form.get("quantity").is_some() || form.get("wareNo").is_some() {
        return Err(bad("quantity or wareNo"));
    }
    let external_no = Some(form.number("jdOrderNo")?.to_owned());
    let ask = Ask::OrderQuery { external_no, order: None, with_keys: true };
    Ok(Inbound { id: None, content: Vec::new(), kind: Kind::Query, occurred_at: None, ask })
}

/// JD's numbers are 64-bit integers: at most 19 digits, and no zero in front.
fn is_number(text: &str) -> bool {
    let plain = (1..=19).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    plain && (text == "0" || !text.starts_with('0'))
}

fn is_item(text: &str) -> bool {
    text.len() <= 128 && !text.chars().any(char::is_control)
}

fn bad(field: &'static str) -> Refusal {
    Refusal::new(Step::Meaning, "bad_parameter", field)
}
