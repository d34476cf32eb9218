//! Keys in the shape of JD's game cards, within JD's limits.

use channel::LineView;
use serde::Serialize;
use vocabulary::{CardKey, Secret};

#[derive(Serialize)]
struct Card<'a> {
    cardno: String,
    cardpass: &'a str,
}

/// The keys of an order as `cardJson`, or `None` if one of them does not fit JD's limits: then none may be sent.
pub(crate) fn card_json(tid: &str, lines: &[LineView]) -> Option<Secret<String>> {
    let keys = lines.iter().flat_map(|line| &line.keys);
    let cards: Vec<Card<'_>> = keys.enumerate().map(|(n, key)| card(tid, n, key)).collect::<Option<_>>()?;
    serde_json::to_string(&cards).ok().map(Secret::new)
}

/// JD wants a number and a password for each card. A key without a separate secret is the password, and its number is
/// made of the order's.
fn card<'a>(tid: &str, n: usize, key: &'a CardKey) -> Option<Card<'a>> {
    let code = key.code.expose();
    let (cardno, cardpass) = match &key.pin {
        Some(pin) => (code.clone(), pin.expose()),
        None => (format!("{tid}-{}", n + 1), code),
    };
    let number_fits = (1..=200).contains(&cardno.len())
        && cardno.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let password_fits =
        (1..=5000).contains(&cardpass.len()) && cardpass.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    (number_fits && password_fits).then_some(Card { cardno, cardpass })
}

/// Whether every key of an order is there.
pub(crate) fn all_there(lines: &[LineView]) -> bool {
    let complete = |line: &LineView| u32::try_from(line.keys.len()) == Ok(line.quantity.get());
    !lines.is_empty() && lines.iter().all(complete)
}
