//! An order as Douyin shows it when asked, and what it means to us: each of its child orders, which Douyin pays,
//! delivers and refunds by themselves, is an order of ours.

use channel::{AmountCheck, Ask, BuyerAsk, Inbound, LineAsk, OrderAsk, Shortage, Stage};
use serde::Deserialize;
use vocabulary::{Currency, DeliveryMethod, Money, Quantity, Secret};

use crate::{
    read::message,
    status::{AfterSaleStatus, OrderStatus, after_sale_status, is_coupon_order, order_status},
    wire::{Id, clip},
};

/// The most child orders that an order may have.
const CHILDREN_MAX: usize = 100;

/// The `data` of `/order/orderDetail`. Amounts are fen, times Unix seconds (0: not happened).
#[derive(Deserialize)]
pub(crate) struct Detail {
    shop_order_detail: ShopOrder,
}

#[derive(Deserialize)]
struct ShopOrder {
    order_id: Id,
    order_status: i64,
    order_type: i64,
    #[serde(default)]
    biz: i64,
    #[serde(default)]
    pay_time: i64,
    #[serde(default)]
    update_time: i64,
    #[serde(default)]
    doudian_open_id: Option<String>,
    #[serde(default)]
    sku_order_list: Vec<ChildOrder>,
}

#[derive(Deserialize)]
struct ChildOrder {
    order_id: Id,
    #[serde(default)]
    order_status: Option<i64>,
    item_num: i64,
    pay_amount: i64,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    product_id: Option<Id>,
    #[serde(default)]
    sku_id: Option<Id>,
    #[serde(default)]
    after_sale_info: Option<AfterSaleInfo>,
}

#[derive(Deserialize)]
struct AfterSaleInfo {
    #[serde(default)]
    after_sale_status: i64,
    #[serde(default)]
    refund_status: i64,
}

impl ChildOrder {
    /// The merchant's code of the item, else Douyin's numbers, written as in stock pushes.
    fn item(&self) -> Option<String> {
        let code = self.code.clone().filter(|code| (1..=128).contains(&code.len()));
        let code = code.filter(|code| !code.chars().any(char::is_control));
        code.or_else(|| Some(format!("{}/{}", self.product_id.as_ref()?.0, self.sku_id.as_ref()?.0)))
    }

    /// Whether the buyer asks for the money back: keys handed out now would be lost. Zero is no after-sale.
    fn wants_money_back(&self) -> bool {
        self.after_sale_info.as_ref().is_some_and(|info| {
            info.after_sale_status != 0
                && after_sale_status(info.after_sale_status, info.refund_status) != AfterSaleStatus::Over
        })
    }
}

impl Detail {
    /// What the order's state says; never empty. `None` where it is another order than the one asked for.
    pub(crate) fn messages(&self, asked: &str) -> Option<Vec<Inbound>> {
        let order = &self.shop_order_detail;
        if order.order_id.0 != asked {
            return None;
        }
        let children = &order.sku_order_list;
        if children.is_empty() || children.len() > CHILDREN_MAX {
            return Some(vec![order.unmapped(asked, "order without child orders")]);
        }
        Some(children.iter().map(|child| order.message(child)).collect())
    }
}

impl ShopOrder {
    fn message(&self, child: &ChildOrder) -> Inbound {
        let code = child.order_status.unwrap_or(self.order_status);
        match order_status(code) {
            OrderStatus::ToShip if !is_coupon_order(self.order_type, self.biz) => self.nothing(child, code),
            // Should the refund be turned down, the next reading takes the order.
            OrderStatus::ToShip if child.wants_money_back() => self.nothing(child, code),
            OrderStatus::ToShip => self.paid(child),
            // Only paid orders are ours, and the money of one that is called off comes back as an after-sale.
            OrderStatus::Unpaid | OrderStatus::Held | OrderStatus::HandedOver | OrderStatus::Cancelled => {
                self.nothing(child, code)
            }
            OrderStatus::Unlisted => self.unmapped(&child.order_id.0, &format!("order_status {code}")),
        }
    }

    fn paid(&self, child: &ChildOrder) -> Inbound {
        let number = &child.order_id.0;
        let line = child.item().zip(Quantity::try_from(child.item_num).ok());
        let Some((item, quantity)) = line.filter(|_| child.pay_amount > 0) else {
            return self.unmapped(number, "paid order without item or amount");
        };
        let content = format!("{item}|{}|{}", quantity.get(), child.pay_amount);
        let open_id = self.doudian_open_id.clone().filter(|id| !id.is_empty());
        let ask = Ask::Order(OrderAsk {
            external_no: number.clone(),
            lines: vec![LineAsk { item, quantity }],
            amount: AmountCheck::PlatformPrice(Money::new(child.pay_amount, Currency::CNY)),
            stage: Stage::Paid { txn: number.clone() },
            buyer: open_id.map(|id| BuyerAsk { reference: Secret::new(id), details: None }),
            shortage: Shortage::Backorder,
            delivery: DeliveryMethod::Api,
            journey: None,
            memo: None,
        });
        message(format!("{number}:paid"), self.pay_time, content, ask)
    }

    fn nothing(&self, child: &ChildOrder, code: i64) -> Inbound {
        let id = format!("{}:{code}:{}", child.order_id.0, self.update_time);
        message(id, self.update_time, String::new(), Ask::Nothing)
    }

    fn unmapped(&self, number: &str, kind: &str) -> Inbound {
        let id = format!("{number}:unmapped:{kind}");
        message(id, self.update_time, String::new(), Ask::Unmapped { kind: clip(kind) })
    }
}
