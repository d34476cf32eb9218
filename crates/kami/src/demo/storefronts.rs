//! How somebody buys at Taobao, Pinduoduo, Douyin, Xiaohongshu and Kuaishou: the platform takes the money, shows what stock it was
//! told of, and says to Kami only that an order changed.

use rand::Rng;

use super::{
    books::{Bought, Change, order_number},
    catalogue::{ITEMS, Place},
    shop::{Shop, Step},
    truth::OrderNo,
    wire::Wire,
};

impl Shop {
    pub(super) async fn buy_at(&mut self, place: Place, item: usize, quantity: u32) -> anyhow::Result<()> {
        let shown = self.truth.lock().books.in_stock(place, &ITEMS[item]);
        if shown < i64::from(quantity) {
            // The platform shows that it is sold out, and the buyer goes away.
            self.reorder(item, 3_600..3 * 3_600);
            return Ok(());
        }
        let (number, buyer) = (order_number(place, self.number()), self.some_buyer());
        let fen = self.sale(place, &number, item, quantity);
        let bought = Bought { number: &number, item: &ITEMS[item], quantity, fen, buyer };
        self.truth.lock().books.sell(place, &bought, self.now());
        self.accepted(place, &number, true);
        // What wants codes is repeated until it is taken; other messages may be lost, and then Kami finds the order in
        // the platform's list.
        let asks = matches!(place, Place::Taobao | Place::Kuaishou);
        if self.storm && !asks && self.chance(0.3) {
            self.lost += 1;
            return Ok(());
        }
        let order: OrderNo = (place, number);
        self.says(&order, Change::Paid).await?;
        self.after_bought(order, item);
        Ok(())
    }

    /// The keys are there, or are waited for.
    fn after_bought(&mut self, order: OrderNo, item: usize) {
        let waits = self.truth.lock().sales.get(&order).is_some_and(|sale| sale.keys.is_empty());
        if waits {
            self.reorder(item, 3_600..3 * 3_600);
            self.plan_in(26 * 3_600..30 * 3_600, Step::Wonder(order));
        } else if self.rng.random_range(0..100) < 4 {
            self.plan_in(1_800..48 * 3_600, Step::AskBack(order));
        }
    }

    /// A platform says that an order changed, and Kami looks at it.
    pub(super) async fn says(&mut self, order: &OrderNo, change: Change) -> anyhow::Result<()> {
        let (message, now) = (self.number(), self.now());
        let (place, number) = (order.0, order.1.as_str());
        let signed = self.truth.lock().books.says(place, number, change, message, now);
        let answer = self.tell(Wire::to(place.account(), signed), true).await?;
        if answer.status != 200 {
            self.truth.fault(format!("what {place} says of {number} was not taken: {}", answer.excerpt()));
        }
        Ok(())
    }

    /// A buyer who waited for a day looks again. Where there are still no keys, the platform pays back, and staff write
    /// it down.
    pub(super) async fn wonder(&mut self, order: OrderNo) -> anyhow::Result<()> {
        let waits = |sale: &super::truth::Sale| sale.keys.is_empty() && sale.refunded == 0;
        if self.truth.lock().sales.get(&order).is_some_and(waits) {
            self.paid_back(order).await?;
        }
        Ok(())
    }

    /// A buyer wants the money back of an order whose keys were handed over.
    pub(super) async fn ask_back_at(&mut self, order: OrderNo) -> anyhow::Result<()> {
        let now = self.now();
        {
            let mut truth = self.truth.lock();
            match truth.sale(order.0, &order.1) {
                // A platform has one refund for an order.
                Some(sale) if !sale.asked_back => sale.asked_back = true,
                _ => return Ok(()),
            }
            truth.books.want_back(order.0, &order.1, now);
        }
        self.says(&order, Change::WantsMoneyBack).await?;
        let agree = self.chance(0.7);
        self.plan_in(3_600..6 * 3_600, Step::AnswerBack(order, agree));
        Ok(())
    }
}
