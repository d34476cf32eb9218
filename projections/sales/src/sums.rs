//! What is added up by account, item and time, and writing it.

use std::collections::HashMap;

use projection::{ApplyError, Column, Kind, iso};
use sqlx::{AssertSqlSafe, SqliteConnection};
use vocabulary::{Account, BusinessDay, Currency, MerchantId, Position, Timestamp};

use Kind::Int;

/// The columns that are sums, in the order of [`Sums`].
pub(crate) const COLUMNS: [Column; 17] = [
    Column::new("refused_count", Int, "Wishes to buy that were refused.", "被拒绝的购买次数。"),
    Column::new("orders_count", Int, "Orders placed with the item.", "含该 SKU 的下单数。"),
    Column::new("paid_count", Int, "Paid orders with the item.", "含该 SKU 的已付订单数。"),
    Column::new("units_count", Int, "Units in paid orders.", "已付件数。"),
    Column::new("gross_fen", Int, "Paid, in minor units.", "付款金额（分）。"),
    Column::new(
        "discount_fen",
        Int,
        "Our list prices less what the lines cost, where a list price was known, in minor units.",
        "标价与成交价之差（仅计有标价者，分）。",
    ),
    Column::new("refund_count", Int, "Refunds settled.", "退款笔数。"),
    Column::new("refund_fen", Int, "Paid back, in minor units.", "退款金额（分）。"),
    Column::new(
        "loss_fen",
        Int,
        "The part of it whose keys stayed with buyers, in minor units.",
        "其中卡密未收回的部分（分）。",
    ),
    Column::new("commission_fen", Int, "What the channels keep, in minor units.", "渠道佣金（分）。"),
    Column::new("pay_fee_fen", Int, "What taking the payments cost, in minor units.", "支付手续费（分）。"),
    Column::new(
        "cost_fen",
        Int,
        "What the keys cost that went into the orders, in minor units.",
        "所用卡密成本（分）。",
    ),
    Column::new(
        "replacement_cost_fen",
        Int,
        "The part of the cost that replaced bad keys, in minor units.",
        "其中补发卡密的成本（分）。",
    ),
    Column::new(
        "uncosted_count",
        Int,
        "Units of which nobody said what they cost in this currency.",
        "无本币种成本记录的件数。",
    ),
    Column::new("delivered_count", Int, "Units delivered.", "已发货件数。"),
    Column::new("delivered_orders_count", Int, "Orders delivered.", "已发货订单数。"),
    Column::new(
        "deliver_ms_sum",
        Int,
        "From payment to first delivery, in milliseconds, over delivered_orders_count orders.",
        "付款到首次发货的毫秒数之和。",
    ),
];

/// One value per column of [`COLUMNS`].
pub(crate) type Values = [i64; COLUMNS.len()];

/// Which cell: the hour, the account, the item, the currency.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Cell {
    pub(crate) hour: Timestamp,
    pub(crate) account: Account,
    pub(crate) sku: std::sync::Arc<str>,
    pub(crate) currency: Currency,
}

const HOUR_US: i64 = 3_600_000_000;

/// The beginning of the hour of an instant.
pub(crate) fn hour_of(at: Timestamp) -> Timestamp {
    Timestamp::from_micros(at.micros().div_euclid(HOUR_US).saturating_mul(HOUR_US))
}

/// What is added to a cell, and the last event that did.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    values: Values,
    last_pos: Position,
}

/// What a batch adds to the cells.
#[derive(Debug, Default)]
pub(crate) struct Sums(HashMap<Cell, Sum>);

impl Sums {
    /// Adds `sign` times the values to a cell.
    pub(crate) fn add(&mut self, cell: Cell, values: &Values, sign: i64, position: Position) {
        let sum = self.0.entry(cell).or_default();
        for (total, value) in sum.values.iter_mut().zip(values) {
            *total = total.saturating_add(sign * value);
        }
        sum.last_pos = sum.last_pos.max(position);
    }

    /// Adds what was collected to the rows by hour and by day, and is empty afterwards.
    pub(crate) async fn write(
        &mut self,
        merchant: &MerchantId,
        conn: &mut SqliteConnection,
    ) -> Result<(), ApplyError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut hours = Vec::with_capacity(self.0.len());
        let mut days: HashMap<(BusinessDay, Cell), Sum> = HashMap::new();
        for (cell, sum) in self.0.drain() {
            let day = cell.hour.business_day(BusinessDay::SHANGHAI_OFFSET);
            hours.push(row(&[day.to_string(), iso(cell.hour)], &cell, &sum));
            let of_day = days.entry((day, Cell { hour: Timestamp::from_secs(0), ..cell })).or_default();
            for (total, value) in of_day.values.iter_mut().zip(sum.values) {
                *total = total.saturating_add(value);
            }
            of_day.last_pos = of_day.last_pos.max(sum.last_pos);
        }
        let days: Vec<_> = days.iter().map(|((day, cell), sum)| row(&[day.to_string()], cell, sum)).collect();
        for (table, time, rows) in [
            ("mart_sales_hour_sum", &["business_date", "hour_at"][..], hours),
            ("mart_sales_day_sum", &["business_date"][..], days),
        ] {
            sqlx::query(AssertSqlSafe(statement(table, time)))
                .bind(merchant.as_str())
                .bind(serde_json::Value::from(rows).to_string())
                .execute(&mut *conn)
                .await?;
        }
        Ok(())
    }
}

fn row(time: &[String], cell: &Cell, sum: &Sum) -> serde_json::Value {
    let mut row: Vec<serde_json::Value> = time.iter().map(|text| text.as_str().into()).collect();
    row.extend([cell.account.as_str().into(), (*cell.sku).into(), cell.currency.as_str().into()]);
    row.extend(sum.values.map(serde_json::Value::from));
    row.push(sum.last_pos.0.into());
    row.into()
}

/// The statement that adds rows, given as a JSON array of arrays, to those that are there.
fn statement(table: &str, time: &[&str]) -> String {
    let key = [time, &["channel_id", "sku_id", "currency"]].concat().join(", ");
    let sums: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
    let width = time.len() + 3 + sums.len() + 1;
    let values: Vec<String> = (0..width).map(|place| format!("value ->> {place}")).collect();
    let added: Vec<String> = sums.iter().map(|name| format!("{name} = {name} + excluded.{name}")).collect();
    format!(
        "INSERT INTO {table} (merchant, {key}, {}, last_pos) SELECT ?1, {} FROM json_each(?2) WHERE true
         ON CONFLICT (merchant, {key}) DO UPDATE SET {}, last_pos = excluded.last_pos",
        sums.join(", "),
        values.join(", "),
        added.join(", ")
    )
}
