//! Our list prices: every change, and which holds when.

use std::collections::{BTreeMap, HashMap};

use events::{
    Fact,
    price::{PriceSet, PriceWithdrawn},
};
use projection::{ApplyError, Event, Rows, Value};
use sqlx::{Row, SqliteConnection};
use vocabulary::{Account, MerchantId, Money, Sku, Timestamp};

/// A price as it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Price {
    unit: Money,
    until: Option<Timestamp>,
}

/// The prices of one item, by account (none: of every account without one of its own) and start in microseconds.
type OfSku = HashMap<Option<Account>, BTreeMap<i64, Price>>;

/// All list prices.
#[derive(Debug, Default)]
pub(crate) struct Prices(HashMap<Sku, OfSku>);

impl Prices {
    /// Reads what the rows say, by replaying the changes.
    pub(crate) async fn load(merchant: &MerchantId, conn: &mut SqliteConnection) -> Result<Self, ApplyError> {
        let rows = sqlx::query(
            "SELECT sku_id, channel_id, new_fen, currency, from_at, until_at
             FROM fct_price WHERE merchant = ? ORDER BY pos",
        )
        .bind(merchant.as_str())
        .fetch_all(conn)
        .await?;
        let mut prices = Self::default();
        for row in rows {
            let account: Option<&str> = row.try_get(1)?;
            let account = account.map(str::parse).transpose()?;
            let of_sku = prices.0.entry(row.try_get::<&str, _>(0)?.parse()?).or_default();
            let Some(minor) = row.try_get::<Option<i64>, _>(2)? else {
                of_sku.remove(&account);
                continue;
            };
            let until: Option<&str> = row.try_get(5)?;
            let price = Price {
                unit: Money::new(minor, row.try_get::<&str, _>(3)?.parse()?),
                until: until.map(Timestamp::parse_rfc3339).transpose()?,
            };
            let from = Timestamp::parse_rfc3339(row.try_get(4)?)?;
            of_sku.entry(account).or_default().insert(from.micros(), price);
        }
        Ok(prices)
    }

    /// What one unit costs on an account at an instant: its own price where one is valid, else the general one.
    pub(crate) fn at(&self, sku: &Sku, account: &Account, now: Timestamp) -> Option<Money> {
        let of_sku = self.0.get(sku)?;
        let own = of_sku.get(&Some(account.clone())).and_then(|prices| valid(prices, now));
        own.or_else(|| of_sku.get(&None).and_then(|prices| valid(prices, now)))
    }

    /// Takes in a change of price, if the event is one.
    pub(crate) fn apply(&mut self, event: &Event, rows: &mut Rows) {
        match &event.fact {
            Fact::PriceSet(fact) => self.set(event, fact, rows),
            Fact::PriceWithdrawn(fact) => self.withdraw(event, fact, rows),
            _ => {}
        }
    }

    fn set(&mut self, event: &Event, fact: &PriceSet, rows: &mut Rows) {
        let prices = self.0.entry(fact.sku.clone()).or_default().entry(fact.account.clone()).or_default();
        let old = valid(prices, fact.valid_from);
        prices.insert(fact.valid_from.micros(), Price { unit: fact.unit_price, until: fact.valid_until });
        let values = [
            fact.sku.as_str().into(),
            event.position.into(),
            fact.account.as_ref().map(Account::as_str).into(),
            old.filter(|old| old.currency == fact.unit_price.currency).map(|old| old.minor).into(),
            Some(fact.unit_price.minor).into(),
            Value::text(fact.unit_price.currency),
            fact.valid_from.into(),
            fact.valid_until.into(),
            event.meta.actor.id.as_str().into(),
            fact.reason.as_str().into(),
        ];
        rows.push(event.position, values);
    }

    fn withdraw(&mut self, event: &Event, fact: &PriceWithdrawn, rows: &mut Rows) {
        let prices = self.0.get_mut(&fact.sku).and_then(|of_sku| of_sku.remove(&fact.account));
        let old = prices.as_ref().and_then(|prices| valid(prices, event.recorded_at));
        let values = [
            fact.sku.as_str().into(),
            event.position.into(),
            fact.account.as_ref().map(Account::as_str).into(),
            old.map(|old| old.minor).into(),
            None::<i64>.into(),
            Value::maybe(old.map(|old| old.currency)),
            event.recorded_at.into(),
            None::<Timestamp>.into(),
            event.meta.actor.id.as_str().into(),
            fact.reason.as_str().into(),
        ];
        rows.push(event.position, values);
    }
}

/// The price that started last among those that have not ended.
fn valid(prices: &BTreeMap<i64, Price>, now: Timestamp) -> Option<Money> {
    let mut started = prices.range(..=now.micros()).rev().map(|(_, price)| price);
    started.find(|price| price.until.is_none_or(|until| now < until)).map(|price| price.unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_price_that_started_last_and_has_not_ended_holds_and_an_accounts_own_goes_first() {
        let (sku, account): (Sku, Account) = ("steam-50".parse().unwrap(), "taobao/main".parse().unwrap());
        let unit = |minor| Money::new(minor, vocabulary::Currency::CNY);
        let at = Timestamp::from_secs;
        let mut of_sku = OfSku::new();
        of_sku.entry(None).or_default().insert(0, Price { unit: unit(100), until: None });
        let own = of_sku.entry(Some(account.clone())).or_default();
        own.insert(at(10).micros(), Price { unit: unit(80), until: Some(at(20)) });
        let prices = Prices(HashMap::from([(sku.clone(), of_sku)]));
        let found = |secs| prices.at(&sku, &account, at(secs)).map(|money| money.minor);
        assert_eq!(
            [found(-1), found(0), found(10), found(19), found(20)],
            [None, Some(100), Some(80), Some(80), Some(100)]
        );
    }
}
