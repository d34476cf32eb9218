//! Keys in JD's shape and within its limits.

use channel::LineView;
use serde::Serialize;
use vocabulary::CardKey;

#[derive(Serialize)]
pub(crate) struct CardInfo<'a> {
    cardno: String,
    cardpass: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiretime: Option<String>,
}

/// The keys of an order, or `None` if one of them does not fit JD's limits: then none may be sent, because JD
/// takes all cards of an order at once.
pub(crate) fn card_infos<'a>(order_id: &str, lines: &'a [LineView]) -> Option<Vec<CardInfo<'a>>> {
    let keys = lines.iter().flat_map(|line| &line.keys);
    keys.enumerate().map(|(n, key)| card_info(order_id, n, key)).collect()
}

/// JD wants a number and a password for each card. A key without a separate secret is the password, and its
/// number is made of the order's: unique, so that JD tells the cards of an order apart, and useless to
/// anyone.
fn card_info<'a>(order_id: &str, n: usize, key: &'a CardKey) -> Option<CardInfo<'a>> {
    let code = key.code.expose();
    let (cardno, cardpass) = match &key.pin {
        Some(pin) => (code.clone(), pin.expose()),
        None => (format!("{order_id}-{}", n + 1), code),
    };
    let number_fits = (1..=200).contains(&cardno.len())
        && cardno.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let password_fits =
        (1..=5000).contains(&cardpass.len()) && cardpass.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    let expiretime = key.expires_on.map(|day| day.format("%Y-%m-%d").to_string());
    (number_fits && password_fits).then_some(CardInfo { cardno, cardpass, expiretime })
}
