//! Workers that die, are replaced, and are told to stop.

use events::{Fact, channel::AttemptOutcome};

use crate::world::World;

const UNREPEATABLE: &str = r#"{ "repeat_is_safe": false }"#;

impl World {
    /// Calls of this path are made and not answered, until all are let go.
    fn hold(&self, path: &str) {
        self.http.held.send_modify(|held| held.extend([(path.to_owned(), 0)]));
    }

    /// Returns when such a call is out.
    async fn is_held(&self, path: &str) {
        let mut held = self.http.held.subscribe();
        held.wait_for(|held| held[path] > 0).await.unwrap();
    }

    fn let_go(&self) {
        self.http.held.send_modify(std::collections::BTreeMap::clear);
    }
}

async fn outcomes(world: &World) -> Vec<AttemptOutcome> {
    let facts = world.facts().await.into_iter();
    facts
        .filter_map(|fact| match fact {
            Fact::DeliveryAttempted(e) => Some(e.outcome),
            _ => None,
        })
        .collect()
}

fn deliveries(world: &World) -> usize {
    world.calls().iter().filter(|call| call.starts_with("deliver")).count()
}

#[tokio::test]
async fn what_is_to_be_called_waits_in_the_log_until_there_is_a_worker() {
    let mut world = World::open(UNREPEATABLE).await;
    drop(world.worker.take());
    world.say("paid/A-1/item-7/1").await;
    assert_eq!((deliveries(&world), world.count("DeliveryRequested").await), (0, 1));
    world.worker = Some(world.start_worker());
    world.settle().await;
    assert_eq!(
        (deliveries(&world), world.count("OrderDelivered").await),
        (1, 1),
        "nothing of it was in doubt"
    );
    world.stop_and_verify().await;
}

#[tokio::test]
async fn what_a_worker_had_when_it_died_is_not_called_again_by_the_next_where_a_repeat_costs() {
    let mut world = World::open(UNREPEATABLE).await;
    world.hold("deliver/A-1");
    world.say("paid/A-1/item-7/1").await;
    world.is_held("deliver/A-1").await;
    // The first worker still waits for its answer when the next one asks.
    let first = world.worker.replace(world.start_worker());
    world.settle().await;
    assert_eq!(deliveries(&world), 1);
    let unknown = AttemptOutcome::Abandoned { code: "unknown_outcome".to_owned() };
    assert_eq!(outcomes(&world).await, std::slice::from_ref(&unknown));
    // Its answer comes after all, and is refused: nobody awaits it of this worker.
    world.let_go();
    first.unwrap().closed().await;
    world.settle().await;
    assert_eq!(outcomes(&world).await, [unknown]);
    assert_eq!(world.count("OrderDelivered").await, 0);
    world.stop_and_verify().await;
}

#[tokio::test]
async fn a_worker_that_is_told_to_stop_tells_what_it_did_and_the_next_goes_on_without_a_doubt() {
    let mut world = World::open(UNREPEATABLE).await;
    for number in 1..=4 {
        world.hold(&format!("deliver/A-{number}"));
    }
    // Four calls go out at a time; the fifth order waits behind them.
    for number in 1..=5 {
        world.say(&format!("paid/A-{number}/item-7/1")).await;
    }
    for number in 1..=4 {
        world.is_held(&format!("deliver/A-{number}")).await;
    }
    let first = world.worker.take().unwrap();
    first.send_replace(true);
    world.let_go();
    // It is gone when nobody hears it any more.
    first.closed().await;
    assert_eq!(deliveries(&world), 4);
    world.worker = Some(world.start_worker());
    world.settle().await;
    assert_eq!((deliveries(&world), world.count("OrderDelivered").await), (1, 5));
    assert_eq!(outcomes(&world).await, vec![AttemptOutcome::Done; 5]);
    world.stop_and_verify().await;
}

#[tokio::test]
async fn when_the_owner_changes_the_worker_lets_its_call_end_before_the_next_owner_has_it_asked_about() {
    let world = World::open(UNREPEATABLE).await;
    world.hold("deliver/A-1");
    world.say("paid/A-1/item-7/1").await;
    world.is_held("deliver/A-1").await;
    let world = world.reopen_with_its_worker().await;
    world.line.asked.subscribe().wait_for(|asked| *asked > 0).await.unwrap();
    // It has heard of the next owner. Long after it would have asked again, its call is still out.
    world.say("paid/A-2/item-7/1").await;
    world.say("paid/A-3/item-7/1").await;
    assert_eq!(*world.line.asked.borrow(), 1, "it takes nothing of the next owner yet");
    world.let_go();
    world.settle().await;
    assert_eq!(deliveries(&world), 3, "one of each order");
    assert_eq!(world.count("OrderDelivered").await, 2);
    let unknown = AttemptOutcome::Abandoned { code: "unknown_outcome".to_owned() };
    assert!(outcomes(&world).await.contains(&unknown));
    world.stop_and_verify().await;
}
