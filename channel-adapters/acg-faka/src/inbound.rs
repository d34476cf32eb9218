//! What the other shop asks: verified form → what it wants, in our words.

use channel::{
    AmountCheck, Ask, Inbound, Kind, LineAsk, OrderAsk, RawRequest, Refusal, Shortage, Stage, Step,
};
use vocabulary::{DeliveryMethod, OrderId, Quantity};

/// The interface that is called: the path behind the shop's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    Connect,
    Items,
    Item,
    Stock,
    Inventory,
    InventoryState,
    Valuation,
    Trade,
    Query,
    /// Cards to choose from, and whatever has no such path. The signature does not cover the path, so nothing
    /// genuine is lost by refusing one that does not exist.
    Unsupported,
}

impl Topic {
    pub(crate) fn of(request: &RawRequest) -> Self {
        match request.topic.trim_matches('/') {
            "shared/authentication/connect" => Self::Connect,
            "shared/commodity/items" => Self::Items,
            "shared/commodity/item" => Self::Item,
            "shared/commodity/stock" => Self::Stock,
            "shared/commodity/inventory" => Self::Inventory,
            "shared/commodity/inventoryState" => Self::InventoryState,
            "shared/commodity/valuation" => Self::Valuation,
            "shared/commodity/trade" => Self::Trade,
            "shared/commodity/query" => Self::Query,
            _ => Self::Unsupported,
        }
    }
}

/// The form's fields. An empty value counts as none.
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn of(request: &RawRequest) -> Result<Self, Refusal> {
        request.form().map(Self)
    }
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_str())
    }

    /// The listing that is meant: the item's code, and its kind (race) where it has one.
    pub(crate) fn item(&self) -> Result<String, Refusal> {
        let code = ["shared_code", "code", "sharedCode"].into_iter().find_map(|name| self.get(name));
        let code = code.filter(|code| is_code(code)).ok_or_else(|| bad("shared_code"))?;
        // A card of the buyer's choice, or one of several properties: no listing of ours is that.
        if self.get("card_id").is_some_and(|id| id != "0") {
            return Err(Refusal::new(Step::Meaning, "unsupported_order", "card_id"));
        }
        if self.0.iter().any(|(name, value)| name.starts_with("sku[") && !value.is_empty()) {
            return Err(Refusal::new(Step::Meaning, "unsupported_order", "sku"));
        }
        match self.get("race") {
            None => Ok(code.to_owned()),
            Some(race) if race.len() <= 128 && !race.chars().any(char::is_control) => {
                Ok(format!("{code}/{race}"))
            }
            Some(_) => Err(bad("race")),
        }
    }

    pub(crate) fn quantity(&self) -> Result<Quantity, Refusal> {
        let digits = self.get("num").filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
        let count = digits.and_then(|text| text.parse::<i64>().ok());
        count.and_then(|n| Quantity::try_from(n).ok()).ok_or_else(|| bad("num"))
    }
}

pub(crate) fn parse(request: &RawRequest) -> Result<Inbound, Refusal> {
    let form = Form::of(request)?;
    let topic = Topic::of(request);
    // The signature does not cover the path: an order's form, replayed elsewhere, must ask and show nothing.
    if topic != Topic::Trade && form.get("request_no").is_some() {
        return Err(bad("request_no"));
    }
    match topic {
        Topic::Connect => Ok(query(Ask::Nothing)),
        Topic::Items => Ok(query(Ask::Catalogue)),
        Topic::Item | Topic::Stock | Topic::Inventory => {
            Ok(query(Ask::Availability { item: form.item()?, quantity: Quantity::ONE }))
        }
        Topic::InventoryState | Topic::Valuation => {
            Ok(query(Ask::Availability { item: form.item()?, quantity: form.quantity()? }))
        }
        Topic::Trade => trade(&form),
        Topic::Query => ask(&form),
        Topic::Unsupported => Err(Refusal::new(Step::Meaning, "unsupported_topic", "path")),
    }
}

fn query(ask: Ask) -> Inbound {
    Inbound { id: None, content: Vec::new(), kind: Kind::Query, occurred_at: None, ask }
}

fn trade(form: &Form) -> Result<Inbound, Refusal> {
    let number = form.get("request_no").filter(|number| is_number(number));
    let number = number.ok_or_else(|| bad("request_no"))?.to_owned();
    let (item, quantity) = (form.item()?, form.quantity()?);
    let content = serde_json::json!([number, item, quantity.get()]).to_string();
    Ok(Inbound {
        id: Some(format!("trade:{number}")),
        content: content.into_bytes(),
        kind: Kind::Call,
        occurred_at: None,
        ask: Ask::Order(OrderAsk {
            lines: vec![LineAsk { item, quantity }],
            // The order names no price: it pays ours, from the account that the two shops settle between them.
            amount: AmountCheck::OurPrice,
            stage: Stage::Paid { txn: number.clone() },
            external_no: number,
            // The contact is the other shop's customer, whom we have no business with.
            buyer: None,
            // The reply is the only way the keys can go.
            shortage: Shortage::Refuse,
            delivery: DeliveryMethod::Reply,
            journey: None,
            memo: None,
        }),
    })
}

fn ask(form: &Form) -> Result<Inbound, Refusal> {
    let order: Option<OrderId> = form.get("tradeNo").and_then(|number| number.parse().ok());
    let order = Some(order.ok_or_else(|| bad("tradeNo"))?);
    Ok(query(Ask::OrderQuery { external_no: None, order, with_keys: true }))
}

/// The other shop makes them of letters and digits.
fn is_number(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

pub(crate) fn is_code(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn bad(field: &'static str) -> Refusal {
    Refusal::new(Step::Meaning, "bad_parameter", field)
}
