//! What calls and answers do to the books. Every step may come twice; none does anything the second time.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ledger::{Delivery, Ledger, Refund, RefundStatus, Standing, Stock, key_digest},
    options::Options,
};

/// The answer to a call: a yes with its facts, or a no with its code.
pub(super) type Booked = Result<Value, &'static str>;

#[derive(Deserialize)]
pub(super) struct Key {
    code: String,
    pin: Option<String>,
}

impl Key {
    fn digest(&self) -> String {
        key_digest(&self.code, self.pin.as_deref())
    }
}

#[derive(Deserialize)]
pub(super) struct Deliver {
    pub(super) delivery: String,
    pub(super) order: String,
    pub(super) keys: Vec<Key>,
}

#[derive(Deserialize)]
pub(super) struct PushStock {
    item: String,
    available: u64,
    figure: u64,
}

#[derive(Deserialize)]
pub(super) struct PayBack {
    pub(super) refund: String,
    pub(super) order: String,
    amount_minor: i64,
    currency: String,
}

impl Ledger {
    pub(super) fn deliver(&mut self, call: &Deliver) -> Booked {
        let done = json!({ "delivery": call.delivery });
        let keys: Vec<String> = call.keys.iter().map(Key::digest).collect();
        if let Some(known) = self.deliveries.get_mut(&call.delivery) {
            if known.keys != keys || known.order != call.order {
                return Err("delivery_differs");
            }
            known.times += 1;
            return Ok(done);
        }
        let Some(order) = self.orders.get(&call.order) else { return Err("unknown_order") };
        if !matches!(order.standing, Standing::Paid | Standing::Delivered) {
            return Err("order_is_closed");
        }
        if keys.len() != order.quantity as usize {
            self.surprise(format!("{} keys for {}", keys.len(), call.order));
        }
        self.hand_over(&call.delivery, &call.order, keys);
        Ok(done)
    }

    /// Keys for an order: from a delivery, or from the reply to a purchase.
    pub(super) fn hand_over(&mut self, delivery: &str, number: &str, keys: Vec<String>) {
        for key in &keys {
            match self.keys.get(key) {
                Some(owner) if owner != number => {
                    self.surprises.push(format!("a key of {owner} came again for {number}"));
                }
                Some(_) => {}
                None => {
                    self.keys.insert(key.clone(), number.to_owned());
                }
            }
        }
        if let Some(order) = self.orders.get_mut(number) {
            for key in &keys {
                if !order.keys.contains(key) {
                    order.keys.push(key.clone());
                }
            }
            if order.standing == Standing::Paid {
                order.standing = Standing::Delivered;
            }
        }
        let delivered = Delivery { order: number.to_owned(), keys, times: 1 };
        self.deliveries.insert(delivery.to_owned(), delivered);
    }

    pub(super) fn push_stock(&mut self, call: &PushStock) -> Booked {
        let stock = self.stock.entry(call.item.clone()).or_default();
        let stale = stock.times > 0 && call.figure < stock.figure;
        if stale {
            stock.stale += 1;
        } else {
            let (times, stale) = (stock.times, stock.stale);
            *stock = Stock { available: call.available, figure: call.figure, times, stale };
        }
        stock.times += 1;
        Ok(json!({ "item": call.item, "stale": stale }))
    }

    pub(super) fn pay_back(&mut self, call: &PayBack, options: &Options) -> Booked {
        let done = json!({ "refund": call.refund });
        let Some(order) = self.orders.get(&call.order) else { return Err("unknown_order") };
        if order.payment.is_none() || call.currency != options.currency.as_str() || call.amount_minor < 1 {
            return Err("nothing_to_pay_back");
        }
        let paid = order.amount_minor;
        match self.refunds.get_mut(&call.refund) {
            Some(known) if known.order != call.order => return Err("refund_differs"),
            Some(known) if known.status == RefundStatus::Settled => {
                known.times += 1;
                return if known.amount_minor == call.amount_minor {
                    Ok(done)
                } else {
                    Err("refund_differs")
                };
            }
            _ => {}
        }
        if self.refunded(&call.order) + call.amount_minor > paid {
            self.surprise(format!("more is to be paid back of {} than was paid", call.order));
            return Err("too_much");
        }
        self.settle(&call.refund, &call.order, call.amount_minor, 1);
        Ok(done)
    }

    /// The money of a refund goes back.
    pub(super) fn settle(&mut self, number: &str, order: &str, amount_minor: i64, times: u32) {
        let status = RefundStatus::Settled;
        let refund = Refund { order: order.to_owned(), amount_minor, status, times };
        self.refunds.insert(number.to_owned(), refund);
        let refunded = self.refunded(order);
        if let Some(order) = self.orders.get_mut(order)
            && refunded >= order.amount_minor
        {
            order.standing = Standing::Refunded;
        }
    }

    /// An order as it is shown to the merchant.
    pub(super) fn detail(&self, number: &str, options: &Options) -> Booked {
        let Some(order) = self.orders.get(number) else { return Err("unknown_order") };
        let status = match order.standing {
            Standing::Placed => "placed",
            Standing::Paid | Standing::Delivered | Standing::Refunded => "paid",
            Standing::Refused | Standing::Cancelled => "cancelled",
        };
        let currency = options.currency;
        let refunds = self.refunds.iter().filter(|(_, refund)| refund.order == number);
        let refunds: Vec<Value> = refunds
            .map(|(refund, at)| {
                json!({ "refund": refund, "status": at.status, "amount_minor": at.amount_minor, "currency": currency })
            })
            .collect();
        Ok(json!({
            "order": number,
            "status": status,
            "payment": order.payment,
            "lines": [{ "item": order.item, "quantity": order.quantity }],
            "amount_minor": order.amount_minor,
            "currency": currency,
            "buyer": format!("buyer-of-{number}"),
            "refunds": refunds,
        }))
    }
}
