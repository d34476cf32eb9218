//! A shop's order as WeChat shows it when asked, and what it means to us.

use channel::{
    AmountCheck, Ask, BuyerAsk, Identifier, IdentifierKind, Inbound, Kind, LineAsk, OrderAsk, RefundAsk,
    Shortage, Stage,
};
use serde::{Deserialize, Serialize};
use vocabulary::{Currency, DeliveryMethod, Money, Quantity, Secret, Timestamp};

use crate::{
    status::{OrderStatus, order_status},
    wire::{Id, is_digits},
};

/// `deliver_method` of an order that nothing is posted for.
const VIRTUAL: i64 = 1;

/// The fields of `order/get` that we use. Amounts are fen, times Unix seconds.
#[derive(Deserialize)]
pub(crate) struct Order {
    order_id: Id,
    status: i64,
    openid: Option<String>,
    /// There where the shop is bound to an account of the open platform.
    unionid: Option<String>,
    #[serde(default)]
    update_time: i64,
    order_detail: Detail,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(default)]
    product_infos: Vec<Product>,
    pay_info: Option<PayInfo>,
    price_info: Option<PriceInfo>,
    delivery_info: Option<DeliveryInfo>,
}

#[derive(Deserialize)]
struct Product {
    product_id: Id,
    sku_id: Id,
    sku_cnt: i64,
    #[serde(default)]
    on_aftersale_sku_cnt: i64,
    #[serde(default)]
    finish_aftersale_sku_cnt: i64,
}

#[derive(Deserialize)]
struct PayInfo {
    transaction_id: Option<String>,
    #[serde(default)]
    pay_time: i64,
}

#[derive(Deserialize)]
struct PriceInfo {
    order_price: i64,
}

#[derive(Deserialize)]
struct DeliveryInfo {
    deliver_method: Option<i64>,
}

/// What is kept of a buyer, sealed.
#[derive(Serialize, Deserialize)]
struct Details {
    unionid: String,
}

/// What of a buyer's details identifies them outside of the shop.
pub(crate) fn identifiers(buyer: &BuyerAsk) -> Vec<Identifier> {
    let details = buyer.details.as_ref().and_then(|text| serde_json::from_str::<Details>(text.expose()).ok());
    let identifier = |details: Details| Identifier {
        kind: IdentifierKind::UnionId,
        value: Secret::new(details.unionid),
        scope: None,
        verified: true,
    };
    details.map(identifier).into_iter().collect()
}

/// A line as `delivery/send` wants it.
#[derive(Serialize, Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) product_id: String,
    pub(crate) sku_id: String,
    pub(crate) product_cnt: u32,
}

/// Lines as an order's memo: `product/sku*count`, joined by commas.
pub(crate) fn memo(lines: &[Line]) -> String {
    let written: Vec<String> = lines
        .iter()
        .map(|line| format!("{}/{}*{}", line.product_id, line.sku_id, line.product_cnt))
        .collect();
    written.join(",")
}

/// Reads an order's memo; `None` where it is not one of ours.
pub(crate) fn from_memo(text: &str) -> Option<Vec<Line>> {
    text.split(',')
        .map(|part| {
            let (item, count) = part.split_once('*')?;
            let (product_id, sku_id) = split_item(item)?;
            Some(Line { product_id, sku_id, product_cnt: count.parse().ok().filter(|count| *count > 0)? })
        })
        .collect()
}

/// An item's id: `product/sku`, both WeChat's numbers.
pub(crate) fn split_item(item: &str) -> Option<(String, String)> {
    let (product, sku) = item.split_once('/')?;
    (is_digits(product) && is_digits(sku)).then(|| (product.to_owned(), sku.to_owned()))
}

impl Order {
    /// Whether it is the order that was asked for.
    pub(crate) fn is(&self, number: &str) -> bool {
        self.order_id.digits().is_some_and(|digits| digits == number)
    }

    /// What the order's state says. Its id is made of that state, so reading the same state again gives a repeat.
    pub(crate) fn message(&self, number: &str) -> Inbound {
        match order_status(self.status) {
            OrderStatus::Paid => self.paid(number),
            OrderStatus::Cancelled => {
                let reason = format!("order status {}", self.status);
                self.told(number, Ask::Cancel { external_no: number.to_owned(), reason })
            }
            OrderStatus::PaidBack => self.told(number, Ask::RefundSettled(whole(number))),
            OrderStatus::Unpaid | OrderStatus::HandedOver => self.told(number, Ask::Nothing),
            OrderStatus::Unlisted => self.unmapped(number, format!("order status {}", self.status)),
        }
    }

    fn paid(&self, number: &str) -> Inbound {
        match self.order_detail.delivery_info.as_ref().and_then(|info| info.deliver_method) {
            Some(VIRTUAL) => {}
            // Something is to be posted: not ours.
            Some(_) => return self.told(number, Ask::Nothing),
            None => return self.unmapped(number, "paid order without deliver_method".to_owned()),
        }
        let products = &self.order_detail.product_infos;
        // Keys that are handed out while the buyer asks for the money back are lost.
        if products.iter().any(|product| product.on_aftersale_sku_cnt != 0) {
            return self.told(number, Ask::Nothing);
        }
        if products.iter().any(|product| product.finish_aftersale_sku_cnt != 0) {
            return self.unmapped(number, "paid order that was paid back in part".to_owned());
        }
        let price = self.order_detail.price_info.as_ref().map_or(0, |info| info.order_price);
        let lines = self.lines().filter(|lines| (1..=100).contains(&lines.len()) && price > 0);
        let Some(lines) = lines else {
            return self.unmapped(number, "paid order without goods or amount".to_owned());
        };
        let memo = memo(&lines);
        let line = |line: &Line| {
            let item = format!("{}/{}", line.product_id, line.sku_id);
            Some(LineAsk { item, quantity: Quantity::try_from(i64::from(line.product_cnt)).ok()? })
        };
        let Some(lines) = lines.iter().map(line).collect() else {
            return self.unmapped(number, "paid order of too many units".to_owned());
        };
        let ask = Ask::Order(OrderAsk {
            external_no: number.to_owned(),
            lines,
            amount: AmountCheck::PlatformPrice(Money::new(price, Currency::CNY)),
            stage: Stage::Paid { txn: self.txn(number) },
            buyer: self.buyer(),
            shortage: Shortage::Backorder,
            delivery: DeliveryMethod::Api,
            journey: None,
            memo: Some(memo.clone()),
        });
        Inbound { content: format!("{memo}|{price}").into_bytes(), ..self.told(number, ask) }
    }

    fn lines(&self) -> Option<Vec<Line>> {
        let line = |product: &Product| {
            Some(Line {
                product_id: product.product_id.digits()?,
                sku_id: product.sku_id.digits()?,
                product_cnt: u32::try_from(product.sku_cnt).ok().filter(|count| *count > 0)?,
            })
        };
        self.order_detail.product_infos.iter().map(line).collect()
    }

    fn txn(&self, number: &str) -> String {
        let info = self.order_detail.pay_info.as_ref();
        let given = info.and_then(|info| info.transaction_id.clone());
        given.filter(|txn| is_digits(txn)).unwrap_or_else(|| number.to_owned())
    }

    fn buyer(&self) -> Option<BuyerAsk> {
        let openid = self.openid.clone().filter(|openid| (1..=128).contains(&openid.len()))?;
        let unionid = self.unionid.clone().filter(|unionid| (1..=128).contains(&unionid.len()));
        let details = unionid.and_then(|unionid| serde_json::to_string(&Details { unionid }).ok());
        Some(BuyerAsk { reference: Secret::new(openid), details: details.map(Secret::new) })
    }

    fn unmapped(&self, number: &str, kind: String) -> Inbound {
        self.told(number, Ask::Unmapped { kind })
    }

    fn told(&self, number: &str, ask: Ask) -> Inbound {
        let paid_at = self.order_detail.pay_info.as_ref().map_or(0, |info| info.pay_time);
        let (at, seen) = match &ask {
            // One order, however often it is seen while it is paid.
            Ask::Order(_) => (paid_at, "paid".to_owned()),
            Ask::Cancel { .. } | Ask::RefundSettled(_) => (self.update_time, self.status.to_string()),
            _ => (self.update_time, format!("{}:{}", self.status, self.update_time)),
        };
        Inbound {
            id: Some(format!("order:{number}:{seen}")),
            content: Vec::new(),
            kind: Kind::Notice,
            occurred_at: (1..=253_402_300_799).contains(&at).then(|| Timestamp::from_secs(at)),
            ask,
        }
    }
}

/// All that is left of the payment went back: nothing, where every after-sale was counted already.
fn whole(number: &str) -> RefundAsk {
    RefundAsk {
        external_no: number.to_owned(),
        refund: format!("order:{number}"),
        amount: None,
        reason: "order status 200".to_owned(),
        memo: None,
    }
}
