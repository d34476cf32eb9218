//! Facts into entries.

use std::collections::BTreeMap;

use events::{Fact, order::PastOrderRecorded, pool::AllocationReason};
use projection::{ApplyError, Event, Rows, Value};
use sqlx::SqliteConnection;
use vocabulary::{Account, BatchId, BuyerId, KeyRef, MerchantId, Money, OrderId, Sku};

use crate::{demand::kind, identity, tables};

/// The entries of a batch, on their way to their tables.
pub(crate) struct Entries {
    orders: Rows,
    money: Rows,
    keys: Rows,
    costs: Rows,
    cuts: Rows,
    demand: Rows,
    touches: Rows,
    journeys: Rows,
    identities: Rows,
}

impl Entries {
    pub(crate) fn new(merchant: &MerchantId) -> Self {
        let rows = |table| Rows::new(table, merchant);
        Self {
            orders: rows(&tables::ORDER),
            money: rows(&tables::MONEY),
            keys: rows(&tables::KEYS),
            costs: rows(&tables::KEY_COST),
            cuts: rows(&tables::CUT),
            demand: rows(&tables::DEMAND),
            touches: rows(&tables::TOUCH),
            journeys: rows(&tables::JOURNEY_ORDER),
            identities: rows(&tables::IDENTITY),
        }
    }

    pub(crate) fn apply(&mut self, event: &Event) {
        match &event.fact {
            Fact::OrderPlaced(fact) => {
                self.order(event, &fact.order, &fact.account, fact.buyer.as_ref(), fact.total);
                let lines = fact.lines.iter().map(|line| (&line.sku, line.quantity.get()));
                let (number, order) = (fact.external_no.as_str().into(), Value::text(fact.order));
                self.wanted(event, &fact.account, lines, [kind::ASKED.into(), number, order, Value::Null]);
            }
            Fact::AttemptRefused(fact) => {
                let lines = fact.lines.iter().map(|line| (&line.sku, line.quantity.get()));
                let (number, cause) = (fact.external_no.as_str().into(), fact.reason.as_str().into());
                self.wanted(event, &fact.account, lines, [kind::REFUSED.into(), number, Value::Null, cause]);
            }
            Fact::KeysImported(fact) => self.supplied(event, &fact.sku, None),
            Fact::QuotaSet(fact) => self.supplied(event, &fact.sku, Some(&fact.account)),
            Fact::PastOrderRecorded(fact) => self.past(event, fact),
            Fact::PaymentConfirmed(fact) => self.paid(event, fact.amount, 1),
            Fact::RefundSettled(fact) => self.paid(event, fact.amount, -1),
            Fact::KeysReserved(fact) => self.moved(event, &fact.order, &fact.keys, 1),
            // Reserved keys were counted when they were reserved.
            Fact::KeysAllocated(fact) if fact.chosen != AllocationReason::Reserved => {
                self.moved(event, &fact.order, &fact.keys, 1);
            }
            Fact::KeysReleased(fact) => self.moved(event, &fact.order, &fact.keys, -1),
            Fact::BatchOpened(fact) => {
                let Some(cost) = fact.unit_cost else { return };
                let uses = fact.key_kind.uses();
                let currency = Value::text(cost.currency);
                let values =
                    [fact.batch.0.into(), event.position.into(), cost.minor.into(), uses.into(), currency];
                self.costs.push(event.position, values);
            }
            Fact::ChannelTermsSet(fact) => {
                let cut = fact.commission_bp.saturating_add(fact.pay_fee_bp);
                let values = [fact.account.as_str().into(), event.position.into(), cut.into()];
                self.cuts.push(event.position, values);
            }
            Fact::TouchRecorded(fact) => {
                let values = [
                    event.position.into(),
                    fact.journey.as_str().into(),
                    fact.account.as_str().into(),
                    event.occurred_at.into(),
                    fact.buyer.as_ref().map(BuyerId::as_str).into(),
                ];
                self.touches.push(event.position, values);
            }
            Fact::JourneyOrdered(fact) => {
                let values = [event.position.into(), Value::text(fact.order), fact.journey.as_str().into()];
                self.journeys.push(event.position, values);
            }
            Fact::BuyerRegistered(fact) => identity::named(&mut self.identities, event, &fact.buyer),
            Fact::IdentityLinked(fact) => identity::linked(&mut self.identities, event, fact),
            Fact::IdentityUnlinked(fact) => identity::unlinked(&mut self.identities, event, fact),
            Fact::BuyerErased(fact) => identity::erased(&mut self.identities, event, &fact.buyer),
            _ => {}
        }
    }

    fn order(
        &mut self,
        event: &Event,
        order: &OrderId,
        account: &Account,
        buyer: Option<&BuyerId>,
        total: Money,
    ) {
        let values = [
            Value::text(order),
            event.position.into(),
            account.as_str().into(),
            buyer.map(BuyerId::as_str).into(),
            Value::text(total.currency),
        ];
        self.orders.push(event.position, values);
    }

    /// What was sold elsewhere was paid when it was sold.
    fn past(&mut self, event: &Event, fact: &PastOrderRecorded) {
        self.order(event, &fact.order, &fact.account, fact.buyer.as_ref(), fact.total);
        self.paid(event, fact.total, 1);
    }

    fn paid(&mut self, event: &Event, amount: Money, sign: i64) {
        let Some(order) = event.order.as_ref().filter(|_| event.is_of_order_stream()) else { return };
        let values = [
            event.position.into(),
            (&order.text).into(),
            event.occurred_at.into(),
            amount.minor.saturating_mul(sign).into(),
            Value::text(amount.currency),
        ];
        self.money.push(event.position, values);
    }

    /// An attempt: what was wanted, and its kind, number, order and cause.
    fn wanted<'f>(
        &mut self,
        event: &Event,
        account: &Account,
        lines: impl Iterator<Item = (&'f Sku, u32)>,
        [kind, number, order, cause]: [Value; 4],
    ) {
        let mut by_sku: BTreeMap<&Sku, i64> = BTreeMap::new();
        for (sku, units) in lines {
            *by_sku.entry(sku).or_default() += i64::from(units);
        }
        for (sku, units) in by_sku {
            let values = [
                event.position.into(),
                sku.as_str().into(),
                account.as_str().into(),
                event.occurred_at.into(),
                kind.clone(),
                units.into(),
                number.clone(),
                order.clone(),
                cause.clone(),
            ];
            self.demand.push(event.position, values);
        }
    }

    fn supplied(&mut self, event: &Event, sku: &Sku, account: Option<&Account>) {
        let values = [
            event.position.into(),
            sku.as_str().into(),
            account.map(Account::as_str).into(),
            event.occurred_at.into(),
            kind::SUPPLIED.into(),
            0_i64.into(),
            Value::Null,
            Value::Null,
            Value::Null,
        ];
        self.demand.push(event.position, values);
    }

    fn moved(&mut self, event: &Event, order: &OrderId, keys: &[KeyRef], sign: i64) {
        let mut by_batch: BTreeMap<BatchId, i64> = BTreeMap::new();
        for key in keys {
            *by_batch.entry(key.batch).or_default() += sign;
        }
        for (batch, units) in by_batch {
            let values = [event.position.into(), batch.0.into(), Value::text(order), units.into()];
            self.keys.push(event.position, values);
        }
    }

    pub(crate) async fn write(&mut self, conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        let tables = [
            &mut self.orders,
            &mut self.money,
            &mut self.keys,
            &mut self.costs,
            &mut self.cuts,
            &mut self.demand,
            &mut self.touches,
            &mut self.journeys,
            &mut self.identities,
        ];
        for rows in tables {
            rows.write(conn).await?;
        }
        Ok(())
    }
}
