//! The beats of the story: what happens to the shop on which day, whatever the seed. `docs/demo.md` tells it.

use engine::OperatorCommand;
use rand::Rng;
use serde_json::json;
use vocabulary::{KeyRef, Timestamp};

use super::{
    Profile,
    catalogue::{
        DAY, DEAR_ITEM, ITEMS, KEEPER, LATE_ITEM, Place, SCARCE_ITEM, START, SUPPORT, account, yuan,
    },
    shop::{Shop, Step},
    truth::{Bill, OrderNo},
    wire,
};

/// A part of the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beat {
    StormBegins,
    StormEnds,
    SameNumber,
    WrongAmount,
    FlashSale,
    FlashEnds,
    BackBeforePaid,
    PaidAfterCancel,
    NewPrice,
    OldPrice,
    Launch,
    BadKeys,
    BuyOut,
    JdStops,
    JdGoesOn,
    NeverComes,
}

/// When what happens: the day, counted from 1, and the hour.
const CALENDAR: [(i64, i64, Beat); 16] = [
    (3, 10, Beat::StormBegins),
    (3, 14, Beat::StormEnds),
    (5, 11, Beat::SameNumber),
    (6, 15, Beat::WrongAmount),
    (7, 20, Beat::FlashSale),
    (7, 21, Beat::FlashEnds),
    (9, 13, Beat::BackBeforePaid),
    (9, 14, Beat::PaidAfterCancel),
    (10, 9, Beat::NewPrice),
    (11, 9, Beat::Launch),
    (12, 16, Beat::BadKeys),
    (15, 10, Beat::BuyOut),
    (18, 12, Beat::JdStops),
    (18, 14, Beat::JdGoesOn),
    (20, 9, Beat::OldPrice),
    (22, 10, Beat::NeverComes),
];

/// An instant of the calendar.
fn at(day: i64, hour: i64) -> Timestamp {
    START.plus_secs((day - 1) * DAY + hour * 3_600)
}

impl Shop {
    /// Plans the story of so many days, and returns when it ends.
    pub(crate) async fn plan_story(&mut self, days: i64) -> anyhow::Result<Timestamp> {
        if self.profile == Profile::Flash {
            return self.plan_one_sale().await;
        }
        for (day, hour, beat) in CALENDAR {
            self.plan_at(at(day, hour), Step::Beat(beat));
        }
        for day in 0..days {
            self.plan_day(day);
        }
        Ok(START.plus_secs(days * DAY))
    }

    pub(super) async fn beat(&mut self, beat: Beat) -> anyhow::Result<()> {
        match beat {
            Beat::StormBegins => self.storm_begins().await,
            Beat::StormEnds => {
                self.storm = false;
                Ok(())
            }
            Beat::SameNumber => self.same_number().await,
            Beat::WrongAmount => self.wrong_amount().await,
            Beat::FlashSale => self.flash_sale().await,
            Beat::FlashEnds => self.quotas([0, 0, 0], None, "the sale is over").await,
            Beat::BackBeforePaid => self.back_before_paid().await,
            Beat::PaidAfterCancel => self.paid_after_cancel().await,
            Beat::NewPrice => self.new_price().await,
            Beat::OldPrice => self.set_price(0, ITEMS[0].price, "the promotion is over").await,
            Beat::Launch => self.launch().await,
            Beat::BadKeys => self.bad_keys().await,
            Beat::BuyOut => self.buy_out().await,
            Beat::JdStops => self.jd_stops().await,
            Beat::JdGoesOn => {
                let (account, reason) = (account(Place::Jd.account())?, "JD is sane again".to_owned());
                self.must(KEEPER, OperatorCommand::Resume { account, reason }).await.map(|_| ())
            }
            Beat::NeverComes => self.never_comes().await,
        }
    }

    /// Messages come twice, in the wrong order and forged, and some that nobody understands.
    async fn storm_begins(&mut self) -> anyhow::Result<()> {
        self.storm = true;
        for _ in 0..self.profile.visits_a_day() {
            self.plan_in(60..4 * 3_600 - 60, Step::Visit);
        }
        let unknown = json!({ "type": "order.rated", "data": { "external_order_id": "OW-1", "stars": 5 } });
        let parked = self.tell_generic(Place::Own, "rated-1", &unknown).await?;
        let first = self.tell_generic(Place::Own, "ping-1", &json!({ "type": "ping" })).await?;
        let other = wire::generic(Place::Own, "ping-1", self.now(), &json!({ "type": "ping", "data": {} }));
        let conflict = self.ask(other).await?;
        if (parked.status, first.status, conflict.status) != (200, 200, 409) {
            self.truth.fault(format!("a message id was used twice, and: {}", conflict.excerpt()));
        }
        Ok(())
    }

    /// The same order number on two platforms is two orders.
    async fn same_number(&mut self) -> anyhow::Result<()> {
        let number = self.site_number(Place::Own);
        let total = self.sale(Place::Own, &number, 0, 1);
        let answer = self.create_on_site(&number, 0, 1, total, 1).await?;
        if answer.status == 200 {
            self.accepted(Place::Own, &number, false);
        }
        self.sell_at_counter(number.clone(), 3, 1).await?;
        self.plan_in(60..300, Step::Pay(number, total));
        Ok(())
    }

    /// A buyer pays one fen less than the order costs: the gateway has the money, and Kami does not take it
    /// for paid.
    async fn wrong_amount(&mut self) -> anyhow::Result<()> {
        let Some((number, total)) = self.own_order(3).await? else { return Ok(()) };
        self.pay(&number, total - 1).await
    }

    /// An order of the own site that is neither paid nor planned to be.
    async fn own_order(&mut self, item: usize) -> anyhow::Result<Option<(String, i64)>> {
        let number = self.site_number(Place::Own);
        let total = self.sale(Place::Own, &number, item, 1);
        let answer = self.create_on_site(&number, item, 1, total, 2).await?;
        if answer.status != 200 {
            return Ok(None);
        }
        self.accepted(Place::Own, &number, false);
        Ok(Some((number, total)))
    }

    /// How many of an item the counter could sell now.
    pub(super) async fn available(&mut self, item: usize) -> anyhow::Result<u32> {
        let message = json!({ "type": "stock.query", "data": { "sku": ITEMS[item].sku } });
        let id = format!("stock-{}", self.number());
        let answer = self.ask(wire::generic(Place::Pos, &id, self.now(), &message)).await?;
        let available = answer.json()["items"][0]["available"].as_u64().unwrap_or_default();
        Ok(u32::try_from(available).unwrap_or(u32::MAX))
    }

    /// The news that the money went back comes before the news that it came.
    async fn back_before_paid(&mut self) -> anyhow::Result<()> {
        let Some((number, total)) = self.own_order(0).await? else { return Ok(()) };
        let bill = Bill { txn: format!("2026{:010}", self.number()), paid: total, refunded: 0 };
        self.truth.lock().bills.insert(number.clone(), bill.clone());
        let order: OrderNo = (Place::Own, number.clone());
        self.paid_back(order).await?;
        let answer = self.notify_paid(&number, &bill).await?;
        match self.truth.lock().sale(Place::Own, &number) {
            Some(sale) if answer.body == b"success" => sale.paid = total,
            _ => {}
        }
        Ok(())
    }

    /// The order was called off while its buyer was paying: the money goes back, and no key leaves.
    async fn paid_after_cancel(&mut self) -> anyhow::Result<()> {
        let Some((number, total)) = self.own_order(7).await? else { return Ok(()) };
        self.cancel(&number).await?;
        self.plan_in(30..120, Step::Pay(number, total));
        Ok(())
    }

    /// A new price; JD, which has not noticed, orders at the old one.
    async fn new_price(&mut self) -> anyhow::Result<()> {
        let old = self.price(Place::Jd, 0, 1);
        self.set_price(0, ITEMS[0].price * 96 / 100, "promotion").await?;
        let mut order = self.jd_purchase(0, 1, old);
        order["orderId"] = json!(format!("2036{:08}", self.number()));
        let answer = self.tell(wire::jd("card/order", self.now(), &order), false).await?;
        if answer.text(&["retCode"]) != "111" {
            self.truth.fault(format!("an order at an old price was answered with {}", answer.excerpt()));
        }
        Ok(())
    }

    /// A new item goes on sale, with keys from a supplier that nobody knows.
    async fn launch(&mut self) -> anyhow::Result<()> {
        self.launched = true;
        let count = self.lot(LATE_ITEM) * 2;
        self.import(LATE_ITEM, count, "lucky-keys").await?;
        for _ in 0..self.lot(LATE_ITEM) {
            let place = self.some_place();
            self.plan_in(60..30 * 3_600, Step::Buy(place, LATE_ITEM, 1));
        }
        Ok(())
    }

    /// Two in five buyers of the new item say that their key is refused. Of those who can be given another, the first three are given others of
    /// the same batch; then the batch is quarantined, and the rest are given keys of a better one.
    async fn bad_keys(&mut self) -> anyhow::Result<()> {
        let sold: Vec<(OrderNo, (vocabulary::BatchId, u32))> = {
            let truth = self.truth.lock();
            let of_item = truth.sales.iter().filter(|(_, sale)| sale.item == LATE_ITEM && sale.refunded == 0);
            of_item.filter_map(|(order, sale)| Some((order.clone(), *sale.keys.first()?))).collect()
        };
        let mut bad = Vec::new();
        for (order, key) in sold {
            if !self.chance(0.4) {
                continue;
            }
            if order.0.keeps_books() {
                // These platforms take the keys of an order once: the buyer wants the money back.
                self.plan_in(600..7_200, Step::AskBack(order));
            } else {
                bad.push((order, key));
            }
        }
        let Some((_, (batch, _))) = bad.first().cloned() else { return Ok(()) };
        for (n, (order, (batch_of_key, index))) in bad.into_iter().enumerate() {
            if n == 3 {
                self.import(LATE_ITEM, self.lot(LATE_ITEM) * 2, "keys-and-more").await?;
                let (sku, reason) = (ITEMS[LATE_ITEM].sku.parse()?, "buyers report dead keys".to_owned());
                self.must(KEEPER, OperatorCommand::Quarantine { sku, batch, keys: Vec::new(), reason })
                    .await?;
            }
            let (place, number) = (order.0, order.1.as_str());
            let named = Self::order(place, number)?;
            let text = "买家:卡密无效 / the buyer says the key is refused".to_owned();
            self.must(SUPPORT, OperatorCommand::Note { order: named.clone(), text }).await?;
            let key = KeyRef { batch: batch_of_key, index, use_no: 0 };
            let (reason, cost_owner) = ("dead on arrival".to_owned(), "supplier".to_owned());
            self.must(SUPPORT, OperatorCommand::Replace { order: named, key, reason, cost_owner }).await?;
            if matches!(place, Place::Own | Place::Pos | Place::Wechat) {
                self.plan_in(600..7_200, Step::Fetch(order, 1));
            }
        }
        Ok(())
    }

    /// A company buys all there is of an item. JD's orders are taken without keys, and fulfilled by call-back
    /// when the next batch comes.
    async fn buy_out(&mut self) -> anyhow::Result<()> {
        self.restocking.insert(SCARCE_ITEM);
        self.plan_in(6 * 3_600..6 * 3_600 + 60, Step::Restock(SCARCE_ITEM));
        let all = self.available(SCARCE_ITEM).await?.min(vocabulary::Quantity::MAX);
        if all > 0 {
            let number = format!("PS-{:06}", self.number());
            self.sell_at_counter(number, SCARCE_ITEM, all).await?;
        }
        for _ in 0..5 {
            self.plan_in(600..5 * 3_600, Step::Buy(Place::Jd, SCARCE_ITEM, 1));
        }
        Ok(())
    }

    /// The kill switch: for two hours nothing more leaves through JD. What is paid there waits.
    async fn jd_stops(&mut self) -> anyhow::Result<()> {
        let (account, reason) = (account(Place::Jd.account())?, "JD reports orders twice".to_owned());
        self.must(KEEPER, OperatorCommand::Suspend { account, reason }).await?;
        for _ in 0..6 {
            let item = self.rng.random_range(0..LATE_ITEM);
            self.plan_in(60..7_000, Step::Buy(Place::Jd, item, 1));
        }
        Ok(())
    }

    /// JD orders more of an item than will come within a day: the wait runs out, and the money goes back.
    async fn never_comes(&mut self) -> anyhow::Result<()> {
        self.restocking.insert(DEAR_ITEM);
        self.plan_in(26 * 3_600..27 * 3_600, Step::Restock(DEAR_ITEM));
        let more = (self.available(DEAR_ITEM).await? + 20).min(vocabulary::Quantity::MAX);
        let number = self.buy_on_jd(DEAR_ITEM, more).await?;
        // They were never sold.
        self.left[DEAR_ITEM] += i64::from(more);
        let order = Self::order(Place::Jd, &number)?;
        let total = yuan(self.price(Place::Jd, DEAR_ITEM, more));
        let text = format!("JD wants {more} at once for {total}; no supplier has that many");
        self.must(SUPPORT, OperatorCommand::Note { order, text }).await?;
        Ok(())
    }
}
