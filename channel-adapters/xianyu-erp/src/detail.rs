//! An order as goofish shows it when asked, and what it means to us.

use channel::{AmountCheck, Ask, BuyerAsk, Inbound, Kind, LineAsk, OrderAsk, RefundAsk, Shortage, Stage};
use serde::Deserialize;
use vocabulary::{Currency, DeliveryMethod, Money, Quantity, Secret, Timestamp};

use crate::status::{OrderStatus, RefundStatus, is_card_order, order_status, refund_status};

/// The fields of `order/detail` that we use. Amounts are fen, times Unix seconds (0: not happened).
#[derive(Deserialize)]
pub(crate) struct Detail {
    pub(crate) order_no: String,
    order_status: i64,
    order_type: i64,
    refund_status: i64,
    #[serde(default)]
    pay_amount: i64,
    #[serde(default)]
    refund_amount: i64,
    #[serde(default)]
    pay_time: i64,
    #[serde(default)]
    refund_time: i64,
    #[serde(default)]
    cancel_time: i64,
    #[serde(default)]
    update_time: i64,
    #[serde(default)]
    cancel_reason: Option<String>,
    buyer_eid: Option<String>,
    buyer_nick: Option<String>,
    goods: Option<Goods>,
}

#[derive(Deserialize)]
struct Goods {
    quantity: i64,
    product_id: Option<i64>,
    sku_id: Option<i64>,
    outer_id: Option<String>,
    sku_outer_id: Option<String>,
}

impl Goods {
    /// The codes that the merchant gave the item, the more precise first; else goofish's own numbers, written
    /// as in stock pushes.
    fn item(&self) -> Option<String> {
        let given = |text: &Option<String>| text.clone().filter(|t| !t.is_empty() && t.len() <= 128);
        let own = || {
            let product = self.product_id.filter(|id| *id > 0)?;
            Some(match self.sku_id.filter(|id| *id > 0) {
                Some(sku) => format!("{product}/{sku}"),
                None => product.to_string(),
            })
        };
        given(&self.sku_outer_id).or_else(|| given(&self.outer_id)).or_else(own)
    }
}

impl Detail {
    /// What the order's state says, as messages. Their ids are made of that state, so reading the same state
    /// again gives repeats. Never empty: a state that asks for nothing says so.
    pub(crate) fn messages(&self, deliver_orders: bool) -> Vec<Inbound> {
        let mut messages = Vec::new();
        messages.extend(self.order_message(deliver_orders));
        messages.extend(self.refund_message());
        if messages.is_empty() {
            let seen = format!("{}:{}:{}", self.order_status, self.refund_status, self.update_time);
            messages.push(self.message(&seen, self.update_time, String::new(), Ask::Nothing));
        }
        messages
    }

    fn order_message(&self, deliver_orders: bool) -> Option<Inbound> {
        match order_status(self.order_status) {
            OrderStatus::Paid if deliver_orders && is_card_order(self.order_type) => self.paid(),
            OrderStatus::Closed => Some(self.cancelled()),
            OrderStatus::Unlisted => Some(self.unmapped(format!("order_status {}", self.order_status))),
            OrderStatus::Unpaid | OrderStatus::Paid | OrderStatus::HandedOver | OrderStatus::Refunded => None,
        }
    }

    /// A paid order becomes ours to fulfil, unless its buyer wants the money back: keys handed out now are
    /// lost. Should the refund be turned down, the next read takes the order.
    fn paid(&self) -> Option<Inbound> {
        if !matches!(refund_status(self.refund_status), RefundStatus::None | RefundStatus::Refused) {
            return None;
        }
        let line = self.goods.as_ref().and_then(|goods| {
            Some(LineAsk { item: goods.item()?, quantity: Quantity::try_from(goods.quantity).ok()? })
        });
        let Some(line) = line.filter(|_| self.pay_amount > 0) else {
            return Some(self.unmapped("paid order without goods or amount".to_owned()));
        };
        let content = format!("{}|{}|{}", line.item, line.quantity.get(), self.pay_amount);
        let ask = Ask::Order(OrderAsk {
            external_no: self.order_no.clone(),
            lines: vec![line],
            amount: AmountCheck::PlatformPrice(Money::new(self.pay_amount, Currency::CNY)),
            stage: Stage::Paid { txn: self.order_no.clone() },
            buyer: self.buyer(),
            shortage: Shortage::Backorder,
            // The platform has no call that ships a virtual item, so the buyer fetches the keys.
            delivery: DeliveryMethod::Pickup,
            journey: None,
            memo: None,
        });
        Some(self.message("12", self.pay_time, content, ask))
    }

    fn buyer(&self) -> Option<BuyerAsk> {
        let eid = self.buyer_eid.clone().filter(|eid| !eid.is_empty())?;
        let nick = self.buyer_nick.as_ref().filter(|nick| !nick.is_empty());
        let details = nick.map(|nick| Secret::new(serde_json::json!({ "nick": nick }).to_string()));
        Some(BuyerAsk { reference: Secret::new(eid), details })
    }

    fn cancelled(&self) -> Inbound {
        let reason = clip(self.cancel_reason.as_deref().unwrap_or_default());
        let reason = if reason.is_empty() { "order_status 24".to_owned() } else { reason };
        let ask = Ask::Cancel { external_no: self.order_no.clone(), reason };
        self.message("24", self.cancel_time, String::new(), ask)
    }

    fn refund_message(&self) -> Option<Inbound> {
        let refunded = order_status(self.order_status) == OrderStatus::Refunded;
        match refund_status(self.refund_status) {
            RefundStatus::Settled => Some(self.settled()),
            _ if refunded => Some(self.settled()),
            RefundStatus::Requested => Some(self.refund_open(Ask::RefundRequested)),
            RefundStatus::Refused => Some(self.refund_open(Ask::RefundRefused)),
            RefundStatus::Unlisted => Some(self.unmapped(format!("refund_status {}", self.refund_status))),
            RefundStatus::None | RefundStatus::Returning => None,
        }
    }

    /// The money is back. Without an amount nobody can say how much, so a person must look.
    fn settled(&self) -> Inbound {
        if self.refund_amount < 1 {
            return self.unmapped("refund without amount".to_owned());
        }
        let seen = format!("refund:settled:{}", self.refund_amount);
        self.message(&seen, self.refund_time, String::new(), Ask::RefundSettled(self.refund()))
    }

    /// A refund may be asked for, turned down and asked for again: the time of the change tells them apart.
    fn refund_open(&self, ask: fn(RefundAsk) -> Ask) -> Inbound {
        let seen = format!("refund:{}:{}", self.refund_status, self.update_time);
        self.message(&seen, self.update_time, self.refund_amount.to_string(), ask(self.refund()))
    }

    fn refund(&self) -> RefundAsk {
        RefundAsk {
            external_no: self.order_no.clone(),
            // The platform numbers no refunds and keeps one per order.
            refund: format!("refund:{}", self.order_no),
            amount: (self.refund_amount > 0).then(|| Money::new(self.refund_amount, Currency::CNY)),
            reason: format!("refund_status {}", self.refund_status),
            memo: None,
        }
    }

    fn unmapped(&self, kind: String) -> Inbound {
        let seen = format!("unmapped:{}:{}:{kind}", self.order_status, self.refund_status);
        self.message(&seen, self.update_time, String::new(), Ask::Unmapped { kind: clip(&kind) })
    }

    /// `content` holds what must not differ between two readings of the same state, and nothing else.
    fn message(&self, seen: &str, at_secs: i64, content: String, ask: Ask) -> Inbound {
        Inbound {
            id: Some(format!("read:{}:{seen}", self.order_no)),
            content: content.into_bytes(),
            kind: Kind::Notice,
            occurred_at: (at_secs > 0).then(|| Timestamp::from_secs(at_secs)),
            ask,
        }
    }
}

/// At most 64 characters, none of them a control character.
fn clip(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}
