//! Events into rows.

use std::collections::BTreeSet;

use async_trait::async_trait;
use events::{Fact, order::PastRefundRecorded};
use projection::{ApplyError, Cache, Event, Fold, Rows, Value, Words, keys_json};
use sqlx::{Row, SqliteConnection};
use vocabulary::{Account, BuyerId, MerchantId, Money, OrderId};

use crate::TIMELINE;

/// Orders whose buyers are kept in memory between batches.
const HOT_ORDERS: usize = 50_000;

/// Whose order it is.
#[derive(Clone)]
struct Whose {
    buyer: BuyerId,
    account: Account,
}

pub(crate) struct TimelineFold {
    merchant: MerchantId,
    /// None for an order of which nobody knows who buys, or that is not placed yet.
    orders: Cache<OrderId, Option<Whose>>,
    rows: Rows,
    words: Words,
}

impl TimelineFold {
    pub(crate) fn new(merchant: &MerchantId) -> Self {
        Self {
            merchant: merchant.clone(),
            orders: Cache::new(HOT_ORDERS),
            rows: Rows::new(&TIMELINE, merchant),
            words: Words::default(),
        }
    }

    fn put(&mut self, event: &Event) {
        match &event.fact {
            Fact::BuyerRegistered(e) => self.put_identity(event, &e.buyer, Some(&e.account)),
            Fact::BuyerErased(e) => self.put_identity(event, &e.buyer, event.meta.channel.as_ref()),
            Fact::IdentityLinked(e) => self.put_identity(event, &e.buyer, event.meta.channel.as_ref()),
            Fact::IdentityUnlinked(e) => self.put_identity(event, &e.buyer, event.meta.channel.as_ref()),
            Fact::SearchRun(e) => self.put_search(event, &e.orders),
            fact => {
                let Some(order) = event.order.as_ref().filter(|_| event.is_of_order_stream()) else { return };
                let placed = match fact {
                    Fact::OrderPlaced(e) => Some((&e.buyer, &e.account)),
                    Fact::PastOrderRecorded(e) => Some((&e.buyer, &e.account)),
                    Fact::PastRefundRecorded(e) => {
                        return self.put_past_refund(event, e, Value::from(&order.text));
                    }
                    _ => None,
                };
                if let Some((buyer, account)) = placed {
                    let whose = buyer.clone().map(|buyer| Whose { buyer, account: account.clone() });
                    self.orders.insert(order.id, whose);
                }
                let Some((kind, amount)) = kind_of(fact) else { return };
                let Some(Some(whose)) = self.orders.get(&order.id).cloned() else { return };
                self.put_row(
                    event,
                    &whose.buyer,
                    Some(&whose.account),
                    kind,
                    Value::from(&order.text),
                    amount,
                );
            }
        }
    }

    fn put_identity(&mut self, event: &Event, buyer: &BuyerId, account: Option<&Account>) {
        self.put_row(event, buyer, account, "identity", buyer.as_str().into(), None);
    }

    /// That somebody searched for them is shown to each buyer whose order was found, once, beside the first of them.
    fn put_search(&mut self, event: &Event, orders: &[OrderId]) {
        let mut told = BTreeSet::new();
        for order in orders {
            let Some(Some(whose)) = self.orders.get(order).cloned() else { continue };
            if told.insert(whose.buyer.clone()) {
                let account = Some(&whose.account);
                self.put_row(event, &whose.buyer, account, "search", Value::text(order), None);
            }
        }
    }

    /// A refund of the past is no order that goes on: what is noted of it later is on nobody's timeline.
    fn put_past_refund(&mut self, event: &Event, refund: &PastRefundRecorded, reference: Value) {
        let Some(buyer) = &refund.buyer else { return };
        self.put_row(event, buyer, Some(&refund.account), "refund", reference, Some(refund.total));
    }

    fn put_row(
        &mut self,
        event: &Event,
        buyer: &BuyerId,
        account: Option<&Account>,
        kind: &'static str,
        reference: Value,
        amount: Option<Money>,
    ) {
        let values = [
            buyer.as_str().into(),
            event.position.into(),
            (&event.occurred_text).into(),
            self.words.share(account.map_or("", Account::as_str)),
            self.words.share(kind),
            reference,
            (&event.sentence_en).into(),
            (&event.sentence_zh).into(),
            amount.map(|amount| amount.minor).into(),
            self.words.share_maybe(amount.as_ref().map(|amount| amount.currency.as_str())),
        ];
        self.rows.push(event.position, values);
    }
}

#[async_trait]
impl Fold for TimelineFold {
    /// Finds whose orders the batch continues, by their first rows. What is not found is remembered as nobody's.
    async fn load(&mut self, events: &[Event], conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        let mut missing = BTreeSet::new();
        for event in events.iter().filter(|event| event.is_of_order_stream()) {
            let Some(order) = &event.order else { continue };
            if event.version.0 == 0 {
                self.orders.insert(order.id, None);
            } else if self.orders.get_mut(&order.id).is_none() {
                missing.insert(order.id);
                self.orders.insert(order.id, None);
            }
        }
        for event in events {
            let Fact::SearchRun(search) = &event.fact else { continue };
            for order in &search.orders {
                if self.orders.get_mut(order).is_none() {
                    missing.insert(*order);
                    self.orders.insert(*order, None);
                }
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let rows = sqlx::query(
            "SELECT ref_id, buyer_id, channel FROM fct_timeline
             WHERE merchant = ?1 AND kind = 'order' AND ref_id IN (SELECT value FROM json_each(?2))",
        )
        .bind(self.merchant.as_str())
        .bind(keys_json(missing))
        .fetch_all(conn)
        .await?;
        for row in rows {
            let (order, buyer) = (row.try_get::<&str, _>(0)?.parse()?, row.try_get::<&str, _>(1)?.parse()?);
            let account = row.try_get::<&str, _>(2)?.parse()?;
            self.orders.insert(order, Some(Whose { buyer, account }));
        }
        Ok(())
    }

    fn fold(&mut self, events: &[Event]) -> Result<(), ApplyError> {
        events.iter().for_each(|event| self.put(event));
        Ok(())
    }

    async fn write(&mut self, conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        self.rows.write(conn).await?;
        self.orders.settle();
        Ok(())
    }
}

/// What a buyer would call the event, and its amount; none where it does not concern them.
fn kind_of(fact: &Fact) -> Option<(&'static str, Option<Money>)> {
    Some(match fact {
        Fact::OrderPlaced(e) => ("order", Some(e.total)),
        Fact::PastOrderRecorded(e) => ("order", Some(e.total)),
        Fact::PaymentConfirmed(e) => ("payment", Some(e.amount)),
        Fact::PaymentDisputed(e) => ("payment", Some(e.amount)),
        Fact::OrderDelivered(_) => ("delivery", None),
        Fact::KeysRevealed(_) => ("view", None),
        Fact::KeyReplaced(_) => ("replacement", None),
        Fact::RefundRequested(e) => ("refund", e.amount),
        Fact::RefundRefused(_) => ("refund", None),
        Fact::RefundDue(e) => ("refund", Some(e.amount)),
        Fact::RefundSettled(e) => ("refund", Some(e.amount)),
        Fact::ClaimAttempted(_) => ("claim", None),
        Fact::OrderCancelled(_)
        | Fact::ReservationExpired(_)
        | Fact::OrderBackordered(_)
        | Fact::OrderHeld(_)
        | Fact::OrderReleased(_)
        | Fact::OrderNoted(_)
        | Fact::OrderClosed(_) => ("change", None),
        _ => return None,
    })
}
