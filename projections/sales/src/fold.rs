//! Events into rows.

use std::collections::{BTreeSet, HashSet};

use async_trait::async_trait;
use events::{
    Fact,
    channel::AttemptRefused,
    order::{KeyReplaced, PaymentDisputed},
};
use projection::{ApplyError, Cache, Event, Fold, Rows, Value, Words, iso, keys_json};
use sqlx::{Row, SqliteConnection};
use vocabulary::{MerchantId, OrderId, Position};

use crate::{
    decision::Decision,
    knowledge::Knowledge,
    placed::Placed,
    sale::Sale,
    sums::{COLUMNS, Cell, Sums, hour_of},
    tables,
};

/// Orders kept in memory between batches.
const HOT_ORDERS: usize = 50_000;

pub(crate) struct SalesFold {
    merchant: MerchantId,
    knowledge: Knowledge,
    sales: Cache<OrderId, Sale>,
    sums: Sums,
    words: Words,
    sale_rows: Rows,
    line_rows: Rows,
    refused_rows: Rows,
    replaced_rows: Rows,
    disputed_rows: Rows,
    decision_rows: Rows,
}

impl SalesFold {
    pub(crate) fn new(merchant: &MerchantId) -> Self {
        Self {
            merchant: merchant.clone(),
            knowledge: Knowledge::new(merchant),
            sales: Cache::new(HOT_ORDERS),
            sums: Sums::default(),
            words: Words::default(),
            sale_rows: Rows::new(&tables::SALE, merchant),
            line_rows: Rows::new(&tables::SALE_LINE, merchant),
            refused_rows: Rows::new(&tables::REFUSED, merchant),
            replaced_rows: Rows::new(&tables::REPLACED, merchant),
            disputed_rows: Rows::new(&tables::DISPUTED, merchant),
            decision_rows: Rows::new(&tables::DECISION, merchant),
        }
    }

    /// Takes an event into its order and moves what the order adds to the sums. Returns whether it mattered.
    fn apply_to_order(&mut self, event: &Event, order: OrderId) -> bool {
        if !matters(&event.fact) {
            return false;
        }
        let sale = self.sales.entry(&order, Sale::default);
        let (was_placed, before) = (sale.placed.is_some(), sale.money_cells(&self.knowledge));
        if !sale.apply(event, &self.knowledge) {
            return false;
        }
        for (cell, values) in before {
            self.sums.add(cell, &values, -1, event.position);
        }
        for (cell, values) in sale.money_cells(&self.knowledge) {
            self.sums.add(cell, &values, 1, event.position);
        }
        if !was_placed {
            for (cell, values) in sale.placed_cells() {
                self.sums.add(cell, &values, 1, event.position);
            }
        }
        true
    }

    fn refuse(&mut self, event: &Event, fact: &AttemptRefused) {
        let currency = self.knowledge.currency(&fact.account);
        let mut values = [0; COLUMNS.len()];
        values[0] = 1;
        let mut counted = HashSet::new();
        for (number, line) in (0_u16..).zip(&fact.lines) {
            let row = [
                event.position.into(),
                number.into(),
                fact.account.as_str().into(),
                line.sku.as_str().into(),
                fact.external_no.as_str().into(),
                line.quantity.get().into(),
                fact.reason.as_str().into(),
                (&event.occurred_text).into(),
            ];
            self.refused_rows.push(event.position, row);
            if counted.insert(&line.sku) {
                let hour = hour_of(event.occurred_at);
                let cell =
                    Cell { hour, account: fact.account.clone(), sku: line.sku.as_str().into(), currency };
                self.sums.add(cell, &values, 1, event.position);
            }
        }
    }

    fn replace(&mut self, event: &Event, order: OrderId, fact: &KeyReplaced) {
        let placed = self.sales.get(&order).and_then(|sale| sale.placed.as_ref());
        let cost = placed.and_then(|placed| self.knowledge.cost(fact.old, placed.currency));
        let values = [
            Value::text(order),
            event.position.into(),
            fact.line.into(),
            placed.map(|placed| placed.account.as_str()).into(),
            placed.and_then(|placed| placed.sku_of(fact.line)).into(),
            fact.old.batch.0.into(),
            fact.new.batch.0.into(),
            fact.reason.as_str().into(),
            fact.cost_owner.as_str().into(),
            Value::maybe(placed.map(|placed| placed.currency)),
            cost.into(),
            (&event.occurred_text).into(),
        ];
        self.replaced_rows.push(event.position, values);
    }

    fn dispute(&mut self, event: &Event, order: OrderId, fact: &PaymentDisputed) {
        let placed = self.sales.get(&order).and_then(|sale| sale.placed.as_ref());
        let values = [
            Value::text(order),
            event.position.into(),
            fact.through.as_str().into(),
            fact.amount.currency.as_str().into(),
            placed.map(Placed::amount).into(),
            fact.amount.minor.into(),
            fact.reason.as_str().into(),
            (&event.occurred_text).into(),
        ];
        self.disputed_rows.push(event.position, values);
    }

    fn put_sale(&mut self, order: OrderId) -> Result<(), ApplyError> {
        let Some(sale) = self.sales.get(&order) else { return Ok(()) };
        let figures = sale.figures(&self.knowledge);
        let placed = sale.placed.as_ref();
        let list = sale.list_fen();
        let amount = placed.map_or(0, Placed::amount);
        let values = [
            Value::text(order),
            placed.map(|placed| placed.account.as_str()).into(),
            Value::maybe(placed.map(|placed| placed.currency)),
            sale.paid_at.into(),
            list.into(),
            list.map(|list| list.saturating_sub(amount)).into(),
            figures.paid.into(),
            sale.refund_count.into(),
            figures.refund.into(),
            figures.loss.into(),
            figures.commission.into(),
            figures.pay_fee.into(),
            figures.cost.into(),
            figures.replacement_cost.into(),
            figures.uncosted.into(),
            figures.margin().into(),
            serde_json::to_string(sale)?.into(),
        ];
        self.sale_rows.push(sale.last_pos, values);
        let (Some(placed), Some(paid_at)) = (placed, sale.paid_at) else { return Ok(()) };
        let hour = iso(hour_of(paid_at));
        for (part, figures) in placed.parts.iter().zip(sale.parts(&self.knowledge)) {
            let values = [
                (&part.sku).into(),
                placed.account.as_str().into(),
                hour.as_str().into(),
                Value::text(order),
                placed.buyer.as_ref().map(|buyer| buyer.as_str()).into(),
                placed.currency.as_str().into(),
                paid_at.into(),
                part.units.into(),
                part.amount.into(),
                figures.paid.into(),
                sale.deliver_ms().into(),
            ];
            self.line_rows.push(sale.last_pos, values);
        }
        Ok(())
    }
}

#[async_trait]
impl Fold for SalesFold {
    async fn load(&mut self, events: &[Event], conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        self.knowledge.load(&self.merchant, conn).await?;
        let mut missing = BTreeSet::new();
        let mut begun = HashSet::new();
        for event in events {
            let Some(order) = event.order.as_ref().filter(|_| matters(&event.fact)) else { continue };
            // Nothing is known of an order before its own stream begins.
            if event.is_of_order_stream() && event.version.0 == 0 {
                begun.insert(order.id);
            } else if !begun.contains(&order.id) && self.sales.get_mut(&order.id).is_none() {
                missing.insert(order.id);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let rows = sqlx::query(
            "SELECT order_id, sale_json, last_pos FROM fct_sale
             WHERE merchant = ?1 AND order_id IN (SELECT value FROM json_each(?2))",
        )
        .bind(self.merchant.as_str())
        .bind(keys_json(missing))
        .fetch_all(conn)
        .await?;
        for row in rows {
            let mut sale: Sale = serde_json::from_str(row.try_get(1)?)?;
            sale.last_pos = Position(u64::try_from(row.try_get::<i64, _>(2)?).unwrap_or(0));
            self.sales.insert(row.try_get::<&str, _>(0)?.parse()?, sale);
        }
        Ok(())
    }

    fn fold(&mut self, events: &[Event]) -> Result<(), ApplyError> {
        let mut changed = BTreeSet::new();
        for event in events {
            if let Some(decision) = Decision::of(event) {
                decision.put(event, &mut self.words, &mut self.decision_rows);
            }
            let Some(order) = &event.order else {
                match &event.fact {
                    Fact::AttemptRefused(fact) => self.refuse(event, fact),
                    _ => self.knowledge.apply(event),
                }
                continue;
            };
            match &event.fact {
                Fact::KeyReplaced(fact) => self.replace(event, order.id, fact),
                Fact::PaymentDisputed(fact) => self.dispute(event, order.id, fact),
                _ if self.apply_to_order(event, order.id) => {
                    changed.insert(order.id);
                }
                _ => {}
            }
        }
        changed.into_iter().try_for_each(|order| self.put_sale(order))
    }

    async fn write(&mut self, conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        self.knowledge.write(conn).await?;
        let (sales, lines) = (&mut self.sale_rows, &mut self.line_rows);
        let rare = [&mut self.refused_rows, &mut self.replaced_rows, &mut self.disputed_rows];
        for rows in [sales, lines, &mut self.decision_rows].into_iter().chain(rare) {
            rows.write(conn).await?;
        }
        self.sums.write(&self.merchant, conn).await?;
        self.sales.settle();
        Ok(())
    }
}

/// Whether a fact may change what an order came to.
fn matters(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::OrderPlaced(_)
            | Fact::PastOrderRecorded(_)
            | Fact::PastRefundRecorded(_)
            | Fact::PaymentConfirmed(_)
            | Fact::OrderDelivered(_)
            | Fact::RefundSettled(_)
            | Fact::LossRecorded(_)
            | Fact::KeysAllocated(_)
            | Fact::KeysReleased(_)
            | Fact::KeyReplaced(_)
            | Fact::PaymentDisputed(_)
    )
}
