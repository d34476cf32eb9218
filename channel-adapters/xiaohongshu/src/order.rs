//! An order as Xiaohongshu shows it when asked, and what it means to us.

use channel::{AmountCheck, Ask, BuyerAsk, Inbound, LineAsk, OrderAsk, RefundAsk, Shortage, Stage};
use serde::Deserialize;
use vocabulary::{Currency, DeliveryMethod, Money, Quantity, Secret};

use crate::{
    read::message,
    settings::ItemBy,
    status::{OrderStatus, may_deliver, order_status},
};

/// The most lines that an order may have.
const LINES_MAX: usize = 100;
/// "May be delivered without logistics".
const WITHOUT_LOGISTICS: i64 = 1;

/// The `data` of `order.getOrderDetail`. Amounts are fen, times milliseconds (0: not happened).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Detail {
    pub(crate) order_id: String,
    order_status: i64,
    #[serde(default)]
    order_after_sales_status: i64,
    #[serde(default)]
    paid_time: i64,
    #[serde(default)]
    update_time: i64,
    #[serde(default)]
    delivery_time: i64,
    #[serde(default)]
    cancel_time: i64,
    #[serde(default)]
    total_pay_amount: i64,
    #[serde(default)]
    sku_list: Vec<SkuLine>,
    #[serde(default)]
    user_id: Option<String>,
    /// The text that was delivered, where it was.
    #[serde(default)]
    pub(crate) express_tracking_no: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SkuLine {
    sku_id: String,
    #[serde(default)]
    erpcode: Option<String>,
    sku_quantity: i64,
    #[serde(default)]
    delivery_mode: Option<i64>,
}

impl SkuLine {
    fn ask(&self, item_by: ItemBy) -> Option<LineAsk> {
        let item = match item_by {
            ItemBy::SkuId => self.sku_id.clone(),
            ItemBy::Erpcode => self.erpcode.clone()?,
        };
        let sound = (1..=128).contains(&item.len()) && !item.chars().any(char::is_control);
        let quantity = Quantity::try_from(self.sku_quantity).ok()?;
        sound.then_some(LineAsk { item, quantity })
    }
}

impl Detail {
    pub(crate) fn status(&self) -> OrderStatus {
        order_status(self.order_status)
    }

    /// What the order's state says; never empty. `None` where it is another order than the one asked for.
    pub(crate) fn messages(&self, asked: &str, item_by: ItemBy) -> Option<Vec<Inbound>> {
        if self.order_id != asked {
            return None;
        }
        let paid = self.paid_time > 0;
        Some(vec![match self.status() {
            OrderStatus::ToShip => self.to_ship(item_by),
            // Called off before anything was shipped: the money went back as a whole.
            OrderStatus::Cancelled if paid && self.delivery_time == 0 => self.called_off(),
            OrderStatus::Unlisted => self.unmapped(&format!("orderStatus {}", self.order_status)),
            // Unpaid orders never were ours.
            OrderStatus::Unpaid
            | OrderStatus::Held
            | OrderStatus::PartlyShipped
            | OrderStatus::Shipped
            | OrderStatus::Closed
            | OrderStatus::Cancelled => self.nothing(),
        }])
    }

    fn to_ship(&self, item_by: ItemBy) -> Inbound {
        if self.sku_list.iter().any(|line| line.delivery_mode.is_none()) {
            return self.unmapped("paid order without delivery mode");
        }
        // Goods to be sent are not ours; and while a buyer wants the money back, keys handed out would be lost. Should
        // that be turned down, the next reading takes the order.
        let sent = self.sku_list.iter().any(|line| line.delivery_mode != Some(WITHOUT_LOGISTICS));
        if sent || !may_deliver(self.order_after_sales_status) {
            return self.nothing();
        }
        let lines: Option<Vec<LineAsk>> = self.sku_list.iter().map(|line| line.ask(item_by)).collect();
        let whole =
            |lines: &Vec<LineAsk>| (1..=LINES_MAX).contains(&lines.len()) && self.total_pay_amount > 0;
        let Some(lines) = lines.filter(whole) else {
            return self.unmapped("paid order without items or amount");
        };
        let listed = lines.iter().map(|line| format!("{}x{}", line.item, line.quantity.get()));
        let content = format!("{}|{}", listed.collect::<Vec<_>>().join(","), self.total_pay_amount);
        let buyer = self.user_id.clone().filter(|id| !id.is_empty());
        let ask = Ask::Order(OrderAsk {
            external_no: self.order_id.clone(),
            lines,
            amount: AmountCheck::PlatformPrice(Money::new(self.total_pay_amount, Currency::CNY)),
            stage: Stage::Paid { txn: self.order_id.clone() },
            buyer: buyer.map(|id| BuyerAsk { reference: Secret::new(id), details: None }),
            shortage: Shortage::Backorder,
            delivery: DeliveryMethod::Api,
            journey: None,
            memo: None,
        });
        message(format!("{}:paid", self.order_id), self.paid_time, content, ask)
    }

    fn called_off(&self) -> Inbound {
        let ask = Ask::RefundSettled(RefundAsk {
            external_no: self.order_id.clone(),
            refund: before_shipping(&self.order_id),
            amount: None,
            reason: "orderStatus 9".to_owned(),
            memo: None,
        });
        message(format!("{}:called-off", self.order_id), self.cancel_time, String::new(), ask)
    }

    fn nothing(&self) -> Inbound {
        let Self { order_id, order_status, order_after_sales_status, update_time, .. } = self;
        let id = format!("{order_id}:{order_status}:{order_after_sales_status}:{update_time}");
        message(id, self.update_time, String::new(), Ask::Nothing)
    }

    fn unmapped(&self, kind: &str) -> Inbound {
        let id = format!("{}:unmapped:{kind}", self.order_id);
        message(id, self.update_time, String::new(), Ask::Unmapped { kind: clip(kind) })
    }
}

/// The number of a refund before shipping. An order has one at most, and it shows both as an after-sale and as the
/// order's own state, which names no after-sale.
pub(crate) fn before_shipping(order_id: &str) -> String {
    format!("before-shipping:{order_id}")
}

/// At most 64 characters, none of them a control character.
pub(crate) fn clip(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}
