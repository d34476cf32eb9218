//! What price decisions read, and the price of an instant.

use std::collections::BTreeMap;

use events::price::PriceSet;
use serde::{Deserialize, Serialize};
use vocabulary::{Account, Money, Timestamp};

/// The price book of one SKU.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    general: Prices,
    own: BTreeMap<Account, Prices>,
}

/// A price and when it is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// The price of one unit.
    pub unit_price: Money,
    /// Until when (exclusive); none means until replaced.
    pub valid_until: Option<Timestamp>,
}

/// Prices by start: of those that are valid, the one that started last holds.
type Prices = BTreeMap<Start, Price>;

/// An instant that can be the key of a JSON object: its microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
struct Start(i64);

impl State {
    /// The price of one unit on `account` at `now`: its own where one is valid, else the general one.
    pub fn price_for(&self, account: &Account, now: Timestamp) -> Option<Money> {
        let own = self.own.get(account).and_then(|prices| valid(prices, now));
        own.or_else(|| valid(&self.general, now))
    }
    /// The prices of an account, or the general ones, by their start.
    pub fn prices(&self, account: Option<&Account>) -> impl Iterator<Item = (Timestamp, &Price)> {
        let prices = self.of(account).into_iter().flatten();
        prices.map(|(start, price)| (Timestamp::from_micros(start.0), price))
    }
    /// The accounts that have prices of their own.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.own.keys()
    }

    pub(super) fn starting(&self, account: Option<&Account>, valid_from: Timestamp) -> Option<&Price> {
        self.of(account)?.get(&Start(valid_from.micros()))
    }

    pub(super) fn set(&mut self, set: &PriceSet) {
        let prices = match &set.account {
            Some(account) => self.own.entry(account.clone()).or_default(),
            None => &mut self.general,
        };
        let price = Price { unit_price: set.unit_price, valid_until: set.valid_until };
        prices.insert(Start(set.valid_from.micros()), price);
    }

    pub(super) fn withdraw(&mut self, account: Option<&Account>) {
        match account {
            Some(account) => {
                self.own.remove(account);
            }
            None => self.general.clear(),
        }
    }

    fn of(&self, account: Option<&Account>) -> Option<&Prices> {
        account.map_or(Some(&self.general), |account| self.own.get(account))
    }
}

fn valid(prices: &Prices, now: Timestamp) -> Option<Money> {
    let started = prices.range(..=Start(now.micros())).rev();
    started
        .map(|(_, price)| price)
        .find(|price| price.valid_until.is_none_or(|until| now < until))
        .map(|p| p.unit_price)
}
