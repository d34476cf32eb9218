//! Calls of several steps.

use channel::TransportFailure;
use events::{Fact, channel::AttemptOutcome};

use crate::world::World;

async fn attempts(world: &World) -> Vec<AttemptOutcome> {
    let facts = world.facts().await.into_iter();
    facts
        .filter_map(|fact| match fact {
            Fact::DeliveryAttempted(e) => Some(e.outcome),
            Fact::RefundAttempted(e) => Some(e.outcome),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn a_delivery_of_three_calls_is_one_attempt() {
    let world = World::open("{}").await;
    world.script("deliver/A-1", ["next upload"]);
    world.script("deliver-next/upload", ["next ship"]);
    world.say("paid/A-1/item-7/1").await;
    world.settle().await;
    let calls = world.calls();
    assert_eq!(calls[..3], ["deliver/A-1 item-7 x 1", "deliver-next/upload", "deliver-next/ship"]);
    assert_eq!(attempts(&world).await, [AttemptOutcome::Done]);
    world.stop().await;
}

#[tokio::test]
async fn a_later_attempt_starts_from_the_first_call() {
    let world = World::open("{}").await;
    world.script("deliver/A-1", ["next ship"]);
    world.script("deliver-next/ship", ["later busy"]);
    world.say("paid/A-1/item-7/1").await;
    world.settle().await;
    world.calls();
    world.advance(60).await;
    let calls = world.calls();
    assert!(calls.iter().any(|call| call.starts_with("deliver/A-1")), "{calls:?}");
    assert!(matches!(attempts(&world).await[..], [AttemptOutcome::RetryAfter { .. }, AttemptOutcome::Done]));
    world.stop().await;
}

#[tokio::test]
async fn after_a_crash_between_two_calls_the_first_is_made_again() {
    let world = World::open("{}").await;
    world.script("deliver/A-1", ["next ship"]);
    world.silence("deliver-next/ship", TransportFailure::NoAnswer);
    world.say("paid/A-1/item-7/1").await;
    world.settle().await;
    let world = world.reopen_after_crash().await;
    world.calls();
    world.advance(60).await;
    assert!(world.calls().iter().any(|call| call.starts_with("deliver/A-1")));
    assert_eq!(world.count("OrderDelivered").await, 1);
    world.stop().await;
}

#[tokio::test]
async fn no_more_than_eight_calls_belong_to_an_attempt() {
    let world = World::open(r#"{ "repeat_is_safe": false }"#).await;
    world.script("deliver", std::iter::repeat_n("next again", 20));
    world.say("paid/A-1/item-7/1").await;
    world.settle().await;
    assert_eq!(world.calls().iter().filter(|call| call.starts_with("deliver")).count(), 8);
    assert_eq!(attempts(&world).await, [AttemptOutcome::Unknown { code: "too_many_calls".to_owned() }]);
    world.stop().await;
}

#[tokio::test]
async fn stock_a_read_back_and_a_refund_go_on_where_the_channel_says_so() {
    let world = World::open("{}").await;
    world.script("stock/item-7", ["next publish"]);
    world.script("read/A-1", ["next lines"]);
    world.script("read-next/lines", ["ok\npaid/A-1/item-7/1"]);
    world.script("refund/A-1", ["next confirm"]);
    world.say("changed/A-1").await;
    world.settle().await;
    assert_eq!(world.count("OrderDelivered").await, 1, "what the second call said was taken in");
    world.operate(crate::world::refund(&world, "A-1", None)).await;
    world.advance(5).await;
    let calls = world.calls();
    for wanted in ["read-next/lines", "stock-next/publish", "refund-next/confirm"] {
        assert!(calls.iter().any(|call| call == wanted), "{wanted}: {calls:?}");
    }
    assert_eq!(world.count("RefundSettled").await, 1);
    world.stop().await;
}
