//! What happens to an order, from the buyer's click on.

use std::{sync::Arc, time::Duration};

use rand::Rng;
use serde_json::{Value, json};
use tokio::{sync::Semaphore, time};

use super::{
    Market,
    courier::{Answer, Letter},
    fate::{chance, hits},
    ledger::{Order, Payment, Refund, RefundStatus, Standing, key_digest},
    lock,
    options::Way,
};

/// How often the shop is asked whether it is there before the first order, in milliseconds.
const PROBE_MS: u64 = 200;

fn letter(topic: &str, id: String, body: &Value) -> Letter {
    Letter { topic: topic.to_owned(), id, body: body.to_string() }
}

impl Market {
    /// Places all orders.
    pub(super) async fn run(self: Arc<Self>) {
        let probe = letter("stock", "probe".to_owned(), &json!({}));
        while !self.attempt(&probe).await.is_ok() {
            time::sleep(Duration::from_millis(PROBE_MS)).await;
        }
        lock(&self.stats).forget_probes();
        let places = Arc::new(Semaphore::new(self.options.at_once));
        let pause = Duration::from_secs(1).checked_div(self.options.rate).unwrap_or_default();
        let mut due = time::Instant::now();
        for _ in 0..self.options.orders {
            time::sleep_until(due).await;
            due += pause;
            let Ok(place) = places.clone().acquire_owned().await else { return };
            let number = self.draw_order();
            let market = self.clone();
            self.spawn(async move {
                market.play(number).await;
                drop(place);
            });
        }
    }

    fn draw_order(&self) -> String {
        let index = self.next_order.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let options = &self.options;
        let mut rng = chance(options.seed, &format!("order/{index}"));
        let good = &options.goods[rng.random_range(0..options.goods.len())];
        let way = options.ways[rng.random_range(0..options.ways.len())];
        let quantity = rng.random_range(1..=options.quantity_max);
        self.open_order(index, way, &good.item, quantity)
    }

    /// Enters an order in the books; returns its number.
    pub(super) fn open_order(&self, index: u64, way: Way, item: &str, quantity: u32) -> String {
        let options = &self.options;
        let number = format!("MK-{}-{index:06}", options.seed);
        let mut rng = chance(options.seed, &format!("wishes/{index}"));
        let price = options.goods.iter().find(|good| good.item == item).map_or(1, |good| good.price_minor);
        let order = Order {
            way,
            item: item.to_owned(),
            quantity,
            amount_minor: price.saturating_mul(i64::from(quantity)),
            standing: Standing::Placed,
            payment: None,
            keys: Vec::new(),
            called_off: hits(&mut rng, options.cancel) && matches!(way, Way::Paid | Way::Reported),
            wants_refund: hits(&mut rng, options.refund),
        };
        lock(&self.ledger).orders.insert(number.clone(), order);
        if way != Way::Reported {
            self.pay(&number);
        }
        number
    }

    fn pay(&self, number: &str) {
        let mut ledger = lock(&self.ledger);
        let Some(order) = ledger.orders.get_mut(number) else { return };
        let payment = format!("PAY-{number}");
        order.payment = Some(payment.clone());
        order.standing = Standing::Paid;
        let paid = Payment { order: number.to_owned(), amount_minor: order.amount_minor };
        ledger.payments.insert(payment, paid);
    }

    /// Tells the merchant of an order, and acts on what it says.
    pub(super) async fn play(self: Arc<Self>, number: String) {
        let Some((order, body)) = self.order_body(&number) else { return };
        let cancels = order.called_off;
        match order.way {
            Way::Paid if cancels => {
                let paid = letter("order-paid", format!("paid-{number}"), &body);
                let (answer, _) = futures::join!(self.tell(paid), self.cancel(&number));
                self.taken(&number, &answer);
            }
            Way::Paid => {
                let answer = self.tell(letter("order-paid", format!("paid-{number}"), &body)).await;
                self.taken(&number, &answer);
            }
            Way::Hinted => {
                let hint = letter("order-changed", format!("changed-{number}"), &json!({ "order": number }));
                self.tell(hint).await;
            }
            Way::Reported => self.place_then_pay(&number, &body, cancels).await,
            Way::Purchase => {
                let answer = self.tell(letter("purchase", format!("purchase-{number}"), &body)).await;
                self.taken(&number, &answer);
                self.keys_in_reply(&number, &answer);
            }
        }
    }

    async fn place_then_pay(self: &Arc<Self>, number: &str, body: &Value, cancels: bool) {
        let answer = self.tell(letter("order-placed", format!("placed-{number}"), body)).await;
        self.taken(number, &answer);
        if !answer.is_ok() {
            return;
        }
        self.pay(number);
        let Some((order, _)) = self.order_body(number) else { return };
        let report = json!({
            "order": number,
            "payment": order.payment,
            "amount_minor": order.amount_minor,
            "currency": self.options.currency,
        });
        let report = letter("payment-reported", format!("payment-{number}"), &report);
        if cancels {
            futures::join!(self.tell(report), self.cancel(number));
        } else {
            self.tell(report).await;
        }
    }

    fn order_body(&self, number: &str) -> Option<(Order, Value)> {
        let order = lock(&self.ledger).orders.get(number).cloned()?;
        let body = json!({
            "order": number,
            "payment": order.payment,
            "lines": [{ "item": order.item, "quantity": order.quantity }],
            "amount_minor": order.amount_minor,
            "currency": self.options.currency,
            "buyer": format!("buyer-of-{number}"),
        });
        Some((order, body))
    }

    /// An order that the merchant does not take is over: the buyer keeps, or gets back, their money.
    fn taken(&self, number: &str, answer: &Answer) {
        if !answer.is_ok()
            && let Some(order) = lock(&self.ledger).orders.get_mut(number)
        {
            order.standing = Standing::Refused;
        }
    }

    fn keys_in_reply(self: &Arc<Self>, number: &str, answer: &Answer) {
        let Some(keys) = answer.body["keys"].as_array().filter(|keys| !keys.is_empty()) else { return };
        let digest = |key: &Value| key_digest(key["code"].as_str().unwrap_or_default(), key["pin"].as_str());
        let keys = keys.iter().map(digest).collect();
        lock(&self.ledger).hand_over(&format!("reply:{number}"), number, keys);
        self.after_delivery(number);
    }

    /// The buyer has the keys, and may want the money back all the same.
    pub(super) fn after_delivery(self: &Arc<Self>, number: &str) {
        let wants = lock(&self.ledger)
            .orders
            .get_mut(number)
            .is_some_and(|order| std::mem::take(&mut order.wants_refund));
        if wants {
            let (market, number) = (self.clone(), number.to_owned());
            self.spawn(async move {
                market.request_refund(&number).await;
            });
        }
    }

    /// The merchant had a refund paid: it is told so as well, as it would be of any other.
    pub(super) fn after_refund(self: &Arc<Self>, refund: String) {
        let market = self.clone();
        self.spawn(async move { market.settled(&refund).await });
    }

    pub(super) async fn cancel(&self, number: &str) -> Answer {
        self.call_off(number, true);
        let body = json!({ "order": number, "reason": "the buyer changed their mind" });
        let answer = self.tell(letter("order-cancelled", format!("cancelled-{number}"), &body)).await;
        if !answer.is_ok() {
            self.call_off(number, false);
        } else if let Some(order) = lock(&self.ledger).orders.get_mut(number)
            && matches!(order.standing, Standing::Placed | Standing::Paid)
        {
            order.standing = Standing::Cancelled;
        }
        answer
    }

    fn call_off(&self, number: &str, called_off: bool) {
        if let Some(order) = lock(&self.ledger).orders.get_mut(number) {
            order.called_off = called_off;
        }
    }

    pub(super) async fn request_refund(self: &Arc<Self>, number: &str) -> Answer {
        let refund = format!("RF-{number}");
        let amount_minor = lock(&self.ledger).orders.get(number).map_or(0, |order| order.amount_minor);
        let requested =
            Refund { order: number.to_owned(), amount_minor, status: RefundStatus::Requested, times: 0 };
        lock(&self.ledger).refunds.entry(refund.clone()).or_insert(requested);
        let body = self.refund_body(&refund, number, amount_minor);
        let answer = self.tell(letter("refund-requested", format!("requested-{refund}"), &body)).await;
        let agreed = matches!(answer.body["state"].as_str(), Some("cancelled" | "refunded"));
        // What an order that was called off cost comes back by the merchant's own refund.
        let called_off = lock(&self.ledger).orders.get(number).is_some_and(|order| order.called_off);
        if answer.is_ok() && agreed && !called_off {
            // Nothing was handed over: the marketplace pays by itself.
            lock(&self.ledger).settle(&refund, number, amount_minor, 0);
            self.settled(&refund).await;
        }
        answer
    }

    async fn settled(&self, refund: &str) {
        let found = lock(&self.ledger).refunds.get(refund).cloned();
        let Some(Refund { order, amount_minor, .. }) = found else { return };
        let body = self.refund_body(refund, &order, amount_minor);
        self.tell(letter("refund-settled", format!("settled-{refund}"), &body)).await;
    }

    fn refund_body(&self, refund: &str, order: &str, amount_minor: i64) -> Value {
        json!({
            "order": order,
            "refund": refund,
            "amount_minor": amount_minor,
            "currency": self.options.currency,
            "reason": "the buyer wants the money back",
        })
    }

    pub(super) async fn say(&self, topic: &str, message: &str, body: &Value) -> Answer {
        self.attempt(&letter(topic, message.to_owned(), body)).await
    }
}
