//! The shop accounts: few, so all are kept in memory.

use std::collections::{BTreeMap, BTreeSet};

use events::{Fact, channel::ChannelTermsSet};
use projection::{ApplyError, Event, Rows, keys_json};
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

/// What the account costs and is good for.
#[derive(Clone)]
struct Terms {
    kind: String,
    commission_bp: u32,
    pay_fee_bp: u32,
    sync_delay_s: u32,
    /// A JSON array of texts.
    value_tags: String,
}

impl From<&ChannelTermsSet> for Terms {
    fn from(fact: &ChannelTermsSet) -> Self {
        Self {
            kind: fact.kind.as_str().to_owned(),
            commission_bp: fact.commission_bp,
            pay_fee_bp: fact.pay_fee_bp,
            sync_delay_s: fact.sync_delay_s,
            value_tags: keys_json(&fact.value_tags),
        }
    }
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
                terms: terms_of(&row)?,
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
                    terms: known.get(&fact.account).and_then(|channel| channel.terms.clone()),
                    last_pos: event.position,
                };
                known.insert(fact.account.clone(), channel);
                &fact.account
            }
            Fact::ChannelSuspended(fact) => &fact.account,
            Fact::ChannelResumed(fact) => &fact.account,
            Fact::ChannelTermsSet(fact) => &fact.account,
            _ => return,
        };
        if let Some(channel) = known.get_mut(account) {
            match &event.fact {
                Fact::ChannelSuspended(_) => channel.is_suspended = true,
                Fact::ChannelResumed(_) => channel.is_suspended = false,
                Fact::ChannelTermsSet(fact) => channel.terms = Some(fact.into()),
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
            let values = [
                account.as_str().into(),
                account.channel().into(),
                account.shop().into(),
                channel.name.as_str().into(),
                channel.currency.as_str().into(),
                channel.orders_of.as_str().into(),
                channel.is_suspended.into(),
                channel.terms.as_ref().map(|terms| terms.kind.as_str()).into(),
                channel.terms.as_ref().map(|terms| terms.commission_bp).into(),
                channel.terms.as_ref().map(|terms| terms.pay_fee_bp).into(),
                channel.terms.as_ref().map(|terms| terms.sync_delay_s).into(),
                channel.terms.as_ref().map(|terms| terms.value_tags.as_str()).into(),
            ];
            self.rows.push(channel.last_pos, values);
        }
        self.rows.write(conn).await
    }
}

fn terms_of(row: &SqliteRow) -> Result<Option<Terms>, ApplyError> {
    let Some(kind) = row.try_get(6)? else { return Ok(None) };
    Ok(Some(Terms {
        kind,
        commission_bp: row.try_get(7)?,
        pay_fee_bp: row.try_get(8)?,
        sync_delay_s: row.try_get(9)?,
        value_tags: row.try_get(10)?,
    }))
}
