//! Keys in JD's shape and within its limits.

use channel::LineView;
use serde::Serialize;
use vocabulary::{CardKey, Secret};

use crate::{settings::Settings, wire};

/// The longest number and password, in characters.
const LENGTH_MAX: usize = 127;
/// What stands for a number or an end that a card does not have: JD wants both fields.
const NONE: &str = "-";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Card<'a> {
    card_number: &'a str,
    password: &'a str,
    expiry_date: String,
}

/// The keys of an order as JD's `product`: JSON under AES and Base64. `None` if one of them does not fit JD's
/// limits; then none may be sent, because JD takes all cards of an order at once.
pub(crate) fn product(settings: &Settings, lines: &[LineView]) -> Option<String> {
    let keys = lines.iter().flat_map(|line| &line.keys);
    let cards: Vec<Card<'_>> = keys.map(card).collect::<Option<_>>()?;
    let json = Secret::new(serde_json::to_string(&cards).ok()?);
    wire::sealed(settings.card_key.expose().as_bytes(), json.expose().as_bytes())
}

/// A key without a separate secret is the password, and has no number.
fn card(key: &CardKey) -> Option<Card<'_>> {
    let code = key.code.expose().as_str();
    let (card_number, password) = match &key.pin {
        Some(pin) => (code, pin.expose().as_str()),
        None => (NONE, code),
    };
    let fits = |text: &str| {
        (1..=LENGTH_MAX).contains(&text.chars().count()) && !text.chars().any(|c| c.is_control())
    };
    let expiry_date =
        key.expires_on.map_or_else(|| NONE.to_owned(), |day| day.format("%Y-%m-%d").to_string());
    (fits(card_number) && fits(password)).then_some(Card { card_number, password, expiry_date })
}

/// Whether every key of an order is there: JD takes all cards of an order at once.
pub(crate) fn all_there(lines: &[LineView]) -> bool {
    let complete = |line: &LineView| u32::try_from(line.keys.len()) == Ok(line.quantity.get());
    !lines.is_empty() && lines.iter().all(complete)
}
