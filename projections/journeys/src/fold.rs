//! Events into rows. A row follows from its event alone, so nothing is kept in memory.

use async_trait::async_trait;
use events::{
    Fact,
    journey::{JourneyOrdered, TouchRecorded},
};
use projection::{ApplyError, Event, Fold, Rows, Value, Words};
use sqlx::SqliteConnection;
use vocabulary::MerchantId;

use crate::{JOURNEY_ORDER, TOUCH};

pub(crate) struct JourneysFold {
    touches: Rows,
    orders: Rows,
    words: Words,
}

impl JourneysFold {
    pub(crate) fn new(merchant: &MerchantId) -> Self {
        let (touches, orders) = (Rows::new(&TOUCH, merchant), Rows::new(&JOURNEY_ORDER, merchant));
        Self { touches, orders, words: Words::default() }
    }

    fn put_touch(&mut self, event: &Event, touch: &TouchRecorded) {
        let words = &mut self.words;
        let values = [
            touch.journey.as_str().into(),
            event.position.into(),
            (&event.occurred_text).into(),
            (&event.recorded_text).into(),
            words.share(touch.kind.as_str()),
            words.share(touch.account.as_str()),
            words.share(&touch.source),
            touch.content.as_deref().into(),
            words.share_maybe(touch.format.as_deref()),
            words.share_maybe(touch.campaign.as_deref()),
            touch.buyer.as_ref().map(|buyer| buyer.as_str()).into(),
        ];
        self.touches.push(event.position, values);
    }

    fn put_order(&mut self, event: &Event, ordered: &JourneyOrdered) {
        let values = [
            ordered.journey.as_str().into(),
            event.position.into(),
            Value::text(ordered.order),
            (&event.occurred_text).into(),
        ];
        self.orders.push(event.position, values);
    }
}

#[async_trait]
impl Fold for JourneysFold {
    async fn load(&mut self, _: &[Event], _: &mut SqliteConnection) -> Result<(), ApplyError> {
        Ok(())
    }

    fn fold(&mut self, events: &[Event]) -> Result<(), ApplyError> {
        for event in events {
            match &event.fact {
                Fact::TouchRecorded(touch) => self.put_touch(event, touch),
                Fact::JourneyOrdered(ordered) => self.put_order(event, ordered),
                _ => {}
            }
        }
        Ok(())
    }

    async fn write(&mut self, conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        self.touches.write(conn).await?;
        self.orders.write(conn).await
    }
}
