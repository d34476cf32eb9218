use event_log::EventLog;
use events::{Fact, staff::SearchRun};
use serde_json::{Value, json};
use vocabulary::StreamVersion;

use crate::{
    identity::{PHONE, buy, buyer_of},
    world::World,
};

async fn searched(world: &World) -> Vec<SearchRun> {
    let stream = "staff-lin-tao".parse().unwrap();
    let events = world.log.read_stream(&world.merchant, &stream, StreamVersion(0), 100).await.unwrap();
    let search = |event: &events::RecordedEvent| match event.fact().unwrap() {
        Fact::SearchRun(search) => search,
        other => panic!("{}", other.type_name()),
    };
    events.iter().map(search).collect()
}

/// The reasons and orders of a search.
async fn find(world: &World, text: &str) -> Vec<(String, String)> {
    let body = json!({ "text": text, "min_pos": world.position().await });
    let found = world.post("/v1/find", &body).await.good();
    let part = |value: &Value| value.as_str().unwrap().to_owned();
    let matches = found["matches"].as_array().unwrap().iter();
    matches.map(|one| (part(&one["reason"]), part(&one["order"]["order"]))).collect()
}

async fn stocked() -> (World, [String; 2]) {
    let world = World::stocked(9).await;
    world.connect("generic/wx").await;
    let own = json!({ "phone": PHONE, "phone_verified": true, "email": "Li@Example.cn" });
    let other = json!({ "union_id": "u-union-7", "phone": "+86 139-1234-5678", "phone_verified": true });
    let first = buy(&world, "generic/own", "A-1", "u-1001", &own).await;
    let second = buy(&world, "generic/wx", "W-1", "o-openid-7", &other).await;
    (world, [first, second])
}

#[tokio::test]
async fn s1_any_of_what_is_known_finds_the_order_in_one_search() {
    let (world, [first, second]) = stocked().await;
    for (text, reason, order) in [
        (first.as_str(), "our_id", &first),
        ("A-1", "order_no", &first),
        ("key-00000", "card_key", &first),
        ("o-openid-7", "buyer", &second),
        ("u-union-7", "union_id", &second),
        ("LI@example.cn", "email", &first),
    ] {
        let found = find(&world, text).await;
        assert_eq!(found[0], (reason.to_owned(), order.clone()), "{text}");
    }
    // A phone fits the orders of both accounts, however it is written; so do its last digits with the day.
    for (text, reason) in [
        (PHONE, "phone"),
        ("+86 139 1234 5678", "phone"),
        ("5678 2026-01-02", "phone_last4_and_date"),
        ("2026/01/02 5678", "phone_last4_and_date"),
        ("5678", "phone_last4"),
    ] {
        let mut found = find(&world, text).await;
        found.sort_unstable();
        let mut wanted = vec![(reason.to_owned(), first.clone()), (reason.to_owned(), second.clone())];
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{text}");
    }
    for text in ["5678 2026-01-03", "1111 2026-01-02", "13912345679", "nobody@example.cn"] {
        assert_eq!(find(&world, text).await, [], "{text}");
    }
}

#[tokio::test]
async fn orders_of_the_same_person_on_another_channel_come_behind_the_match() {
    let (world, [first, second]) = stocked().await;
    let found = find(&world, "o-openid-7").await;
    assert_eq!(found, [("buyer".to_owned(), second), ("same_person".to_owned(), first)]);
}

#[tokio::test]
async fn s5_a_search_by_what_tells_who_somebody_is_is_in_the_histories_of_what_it_found() {
    let (world, [first, second]) = stocked().await;
    for text in ["A-1", first.as_str(), "nothing-of-the-kind"] {
        find(&world, text).await;
    }
    assert_eq!(searched(&world).await, [], "order numbers and our own ids tell nothing of a person");
    find(&world, PHONE).await;
    find(&world, PHONE).await;
    find(&world, "5678 2026-01-02").await;
    find(&world, "nobody@example.cn").await;
    find(&world, "KEY-00000").await;
    let runs = searched(&world).await;
    let kinds: Vec<&str> = runs.iter().map(|run| run.kinds[0].as_str()).collect();
    assert_eq!(kinds, ["phone", "phone", "phone_last4", "email", "card_key"]);
    assert_eq!(runs[0].digest, runs[1].digest, "a repeat can be told");
    assert_ne!(runs[0].digest, runs[2].digest);
    assert_eq!(runs[0].orders.len(), 2);
    assert!(runs[3].orders.is_empty());

    let history = world.fresh(&format!("/v1/orders/{second}/events")).await.good();
    let found: Vec<&Value> =
        history["events"].as_array().unwrap().iter().filter(|event| event["type"] == "SearchRun").collect();
    assert_eq!(found.len(), 3, "by phone twice and by its last digits, not by the other order's key");
    assert_eq!(found[0]["actor"], json!({ "kind": "staff", "id": "Lin Tao" }));
    assert_eq!(found[0]["stream"], "staff-lin-tao");
    let buyer = buyer_of(&world, &second).await;
    let timeline = world.fresh(&format!("/v1/buyers/{buyer}/timeline")).await.good();
    let moments = timeline["moments"].as_array().unwrap();
    assert_eq!(moments.iter().filter(|moment| moment["kind"] == "search").count(), 4);
}
