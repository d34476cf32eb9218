//! Polls find what webhooks lost.

use channel::TransportFailure;
use engine::OperatorCommand;

use crate::world::World;

const POLLING: &str = r#"{ "poll": true }"#;

fn polls(calls: &[String]) -> Vec<&str> {
    let about = |call: &&str| call.starts_with("poll") || call.starts_with("confirm");
    calls.iter().map(String::as_str).filter(about).collect()
}

#[tokio::test]
async fn what_a_webhook_lost_is_found_once_and_the_log_says_by_which_poll() {
    let world = World::open(POLLING).await;
    world.script("poll", ["ok\npaid/A-1/item-7/1", "ok\npaid/A-1/item-7/1"]);
    world.advance(60).await;
    world.advance(60).await;
    assert_eq!(polls(&world.calls()), ["poll/0/60/first", "poll/0/120/first"], "the windows overlap");
    assert_eq!((world.count("OrderPlaced").await, world.count("OrderDelivered").await), (1, 1));
    let placed = world.events().await.into_iter().find(|e| e.type_name == "OrderPlaced").unwrap();
    assert_eq!(placed.meta().unwrap().actor.id, "toy/main (poll orders)");
    assert!(placed.meta().unwrap().correlation.is_some(), "the message is kept like any other");
    world.stop().await;
}

#[tokio::test]
async fn pages_follow_one_another_and_each_is_confirmed_once_it_is_kept() {
    let world = World::open(POLLING).await;
    let pages = ["ok\npaid/A-1/item-7/1\nconfirm c1\nmore p2", "ok\npaid/A-2/item-7/1\nconfirm c2"];
    world.script("poll", pages);
    world.advance(60).await;
    let calls = world.calls();
    assert_eq!(polls(&calls), ["poll/0/60/first", "confirm/c1", "poll/0/60/p2", "confirm/c2"]);
    assert_eq!(world.count("OrderPlaced").await, 2);
    world.stop().await;
}

#[tokio::test]
async fn the_mark_survives_a_crash_and_a_long_gap_is_fetched_in_several_windows() {
    let world = World::open(POLLING).await;
    world.advance(600).await;
    assert_eq!(polls(&world.calls()), ["poll/0/600/first"]);
    let world = world.reopen_after_crash().await;
    world.advance(7_200).await;
    let calls = world.calls();
    assert_eq!(polls(&calls), ["poll/300/3900/first", "poll/3600/7200/first", "poll/6900/7800/first"]);
    world.stop().await;
}

#[tokio::test]
async fn a_poll_that_fails_is_repeated_from_the_mark_and_shows_until_it_goes_well() {
    let world = World::open(POLLING).await;
    world.silence("poll", TransportFailure::NoAnswer);
    world.script("poll", ["no token_expired"]);
    world.advance(60).await;
    let status = world.engine.upkeep(&world.shop);
    assert_eq!((status[0].what.as_str(), status[0].failures), ("poll:orders", 1));
    assert_eq!(status[0].problem.as_deref(), Some("no_answer"));
    world.advance(60).await;
    assert_eq!(world.engine.upkeep(&world.shop)[0].problem.as_deref(), Some("token_expired"));
    world.advance(60).await;
    assert_eq!(polls(&world.calls()).len(), 2, "a no for good is not asked about every minute");
    world.advance(1_800).await;
    let status = world.engine.upkeep(&world.shop);
    assert_eq!((status[0].failures, status[0].problem.clone()), (0, None));
    assert_eq!(status[0].fetched_until, Some(world.clock_now()));
    world.stop().await;
}

#[tokio::test]
async fn a_suspended_account_is_not_polled_and_goes_on_where_it_stopped() {
    let world = World::open(POLLING).await;
    let (account, reason) = (world.shop.clone(), "stocktaking".to_owned());
    world.operate(OperatorCommand::Suspend { account: account.clone(), reason: reason.clone() }).await;
    world.advance(600).await;
    assert!(polls(&world.calls()).is_empty());
    world.operate(OperatorCommand::Resume { account, reason }).await;
    world.settle().await;
    assert_eq!(polls(&world.calls()), ["poll/0/600/first"]);
    world.stop().await;
}

#[tokio::test]
async fn new_settings_are_sealed_before_the_account_is_connected_and_used_at_once() {
    let world = World::open("{}").await;
    world.advance(600).await;
    assert!(polls(&world.calls()).is_empty());
    world.connect(POLLING).await;
    world.settle().await;
    assert_eq!(polls(&world.calls()).len(), 1);
    let world = world.reopen_after_crash().await;
    world.advance(60).await;
    assert_eq!(polls(&world.calls()).len(), 1, "the stored settings are the new ones");
    world.stop().await;
}

#[tokio::test]
async fn an_order_whose_item_is_not_listed_yet_is_read_until_it_can_be_taken_in() {
    let world = World::open(POLLING).await;
    world.script("poll", ["ok\npaid/A-1/item-new/1"]);
    world.script("read", ["ok\npaid/A-1/item-new/1"; 4]);
    world.advance(60).await;
    assert_eq!(world.count("OrderPlaced").await, 0);
    assert_eq!(world.count("ReadBackSettled").await, 0, "it is not given up");
    let (account, item) = (world.shop.clone(), "item-new".to_owned());
    let listing = OperatorCommand::MapListing { account, item, sku: "steam-50".parse().unwrap() };
    world.operate(listing).await;
    world.advance(600).await;
    assert_eq!((world.count("OrderPlaced").await, world.count("OrderDelivered").await), (1, 1));
    assert_eq!(world.count("ReadBackSettled").await, 1);
    world.stop().await;
}
