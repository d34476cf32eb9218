//! Access is renewed before it runs out.

use channel::TransportFailure;
use events::Fact;

use crate::{toy::START, world::World};

const DUE: &str = r#"{ "renew_at": 100, "token": "t1" }"#;
const RENEWED: &str = "ok\n{ \"renew_at\": 1000, \"token\": \"t2\" }";

fn renewals(calls: &[String]) -> Vec<&str> {
    calls.iter().map(String::as_str).filter(|call| call.starts_with("renew")).collect()
}

#[tokio::test]
async fn access_is_renewed_when_it_is_due_and_the_new_token_outlives_a_crash() {
    let world = World::open(DUE).await;
    world.script("renew", [RENEWED]);
    world.advance(99).await;
    assert!(renewals(&world.calls()).is_empty());
    world.advance(1).await;
    assert_eq!(renewals(&world.calls()), ["renew/t1"]);
    let renewed = world.facts().await.into_iter().find_map(|fact| match fact {
        Fact::ChannelAccessRenewed(e) => e.next_at,
        _ => None,
    });
    assert_eq!(renewed, Some(vocabulary::Timestamp::from_secs(START + 1_000)));
    assert!(world.events().await.iter().all(|event| !event.payload.contains("t2")), "no token in the log");
    let world = world.reopen_after_crash().await;
    world.script("renew", ["ok\n{}"]);
    world.advance(900).await;
    assert_eq!(renewals(&world.calls()), ["renew/t2"]);
    world.advance(3_600).await;
    assert!(renewals(&world.calls()).is_empty(), "there is nothing to renew any more");
    world.stop().await;
}

#[tokio::test]
async fn a_renewal_that_was_not_answered_is_repeated_and_one_that_was_refused_is_told_to_people() {
    let world = World::open(DUE).await;
    world.silence("renew", TransportFailure::NoAnswer);
    world.script("renew", ["no refresh_token_expired"]);
    world.advance(100).await;
    let status = world.engine.upkeep(&world.shop);
    assert_eq!((status[0].what.as_str(), status[0].problem.as_deref()), ("renew", Some("no_answer")));
    world.advance(60).await;
    assert_eq!(world.count("ChannelAccessLost").await, 1);
    world.calls();
    world.advance(3_600).await;
    assert!(renewals(&world.calls()).is_empty(), "only a person can help now");
    let world = world.reopen_after_crash().await;
    world.advance(3_600).await;
    assert!(renewals(&world.calls()).is_empty());
    world.script("renew", ["ok\n{}"]);
    world.connect(DUE).await;
    world.settle().await;
    assert_eq!(renewals(&world.calls()).len(), 1, "connected anew, if only by the same settings");
    assert_eq!(world.count("ChannelAccessRenewed").await, 1);
    world.stop().await;
}

#[tokio::test]
async fn renewed_settings_that_are_no_settings_are_not_used() {
    let world = World::open(DUE).await;
    world.script("renew", ["ok\nnothing of the kind"]);
    world.advance(100).await;
    assert_eq!((world.count("ChannelAccessLost").await, world.count("ChannelAccessRenewed").await), (1, 0));
    let world = world.reopen_after_crash().await;
    assert!(!world.say("paid/A-1/item-7/1").await.is_empty(), "the account works on by its old settings");
    world.stop().await;
}
