//! What a verified request wants: the first message of the recipe that fits.

use channel::{
    AmountCheck, Ask, BuyerAsk, Inbound, Kind, LineAsk, OrderAsk, PaymentAsk, RawRequest, RefundAsk, Refusal,
    Shortage, Stage, Step, sign,
};
use vocabulary::{DeliveryMethod, Money, Quantity, Secret};

use crate::{
    message::Message,
    place::Place,
    recipe::{Amount, AmountIs, AmountUnit, AskName, KindName, MessageRule, Recipe, ShortageName},
    settings::Settings,
    signed,
};

impl MessageRule {
    /// Every place whose value is believed.
    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        let amount = self.amount.as_ref().map(|amount| &amount.at);
        let named = [&self.order, &self.txn, &self.item, &self.quantity, &self.buyer, &self.refund];
        let named = named.into_iter().flatten().chain(amount);
        self.when.keys().chain(&self.id).chain(named)
    }

    fn fits(&self, message: &Message<'_>) -> Result<bool, Refusal> {
        if self.topic.as_ref().is_some_and(|topic| *topic != message.request().topic) {
            return Ok(false);
        }
        for (place, expected) in &self.when {
            if message.value(place)? != *expected {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Reads a verified request.
pub(crate) fn parse(settings: &Settings, request: &RawRequest) -> Result<Inbound, Refusal> {
    let recipe = &settings.recipe;
    let message = Message::of(recipe, request, true)?;
    if recipe.topic.as_ref().is_some_and(|topic| *topic != request.topic) {
        return Err(Refusal::new(Step::Meaning, "unsupported_topic", "path"));
    }
    for (place, expected) in &recipe.require {
        let expected = match expected.strip_prefix('$') {
            Some(name) => settings.values.get(name).map_or("", String::as_str),
            None => expected,
        };
        if message.value(place)? != expected {
            return Err(Refusal::new(Step::Meaning, "wrong_value", "a value that the recipe requires"));
        }
    }
    for rule in &recipe.messages {
        if rule.fits(&message)? {
            return read(recipe, rule, &message);
        }
    }
    unmapped(settings, &message)
}

fn read(recipe: &Recipe, rule: &MessageRule, message: &Message<'_>) -> Result<Inbound, Refusal> {
    let facts = Facts { recipe, rule, message };
    let ask = facts.ask()?;
    let kind = match rule.kind {
        KindName::Notice => Kind::Notice,
        KindName::Call => Kind::Call,
        KindName::Query => return Ok(query(ask)),
    };
    let content: Vec<String> = rule.places().map(|place| message.value(place)).collect::<Result<_, _>>()?;
    let content = serde_json::json!([rule.ask.word(), content]).to_string().into_bytes();
    Ok(Inbound { id: Some(facts.id()?), content, kind, occurred_at: None, ask })
}

fn query(ask: Ask) -> Inbound {
    Inbound { id: None, content: Vec::new(), kind: Kind::Query, occurred_at: None, ask }
}

/// Genuine, and of no kind that the recipe knows: kept under the digest of what was signed.
fn unmapped(settings: &Settings, message: &Message<'_>) -> Result<Inbound, Refusal> {
    let content = signed::identity(settings, message)?.into_bytes();
    let named = match &settings.recipe.kind {
        Some(place) => message.value(place)?,
        None => String::new(),
    };
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let kind: String = named.chars().filter(plain).take(64).collect();
    let kind = if kind.is_empty() { "unlisted".to_owned() } else { kind };
    let id = format!("unmapped:{}", hex::encode(sign::sha256(&content)));
    Ok(Inbound { id: Some(id), content, kind: Kind::Notice, occurred_at: None, ask: Ask::Unmapped { kind } })
}

/// A message and the rule it fits.
struct Facts<'a> {
    recipe: &'a Recipe,
    rule: &'a MessageRule,
    message: &'a Message<'a>,
}

impl Facts<'_> {
    fn ask(&self) -> Result<Ask, Refusal> {
        let order = || self.number(&self.rule.order, "order");
        Ok(match self.rule.ask {
            AskName::Order | AskName::PaidOrder => Ask::Order(self.order()?),
            AskName::Payment => Ask::Payment(PaymentAsk {
                external_no: order()?,
                txn: self.txn()?,
                amount: self.money()?.filter(|money| money.minor > 0).ok_or(invalid("amount"))?,
                check_first: false,
            }),
            AskName::Cancel => Ask::Cancel { external_no: order()?, reason: "cancelled".to_owned() },
            AskName::RefundRequested => Ask::RefundRequested(self.refund()?),
            AskName::RefundRefused => Ask::RefundRefused(self.refund()?),
            AskName::RefundSettled => Ask::RefundSettled(self.refund()?),
            AskName::Query => Ask::OrderQuery { external_no: Some(order()?), order: None, with_keys: true },
            AskName::Nothing => {
                // It concerns an order that must at least have a number.
                if self.rule.order.is_some() {
                    order()?;
                }
                Ask::Nothing
            }
        })
    }

    fn order(&self) -> Result<OrderAsk, Refusal> {
        let stage = match self.rule.ask {
            AskName::PaidOrder => Stage::Paid { txn: self.txn()? },
            _ => Stage::Placed { reserve_secs: self.rule.reserve_secs },
        };
        let is = self.rule.amount.as_ref().map(|amount| amount.is);
        let amount = match (self.money()?, is) {
            (None, _) | (_, None) => AmountCheck::OurPrice,
            (Some(money), Some(AmountIs::Exactly)) => AmountCheck::Exactly(money),
            (Some(money), Some(AmountIs::AtMost)) => AmountCheck::AtMost(money),
            (Some(money), Some(AmountIs::PlatformPrice)) => AmountCheck::PlatformPrice(money),
        };
        let in_reply = self.rule.kind == KindName::Call;
        Ok(OrderAsk {
            external_no: self.number(&self.rule.order, "order")?,
            lines: vec![LineAsk { item: self.item()?, quantity: self.quantity()? }],
            amount,
            stage,
            buyer: self.buyer()?,
            shortage: match self.rule.shortage {
                ShortageName::Refuse => Shortage::Refuse,
                ShortageName::Backorder => Shortage::Backorder,
            },
            delivery: if in_reply { DeliveryMethod::Reply } else { DeliveryMethod::Pickup },
            journey: None,
            memo: None,
        })
    }

    fn refund(&self) -> Result<RefundAsk, Refusal> {
        let external_no = self.number(&self.rule.order, "order")?;
        let refund = match &self.rule.refund {
            Some(_) => self.number(&self.rule.refund, "refund")?,
            None => format!("refund:{external_no}"),
        };
        let amount = self.money()?;
        if amount.is_some_and(|money| money.minor < 1) {
            return Err(invalid("amount"));
        }
        Ok(RefundAsk { external_no, refund, amount, reason: String::new(), memo: None })
    }

    fn txn(&self) -> Result<String, Refusal> {
        let place = if self.rule.txn.is_some() { &self.rule.txn } else { &self.rule.order };
        self.number(place, "txn")
    }

    /// The id: of the rule's own values, or of the numbers that the message names.
    fn id(&self) -> Result<String, Refusal> {
        let rule = self.rule;
        let chosen: Vec<&Place> = match rule.id.as_slice() {
            [] => [&rule.order, &rule.txn, &rule.refund].into_iter().flatten().collect(),
            given => given.iter().collect(),
        };
        let mut id = rule.ask.word().to_owned();
        for place in chosen {
            id.push(':');
            id.push_str(&number(&self.message.value(place)?, "id")?);
        }
        if id.len() > 200 { Err(invalid("id")) } else { Ok(id) }
    }

    fn value(&self, place: &Option<Place>) -> Result<String, Refusal> {
        place.as_ref().map_or(Ok(String::new()), |place| self.message.value(place))
    }

    fn number(&self, place: &Option<Place>, field: &'static str) -> Result<String, Refusal> {
        number(&self.value(place)?, field)
    }

    fn item(&self) -> Result<String, Refusal> {
        let item = self.value(&self.rule.item)?;
        let fits = (1..=128).contains(&item.len()) && !item.chars().any(char::is_control);
        if fits { Ok(item) } else { Err(invalid("item")) }
    }

    fn quantity(&self) -> Result<Quantity, Refusal> {
        if self.rule.quantity.is_none() {
            return Ok(Quantity::ONE);
        }
        let text = self.value(&self.rule.quantity)?;
        whole(&text).and_then(|count| Quantity::try_from(count).ok()).ok_or(invalid("quantity"))
    }

    /// The amount; `None` where the recipe names none, or this message does not.
    fn money(&self) -> Result<Option<Money>, Refusal> {
        let Some(Amount { at, unit, .. }) = &self.rule.amount else { return Ok(None) };
        let (text, currency) = (self.message.value(at)?, self.recipe.currency);
        let read = match unit {
            _ if text.is_empty() => return Ok(None),
            AmountUnit::Yuan => Money::from_major_text(&text, currency).ok(),
            AmountUnit::Fen => whole(&text).map(|minor| Money::new(minor, currency)),
        };
        read.filter(|money| money.minor >= 0).map(Some).ok_or(invalid("amount"))
    }

    fn buyer(&self) -> Result<Option<BuyerAsk>, Refusal> {
        let reference = self.value(&self.rule.buyer)?;
        let named = !reference.is_empty() && reference.len() <= 256;
        Ok(named.then(|| BuyerAsk { reference: Secret::new(reference), details: None }))
    }
}

fn invalid(field: &'static str) -> Refusal {
    Refusal::new(Step::Meaning, "invalid_field", field)
}

/// A number of an order, payment or refund: 1 to 64 letters, digits and `-_.`
fn number(text: &str, field: &'static str) -> Result<String, Refusal> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(plain);
    if fits { Ok(text.to_owned()) } else { Err(invalid(field)) }
}

/// A whole number without a sign, and without zeros in front.
fn whole(text: &str) -> Option<i64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}
