//! We buy from a shop over real sockets, on the real engine, log and vault.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use channel::Protocol;
use channel_world::World;
use platform::{APP_ID, APP_KEY, Upstream};
use serde_json::json;
use testkit::{Fault, pretend::Pretend};

const SHOP: &str = "acg-faka/b";
static PROTOCOLS: &[Protocol] = &[channel_acg_faka::PROTOCOL];

async fn open(cards: &[&'static str]) -> (World, Pretend<Upstream>) {
    let world = World::open(PROTOCOLS).await;
    let shop = world.pretend(Upstream::with(cards)).await;
    let buy = json!({ "base_url": shop.url(), "app_id": APP_ID, "app_key": APP_KEY, "contact": "10000" });
    world.connect(SHOP, &json!({ "buy": buy })).await;
    (world, shop)
}

#[tokio::test]
async fn cards_in_the_reply_are_in_stock() {
    let (world, shop) = open(&["CARD-1", "CARD-2", "CARD-3"]).await;
    shop.next(Fault::TooMany(9));
    let our_no = world.procure(SHOP, "P1", 2).await;
    world.settle().await;
    world.advance(60).await;
    assert_eq!(world.purchases().await, ["keys b1 2/2"]);
    assert_eq!(world.codes(1, 2).await, ["CARD-1", "CARD-2"]);
    assert_eq!(shop.with(|shop| shop.trades.keys().cloned().collect::<Vec<_>>()), [our_no]);
    world.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_lost_is_left_to_a_person_and_the_purchase_is_not_sent_again() {
    let (world, shop) = open(&["CARD-1", "CARD-2", "CARD-3", "CARD-4"]).await;
    // The price is asked for first.
    shop.after(1, Fault::HangUpAfter);
    world.procure(SHOP, "P1", 2).await;
    world.settle().await;
    world.advance(86_400).await;
    assert_eq!(world.purchases().await, ["for a person unknown_outcome"]);
    assert_eq!(shop.with(|shop| (shop.trades.len(), shop.cards.len())), (1, 2));
    world.stop().await;
}

#[tokio::test]
async fn cards_that_are_handed_over_by_hand_are_asked_for_by_the_shops_number() {
    let (world, shop) = open(&["CARD-1", "CARD-2"]).await;
    shop.with(|shop| shop.by_hand = true);
    let our_no = world.procure(SHOP, "P1", 2).await;
    world.settle().await;
    world.advance(60).await;
    assert_eq!((world.purchases().await, world.count("ProcurementAccepted").await), (Vec::new(), 1));
    shop.with(|shop| shop.trades.insert(our_no, "CARD-1\r\nCARD-2".to_owned()));
    world.advance(3_600).await;
    assert_eq!(world.purchases().await, ["keys b1 2/2"]);
    world.stop().await;
}

#[tokio::test]
async fn cards_that_cost_more_than_allowed_are_not_ordered_and_the_purchase_says_what_they_cost() {
    let (world, shop) = open(&["CARD-1", "CARD-2"]).await;
    shop.with(|shop| shop.price = 2_501);
    // A price that is not told is asked for again.
    shop.next(Fault::HangUpAfter);
    world.procure(SHOP, "P1", 2).await;
    world.settle().await;
    world.advance(60).await;
    assert_eq!(world.purchases().await, ["failed costs_more_than_allowed:50.02 CNY"]);
    assert_eq!(shop.with(|shop| (shop.quoted, shop.trades.len(), shop.cards.len())), (2, 0, 2));
    shop.with(|shop| shop.price = 2_500);
    world.procure(SHOP, "P1", 2).await;
    world.settle().await;
    assert_eq!(world.purchases().await.last().map(String::as_str), Some("keys b2 2/2"));
    world.stop().await;
}

#[tokio::test]
async fn a_shop_that_refuses_has_sold_nothing() {
    let (world, _shop) = open(&["CARD-1"]).await;
    world.procure(SHOP, "P1", 2).await;
    world.settle().await;
    assert_eq!(world.purchases().await, ["failed code_0"]);
    world.stop().await;
}

#[tokio::test]
async fn purchases_that_end_in_another_order_than_they_began_stand_in_both_ledgers() {
    let (world, shop) = open(&["CARD-1", "CARD-2", "CARD-3", "CARD-4"]).await;
    shop.with(|shop| shop.by_hand = true);
    let first = world.procure(SHOP, "P1", 2).await;
    world.settle().await;
    // The second is answered at once, the third's answer is lost; then the first one's cards come.
    shop.with(|shop| shop.by_hand = false);
    shop.next(Fault::TooMany(9));
    let second = world.procure(SHOP, "P1", 2).await;
    world.settle().await;
    world.advance(60).await;
    shop.after(1, Fault::HangUpAfter);
    let third = world.procure(SHOP, "P1", 2).await;
    world.settle().await;
    shop.with(|shop| shop.trades.insert(first, "CARD-5\r\nCARD-6".to_owned()));
    world.advance(86_400).await;
    assert_eq!(
        world.purchases().await,
        ["keys b2 2/2", "keys b1 2/2", "for a person unknown_outcome"],
        "{second} {third}"
    );
    let mut theirs = shop.with(|shop| shop.ledger());
    assert!(theirs.remove(&third).is_none_or(|cards| cards.len() == 2));
    assert_eq!(world.bought().await, theirs, "but for the one that a person looks into");
    assert_eq!(shop.with(|shop| shop.forged_calls), 0);
    world.stop().await;
}
