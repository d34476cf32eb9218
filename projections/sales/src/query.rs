//! Questions about sales.

use serde::{Deserialize, Serialize};
use sqlx::{Row, SqliteExecutor, sqlite::SqliteRow};
use vocabulary::{Account, BusinessDay, MerchantId, Sku};

/// Which sales to look at. Everything that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// On this business day or later.
    pub from: Option<BusinessDay>,
    /// On this business day or earlier.
    pub to: Option<BusinessDay>,
    /// On this account.
    pub account: Option<Account>,
    /// Of this item.
    pub sku: Option<Sku>,
}

/// Sales of one item on one account in one currency on one business day. Amounts are in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaySales {
    /// The business day in Shanghai, `yyyy-mm-dd`.
    pub business_date: String,
    /// The account, `channel/shop`.
    pub channel_id: String,
    /// The item.
    pub sku_id: String,
    /// The currency.
    pub currency: String,
    /// Paid orders with a line of the item.
    pub paid_count: i64,
    /// Units in them.
    pub units_count: i64,
    /// Paid.
    pub gross_fen: i64,
    /// Paid back.
    pub refund_fen: i64,
}

/// Sales by day, account, item and currency, in that order.
pub async fn by_day(
    db: impl SqliteExecutor<'_>,
    merchant: &MerchantId,
    filter: &Filter,
) -> Result<Vec<DaySales>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT business_date, channel_id, sku_id, currency, paid_count, units_count, gross_fen, refund_fen
         FROM mart_sales_day_sum
         WHERE merchant = ?1 AND business_date >= ?2 AND business_date <= ?3
           AND (?4 IS NULL OR channel_id = ?4) AND (?5 IS NULL OR sku_id = ?5)
         ORDER BY business_date, channel_id, sku_id, currency",
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
        business_date: row.try_get(0)?,
        channel_id: row.try_get(1)?,
        sku_id: row.try_get(2)?,
        currency: row.try_get(3)?,
        paid_count: row.try_get(4)?,
        units_count: row.try_get(5)?,
        gross_fen: row.try_get(6)?,
        refund_fen: row.try_get(7)?,
    })
}
