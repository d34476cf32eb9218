//! A merchant with both products, connected to a pretend WeChat.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeSet;

use channel::Protocol;
use channel_world::{Books, PRICE, Told, World};
use serde_json::Value;
use testkit::{Fault, pretend::Pretend};

use crate::platform::{ACCESS, APP_KEY, Wechat, order_event, wire};

pub(crate) const SHOP: &str = "wechat-shop/main";
pub(crate) const XPAY: &str = "wechat-xpay/mini";
pub(crate) const ORDER: u64 = 3_705_115_058_471_208_928;
pub(crate) const PROTOCOLS: &[Protocol] = &[channel_wechat_shop::SHOP, channel_wechat_shop::XPAY];
pub(crate) const FAULTS: [Fault; 6] = [
    Fault::HangUpAfter,
    Fault::HangUpBefore,
    Fault::ErrorAfter(500),
    Fault::ErrorBefore(502),
    Fault::TooMany(5),
    Fault::WrongSignature,
];

pub(crate) async fn open() -> (World, Pretend<Wechat>) {
    let world = World::open(PROTOCOLS).await;
    let wechat = world.pretend(Wechat::default()).await;
    let mut settings: Value = serde_json::from_str(channel_wechat_shop::SHOP.example_settings).unwrap();
    settings["access_token"] = ACCESS.into();
    settings["access_token_expires_at"] = world.now().plus_secs(30 * 86_400).secs().into();
    settings["base_url"] = wechat.url().into();
    world.connect(SHOP, &settings).await;
    settings["app_key"] = APP_KEY.into();
    world.connect(XPAY, &settings).await;
    (world, wechat)
}

pub(crate) async fn tell(world: &World, name: &str, message: &Value, random: u8) -> Told {
    let told = world.send(name, &wire(message, random)).await;
    assert_eq!(told.status, 200, "{}", told.text());
    told
}

pub(crate) async fn rest(world: &World) {
    for _ in 0..8 {
        world.advance(900).await;
    }
}

/// WeChat's ledger and the log say the same of goods that were handed over and money that went back.
pub(crate) async fn check(world: &World, wechat: &Pretend<Wechat>) {
    let books = Books::of(world).await;
    books.add_up();
    let handed_over: BTreeSet<String> = books.delivered.keys().cloned().collect();
    assert_eq!(handed_over, wechat.with(|wechat| wechat.handed_over()), "handed over");
    assert_eq!(books.refunded, wechat.with(|wechat| wechat.paid_back()), "paid back");
    assert_eq!((books.asked.len(), wechat.with(|wechat| wechat.forged_calls)), (0, 0));
}

pub(crate) fn deliveries(wechat: &Pretend<Wechat>) -> (u32, i64) {
    wechat.with(|wechat| (wechat.orders[&ORDER].deliveries, wechat.orders[&ORDER].status))
}

/// An order of the shop that is paid, and pushed in two events, twice each.
pub(crate) async fn buy(world: &World, wechat: &Pretend<Wechat>) {
    wechat.with(|wechat| wechat.pay(ORDER, PRICE));
    for (random, kind) in [(1, "wait_shipping"), (2, "pay"), (3, "wait_shipping"), (4, "pay")] {
        let kind = format!("channels_ec_order_{kind}");
        assert_eq!(tell(world, SHOP, &order_event(&kind, ORDER), random).await.text(), "success");
    }
    world.settle().await;
}
