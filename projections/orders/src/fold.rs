//! Events into rows.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use async_trait::async_trait;
use events::{ActorKind, Fact};
use projection::{ApplyError, Cache, Event, Fold, Rows, Value, Words, keys_json};
use sqlx::SqliteConnection;
use vocabulary::{Account, MerchantId, OrderId};

use crate::{Order, channels::Channels, tables};

/// Orders kept in memory between batches.
const HOT_ORDERS: usize = 50_000;

pub(crate) struct OrdersFold {
    merchant: MerchantId,
    orders: Cache<OrderId, Order>,
    order_rows: Rows,
    line_rows: Rows,
    event_rows: Rows,
    words: Words,
    channels: Channels,
}

impl OrdersFold {
    pub(crate) fn new(merchant: &MerchantId) -> Self {
        Self {
            merchant: merchant.clone(),
            orders: Cache::new(HOT_ORDERS),
            order_rows: Rows::new(&tables::ORDER, merchant),
            line_rows: Rows::new(&tables::ORDER_LINE, merchant),
            event_rows: Rows::new(&tables::ORDER_EVENT, merchant),
            words: Words::default(),
            channels: Channels::new(merchant),
        }
    }

    /// Reads the orders that the batch continues and that are not in memory.
    async fn load_orders(&mut self, events: &[Event], conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        let mut begun = HashSet::new();
        let mut missing = BTreeSet::new();
        for event in events.iter().filter(|event| event.is_of_order_stream()) {
            let Some(order) = &event.order else { continue };
            if event.version.0 == 0 {
                begun.insert(order.id);
            } else if !begun.contains(&order.id) && self.orders.get_mut(&order.id).is_none() {
                missing.insert(order.id);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let rows: Vec<String> = sqlx::query_scalar(
            "SELECT order_json FROM order_row
             WHERE merchant = ?1 AND order_id IN (SELECT value FROM json_each(?2))",
        )
        .bind(self.merchant.as_str())
        .bind(keys_json(missing))
        .fetch_all(conn)
        .await?;
        for row in rows {
            let order: Order = serde_json::from_str(&row)?;
            self.orders.insert(order.order, order);
        }
        Ok(())
    }

    /// An event of a journal that names orders belongs to the history of each.
    fn put_mentions(&mut self, event: &Event) {
        let orders: &[OrderId] = match &event.fact {
            Fact::SearchRun(e) => &e.orders,
            Fact::ExportMade(e) => e.order.as_slice(),
            Fact::JourneyOrdered(e) => std::slice::from_ref(&e.order),
            _ => return,
        };
        let mut named: Vec<OrderId> = orders.to_vec();
        named.sort_unstable();
        named.dedup();
        for order in named {
            let text: Arc<str> = order.to_string().into();
            let values = event_values(event, &text, &mut self.words);
            self.event_rows.push(event.position, values);
        }
    }

    fn put_order(&mut self, id: OrderId) -> Result<(), ApplyError> {
        let Some(order) = self.orders.get(&id) else { return Ok(()) };
        self.order_rows.push(order.last_pos, order_values(order)?);
        for (number, line) in (0_u16..).zip(&order.lines) {
            let values = [
                Value::text(order.order),
                number.into(),
                (&line.sku).into(),
                line.quantity.into(),
                line.amount.currency.as_str().into(),
                line.amount.minor.into(),
                Value::count(line.keys.len() as u64),
                keys_json(&line.keys).into(),
                line.is_waiting.into(),
            ];
            self.line_rows.push(order.last_pos, values);
        }
        Ok(())
    }
}

#[async_trait]
impl Fold for OrdersFold {
    async fn load(&mut self, events: &[Event], conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        self.channels.load(&self.merchant, conn).await?;
        self.load_orders(events, conn).await
    }

    fn fold(&mut self, events: &[Event]) -> Result<(), ApplyError> {
        let mut changed = BTreeSet::new();
        for event in events {
            let Some(order) = &event.order else {
                self.channels.apply(event);
                self.put_mentions(event);
                continue;
            };
            let values = event_values(event, &order.text, &mut self.words);
            self.event_rows.push(event.position, values);
            if event.is_of_order_stream() {
                let new = || Order::unknown(order.id, event.position);
                self.orders.entry(&order.id, new).apply(event);
                changed.insert(order.id);
            }
        }
        for id in changed {
            self.put_order(id)?;
        }
        Ok(())
    }

    async fn write(&mut self, conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        self.channels.write(conn).await?;
        self.order_rows.write(conn).await?;
        self.line_rows.write(conn).await?;
        self.event_rows.write(conn).await?;
        self.orders.settle();
        Ok(())
    }
}

fn order_values(order: &Order) -> Result<[Value; 27], ApplyError> {
    let mut skus = String::new();
    for line in &order.lines {
        if !skus.is_empty() {
            skus.push(',');
        }
        skus.push_str(&line.sku);
    }
    let delivery = order.delivery.map(serde_json::to_value).transpose()?;
    Ok([
        Value::text(order.order),
        order.account.as_ref().map(Account::as_str).into(),
        order.account.as_ref().map(Account::channel).into(),
        order.account.as_ref().map(Account::shop).into(),
        order.external_no.as_deref().into(),
        order.buyer.as_ref().map(|buyer| buyer.as_str()).into(),
        order.status().as_str().into(),
        order.is_held.into(),
        skus.into(),
        order.lines.iter().fold(0_i64, |sum, line| sum.saturating_add(line.quantity)).into(),
        Value::maybe(order.currency),
        order.total_fen.into(),
        order.paid_fen.into(),
        order.refund_due_fen().into(),
        order.refunded_fen().into(),
        order.loss_fen.into(),
        delivery.as_ref().and_then(|word| word.as_str()).into(),
        order.placed_at.into(),
        order.recorded_at.into(),
        order.paid_at.into(),
        order.delivered_at.into(),
        order.refunded_at.into(),
        order.closed_at.into(),
        order.deliver_ms().into(),
        order.first_pos.into(),
        Value::count(order.event_count),
        serde_json::to_string(order)?.into(),
    ])
}

fn event_values(event: &Event, order: &Arc<str>, words: &mut Words) -> [Value; 15] {
    let own = event.is_of_order_stream();
    [
        order.into(),
        event.position.into(),
        if own { Value::Null } else { words.share(event.stream.as_str()) },
        Value::count(event.version.0),
        words.share(event.fact.type_name()),
        words.share(actor_kind(event.meta.actor.kind)),
        words.share(&event.meta.actor.id),
        words.share_maybe(event.meta.channel.as_ref().map(Account::as_str)),
        event.meta.causation.map(Value::from).into(),
        event.meta.correlation.as_ref().map(|message| message.as_str()).into(),
        (&event.occurred_text).into(),
        (&event.recorded_text).into(),
        (&event.sentence_en).into(),
        (&event.sentence_zh).into(),
        words.share_maybe(event.fact.reason_code()),
    ]
}

fn actor_kind(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::Channel => "channel",
        ActorKind::Staff => "staff",
        ActorKind::Process => "process",
        ActorKind::Timer => "timer",
    }
}
