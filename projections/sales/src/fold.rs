//! Events into rows.

use std::collections::BTreeSet;

use async_trait::async_trait;
use events::{Fact, channel::AttemptRefused};
use projection::{ApplyError, Cache, Event, Fold, Rows, Value, Words, iso, keys_json};
use sqlx::{Row, SqliteConnection};
use vocabulary::{BusinessDay, MerchantId, OrderId, Position};

use crate::{
    sale::{Cells, Sale},
    tables,
};

/// Orders kept in memory between batches.
const HOT_ORDERS: usize = 50_000;

/// Adds a batch's sums to the cells of the mart in one statement.
const ADD: &str = "
INSERT INTO mart_sales_hour (merchant, paid_date, channel, sku, currency, hour_at, orders_count, units_count,
  gross_fen, delivered_count, deliver_ms_sum, delivered_orders_count, refund_count, refund_fen, loss_fen, last_pos)
SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
  value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13, value ->> 14
FROM json_each(?2) WHERE true
ON CONFLICT (merchant, paid_date, channel, sku, currency, hour_at) DO UPDATE SET
  orders_count = orders_count + excluded.orders_count, units_count = units_count + excluded.units_count,
  gross_fen = gross_fen + excluded.gross_fen, delivered_count = delivered_count + excluded.delivered_count,
  deliver_ms_sum = deliver_ms_sum + excluded.deliver_ms_sum,
  delivered_orders_count = delivered_orders_count + excluded.delivered_orders_count,
  refund_count = refund_count + excluded.refund_count, refund_fen = refund_fen + excluded.refund_fen,
  loss_fen = loss_fen + excluded.loss_fen, last_pos = excluded.last_pos";

pub(crate) struct SalesFold {
    merchant: MerchantId,
    sales: Cache<OrderId, Sale>,
    rows: Rows,
    attempts: Rows,
    words: Words,
    /// What the batch adds to the mart.
    cells: Cells,
}

impl SalesFold {
    pub(crate) fn new(merchant: &MerchantId) -> Self {
        Self {
            merchant: merchant.clone(),
            sales: Cache::new(HOT_ORDERS),
            rows: Rows::new(&tables::SALE, merchant),
            attempts: Rows::new(&tables::ATTEMPT, merchant),
            words: Words::default(),
            cells: Cells::new(),
        }
    }

    fn put_attempt(&mut self, event: &Event, refused: &AttemptRefused) {
        for (number, line) in (0_u32..).zip(&refused.lines) {
            let values = [
                event.position.into(),
                number.into(),
                self.words.share(refused.account.as_str()),
                refused.external_no.as_str().into(),
                self.words.share(line.sku.as_str()),
                line.quantity.get().into(),
                self.words.share(&refused.reason),
                (&event.occurred_text).into(),
                (&event.recorded_text).into(),
            ];
            self.attempts.push(event.position, values);
        }
    }

    fn put_sale(&mut self, order: OrderId) -> Result<(), ApplyError> {
        let Some(sale) = self.sales.get(&order) else { return Ok(()) };
        let placed = sale.placed.as_ref();
        let values = [
            Value::text(order),
            placed.map(|placed| placed.account.as_str()).into(),
            sale.paid_at.into(),
            Value::maybe(sale.paid_at.map(|at| at.business_day(BusinessDay::SHANGHAI_OFFSET))),
            Value::maybe(placed.map(|placed| placed.currency)),
            sale.units.into(),
            sale.paid_fen.into(),
            sale.refund_fen.into(),
            sale.is_delivered.into(),
            serde_json::to_string(sale)?.into(),
        ];
        self.rows.push(sale.last_pos, values);
        Ok(())
    }
}

#[async_trait]
impl Fold for SalesFold {
    async fn load(&mut self, events: &[Event], conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        let mut missing = BTreeSet::new();
        for event in events.iter().filter(|event| event.is_of_order_stream()) {
            let Some(order) = &event.order else { continue };
            if event.version.0 == 0 {
                self.sales.insert(order.id, Sale::default());
            } else if self.sales.get_mut(&order.id).is_none() {
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
            if let Fact::AttemptRefused(refused) = &event.fact {
                self.put_attempt(event, refused);
            }
            let Some(order) = event.order.as_ref().filter(|_| event.is_of_order_stream()) else { continue };
            if self.sales.entry(&order.id, Sale::default).apply(event, &mut self.cells) {
                changed.insert(order.id);
            }
        }
        changed.into_iter().try_for_each(|order| self.put_sale(order))
    }

    async fn write(&mut self, conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        self.rows.write(conn).await?;
        self.attempts.write(conn).await?;
        let cells = std::mem::take(&mut self.cells);
        if !cells.is_empty() {
            sqlx::query(ADD).bind(self.merchant.as_str()).bind(cells_json(&cells)).execute(conn).await?;
        }
        self.sales.settle();
        Ok(())
    }
}

fn cells_json(cells: &Cells) -> String {
    let row = |(cell, sums): (&crate::sale::Cell, &crate::sale::Sums)| {
        serde_json::json!([
            cell.day,
            cell.account,
            cell.sku,
            cell.currency,
            iso(cell.hour),
            sums.orders,
            sums.units,
            sums.gross,
            sums.delivered,
            sums.deliver_ms,
            sums.delivered_orders,
            sums.refunds,
            sums.refund,
            sums.loss,
            sums.last_pos,
        ])
    };
    serde_json::Value::from_iter(cells.iter().map(row)).to_string()
}
