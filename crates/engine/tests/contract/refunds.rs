//! Money is paid back once, by one side.

use crate::world::{World, refund};

fn about_refunds(calls: &[String]) -> Vec<&String> {
    calls.iter().filter(|call| call.starts_with("refund")).collect()
}

#[tokio::test]
async fn a_refund_that_the_channel_asked_for_is_paid_by_its_number_with_what_it_gave_us() {
    let world = World::open("{}").await;
    world.say("paid/A-1/item-7/1").await;
    world.settle().await;
    world.say("refund/A-1/RF-1/version-3").await;
    world.operate(refund(&world, "A-1", Some("RF-1"))).await;
    world.settle().await;
    assert_eq!(about_refunds(&world.calls()), ["refund/A-1/RF-1 theirs version-3"]);
    world.say("paid/A-2/item-7/1").await;
    world.settle().await;
    world.operate(refund(&world, "A-2", Some("OURS-2"))).await;
    world.settle().await;
    assert_eq!(about_refunds(&world.calls()), ["refund/A-2/OURS-2 ours none"]);
    world.stop().await;
}

#[tokio::test]
async fn what_the_platform_called_off_it_pays_back_itself() {
    let world = World::open_as("toy-market/main", "{}").await;
    world.say("paid/A-1/item-7/9").await;
    world.say("cancel/A-1").await;
    world.settle().await;
    assert!(about_refunds(&world.calls()).is_empty());
    assert_eq!((world.count("RefundSettled").await, world.count("RefundDue").await), (1, 0));
    assert_eq!(world.say("refunded/A-1/RF-1").await, "ok");
    assert_eq!(world.count("RefundSettled").await, 1);
    world.stop().await;
}

#[tokio::test]
async fn what_another_channel_called_off_is_paid_back_by_us() {
    let world = World::open("{}").await;
    world.say("paid/A-1/item-7/9").await;
    world.say("cancel/A-1").await;
    world.settle().await;
    assert_eq!(about_refunds(&world.calls()).len(), 1);
    assert_eq!(world.count("RefundSettled").await, 1);
    world.stop().await;
}

#[tokio::test]
async fn what_is_asked_back_before_anything_was_handed_over_is_agreed_to_and_the_channel_told() {
    let world = World::open("{}").await;
    world.say("paid/A-1/item-7/9").await;
    world.say("refund/A-1/RF-1/version-3").await;
    world.settle().await;
    assert_eq!(about_refunds(&world.calls()), ["refund/A-1/RF-1 theirs version-3"]);
    assert_eq!((world.count("RefundSettled").await, world.count("KeysAllocated").await), (1, 0));
    world.stop().await;
}
