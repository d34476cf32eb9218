//! What the other shop hears: how it ended → reply bytes. HTTP 200 always; a `code` other than 200 is an error.

use channel::{Ask, Inbound, Offer, OrderView, Outcome, RawRequest, Reply};
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};
use vocabulary::{Currency, Money};

use crate::{
    cards,
    inbound::{Topic, is_code},
    settings::Sell,
    status,
};

pub(crate) fn answer(
    sell: Option<&Sell>,
    request: &RawRequest,
    inbound: &Inbound,
    outcome: &Outcome,
) -> Reply {
    let Some(sell) = sell else { return failed(status::UNCLEAR) };
    match (Topic::of(request), outcome) {
        (_, Outcome::Rejected(no)) => failed(status::of_reason(no.reason)),
        (Topic::Connect, Outcome::Accepted { .. }) => {
            done(&Connected { shop_name: &sell.shop_name, balance: yuan(sell.balance) })
        }
        (Topic::Items, Outcome::Offers(offers)) => items(sell, offers),
        (topic, Outcome::Offers(offers)) => one(topic, inbound, offers),
        (Topic::Trade, Outcome::Order(order)) => traded(sell, order),
        (Topic::Query, Outcome::Order(order)) => shown(sell, order),
        _ => failed(status::UNCLEAR),
    }
}

pub(crate) fn failed(message: &str) -> Reply {
    Reply::json(200, json!({ "code": 400, "msg": message }).to_string())
}

fn done<T: Serialize>(data: &T) -> Reply {
    #[derive(Serialize)]
    struct Envelope<'a, T> {
        code: u16,
        msg: &'a str,
        data: &'a T,
    }
    match serde_json::to_string(&Envelope { code: 200, msg: "success", data }) {
        Ok(body) => Reply::json(200, body),
        Err(_) => failed(status::UNCLEAR),
    }
}

/// Money is a number in yuan; its digits are ours, never a float's. `null` where it cannot be written.
fn yuan(amount: Money) -> Option<Box<RawValue>> {
    RawValue::from_string(amount.to_major_text()).ok()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Connected<'a> {
    shop_name: &'a str,
    balance: Option<Box<RawValue>>,
}

/// An item, with the fields that a shop copies from another. The three prices are what it pays.
#[derive(Serialize)]
struct Item<'a> {
    id: u32,
    code: &'a str,
    name: &'a str,
    description: &'a str,
    price: Option<Box<RawValue>>,
    user_price: Option<Box<RawValue>>,
    factory_price: Option<Box<RawValue>>,
    /// Delivered by itself.
    delivery_way: u8,
    contact_type: u8,
    password_status: u8,
    draft_status: u8,
    seckill_status: u8,
    only_user: u8,
    purchase_count: u32,
    minimum: u32,
    maximum: u32,
    inventory_hidden: u8,
    stock: u64,
    config: &'a str,
    widget: &'a str,
}

impl<'a> Item<'a> {
    /// `None` for what is not on sale, or not priced in the protocol's only currency.
    fn of(offer: &'a Offer) -> Option<Self> {
        let price = offer.price.filter(|price| offer.on_sale && price.currency == Currency::CNY)?;
        Some(Self {
            id: 0,
            code: &offer.item,
            name: &offer.name,
            description: "",
            price: yuan(price),
            user_price: yuan(price),
            factory_price: yuan(price),
            delivery_way: 0,
            contact_type: 0,
            password_status: 0,
            draft_status: 0,
            seckill_status: 0,
            only_user: 0,
            purchase_count: 0,
            minimum: 0,
            maximum: 0,
            inventory_hidden: 0,
            stock: offer.available,
            config: "",
            widget: "[]",
        })
    }
}

/// The catalogue: one category with all the items. Kinds of an item (races) are ordered by their name; the catalogue
/// has items without kinds only.
fn items(sell: &Sell, offers: &[Offer]) -> Reply {
    #[derive(Serialize)]
    struct Category<'a> {
        id: u32,
        name: &'a str,
        children: Vec<Item<'a>>,
    }
    let children: Vec<Item<'_>> =
        offers.iter().filter(|offer| is_code(&offer.item)).filter_map(Item::of).collect();
    let category = Category { id: 1, name: &sell.shop_name, children };
    done(&if category.children.is_empty() { Vec::new() } else { vec![category] })
}

fn one(topic: Topic, inbound: &Inbound, offers: &[Offer]) -> Reply {
    let Ask::Availability { item: asked, quantity } = &inbound.ask else { return failed(status::UNCLEAR) };
    let Some(offer) = offers.iter().find(|offer| offer.item == *asked) else {
        return failed("商品不存在");
    };
    let Some(item) = Item::of(offer) else { return failed("当前商品已停售") };
    match topic {
        Topic::Item => done(&item),
        Topic::Stock => done(&json!({ "stock": item.stock })),
        Topic::Inventory => inventory(&item),
        Topic::InventoryState if offer.available >= u64::from(quantity.get()) => done(&Value::Null),
        Topic::InventoryState => failed("库存不足"),
        Topic::Valuation => match offer.price.map(|price| price.checked_mul(quantity.get())) {
            Some(Ok(total)) => valued(total),
            _ => failed("参数错误"),
        },
        _ => failed(status::UNCLEAR),
    }
}

fn valued(total: Money) -> Reply {
    #[derive(Serialize)]
    struct Valued {
        price: Option<Box<RawValue>>,
    }
    done(&Valued { price: yuan(total) })
}

fn inventory(item: &Item<'_>) -> Reply {
    #[derive(Serialize)]
    struct Inventory<'a> {
        count: u64,
        delivery_way: u8,
        draft_status: u8,
        price: &'a Option<Box<RawValue>>,
        user_price: &'a Option<Box<RawValue>>,
        factory_price: &'a Option<Box<RawValue>>,
        config: &'a str,
        is_category: bool,
    }
    done(&Inventory {
        count: item.stock,
        delivery_way: 0,
        draft_status: 0,
        price: &item.price,
        user_price: &item.user_price,
        factory_price: &item.factory_price,
        config: "",
        is_category: false,
    })
}

/// The keys, or an error: the other shop takes whatever text it gets for the card.
fn traded(sell: &Sell, order: &OrderView) -> Reply {
    let secret = cards::payload(&order.lines, &sell.pin_separator);
    let Some(secret) = secret.filter(|_| status::is_delivered(order)) else {
        return failed("订单处理中，请联系商家");
    };
    #[derive(Serialize)]
    struct Traded<'a> {
        secret: &'a str,
        #[serde(rename = "tradeNo")]
        trade_no: String,
        amount: Option<Box<RawValue>>,
        url: &'a str,
    }
    let trade_no = order.order.to_string();
    done(&Traded { secret: secret.expose(), trade_no, amount: yuan(order.total), url: "" })
}

fn shown(sell: &Sell, order: &OrderView) -> Reply {
    let secret = cards::payload(&order.lines, &sell.pin_separator).filter(|_| status::is_delivered(order));
    let secret = secret.as_ref().map(|secret| secret.expose().as_str()).unwrap_or_default();
    done(&json!({ "secret": secret, "widget": null, "status": status::of_order(order) }))
}
