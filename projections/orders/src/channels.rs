//! The shop accounts: few, so all are kept in memory.

use std::collections::{BTreeMap, BTreeSet};

use events::{Fact, channel::ChannelTermsSet};
use projection::{ApplyError, Event, Rows};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use vocabulary::{Account, MerchantId, Position};

use crate::tables;

struct Channel {
    name: String,
    currency: String,
    orders_of: Account,
    is_suspended: bool,
    terms: Option<Terms>,
    last_pos: Position,
}

/// What the account costs and is good for, as the row has it.
struct Terms {
    kind: String,
    commission_bp: u32,
    pay_fee_bp: u32,
    sync_delay_s: u32,
    value_tags: String,
}

pub(crate) struct Channels {
    /// None before they were read.
    known: Option<BTreeMap<Account, Channel>>,
    changed: BTreeSet<Account>,
    rows: Rows,
}

impl Channels {
    pub(crate) fn new(merchant: &MerchantId) -> Self {
        Self { known: None, changed: BTreeSet::new(), rows: Rows::new(&tables::CHANNEL, merchant) }
    }

    pub(crate) async fn load(
        &mut self,
        merchant: &MerchantId,
        conn: &mut SqliteConnection,
    ) -> Result<(), ApplyError> {
        if self.known.is_some() {
            return Ok(());
        }
        let rows = sqlx::query(
            "SELECT channel, name, currency, orders_of, is_suspended, last_pos,
                    kind, commission_bp, pay_fee_bp, sync_delay_s, value_tags
             FROM channel_row WHERE merchant = ?",
        )
        .bind(merchant.as_str())
        .fetch_all(conn)
        .await?;
        let mut known = BTreeMap::new();
        for row in rows {
            let channel = Channel {
                name: row.try_get(1)?,
                currency: row.try_get(2)?,
                orders_of: row.try_get::<&str, _>(3)?.parse()?,
                is_suspended: row.try_get(4)?,
                terms: Terms::read(&row)?,
                last_pos: Position(u64::try_from(row.try_get::<i64, _>(5)?).unwrap_or(0)),
            };
            known.insert(row.try_get::<&str, _>(0)?.parse()?, channel);
        }
        self.known = Some(known);
        Ok(())
    }

    pub(crate) fn apply(&mut self, event: &Event) {
        let known = self.known.get_or_insert_default();
        let account = match &event.fact {
            Fact::ChannelConnected(fact) => {
                let channel = Channel {
                    name: fact.name.clone(),
                    currency: fact.currency.to_string(),
                    orders_of: fact.orders_of.clone(),
                    is_suspended: known.get(&fact.account).is_some_and(|channel| channel.is_suspended),
                    terms: known.remove(&fact.account).and_then(|channel| channel.terms),
                    last_pos: event.position,
                };
                known.insert(fact.account.clone(), channel);
                &fact.account
            }
            Fact::ChannelTermsSet(fact) => &fact.account,
            Fact::ChannelSuspended(fact) => &fact.account,
            Fact::ChannelResumed(fact) => &fact.account,
            _ => return,
        };
        if let Some(channel) = known.get_mut(account) {
            match &event.fact {
                Fact::ChannelTermsSet(terms) => channel.terms = Some(Terms::of(terms)),
                Fact::ChannelSuspended(_) => channel.is_suspended = true,
                Fact::ChannelResumed(_) => channel.is_suspended = false,
                _ => {}
            }
            channel.last_pos = event.position;
            self.changed.insert(account.clone());
        }
    }

    pub(crate) async fn write(&mut self, conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        let known = self.known.get_or_insert_default();
        for account in std::mem::take(&mut self.changed) {
            let Some(channel) = known.get(&account) else { continue };
            let terms = channel.terms.as_ref();
            let values = [
                account.as_str().into(),
                account.channel().into(),
                account.shop().into(),
                channel.name.as_str().into(),
                channel.currency.as_str().into(),
                channel.orders_of.as_str().into(),
                channel.is_suspended.into(),
                terms.map(|terms| terms.kind.as_str()).into(),
                terms.map(|terms| i64::from(terms.commission_bp)).into(),
                terms.map(|terms| i64::from(terms.pay_fee_bp)).into(),
                terms.map(|terms| i64::from(terms.sync_delay_s)).into(),
                terms.map(|terms| terms.value_tags.as_str()).into(),
            ];
            self.rows.push(channel.last_pos, values);
        }
        self.rows.write(conn).await
    }
}

impl Terms {
    fn of(set: &ChannelTermsSet) -> Self {
        Self {
            kind: set.kind.as_str().to_owned(),
            commission_bp: set.commission_bp,
            pay_fee_bp: set.pay_fee_bp,
            sync_delay_s: set.sync_delay_s,
            value_tags: serde_json::Value::from(set.value_tags.clone()).to_string(),
        }
    }

    fn read(row: &SqliteRow) -> Result<Option<Self>, ApplyError> {
        let Some(kind) = row.try_get::<Option<String>, _>(6)? else { return Ok(None) };
        let (commission_bp, pay_fee_bp, sync_delay_s) = (row.try_get(7)?, row.try_get(8)?, row.try_get(9)?);
        Ok(Some(Self { kind, commission_bp, pay_fee_bp, sync_delay_s, value_tags: row.try_get(10)? }))
    }
}
