//! Keys bought from suppliers: each purchase, and what came of it.

use std::collections::{BTreeMap, BTreeSet};

use events::{Fact, procurement::ProcurementEnd};
use projection::{ApplyError, Event, Rows, Value};
use serde::{Deserialize, Serialize};
use sqlx::{QueryBuilder, Row, SqliteConnection, SqliteExecutor};
use vocabulary::{Account, BatchId, MerchantId, Money, Position, Quantity, Sku, Timestamp};

use crate::tables;

/// One purchase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Purchase {
    /// Our number, which the supplier gets.
    pub purchase: String,
    /// The item that the keys are for.
    pub sku: Sku,
    /// The account at the supplier.
    pub account: Account,
    /// The supplier's item id.
    pub item: String,
    /// How many keys were asked for.
    pub quantity: Quantity,
    /// What all of them may cost at most.
    pub max_price: Money,
    /// The batch that is kept free for them.
    pub batch: BatchId,
    /// Why they are bought.
    pub reason: String,
    /// How it stands.
    pub state: PurchaseState,
    /// Why nothing was bought, or why a person must look: the supplier's code, or ours.
    pub code: Option<String>,
    /// The supplier's number, where it gave one.
    pub reference: Option<String>,
    /// Keys that came and are in stock.
    pub keys: u32,
    /// Keys that came and were known before: they were not taken in.
    pub duplicates: u32,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it ended, as far as it did.
    pub ended_at: Option<Timestamp>,
    /// The event that asked for it.
    pub first_pos: Position,
    /// The last event about it.
    pub last_pos: Position,
}

/// How a purchase stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PurchaseState {
    /// Asked for; the supplier has not taken it yet.
    Requested,
    /// Taken; the keys come later.
    Accepted,
    /// The keys are in stock.
    Keys,
    /// Nothing was bought, or the money was given back.
    Failed,
    /// A person must ask the supplier.
    ForAPerson,
}

impl PurchaseState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Accepted => "accepted",
            Self::Keys => "keys",
            Self::Failed => "failed",
            Self::ForAPerson => "for_a_person",
        }
    }
}

/// Which purchases; every part that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct PurchaseFilter {
    /// With this number of ours.
    pub purchase: Option<String>,
    /// For this item.
    pub sku: Option<Sku>,
    /// At this account.
    pub account: Option<Account>,
    /// That stand like this.
    pub state: Option<PurchaseState>,
}

/// Purchases that pass a filter, the newest first, at most `limit`, and where the next page begins; `before` is that of
/// the page before.
pub async fn purchases(
    db: impl SqliteExecutor<'_>,
    merchant: &MerchantId,
    filter: &PurchaseFilter,
    before: Option<Position>,
    limit: u32,
) -> Result<(Vec<Purchase>, Option<Position>), sqlx::Error> {
    let mut sql = QueryBuilder::new("SELECT purchase_json FROM ops_purchase WHERE merchant = ");
    sql.push_bind(merchant.as_str().to_owned());
    let equals = [
        (" AND purchase = ", filter.purchase.clone()),
        (" AND sku_id = ", filter.sku.as_ref().map(ToString::to_string)),
        (" AND channel_id = ", filter.account.as_ref().map(ToString::to_string)),
        (" AND state = ", filter.state.map(|state| state.as_str().to_owned())),
    ];
    for (condition, value) in equals {
        if let Some(value) = value {
            sql.push(condition).push_bind(value);
        }
    }
    if let Some(before) = before {
        sql.push(" AND first_pos < ").push_bind(i64::try_from(before.0).unwrap_or(i64::MAX));
    }
    // One more than asked for tells whether there is another page.
    sql.push(" ORDER BY first_pos DESC LIMIT ").push_bind(i64::from(limit) + 1);
    let rows = sql.build().fetch_all(db).await?;
    let read = |row: &sqlx::sqlite::SqliteRow| {
        serde_json::from_str(row.try_get(0)?).map_err(|error| sqlx::Error::Decode(error.into()))
    };
    let mut found = rows.iter().map(read).collect::<Result<Vec<Purchase>, _>>()?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|last| last.first_pos);
    Ok((found, next))
}

/// Purchases as the fold knows them: a person asks for each, so there are few, and they are kept in memory.
pub(crate) struct Purchases {
    /// None before they were read.
    known: Option<BTreeMap<String, Purchase>>,
    changed: BTreeSet<String>,
    rows: Rows,
}

impl Purchases {
    pub(crate) fn new(merchant: &MerchantId) -> Self {
        Self { known: None, changed: BTreeSet::new(), rows: Rows::new(&tables::PURCHASE, merchant) }
    }

    /// Reads the rows, once, when there is something to do with them.
    pub(crate) async fn load(
        &mut self,
        merchant: &MerchantId,
        events: &[Event],
        conn: &mut SqliteConnection,
    ) -> Result<(), ApplyError> {
        if self.known.is_some() || !events.iter().any(|event| event.stream.kind() == "procurement") {
            return Ok(());
        }
        let (all, _) = purchases(conn, merchant, &PurchaseFilter::default(), None, u32::MAX - 1).await?;
        self.known = Some(all.into_iter().map(|one| (one.purchase.clone(), one)).collect());
        Ok(())
    }

    pub(crate) fn apply(&mut self, event: &Event) {
        // Only where there is something to do were the rows read.
        if event.stream.kind() != "procurement" {
            return;
        }
        let known = self.known.get_or_insert_default();
        let number = match &event.fact {
            Fact::ProcurementRequested(e) => {
                let purchase = Purchase {
                    purchase: e.our_no.clone(),
                    sku: e.sku.clone(),
                    account: e.account.clone(),
                    item: e.item.clone(),
                    quantity: e.quantity,
                    max_price: e.max_price,
                    batch: e.batch,
                    reason: e.reason.clone(),
                    state: PurchaseState::Requested,
                    code: None,
                    reference: None,
                    keys: 0,
                    duplicates: 0,
                    requested_at: event.recorded_at,
                    ended_at: None,
                    first_pos: event.position,
                    last_pos: event.position,
                };
                known.insert(e.our_no.clone(), purchase);
                &e.our_no
            }
            Fact::ProcurementAccepted(e) => {
                let Some(purchase) = known.get_mut(&e.our_no) else { return };
                purchase.state = PurchaseState::Accepted;
                purchase.reference = e.reference.clone().or(purchase.reference.take());
                &e.our_no
            }
            Fact::ProcurementSettled(e) => {
                let Some(purchase) = known.get_mut(&e.our_no) else { return };
                purchase.end(&e.end);
                purchase.reference = e.reference.clone().or(purchase.reference.take());
                purchase.ended_at = Some(event.recorded_at);
                &e.our_no
            }
            _ => return,
        };
        if let Some(purchase) = known.get_mut(number) {
            purchase.last_pos = event.position;
        }
        self.changed.insert(number.clone());
    }

    pub(crate) async fn write(&mut self, conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        for number in std::mem::take(&mut self.changed) {
            let Some(one) = self.known.get_or_insert_default().get(&number) else { continue };
            let json = serde_json::to_string(one).map_err(|error| sqlx::Error::Decode(error.into()))?;
            let values = [
                one.purchase.as_str().into(),
                one.sku.as_str().into(),
                one.account.as_str().into(),
                one.item.as_str().into(),
                one.quantity.get().into(),
                one.max_price.minor.into(),
                Value::text(one.max_price.currency),
                one.batch.0.into(),
                one.state.as_str().into(),
                one.code.as_deref().into(),
                one.keys.into(),
                one.requested_at.into(),
                one.ended_at.into(),
                one.first_pos.into(),
                json.into(),
            ];
            self.rows.push(one.last_pos, values);
        }
        self.rows.write(conn).await
    }
}

impl Purchase {
    fn end(&mut self, end: &ProcurementEnd) {
        let (state, code) = match end {
            ProcurementEnd::Keys { count, duplicates, .. } => {
                (self.keys, self.duplicates) = (*count, *duplicates);
                (PurchaseState::Keys, None)
            }
            ProcurementEnd::Failed { code } => (PurchaseState::Failed, Some(code.clone())),
            ProcurementEnd::ForAPerson { code } => (PurchaseState::ForAPerson, Some(code.clone())),
        };
        (self.state, self.code) = (state, code);
    }
}
