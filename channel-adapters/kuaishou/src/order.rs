//! An order as Kuaishou shows it when asked, and what it means to us.

use channel::{AmountCheck, Ask, BuyerAsk, Inbound, LineAsk, OrderAsk, Shortage, Stage};
use serde::Deserialize;
use vocabulary::{Currency, DeliveryMethod, Money, Quantity, Secret};

use crate::{
    eticket::Ticket,
    read::{clip, message, or_default},
    settings::ItemBy,
    status::{Goods, OrderStatus, RefundStatus, goods, order_status, refund_status},
};

/// The `data` of `open.order.detail`, and each order of the list. Amounts are fen, times milliseconds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Detail {
    order_base_info: Base,
    #[serde(default)]
    order_item_info: Option<Item>,
    #[serde(default)]
    order_refund_list: Option<Vec<ListedRefund>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Base {
    oid: u64,
    status: i64,
    #[serde(default, deserialize_with = "or_default")]
    pay_time: i64,
    #[serde(default, deserialize_with = "or_default")]
    update_time: i64,
    #[serde(default, deserialize_with = "or_default")]
    total_fee: i64,
    #[serde(default, deserialize_with = "or_default")]
    co_type: i64,
    #[serde(default, deserialize_with = "or_default")]
    risk_code: i64,
    #[serde(default)]
    buyer_open_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    #[serde(default, deserialize_with = "or_default")]
    sku_id: u64,
    #[serde(default)]
    sku_nick: Option<String>,
    num: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedRefund {
    refund_status: i64,
}

impl Item {
    fn ask(&self, item_by: ItemBy) -> Option<LineAsk> {
        let item = match item_by {
            ItemBy::SkuId => (self.sku_id > 0).then(|| self.sku_id.to_string())?,
            ItemBy::SkuNick => self.sku_nick.clone()?,
        };
        let sound = (1..=128).contains(&item.len()) && !item.chars().any(char::is_control);
        let quantity = Quantity::try_from(self.num).ok()?;
        sound.then_some(LineAsk { item, quantity })
    }
}

impl Detail {
    pub(crate) fn oid(&self) -> u64 {
        self.order_base_info.oid
    }

    pub(crate) fn status(&self) -> OrderStatus {
        order_status(self.order_base_info.status)
    }

    /// Whether the order is one that shows as unpaid.
    pub(crate) fn may_still_be_paid(&self) -> bool {
        self.status() == OrderStatus::Unpaid
    }

    /// Whether codes are due for the order and it was paid before this instant, in milliseconds.
    pub(crate) fn waits_since(&self, before: i64) -> bool {
        let base = &self.order_base_info;
        let due = self.status() == OrderStatus::Paid && goods(base.co_type) == Goods::Eticket;
        due && base.pay_time > 0 && base.pay_time < before
    }

    /// What the order's state says. Without a ticket, codes cannot be handed over, so an order of codes is left until
    /// they are asked for.
    pub(crate) fn message(&self, ticket: Option<&Ticket>, item_by: ItemBy) -> Inbound {
        let base = &self.order_base_info;
        match (self.status(), goods(base.co_type)) {
            (OrderStatus::Paid, Goods::Eticket) => {
                ticket.map_or_else(|| self.nothing(), |ticket| self.paid(ticket, item_by))
            }
            (OrderStatus::Paid, Goods::OtherVirtual) => {
                self.unmapped(&format!("paid virtual order of coType {}", base.co_type))
            }
            (OrderStatus::Paid, Goods::Parcel) if ticket.is_some() => {
                self.unmapped(&format!("codes asked for an order of coType {}", base.co_type))
            }
            (OrderStatus::Unlisted, _) => self.unmapped(&format!("order status {}", base.status)),
            // Unpaid orders never were ours; of money that went back, the refund tells.
            (OrderStatus::Unpaid | OrderStatus::Shipped | OrderStatus::Failed, _)
            | (OrderStatus::Paid, Goods::Parcel) => self.nothing(),
        }
    }

    fn paid(&self, ticket: &Ticket, item_by: ItemBy) -> Inbound {
        let base = &self.order_base_info;
        if base.risk_code != 0 {
            return self.unmapped(&format!("paid order with riskCode {}", base.risk_code));
        }
        let over = |refund: &ListedRefund| refund_status(refund.refund_status) == RefundStatus::Over;
        if !self.order_refund_list.iter().flatten().all(over) {
            // Keys handed out now would be lost, and nobody asks for the codes a second time.
            return self.unmapped("codes asked for an order with a refund");
        }
        let line = self.order_item_info.as_ref().and_then(|item| item.ask(item_by));
        let (Some(line), true, Ok(memo)) = (line, base.total_fee > 0, serde_json::to_string(ticket)) else {
            return self.unmapped("paid order without item or amount");
        };
        let content = format!("{}x{}|{}", line.item, line.quantity.get(), base.total_fee);
        let external_no = base.oid.to_string();
        let buyer = base.buyer_open_id.clone().filter(|id| !id.is_empty());
        let ask = Ask::Order(OrderAsk {
            external_no: external_no.clone(),
            lines: vec![line],
            amount: AmountCheck::PlatformPrice(Money::new(base.total_fee, Currency::CNY)),
            stage: Stage::Paid { txn: external_no },
            buyer: buyer.map(|id| BuyerAsk { reference: Secret::new(id), details: None }),
            shortage: Shortage::Backorder,
            delivery: DeliveryMethod::Api,
            journey: None,
            memo: Some(memo),
        });
        message(format!("{}:paid", base.oid), base.pay_time, content, ask)
    }

    fn nothing(&self) -> Inbound {
        let Base { oid, status, update_time, .. } = self.order_base_info;
        message(format!("{oid}:{status}:{update_time}"), update_time, String::new(), Ask::Nothing)
    }

    fn unmapped(&self, kind: &str) -> Inbound {
        let Base { oid, update_time, .. } = self.order_base_info;
        let id = format!("{oid}:unmapped:{kind}");
        message(id, update_time, String::new(), Ask::Unmapped { kind: clip(kind) })
    }
}
