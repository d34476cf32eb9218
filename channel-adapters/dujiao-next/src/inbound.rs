//! What the other shop asks or reports: verified request → what it wants, in our words.

use channel::{
    AmountCheck, Ask, Inbound, Kind, LineAsk, OrderAsk, ProcureState, Procured, RawRequest, Refusal, Stage,
    Step, sign::hmac_sha256, strict_json,
};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::value::RawValue;
use vocabulary::{DeliveryMethod, Quantity};

use crate::{
    cards,
    settings::{Sell, Settings},
    status::{self, Bought},
    topic::Topic,
};

/// An integer, as JSON number or as text. Its digits are kept as they were written.
pub(crate) struct Whole(pub(crate) String);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let digits = raw.get().trim_matches('"');
        let plain = (1..=19).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        let quoted = raw.get().len() == digits.len() || raw.get().len() == digits.len() + 2;
        if plain && quoted { Ok(Self(digits.to_owned())) } else { Err(D::Error::custom("no whole number")) }
    }
}

/// What later calls about an order need: kept with the order.
#[derive(Serialize, Deserialize)]
pub(crate) struct Memo {
    /// The other shop's own number.
    pub(crate) downstream_order_no: String,
    /// Where its keys are to be sent; none where it fetches them.
    pub(crate) callback_url: Option<String>,
}

impl Memo {
    pub(crate) fn read(memo: Option<&str>) -> Option<Self> {
        serde_json::from_str(memo?).ok()
    }
}

/// The number under which the other shop asks for an order: the protocol wants an integer, and we keep nothing, so
/// it is made of the other shop's own number. 53 bits, which every language reads exactly; that two numbers never
/// share one is checked when an order is answered.
pub(crate) fn order_id(downstream_order_no: &str) -> u64 {
    let tag = hmac_sha256(b"dujiao-next order id", downstream_order_no.as_bytes());
    let folded = tag.iter().take(8).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    (folded >> 11).max(1)
}

pub(crate) fn parse(settings: &Settings, request: &RawRequest) -> Result<Inbound, Refusal> {
    let topic = Topic::of(request);
    match (&topic, &settings.sell) {
        (Topic::Callback, _) => callback(settings, request),
        (Topic::Create, Some(sell)) => create(sell, request),
        (Topic::Ping | Topic::Categories, _) => Ok(query(Ask::Nothing)),
        (Topic::Products, _) => Page::of(request).map(|_| query(Ask::Catalogue)),
        (Topic::Product(_), _) => Ok(query(Ask::Catalogue)),
        (Topic::Order(id), _) => {
            let ask = Ask::OrderQuery { external_no: Some(id.clone()), order: None, with_keys: true };
            Ok(query(ask))
        }
        (Topic::Cancel(id), _) => Ok(cancel(id)),
        (Topic::Create | Topic::Unknown, _) => {
            Err(Refusal::new(Step::Meaning, "unsupported_topic", "path or method"))
        }
    }
}

fn query(ask: Ask) -> Inbound {
    Inbound { id: None, content: Vec::new(), kind: Kind::Query, occurred_at: None, ask }
}

fn cancel(id: &str) -> Inbound {
    let ask = Ask::Cancel { external_no: id.to_owned(), reason: "canceled by the buying shop".to_owned() };
    let id = Some(format!("cancel:{id}"));
    Inbound { id, content: Vec::new(), kind: Kind::Call, occurred_at: None, ask }
}

/// Which page of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) page: usize,
    pub(crate) page_size: usize,
    pub(crate) with_inactive: bool,
}

impl Page {
    /// Page 1 of 20 where nothing is said, 100 at most.
    pub(crate) fn of(request: &RawRequest) -> Result<Self, Refusal> {
        let pairs = request.query_pairs()?;
        let value = |name: &str| pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let number = |name: &'static str, otherwise: usize| match value(name) {
            None | Some("") => Ok(otherwise),
            Some(text) => {
                let number = text.parse().ok().filter(|n| (1..=1_000_000).contains(n));
                number.ok_or(Refusal::new(Step::Meaning, "bad_page", name))
            }
        };
        Ok(Self {
            page: number("page", 1)?,
            page_size: number("page_size", 20)?.min(100),
            with_inactive: value("include_inactive") == Some("true"),
        })
    }
}

#[derive(Deserialize)]
struct Create {
    sku_id: Whole,
    quantity: Whole,
    downstream_order_no: Option<String>,
    callback_url: Option<String>,
}

fn create(sell: &Sell, request: &RawRequest) -> Result<Inbound, Refusal> {
    let order: Create = strict_json::from_slice(&request.body)?;
    // Without its number nobody could tell a repeat from a second order.
    let number = order.downstream_order_no.filter(|number| is_number(number));
    let number = number.ok_or_else(|| bad("downstream_order_no"))?;
    let quantity = order.quantity.0.parse::<i64>().ok().and_then(|n| Quantity::try_from(n).ok());
    let quantity = quantity.ok_or_else(|| bad("quantity"))?;
    let callback_url = order.callback_url.filter(|url| !url.is_empty());
    if callback_url.as_deref().is_some_and(|url| !sell.may_call(url)) {
        return Err(Refusal::new(Step::Meaning, "invalid_callback_url", "callback_url"));
    }
    let delivery = if callback_url.is_some() { DeliveryMethod::Api } else { DeliveryMethod::Pickup };
    let memo = Memo { downstream_order_no: number.clone(), callback_url };
    let memo = serde_json::to_string(&memo).map_err(|_| bad("downstream_order_no"))?;
    // A repeat may name another trace or address.
    let content = serde_json::json!([number, order.sku_id.0, quantity.get()]).to_string();
    Ok(Inbound {
        id: Some(format!("order:{number}")),
        content: content.into_bytes(),
        kind: Kind::Call,
        occurred_at: None,
        ask: Ask::Order(OrderAsk {
            external_no: order_id(&number).to_string(),
            lines: vec![LineAsk { item: order.sku_id.0, quantity }],
            // The order names no price: it pays ours, from the account that the two shops settle between them.
            amount: AmountCheck::OurPrice,
            stage: Stage::Paid { txn: number },
            buyer: None,
            shortage: sell.shortage,
            delivery,
            journey: None,
            memo: Some(memo),
        }),
    })
}

#[derive(Deserialize)]
struct Callback {
    order_id: Whole,
    downstream_order_no: String,
    status: String,
    fulfillment: Option<Fulfillment>,
    timestamp: Option<i64>,
}

/// What was handed over.
#[derive(Deserialize)]
pub(crate) struct Fulfillment {
    pub(crate) payload: Option<String>,
}

fn callback(settings: &Settings, request: &RawRequest) -> Result<Inbound, Refusal> {
    let told: Callback = strict_json::from_slice(&request.body)?;
    if !is_number(&told.downstream_order_no) {
        return Err(bad("downstream_order_no"));
    }
    let separator = settings.buy.as_ref().and_then(|buy| buy.pin_separator.as_deref());
    let payload = told.fulfillment.as_ref().and_then(|f| f.payload.as_deref()).unwrap_or_default();
    let state = match status::bought(&told.status) {
        Bought::Underway => Some(ProcureState::Accepted),
        Bought::Delivered => {
            let keys = cards::read(payload, separator);
            (!keys.is_empty()).then_some(ProcureState::Keys(keys))
        }
        Bought::Cancelled => Some(ProcureState::Failed { code: "canceled".to_owned() }),
        Bought::Unlisted => None,
    };
    let kind = clip(&told.status);
    // Every attempt carries another time, so the state and its cards make a repeat one.
    let content =
        serde_json::json!([told.order_id.0, told.downstream_order_no, told.status, payload]).to_string();
    let id = format!("callback:{}:{kind}", told.downstream_order_no);
    let ask = match state {
        Some(state) => {
            let reference = Some(told.order_id.0);
            Ask::Procured(Procured { our_no: told.downstream_order_no, reference, state })
        }
        None => Ask::Unmapped { kind: format!("status {kind}") },
    };
    let occurred_at = told.timestamp.filter(|at| *at > 0).map(vocabulary::Timestamp::from_secs);
    Ok(Inbound { id: Some(id), content: content.into_bytes(), kind: Kind::Notice, occurred_at, ask })
}

/// 1 to 64 plain characters.
fn is_number(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

fn clip(text: &str) -> String {
    let plain = |c: &char| c.is_ascii_graphic();
    let clipped: String = text.chars().filter(plain).take(32).collect();
    if clipped.is_empty() { "none".to_owned() } else { clipped }
}

fn bad(field: &'static str) -> Refusal {
    Refusal::new(Step::Meaning, "bad_parameter", field)
}
