//! What the fold must know beside the orders: list prices, accounts' terms, what keys cost. Little, so all of it is
//! kept in memory.

use std::collections::HashMap;

use events::Fact;
use projection::{ApplyError, Event, Rows, Value};
use serde::{Deserialize, Serialize};
use sqlx::{Row, SqliteConnection};
use vocabulary::{Account, BatchId, Currency, KeyRef, MerchantId, Money, Position};

use crate::{prices::Prices, tables};

/// What an account takes of a sale, in hundredths of a per cent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Terms {
    pub(crate) commission_bp: u32,
    pub(crate) pay_fee_bp: u32,
}

/// An account as sales see it.
#[derive(Debug, Clone, Copy)]
struct Shop {
    currency: Option<Currency>,
    terms: Terms,
    last_pos: Position,
}

/// What a key of a batch cost, and how many units it is.
#[derive(Debug, Clone, Copy)]
struct Cost {
    unit: Money,
    uses: u32,
}

pub(crate) struct Knowledge {
    known: Option<Known>,
    changed_shops: Vec<Account>,
    prices: Rows,
    terms: Rows,
    costs: Rows,
}

#[derive(Default)]
struct Known {
    prices: Prices,
    shops: HashMap<Account, Shop>,
    costs: HashMap<BatchId, Cost>,
}

impl Knowledge {
    pub(crate) fn new(merchant: &MerchantId) -> Self {
        let rows = |table| Rows::new(table, merchant);
        Self {
            known: None,
            changed_shops: Vec::new(),
            prices: rows(&tables::PRICE),
            terms: rows(&tables::TERMS),
            costs: rows(&tables::BATCH_COST),
        }
    }

    /// Reads the rows, once.
    pub(crate) async fn load(
        &mut self,
        merchant: &MerchantId,
        conn: &mut SqliteConnection,
    ) -> Result<(), ApplyError> {
        if self.known.is_some() {
            return Ok(());
        }
        let mut known = Known { prices: Prices::load(merchant, conn).await?, ..Known::default() };
        let rows = sqlx::query(
            "SELECT channel_id, currency, commission_bp, pay_fee_bp, last_pos FROM dim_channel_terms WHERE merchant = ?",
        )
        .bind(merchant.as_str())
        .fetch_all(&mut *conn)
        .await?;
        for row in rows {
            let currency: Option<&str> = row.try_get(1)?;
            let shop = Shop {
                currency: currency.map(str::parse).transpose()?,
                terms: Terms { commission_bp: row.try_get(2)?, pay_fee_bp: row.try_get(3)? },
                last_pos: Position(u64::try_from(row.try_get::<i64, _>(4)?).unwrap_or(0)),
            };
            known.shops.insert(row.try_get::<&str, _>(0)?.parse()?, shop);
        }
        let rows = sqlx::query(
            "SELECT batch_id, unit_cost_fen, currency, use_limit FROM dim_batch_cost WHERE merchant = ?",
        )
        .bind(merchant.as_str())
        .fetch_all(conn)
        .await?;
        for row in rows {
            let unit = Money::new(row.try_get(1)?, row.try_get::<&str, _>(2)?.parse()?);
            known.costs.insert(BatchId(row.try_get(0)?), Cost { unit, uses: row.try_get(3)? });
        }
        self.known = Some(known);
        Ok(())
    }

    /// Takes in what an event tells.
    pub(crate) fn apply(&mut self, event: &Event) {
        let known = self.known.get_or_insert_default();
        known.prices.apply(event, &mut self.prices);
        match &event.fact {
            Fact::ChannelConnected(fact) => {
                let shop = known.shop(&fact.account);
                (shop.currency, shop.last_pos) = (Some(fact.currency), event.position);
                self.changed_shops.push(fact.account.clone());
            }
            Fact::ChannelTermsSet(fact) => {
                let shop = known.shop(&fact.account);
                shop.terms = Terms { commission_bp: fact.commission_bp, pay_fee_bp: fact.pay_fee_bp };
                shop.last_pos = event.position;
                self.changed_shops.push(fact.account.clone());
            }
            Fact::BatchOpened(fact) => {
                let Some(unit) = fact.unit_cost.filter(|_| !known.costs.contains_key(&fact.batch)) else {
                    return;
                };
                let cost = Cost { unit, uses: fact.key_kind.uses() };
                known.costs.insert(fact.batch, cost);
                let values =
                    [fact.batch.0.into(), unit.minor.into(), Value::text(unit.currency), cost.uses.into()];
                self.costs.push(event.position, values);
            }
            _ => {}
        }
    }

    pub(crate) async fn write(&mut self, conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        let known = self.known.get_or_insert_default();
        self.changed_shops.sort_unstable();
        self.changed_shops.dedup();
        for account in self.changed_shops.drain(..) {
            let Some(shop) = known.shops.get(&account) else { continue };
            let values = [
                account.as_str().into(),
                Value::maybe(shop.currency),
                shop.terms.commission_bp.into(),
                shop.terms.pay_fee_bp.into(),
            ];
            self.terms.push(shop.last_pos, values);
        }
        for rows in [&mut self.prices, &mut self.terms, &mut self.costs] {
            rows.write(conn).await?;
        }
        Ok(())
    }

    pub(crate) fn prices(&self) -> Option<&Prices> {
        self.known.as_ref().map(|known| &known.prices)
    }
    /// The currency of an account; the yuan where it was never connected, which has no orders then.
    pub(crate) fn currency(&self, account: &Account) -> Currency {
        let shop = self.known.as_ref().and_then(|known| known.shops.get(account));
        shop.and_then(|shop| shop.currency).unwrap_or(Currency::CNY)
    }
    /// The terms of an account now; nothing is taken where none were set.
    pub(crate) fn terms(&self, account: &Account) -> Terms {
        self.known
            .as_ref()
            .and_then(|known| known.shops.get(account))
            .map(|shop| shop.terms)
            .unwrap_or_default()
    }
    /// What a unit cost, in minor units of a currency; none where nobody said, or only in another one. A key that is
    /// several units costs each a part, and the parts add up to the key's cost.
    pub(crate) fn cost(&self, key: KeyRef, currency: Currency) -> Option<i64> {
        let cost =
            self.known.as_ref()?.costs.get(&key.batch).filter(|cost| cost.unit.currency == currency)?;
        let up_to = |uses: u32| i128::from(cost.unit.minor) * i128::from(uses) / i128::from(cost.uses.max(1));
        i64::try_from(up_to(key.use_no + 1) - up_to(key.use_no)).ok()
    }
}

impl Known {
    fn shop(&mut self, account: &Account) -> &mut Shop {
        let new = || Shop { currency: None, terms: Terms::default(), last_pos: Position(0) };
        self.shops.entry(account.clone()).or_insert_with(new)
    }
}
