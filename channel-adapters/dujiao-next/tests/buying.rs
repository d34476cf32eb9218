//! We buy from a shop over real sockets, on the real engine, log and vault.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use channel::Protocol;
use channel_world::World;
use platform::{KEY, SECRET, Upstream, reports};
use serde_json::json;
use testkit::{Fault, pretend::Pretend};

const SHOP: &str = "dujiao-next/b";
static PROTOCOLS: &[Protocol] = &[channel_dujiao_next::PROTOCOL];

async fn open(stock: u64) -> (World, Pretend<Upstream>) {
    let world = World::open(PROTOCOLS).await;
    let shop = world.pretend(Upstream::new(stock, 100)).await;
    let buy = json!({ "base_url": shop.url(), "api_key": KEY, "api_secret": SECRET });
    world.connect(SHOP, &json!({ "buy": buy })).await;
    (world, shop)
}

#[tokio::test]
async fn whatever_goes_wrong_the_shop_sells_once_and_is_asked_until_its_cards_are_there() {
    let (world, shop) = open(5).await;
    for fault in [Fault::HangUpAfter, Fault::ErrorAfter(500), Fault::TooMany(9), Fault::WrongSignature] {
        // Before each order the wallet and two pages of the catalogue are asked for.
        shop.after(3, fault);
    }
    let our_no = world.procure(SHOP, "7", 2).await;
    world.settle().await;
    for _ in 0..6 {
        world.advance(120).await;
    }
    assert_eq!((world.count("ProcurementAccepted").await, world.purchases().await), (1, Vec::new()));
    shop.with(|shop| shop.sales.get_mut(&our_no).unwrap().status = "delivered");
    world.advance(3_600).await;
    assert_eq!(world.purchases().await, ["keys b1 2/2"]);
    assert_eq!(world.codes(1, 2).await, ["CARD-100-0", "CARD-100-1"]);
    assert_eq!(shop.with(|shop| (shop.sales.len(), shop.stock, shop.forged_calls)), (1, 3, 0));
    world.stop().await;
}

#[tokio::test]
async fn the_shops_callback_brings_the_cards_and_its_repeat_and_our_question_bring_no_more() {
    let (world, shop) = open(5).await;
    let our_no = world.procure(SHOP, "7", 2).await;
    world.settle().await;
    shop.with(|shop| shop.sales.get_mut(&our_no).unwrap().status = "delivered");
    for _ in 0..2 {
        let signed = shop.with(|shop| reports(&our_no, &shop.sales[&our_no], world.now()));
        assert_eq!(world.send(SHOP, &signed).await.json()["ok"], true);
        world.advance(60).await;
    }
    assert_eq!(
        (world.purchases().await, world.count("KeysImported").await),
        (vec!["keys b1 2/2".to_owned()], 1)
    );
    assert_eq!(world.codes(1, 2).await, ["CARD-100-0", "CARD-100-1"]);
    world.stop().await;
}

#[tokio::test]
async fn a_shop_without_stock_is_tried_later_and_one_that_cancels_has_sold_nothing() {
    let (world, shop) = open(1).await;
    let our_no = world.procure(SHOP, "7", 2).await;
    world.settle().await;
    shop.with(|shop| shop.stock = 2);
    world.advance(600).await;
    assert_eq!(world.count("ProcurementAccepted").await, 1);
    shop.with(|shop| shop.sales.get_mut(&our_no).unwrap().status = "canceled");
    world.advance(3_600).await;
    assert_eq!(world.purchases().await, ["failed canceled"]);
    world.stop().await;
}

#[tokio::test]
async fn cards_that_cost_more_than_allowed_or_are_not_priced_in_our_money_are_not_ordered() {
    let (world, shop) = open(5).await;
    for (price, currency, fault) in [
        ("25.01", "CNY", Fault::HangUpAfter),
        ("9.90", "USD", Fault::ErrorAfter(500)),
        ("9.901", "CNY", Fault::WrongSignature),
    ] {
        shop.with(|shop| (shop.price, shop.currency) = (price, currency));
        // An answer that does not come is asked for again.
        shop.next(fault);
        world.procure(SHOP, "7", 2).await;
        world.settle().await;
        world.advance(120).await;
    }
    shop.with(|shop| (shop.price, shop.currency) = ("25.00", "CNY"));
    world.procure(SHOP, "77", 2).await;
    world.settle().await;
    assert_eq!(
        world.purchases().await,
        [
            "failed costs_more_than_allowed:50.02 CNY",
            "failed sells_in_another_currency",
            "failed unreadable_price",
            "failed item_not_in_the_catalogue",
        ]
    );
    assert_eq!(shop.with(|shop| (shop.sales.len(), shop.stock)), (0, 5));
    world.procure(SHOP, "7", 2).await;
    world.settle().await;
    assert_eq!(shop.with(|shop| (shop.sales.len(), shop.stock, shop.forged_calls)), (1, 3, 0));
    world.stop().await;
}

#[tokio::test]
async fn callbacks_that_overtake_the_answer_and_each_other_bring_the_cards_once_and_the_ledgers_agree() {
    for fault in [Fault::HangUpAfter, Fault::ErrorAfter(500), Fault::WrongSignature] {
        let (world, shop) = open(5).await;
        // The shop sells, and we do not hear of it.
        shop.after(3, fault);
        let our_no = world.procure(SHOP, "7", 2).await;
        world.settle().await;
        assert_eq!(
            (world.count("ProcurementAccepted").await, shop.with(|shop| shop.stock)),
            (0, 3),
            "{fault:?}"
        );
        for status in ["delivered", "paid", "delivered", "canceled"] {
            shop.with(|shop| shop.sales.get_mut(&our_no).unwrap().status = status);
            let signed = shop.with(|shop| reports(&our_no, &shop.sales[&our_no], world.now()));
            assert_eq!(world.send(SHOP, &signed).await.json()["ok"], true, "{fault:?} {status}");
            world.settle().await;
        }
        shop.with(|shop| shop.sales.get_mut(&our_no).unwrap().status = "delivered");
        world.advance(3_600).await;
        assert_eq!(world.purchases().await, ["keys b1 2/2"], "{fault:?}");
        assert_eq!(world.bought().await, shop.with(|shop| shop.ledger()), "{fault:?}");
        assert_eq!(shop.with(|shop| (shop.sales.len(), shop.stock, shop.forged_calls)), (1, 3, 0));
        world.stop().await;
    }
}
