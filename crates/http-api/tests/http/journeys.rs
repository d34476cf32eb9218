//! Touches, the orders they lead to, demand that was not met, and what accounts cost.

use serde_json::{Value, json};

use crate::world::{World, paid};

const PATH: &str = "/v1/journeys/j-7/touches";

fn touch() -> Value {
    json!({ "kind": "view", "account": "douyin/live", "source": "short-video", "content": "v-7312",
        "format": "video", "campaign": "new-year", "buyer_ref": "open-id-1", "occurred_at": "2026-01-01T03:00:00Z" })
}

async fn rows(world: &World, view: &str) -> Vec<Value> {
    let answer = world.fresh(&format!("/v1/views/{view}")).await.good();
    answer["rows"].as_array().unwrap().clone()
}

#[tokio::test]
async fn touches_and_the_order_they_led_to_are_one_journey() {
    let world = World::stocked(2).await;
    let quote = json!({ "kind": "quote", "account": "generic/own", "source": "search" });
    world.post(PATH, &json!({ "touches": [touch(), quote] })).await.good();
    let mut order = paid("A-1");
    order["data"]["journey"] = json!("j-7");
    assert!(world.send(world.signed("/v1/in/generic/own", "msg-1", &order)).await.status.is_success());

    let touches = rows(&world, "fct_touch").await;
    let of = |row: usize, column: &str| touches[row][column].as_str().unwrap().to_owned();
    assert_eq!(touches.len(), 2, "{touches:?}");
    assert_eq!(
        (of(0, "occurred_at"), of(0, "channel")),
        ("2026-01-01T03:00:00.000000Z".into(), "douyin/live".into())
    );
    assert_eq!((of(1, "kind"), of(1, "occurred_at")), ("quote".into(), "2026-01-02T03:00:00.000000Z".into()));
    assert!(of(0, "buyer_id").starts_with("buyer-"), "{touches:?}");
    let ordered = rows(&world, "fct_journey_order").await;
    assert_eq!((ordered.len(), &ordered[0]["journey_id"]), (1, &json!("journey-j-7")));
    let order = world.get("/v1/orders/generic:A-1").await.good();
    assert_eq!(ordered[0]["order_id"], order["order"]["order"]);
    let log = world.get("/v1/events?limit=1000").await.text();
    assert!(!log.contains("open-id-1"), "a touch names nobody but by pseudonym");
}

#[tokio::test]
async fn a_touch_told_twice_with_its_key_counts_once() {
    let world = World::empty().await;
    let body = json!({ "touches": [touch()] }).to_string();
    let headers = [("content-type", "application/json"), ("idempotency-key", "t-1")];
    let first = world.ask("POST", PATH, &headers, body.as_bytes()).await;
    first.good();
    let again = world.ask("POST", PATH, &headers, body.as_bytes()).await;
    assert_eq!((first.body, world.position().await), (again.body, 1));
}

#[tokio::test]
async fn touches_that_say_too_much_or_nonsense_leave_nothing() {
    let world = World::empty().await;
    let with = |field: &str, value: Value| {
        let mut touch = touch();
        touch[field] = value;
        json!({ "touches": [self::touch(), touch] })
    };
    let wrong = [
        (with("kind", json!("gaze")), "invalid_body"),
        (with("source", json!("")), "invalid_value"),
        (with("source", json!("x".repeat(65))), "invalid_value"),
        (with("source", json!("13812345678")), "private_text"),
        (with("campaign", json!("li@example.com")), "private_text"),
        (with("content", json!("a b")), "invalid_value"),
        (with("buyer_ref", json!("")), "invalid_value"),
        (with("occurred_at", json!("2026-01-02T04:00:00Z")), "invalid_value"),
        (with("colour", json!("red")), "invalid_body"),
        (json!({ "touches": [] }), "invalid_value"),
    ];
    for (body, code) in wrong {
        let (status, found) = world.post(PATH, &body).await.problem();
        assert_eq!((status, found.as_str()), (422, code), "{body}");
    }
    let key = format!("/v1/journeys/{}/touches", "k".repeat(81));
    assert_eq!(world.post(&key, &json!({ "touches": [touch()] })).await.problem().1, "invalid_value");
    assert_eq!(world.position().await, 0);
}

#[tokio::test]
async fn an_order_that_found_no_keys_is_an_attempt_and_its_message_admits_it() {
    let world = World::stocked(0).await;
    for id in ["msg-1", "msg-2"] {
        let refused = world.send(world.signed("/v1/in/generic/own", id, &paid("A-1"))).await;
        assert!(!refused.status.is_success(), "{}", refused.text());
    }
    let attempts = rows(&world, "fct_attempt_refused").await;
    assert_eq!(attempts.len(), 1, "{attempts:?}");
    let of = |column: &str| attempts[0][column].clone();
    assert_eq!(
        (of("sku_id"), of("units_count"), of("reason")),
        (json!("steam-50"), json!(1), json!("out_of_stock"))
    );
    assert_eq!((of("channel_id"), of("platform_order_no")), (json!("generic/own"), json!("A-1")));
    let refused = world.get("/v1/inbox?verdict=rejected").await.good();
    let messages = refused["messages"].as_array().unwrap();
    let caused = messages.iter().filter(|message| !message["first_pos"].is_null());
    assert_eq!((messages.len(), caused.count()), (2, 1), "{refused}");
}

#[tokio::test]
async fn terms_of_an_account_are_set_shown_and_replaced() {
    let world = World::stocked(0).await;
    let path = "/v1/channels/generic/own/terms";
    let terms = json!({ "kind": "own", "commission_bp": 0, "pay_fee_bp": 60, "sync_delay_s": 0,
        "value_tags": ["复购", "margin"] });
    world.post(path, &terms).await.good();
    let position = world.position().await;
    world.post(path, &terms).await.good();
    assert_eq!(world.position().await, position, "the same terms are no news");
    let shown = rows(&world, "dim_channel").await;
    let row = |column: &str| shown[0][column].clone();
    assert_eq!((row("kind"), row("pay_fee_bp"), row("commission_bp")), (json!("own"), json!(60), json!(0)));
    assert!(row("value_tags").to_string().contains("复购"), "{shown:?}");
    let mut other = terms.clone();
    other["commission_bp"] = json!(525);
    world.post(path, &other).await.good();
    assert_eq!(rows(&world, "dim_channel").await[0]["commission_bp"], 525);

    other["pay_fee_bp"] = json!(10_001);
    assert_eq!(world.post(path, &other).await.problem(), (422, "invalid_value".to_owned()));
    let unknown = world.post("/v1/channels/generic/none/terms", &terms).await.problem();
    assert_eq!(unknown.1, "unknown_channel");
}
