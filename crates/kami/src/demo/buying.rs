//! How somebody buys, place by place: the messages each platform sends, and what it makes of the answers.

use rand::Rng;
use serde_json::json;

use super::{
    catalogue::{EPAY_PID, ITEMS, Place, WECHAT_PAY, yuan},
    line::Answer,
    shop::{Shop, Step},
    truth::{Bill, OrderNo, Sale},
    wire::{self, Wire},
};

impl Shop {
    /// Somebody buys so many of an item at a place.
    pub(super) async fn buy(&mut self, place: Place, item: usize, quantity: u32) -> anyhow::Result<()> {
        // What the place does not sell is bought on the own site.
        let sells = self.is_open(place.account()) && ITEMS[item].is_sold_at(place);
        let place = if sells { place } else { Place::Own };
        match place {
            Place::Own | Place::Wechat => self.buy_on_site(place, item, quantity).await,
            Place::Pos => self.buy_at_counter(item, quantity).await.map(|_| ()),
            Place::Xianyu => self.buy_on_xianyu(item, quantity).await,
            Place::Jd => self.buy_on_jd(item, quantity).await.map(|_| ()),
            Place::Taobao | Place::Pinduoduo | Place::Douyin | Place::Xiaohongshu | Place::Kuaishou => {
                self.buy_at(place, item, quantity).await
            }
        }
    }

    /// Notes a new order. Whether Kami took it turns out later.
    pub(super) fn sale(&mut self, place: Place, number: &str, item: usize, quantity: u32) -> i64 {
        let total = self.price(place, item, quantity);
        let sale = Sale { item, quantity, total, erp: (12, 0, 0), ..Sale::default() };
        self.truth.lock().sales.insert((place, number.to_owned()), sale);
        total
    }

    /// Kami took an order.
    pub(super) fn accepted(&mut self, place: Place, number: &str, paid: bool) {
        let taken = self.truth.lock().sale(place, number).map(|sale| {
            sale.accepted = true;
            if paid {
                sale.paid = sale.total;
            }
            (sale.item, sale.quantity)
        });
        if let Some((item, quantity)) = taken {
            self.sold(item, quantity);
        }
    }

    /// Kami turned an order down. For want of keys is the only reason that more keys would mend.
    pub(super) fn turned_down(
        &mut self,
        place: Place,
        item: usize,
        short: bool,
        answer: &Answer,
        expected: bool,
    ) {
        if short {
            self.reorder(item, 3_600..3 * 3_600);
        } else if !expected {
            self.truth.fault(format!("an order on {place} was turned down: {}", answer.excerpt()));
        }
    }

    async fn buy_on_site(&mut self, place: Place, item: usize, quantity: u32) -> anyhow::Result<()> {
        let number = self.site_number(place);
        let buyer = self.some_buyer();
        let total = self.sale(place, &number, item, quantity);
        if place == Place::Own && self.storm && self.chance(0.15) {
            // The gateway's word comes before the order's.
            self.pay(&number, total).await?;
        }
        if self.storm && self.chance(0.03) {
            self.cancel(&number).await?;
        }
        let answer = self.create_on_site(&number, item, quantity, total, buyer).await?;
        match answer.status {
            200 => self.accepted(place, &number, false),
            _ => {
                let code = answer.text(&["code"]);
                let short = ["out_of_stock", "quota_exhausted"].contains(&code.as_str());
                self.turned_down(place, item, short, &answer, false);
                return Ok(());
            }
        }
        let draw = self.rng.random_range(0..100);
        match draw {
            0..84 => self.plan_in(20..600, Step::Pay(number, total)),
            // The reservation has run out by then.
            84..90 => self.plan_in(1_000..3_600, Step::Pay(number, total)),
            90..95 => self.plan_in(60..600, Step::Cancel(number)),
            _ => {}
        }
        Ok(())
    }

    /// A number for an order of the own site or the mini program.
    pub(super) fn site_number(&mut self, place: Place) -> String {
        let letters = if place == Place::Wechat { "WX" } else { "OW" };
        format!("{letters}-{:06}", self.number())
    }

    /// The own site or the mini program reports an order.
    pub(super) async fn create_on_site(
        &mut self,
        number: &str,
        item: usize,
        quantity: u32,
        total: i64,
        buyer: u32,
    ) -> anyhow::Result<Answer> {
        let message = json!({ "type": "order.created", "data": {
            "external_order_id": number, "sku": ITEMS[item].sku, "quantity": quantity, "amount_minor": total,
            "currency": "CNY", "buyer_ref": format!("buyer-{buyer:05}"),
            "buyer": { "name": format!("买家{buyer}"), "phone": format!("139{buyer:08}"),
                "email": format!("buyer{buyer}@demo.test") } } });
        self.tell_generic(Place::of_site(number), &format!("created-{number}"), &message).await
    }

    /// An order of the own site or the mini program is paid at its gateway, and the gateway says so.
    pub(super) async fn pay(&mut self, number: &str, amount: i64) -> anyhow::Result<()> {
        let place = Place::of_site(number);
        let (paid, answer) = match place {
            Place::Wechat => (amount, self.notify_paid_in_wechat(number, amount).await?),
            _ => {
                let fresh = format!("2026{:010}", self.number());
                let bill = Bill { txn: fresh, paid: amount, refunded: 0 };
                let bill = self.truth.lock().bills.entry(number.to_owned()).or_insert(bill).clone();
                (bill.paid, self.notify_paid(number, &bill).await?)
            }
        };
        let acknowledged = match place {
            Place::Wechat => answer.status == 200,
            _ => answer.body == b"success",
        };
        let sale = self.truth.lock().sale(place, number).map(|sale| {
            if acknowledged {
                sale.paid = paid;
            }
            sale.clone()
        });
        if acknowledged && self.chance(0.97) {
            self.plan_in(5..240, Step::Fetch((place, number.to_owned()), 0));
        }
        if !acknowledged && sale.is_some_and(|sale| sale.accepted && sale.total == amount) {
            self.truth.fault(format!("a payment was not taken: {}", answer.excerpt()));
        }
        Ok(())
    }

    async fn notify_paid_in_wechat(&mut self, number: &str, fen: i64) -> anyhow::Result<Answer> {
        let now = self.now();
        let signed = {
            let mut truth = self.truth.lock();
            truth.books.wechat_pay.pay(number, fen);
            truth.books.wechat_pay.paid(number, now)
        };
        self.tell(Wire::to(WECHAT_PAY, signed), true).await
    }

    pub(super) async fn notify_paid(&mut self, number: &str, bill: &Bill) -> anyhow::Result<Answer> {
        let money = yuan(bill.paid).to_major_text();
        let wire = wire::epay(&[
            ("pid", EPAY_PID),
            ("trade_no", &bill.txn),
            ("out_trade_no", number),
            ("type", "alipay"),
            ("name", "card keys"),
            ("money", &money),
            ("trade_status", "TRADE_SUCCESS"),
        ]);
        self.tell(wire, true).await
    }

    pub(super) async fn cancel(&mut self, number: &str) -> anyhow::Result<()> {
        let message = json!({ "type": "order.cancelled",
            "data": { "external_order_id": number, "reason": "changed_mind" } });
        let place = Place::of_site(number);
        let answer = self.tell_generic(place, &format!("cancelled-{number}"), &message).await?;
        if answer.status != 200 {
            self.truth.fault(format!("a cancellation was not taken: {}", answer.excerpt()));
        }
        Ok(())
    }

    /// A buyer of the own site, the mini program or the counter fetches the keys; tries again while they are not there.
    pub(super) async fn fetch(&mut self, place: Place, number: String, tries: u32) -> anyhow::Result<()> {
        let message = json!({ "type": "keys.request", "data": { "external_order_id": number } });
        let id = format!("keys-{}", self.number());
        let answer = self.ask(wire::generic(place, &id, self.now(), &message)).await?;
        let body = answer.json();
        let keys = body["keys"].as_array().cloned().unwrap_or_default();
        for key in &keys {
            self.truth.lock().handed(place, &number, key["code"].as_str().unwrap_or_default());
        }
        let over = ["refunded", "cancelled"].contains(&body["state"].as_str().unwrap_or_default());
        if answer.status != 200 {
            self.truth.fault(format!("{place}:{number} could not be asked for: {}", answer.excerpt()));
        } else if keys.is_empty() && !over && tries < 20 {
            self.plan_in(3_600..3 * 3_600, Step::Fetch((place, number), tries + 1));
        } else if !keys.is_empty() && tries == 0 && matches!(place, Place::Own | Place::Wechat) {
            self.after_pick_up((place, number));
        }
        Ok(())
    }

    /// Some look again, some want their money back.
    fn after_pick_up(&mut self, order: OrderNo) {
        match self.rng.random_range(0..100) {
            0..8 => self.plan_in(3_600..40 * 3_600, Step::Fetch(order, 1)),
            8..13 => self.plan_in(1_800..48 * 3_600, Step::AskBack(order)),
            _ => {}
        }
    }

    /// Returns the order's number.
    pub(super) async fn buy_at_counter(&mut self, item: usize, quantity: u32) -> anyhow::Result<String> {
        let number = format!("PS-{:06}", self.number());
        self.sell_at_counter(number.clone(), item, quantity).await?;
        Ok(number)
    }

    pub(super) async fn sell_at_counter(
        &mut self,
        number: String,
        item: usize,
        quantity: u32,
    ) -> anyhow::Result<()> {
        let total = self.sale(Place::Pos, &number, item, quantity);
        let message = json!({ "type": "order.paid", "data": {
            "external_order_id": number, "sku": ITEMS[item].sku, "quantity": quantity, "amount_minor": total,
            "currency": "CNY", "occurred_at": self.now() } });
        let answer = self.tell_generic(Place::Pos, &format!("paid-{number}"), &message).await?;
        let body = answer.json();
        if answer.status != 200 {
            let short =
                ["out_of_stock", "quota_exhausted"].contains(&body["code"].as_str().unwrap_or_default());
            self.turned_down(Place::Pos, item, short, &answer, false);
            return Ok(());
        }
        self.accepted(Place::Pos, &number, true);
        for key in body["keys"].as_array().into_iter().flatten() {
            self.truth.lock().handed(Place::Pos, &number, key["code"].as_str().unwrap_or_default());
        }
        if self.chance(0.02) {
            self.plan_in(3_600..30 * 3_600, Step::AskBack((Place::Pos, number)));
        }
        Ok(())
    }
}
