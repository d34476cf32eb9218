//! An order as Pinduoduo shows it when asked, and what it means to us.

use channel::{AmountCheck, Ask, Inbound, Kind, LineAsk, OrderAsk, Shortage, Stage};
use serde::Deserialize;
use vocabulary::{DeliveryMethod, Quantity, Timestamp};

use crate::{
    settings::Delivery,
    status::{AfterSale, OrderStatus, after_sale, order_status},
    wire::{Text, clip, time},
};

/// The fields of `order_info` that we use. Amounts are yuan, times Beijing.
#[derive(Deserialize)]
pub(crate) struct Order {
    pub(crate) order_sn: String,
    pub(crate) order_status: i64,
    confirm_status: i64,
    pub(crate) refund_status: i64,
    #[serde(default)]
    risk_control_status: i64,
    #[serde(default)]
    pay_amount: Text,
    #[serde(default)]
    confirm_time: Text,
    #[serde(default)]
    updated_at: Text,
    #[serde(default)]
    item_list: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    goods_id: Text,
    #[serde(default)]
    sku_id: Text,
    goods_count: i64,
}

impl Item {
    fn line(&self) -> Option<LineAsk> {
        let goods = self.goods_id.id()?;
        let item = self.sku_id.id().map_or_else(|| goods.to_owned(), |sku| format!("{goods}/{sku}"));
        Some(LineAsk { item, quantity: Quantity::try_from(self.goods_count).ok()? })
    }
}

impl Order {
    /// Whether the list of after-sales has to be read before anything can be said.
    pub(crate) fn has_after_sale(&self) -> bool {
        after_sale(self.refund_status) == AfterSale::Some
    }

    pub(crate) fn status(&self) -> OrderStatus {
        order_status(self.order_status, self.confirm_status, self.risk_control_status)
    }

    /// What the order's state says, as one message. Its id is made of that state, so reading the same state again
    /// gives a repeat.
    pub(crate) fn message(&self, delivery: Delivery) -> Inbound {
        if after_sale(self.refund_status) == AfterSale::Unlisted {
            return self.unmapped(format!("refund_status {}", self.refund_status));
        }
        match self.status() {
            OrderStatus::ToShip => self.paid(delivery),
            OrderStatus::Cancelled => {
                let reason = format!("confirm_status {}", self.confirm_status);
                let ask = Ask::Cancel { external_no: self.order_sn.clone(), reason };
                self.inbound("cancelled", &self.updated_at, String::new(), ask)
            }
            OrderStatus::Waiting | OrderStatus::Shipped => {
                self.inbound(&self.seen(), &self.updated_at, String::new(), Ask::Nothing)
            }
            OrderStatus::Unlisted => self.unmapped(format!(
                "order_status {} confirm_status {}",
                self.order_status, self.confirm_status
            )),
        }
    }

    fn paid(&self, delivery: Delivery) -> Inbound {
        let lines: Option<Vec<LineAsk>> = self.item_list.iter().map(Item::line).collect();
        let lines = lines.filter(|lines| (1..=100).contains(&lines.len()));
        let amount = self.pay_amount.yuan().filter(|money| money.minor > 0);
        let (Some(lines), Some(amount)) = (lines, amount) else {
            return self.unmapped("paid order without goods or amount".to_owned());
        };
        let goods: Vec<String> =
            lines.iter().map(|line| format!("{} {}", line.item, line.quantity.get())).collect();
        let content = format!("{}|{}", goods.join(","), amount.minor);
        let ask = Ask::Order(OrderAsk {
            external_no: self.order_sn.clone(),
            lines,
            amount: AmountCheck::PlatformPrice(amount),
            // The platform shows no payment number.
            stage: Stage::Paid { txn: self.order_sn.clone() },
            buyer: None,
            shortage: Shortage::Backorder,
            delivery: match delivery {
                Delivery::Voucher => DeliveryMethod::Api,
                Delivery::Pickup => DeliveryMethod::Pickup,
            },
            journey: None,
            memo: None,
        });
        self.inbound("paid", &self.confirm_time, content, ask)
    }

    /// The state as text, for ids.
    pub(crate) fn seen(&self) -> String {
        let at = time(&self.updated_at.0).map_or(0, Timestamp::secs);
        format!("{}:{}:{}:{at}", self.order_status, self.confirm_status, self.refund_status)
    }

    fn unmapped(&self, kind: String) -> Inbound {
        let seen = format!("unmapped:{}", self.seen());
        self.inbound(&seen, &self.updated_at, String::new(), Ask::Unmapped { kind: clip(&kind) })
    }

    fn inbound(&self, seen: &str, at: &Text, content: String, ask: Ask) -> Inbound {
        Inbound {
            id: Some(format!("read:{}:{seen}", self.order_sn)),
            content: content.into_bytes(),
            kind: Kind::Notice,
            occurred_at: time(&at.0),
            ask,
        }
    }
}
