//! One payload by hand for each golden file of a newest version: an honest day of one shop.

mod insight;
mod order;
mod pool;
mod setup;

use events::Fact;
use vocabulary::{Account, BuyerId, Currency, KeyRef, Money, OrderId, Quantity, Sku, Timestamp};

/// File name and fact of every example.
pub(crate) fn all() -> Vec<(String, Fact)> {
    let labelled = [setup::all(), pool::all(), order::all(), insight::all()].concat();
    labelled
        .into_iter()
        .map(|(label, fact)| {
            let label = if label.is_empty() { String::new() } else { format!(".{label}") };
            (format!("{}.v{}{label}.json", fact.type_name(), fact.schema_version()), fact)
        })
        .collect()
}

/// A fact and its file's label: empty for the example with every field, `min` for the one without optional
/// ones.
type Labelled = (&'static str, Fact);

fn full(fact: impl Into<Fact>) -> Labelled {
    ("", fact.into())
}
fn min(fact: impl Into<Fact>) -> Labelled {
    ("min", fact.into())
}
fn other(label: &'static str, fact: impl Into<Fact>) -> Labelled {
    (label, fact.into())
}

fn text(text: &str) -> String {
    text.to_owned()
}
fn shop() -> Account {
    "jd-game-card/flagship".parse().unwrap()
}
fn gateway() -> Account {
    "epay/main".parse().unwrap()
}
fn sku() -> Sku {
    "steam-50".parse().unwrap()
}
fn order() -> OrderId {
    "order-0198c1c0a0007000800000000000002a".parse().unwrap()
}
fn buyer() -> BuyerId {
    "buyer-5f3a9c0e7b12d4468e0f1a2b3c4d5e6f".parse().unwrap()
}
fn keys(keys: &[&str]) -> Vec<KeyRef> {
    keys.iter().map(|key| key.parse().unwrap()).collect()
}
fn key(key: &str) -> KeyRef {
    key.parse().unwrap()
}
fn cny(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}
fn quantity(units: i64) -> Quantity {
    units.try_into().unwrap()
}
fn at(rfc3339: &str) -> Timestamp {
    Timestamp::parse_rfc3339(rfc3339).unwrap()
}
