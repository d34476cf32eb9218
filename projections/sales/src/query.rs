//! Questions about sales.

use serde::{Deserialize, Serialize};
use sqlx::{Row, SqliteExecutor, sqlite::SqliteRow};
use vocabulary::{Account, BusinessDay, MerchantId, Sku};

/// Which sales to sum up. Everything that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Paid on this business day or later.
    pub from: Option<BusinessDay>,
    /// Paid on this business day or earlier.
    pub to: Option<BusinessDay>,
    /// On this account.
    pub account: Option<Account>,
    /// Of this item.
    pub sku: Option<Sku>,
}

/// Sales of one item on one account in one currency, paid on one business day. Amounts are in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaySales {
    /// The business day in Shanghai, `yyyy-mm-dd`.
    pub paid_date: String,
    /// The account, `channel/shop`.
    pub channel: String,
    /// The item.
    pub sku: String,
    /// The currency.
    pub currency: String,
    /// Paid orders with a line of the item.
    pub orders_count: i64,
    /// Units in them.
    pub units_count: i64,
    /// Paid.
    pub gross_fen: i64,
    /// Units delivered.
    pub delivered_count: i64,
    /// Refunds settled.
    pub refund_count: i64,
    /// Paid back.
    pub refund_fen: i64,
    /// Recorded losses.
    pub loss_fen: i64,
    /// Paid less paid back.
    pub net_fen: i64,
}

/// Sales by day, account, item and currency, in that order.
pub async fn by_day(
    db: impl SqliteExecutor<'_>,
    merchant: &MerchantId,
    filter: &Filter,
) -> Result<Vec<DaySales>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT paid_date, channel, sku, currency, orders_count, units_count, gross_fen, delivered_count,
                refund_count, refund_fen, loss_fen, net_fen
         FROM mart_sales_day
         WHERE merchant = ?1 AND paid_date >= ?2 AND paid_date <= ?3
           AND (?4 IS NULL OR channel = ?4) AND (?5 IS NULL OR sku = ?5)
         ORDER BY paid_date, channel, sku, currency",
    )
    .bind(merchant.as_str())
    .bind(filter.from.map_or_else(|| "0000".to_owned(), |day| day.to_string()))
    .bind(filter.to.map_or_else(|| "9999".to_owned(), |day| day.to_string()))
    .bind(filter.account.as_ref().map(Account::as_str))
    .bind(filter.sku.as_ref().map(Sku::as_str))
    .fetch_all(db)
    .await?;
    rows.iter().map(day_of).collect()
}

fn day_of(row: &SqliteRow) -> Result<DaySales, sqlx::Error> {
    Ok(DaySales {
        paid_date: row.try_get(0)?,
        channel: row.try_get(1)?,
        sku: row.try_get(2)?,
        currency: row.try_get(3)?,
        orders_count: row.try_get(4)?,
        units_count: row.try_get(5)?,
        gross_fen: row.try_get(6)?,
        delivered_count: row.try_get(7)?,
        refund_count: row.try_get(8)?,
        refund_fen: row.try_get(9)?,
        loss_fen: row.try_get(10)?,
        net_fen: row.try_get(11)?,
    })
}
