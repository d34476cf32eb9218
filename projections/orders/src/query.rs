//! Questions about orders. Amounts and instants are as in [`Order`].

use serde::{Deserialize, Serialize};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteExecutor, sqlite::SqliteRow};
use vocabulary::{Account, BuyerId, ChannelCode, MerchantId, OrderId, Position, Sku, Timestamp};

use crate::{Order, Reference, Status};

/// Shorter beginnings of an order number match too much to be of use.
const PREFIX_MIN: usize = 4;

/// An order that fits a reference, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// The order.
    pub order: Order,
    /// Why it was found: `our_id`, `order_no` or `order_no_prefix`, the surest first.
    pub reason: &'static str,
}

/// One event of an order's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Its place in the log.
    pub position: Position,
    /// The stream it stands in: the order's own, a key pool's, or a journal of staff.
    pub stream: String,
    /// Its place in that stream.
    pub version: u64,
    /// The event type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// What sort of actor caused it.
    pub actor_kind: String,
    /// Which actor.
    pub actor_id: String,
    /// The account concerned.
    pub channel: Option<String>,
    /// The position of the event that led directly to it.
    pub cause: Option<Position>,
    /// The inbound message at the start of the conversation.
    pub correlation: Option<String>,
    /// When it happened, by the reporter's clock (RFC 3339).
    pub occurred_at: String,
    /// When we recorded it (RFC 3339).
    pub recorded_at: String,
    /// What it says, in English.
    pub sentence_en: String,
    /// What it says, in Chinese.
    pub sentence_zh: String,
}

/// Which orders to list. Everything that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// In this state.
    pub state: Option<Status>,
    /// Placed on this account.
    pub account: Option<Account>,
    /// Placed on any shop of this channel.
    pub channel: Option<ChannelCode>,
    /// With a line of this item.
    pub sku: Option<Sku>,
    /// By this buyer.
    pub buyer: Option<BuyerId>,
    /// Held back by a person, or not.
    pub is_held: Option<bool>,
    /// Placed at or after this instant.
    pub placed_from: Option<Timestamp>,
    /// Placed before this instant.
    pub placed_until: Option<Timestamp>,
}

/// A part of a list, newest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Page {
    /// The orders.
    pub orders: Vec<Order>,
    /// Where the next page begins; none after the last.
    pub next: Option<Position>,
}

/// The order with our id.
pub async fn by_id(
    db: impl SqliteExecutor<'_>,
    merchant: &MerchantId,
    order: OrderId,
) -> Result<Option<Order>, sqlx::Error> {
    let row = sqlx::query("SELECT order_json FROM order_row WHERE merchant = ? AND order_id = ?")
        .bind(merchant.as_str())
        .bind(order.to_string())
        .fetch_optional(db)
        .await?;
    row.as_ref().map(order_of).transpose()
}

/// The orders that fit a reference, at most `limit`: exact matches first, then order numbers that begin with the
/// given one (of at least four characters); among equals the newest first.
pub async fn find(
    db: impl SqliteExecutor<'_>,
    merchant: &MerchantId,
    reference: &Reference,
    limit: u32,
) -> Result<Vec<Found>, sqlx::Error> {
    let mut sql = QueryBuilder::new("SELECT order_json, platform_order_no FROM order_row WHERE merchant = ");
    sql.push_bind(merchant.as_str().to_owned());
    let number = match reference {
        Reference::Id(id) => {
            sql.push(" AND order_id = ").push_bind(id.to_string());
            None
        }
        Reference::Account(account, number) => {
            // Interfaces that serve one shop share its order numbers.
            sql.push(" AND (channel = ").push_bind(account.to_string());
            sql.push(" OR channel IN (SELECT b.channel FROM channel_row AS a JOIN channel_row AS b USING (merchant, orders_of)");
            sql.push(" WHERE a.merchant = ").push_bind(merchant.as_str().to_owned());
            sql.push(" AND a.channel = ").push_bind(account.to_string()).push("))");
            Some(number)
        }
        Reference::Channel(channel, number) => {
            sql.push(" AND channel_code = ").push_bind(channel.to_string());
            Some(number)
        }
        Reference::Number(number) => Some(number),
    };
    if let Some(number) = number {
        let prefix = matches!(reference, Reference::Number(text) if text.len() >= PREFIX_MIN);
        sql.push(" AND platform_order_no >= ").push_bind(number.clone());
        // A text that begins with the number is at most the number and the greatest character.
        let last = if prefix { format!("{number}\u{10FFFF}") } else { number.clone() };
        sql.push(" AND platform_order_no <= ").push_bind(last);
        sql.push(" ORDER BY platform_order_no <> ").push_bind(number.clone()).push(", first_pos DESC");
    }
    sql.push(" LIMIT ").push_bind(i64::from(limit));
    let rows = sql.build().fetch_all(db).await?;
    let found = |row: &SqliteRow| {
        let exact = number.is_none_or(|number| row.try_get::<&str, _>(1).is_ok_and(|found| found == number));
        let reason = match (number, exact) {
            (None, _) => "our_id",
            (Some(_), true) => "order_no",
            (Some(_), false) => "order_no_prefix",
        };
        Ok(Found { order: order_of(row)?, reason })
    };
    rows.iter().map(found).collect()
}

/// The history of an order: its own events and those of key pools that name it, from after a position on.
pub async fn history(
    db: impl SqliteExecutor<'_>,
    merchant: &MerchantId,
    order: OrderId,
    after: Position,
    limit: u32,
) -> Result<Vec<HistoryEntry>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT pos, COALESCE(other_stream, order_id), version, type, actor_kind, actor_id, channel, cause_pos, correlation_id,
                occurred_at, recorded_at, sentence_en, sentence_zh
         FROM fct_order_event WHERE merchant = ? AND order_id = ? AND pos > ? ORDER BY pos LIMIT ?",
    )
    .bind(merchant.as_str())
    .bind(order.to_string())
    .bind(i64::try_from(after.0).unwrap_or(i64::MAX))
    .bind(i64::from(limit))
    .fetch_all(db)
    .await?;
    rows.iter().map(entry_of).collect()
}

/// Where in the log events of other streams concern the order, in order, at most `limit`: the newest are left out
/// where there are more.
pub async fn positions_elsewhere(
    db: impl SqliteExecutor<'_>,
    merchant: &MerchantId,
    order: OrderId,
    limit: u32,
) -> Result<Vec<Position>, sqlx::Error> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT pos FROM fct_order_event
         WHERE merchant = ? AND order_id = ? AND other_stream IS NOT NULL ORDER BY pos LIMIT ?",
    )
    .bind(merchant.as_str())
    .bind(order.to_string())
    .bind(i64::from(limit))
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|pos| Position(u64::try_from(pos).unwrap_or(0))).collect())
}

/// Orders that pass a filter, the newest first, at most `limit`; `before` is the `next` of the page before.
pub async fn list(
    db: impl SqliteExecutor<'_>,
    merchant: &MerchantId,
    filter: &Filter,
    before: Option<Position>,
    limit: u32,
) -> Result<Page, sqlx::Error> {
    let mut sql = QueryBuilder::new("SELECT order_json FROM order_row AS o WHERE merchant = ");
    sql.push_bind(merchant.as_str().to_owned());
    restrict(&mut sql, filter);
    if let Some(before) = before {
        sql.push(" AND first_pos < ").push_bind(i64::try_from(before.0).unwrap_or(i64::MAX));
    }
    // One more than asked for tells whether there is another page.
    sql.push(" ORDER BY first_pos DESC LIMIT ").push_bind(i64::from(limit) + 1);
    let rows = sql.build().fetch_all(db).await?;
    let mut orders = rows.iter().map(order_of).collect::<Result<Vec<_>, _>>()?;
    let limit = limit as usize;
    let more = orders.len() > limit;
    orders.truncate(limit);
    let next = orders.last().filter(|_| more).map(|order| order.first_pos);
    Ok(Page { orders, next })
}

fn restrict(sql: &mut QueryBuilder<Sqlite>, filter: &Filter) {
    let equals = [
        (" AND state = ", filter.state.map(|state| state.as_str().to_owned())),
        (" AND channel = ", filter.account.as_ref().map(ToString::to_string)),
        (" AND channel_code = ", filter.channel.as_ref().map(ToString::to_string)),
        (" AND buyer_id = ", filter.buyer.as_ref().map(ToString::to_string)),
        (" AND placed_at >= ", filter.placed_from.map(|at| at.to_string())),
        (" AND placed_at < ", filter.placed_until.map(|at| at.to_string())),
    ];
    for (condition, value) in equals {
        if let Some(value) = value {
            sql.push(condition).push_bind(value);
        }
    }
    if let Some(is_held) = filter.is_held {
        sql.push(" AND is_held = ").push_bind(is_held);
    }
    if let Some(sku) = &filter.sku {
        sql.push(" AND EXISTS (SELECT 1 FROM fct_order_line AS l WHERE l.merchant = o.merchant AND l.order_id = o.order_id AND l.sku = ");
        sql.push_bind(sku.to_string()).push(")");
    }
}

fn order_of(row: &SqliteRow) -> Result<Order, sqlx::Error> {
    serde_json::from_str(row.try_get(0)?).map_err(|error| sqlx::Error::Decode(error.into()))
}

fn entry_of(row: &SqliteRow) -> Result<HistoryEntry, sqlx::Error> {
    let count = |stored: i64| u64::try_from(stored).unwrap_or(0);
    Ok(HistoryEntry {
        position: Position(count(row.try_get(0)?)),
        stream: row.try_get(1)?,
        version: count(row.try_get(2)?),
        type_name: row.try_get(3)?,
        actor_kind: row.try_get(4)?,
        actor_id: row.try_get(5)?,
        channel: row.try_get(6)?,
        cause: row.try_get::<Option<i64>, _>(7)?.map(|pos| Position(count(pos))),
        correlation: row.try_get(8)?,
        occurred_at: row.try_get(9)?,
        recorded_at: row.try_get(10)?,
        sentence_en: row.try_get(11)?,
        sentence_zh: row.try_get(12)?,
    })
}
