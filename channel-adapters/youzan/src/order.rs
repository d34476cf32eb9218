//! An order as Youzan shows it when asked, and what it means to us.

use channel::{AmountCheck, Ask, BuyerAsk, Inbound, Kind, LineAsk, OrderAsk, Shortage, Stage};
use serde::Deserialize;
use vocabulary::{DeliveryMethod, Quantity, Secret};

use crate::{
    settings::Delivery,
    status::{AfterSale, OrderStatus, after_sale, order_status},
    wire::{Text, clip, time},
};

/// `full_order_info`. Amounts are yuan, times Beijing.
#[derive(Deserialize)]
pub(crate) struct Order {
    order_info: Info,
    #[serde(default)]
    orders: Vec<Part>,
    #[serde(default)]
    pay_info: PayInfo,
    #[serde(default)]
    buyer_info: BuyerInfo,
}

#[derive(Deserialize)]
struct Info {
    tid: String,
    status: String,
    #[serde(default)]
    refund_state: i64,
    #[serde(default)]
    pay_time: Text,
    #[serde(default)]
    update_time: Text,
    #[serde(default)]
    close_type: Text,
    #[serde(default)]
    order_tags: Tags,
}

#[derive(Deserialize, Default)]
struct Tags {
    #[serde(default)]
    is_virtual: bool,
    #[serde(default)]
    is_payed: bool,
}

#[derive(Deserialize)]
struct Part {
    item_id: Text,
    #[serde(default)]
    sku_id: Text,
    num: i64,
}

#[derive(Deserialize, Default)]
struct PayInfo {
    #[serde(default)]
    payment: Text,
}

#[derive(Deserialize, Default)]
struct BuyerInfo {
    #[serde(default)]
    yz_open_id: Text,
}

impl Part {
    fn line(&self) -> Option<LineAsk> {
        let item = self.item_id.id()?;
        let item = self.sku_id.id().map_or_else(|| item.to_owned(), |sku| format!("{item}/{sku}"));
        Some(LineAsk { item, quantity: Quantity::try_from(self.num).ok()? })
    }
}

impl Order {
    pub(crate) fn tid(&self) -> &str {
        &self.order_info.tid
    }
    pub(crate) fn status(&self) -> OrderStatus {
        order_status(&self.order_info.status)
    }
    /// Whether the list of refunds has to be read before anything can be said.
    pub(crate) fn has_after_sale(&self) -> bool {
        after_sale(self.order_info.refund_state) == AfterSale::Some
    }
    /// Virtual goods are "shipped" by the platform as soon as they are paid; the keys are due all the same.
    fn is_paid_virtual(&self) -> bool {
        let tags = &self.order_info.order_tags;
        tags.is_virtual && tags.is_payed && self.status() == OrderStatus::Shipped
    }
    /// Whether the order may ask something of us.
    pub(crate) fn matters(&self) -> bool {
        let idle = matches!(self.status(), OrderStatus::Unpaid | OrderStatus::Waiting | OrderStatus::Shipped);
        !idle || self.has_after_sale() || self.is_paid_virtual()
    }

    /// What the order's state says, as one message. Its id is made of that state, so reading the same state again
    /// gives a repeat.
    pub(crate) fn message(&self, delivery: Delivery) -> Inbound {
        let info = &self.order_info;
        if after_sale(info.refund_state) == AfterSale::Unlisted {
            return self.unmapped(format!("refund_state {}", info.refund_state));
        }
        match self.status() {
            OrderStatus::ToShip if delivery == Delivery::MarkShipped && !info.order_tags.is_virtual => {
                self.paid(DeliveryMethod::Api)
            }
            OrderStatus::ToShip => self.paid(DeliveryMethod::Pickup),
            OrderStatus::Shipped if self.is_paid_virtual() => self.paid(DeliveryMethod::Pickup),
            OrderStatus::Closed => {
                let ask = Ask::Cancel {
                    external_no: info.tid.clone(),
                    reason: clip(&format!("close_type {}", info.close_type.0)),
                };
                self.inbound("closed", &info.update_time, String::new(), ask)
            }
            OrderStatus::Unpaid | OrderStatus::Waiting | OrderStatus::Shipped => {
                self.inbound(&self.seen(), &info.update_time, String::new(), Ask::Nothing)
            }
            OrderStatus::Unlisted => self.unmapped(format!("order {}", info.status)),
        }
    }

    fn paid(&self, delivery: DeliveryMethod) -> Inbound {
        let lines: Option<Vec<LineAsk>> = self.orders.iter().map(Part::line).collect();
        let lines = lines.filter(|lines| (1..=100).contains(&lines.len()));
        let (Some(lines), Some(amount)) = (lines, self.pay_info.payment.yuan()) else {
            return self.unmapped("paid order without items or amount".to_owned());
        };
        let goods: Vec<String> =
            lines.iter().map(|line| format!("{} {}", line.item, line.quantity.get())).collect();
        let content = format!("{}|{}", goods.join(","), amount.minor);
        let buyer = Some(&self.buyer_info.yz_open_id.0).filter(|id| !id.is_empty());
        let ask = Ask::Order(OrderAsk {
            external_no: self.tid().to_owned(),
            lines,
            amount: AmountCheck::PlatformPrice(amount),
            stage: Stage::Paid { txn: self.tid().to_owned() },
            buyer: buyer.map(|id| BuyerAsk { reference: Secret::new(id.clone()), details: None }),
            shortage: Shortage::Backorder,
            delivery,
            journey: None,
            memo: None,
        });
        self.inbound("paid", &self.order_info.pay_time, content, ask)
    }

    /// The state as text, for ids.
    pub(crate) fn seen(&self) -> String {
        let info = &self.order_info;
        format!("{}:{}:{}", clip(&info.status), info.refund_state, clip(&info.update_time.0))
    }

    fn unmapped(&self, kind: String) -> Inbound {
        let seen = format!("unmapped:{}", self.seen());
        self.inbound(&seen, &self.order_info.update_time, String::new(), Ask::Unmapped { kind: clip(&kind) })
    }

    fn inbound(&self, seen: &str, at: &Text, content: String, ask: Ask) -> Inbound {
        Inbound {
            id: Some(format!("read:{}:{seen}", self.tid())),
            content: content.into_bytes(),
            kind: Kind::Notice,
            occurred_at: time(&at.0),
            ask,
        }
    }
}
