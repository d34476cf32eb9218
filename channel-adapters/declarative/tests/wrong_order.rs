//! A platform whose messages overtake each other, come twice, and are repeated until they are heard: its ledger and the
//! log agree in the end.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use channel::{Protocol, sign::hmac_sha256};
use channel_world::{Books, Keys, PRICE, World, sha256};
use serde_json::{Value, json};
use testkit::drive::Signed;

static PROTOCOLS: &[Protocol] = &[channel_declarative::PROTOCOL];
const SHOP: &str = "declarative/main";
const KEY: &str = "TEST-ONLY-key-of-a-platform-0001";

/// It tells of the steps of an order one by one, and asks for the keys.
const RECIPE: &str = r#"
body = "json"
methods = ["POST"]

[signature]
algorithm = "hmac-sha256"
key = "key"
at = "header:x-sign"
text = [{ body = "raw" }]

[[message]]
when = { "json:/event" = "created" }
ask = "order"
kind = "notice"
order = "json:/order"
item = "json:/item"
amount = { at = "json:/fen", unit = "fen" }

[[message]]
when = { "json:/event" = "paid" }
ask = "payment"
kind = "notice"
order = "json:/order"
txn = "json:/payment"
amount = { at = "json:/fen", unit = "fen" }

[[message]]
when = { "json:/event" = "cancelled" }
ask = "cancel"
kind = "notice"
order = "json:/order"

[[message]]
when = { "json:/event" = "refunded" }
ask = "refund_settled"
kind = "notice"
order = "json:/order"
refund = "json:/refund"
amount = { at = "json:/fen", unit = "fen" }

[[message]]
when = { "json:/event" = "keys" }
ask = "query"
kind = "query"
order = "json:/order"

[answers]
content_type = "text/plain; charset=utf-8"
success = "ok"
failure = "no ${code}"
keys = "keys\n${keys}"
pending = "wait"
closed = "closed"

[answers.key]
single = "${code}"
pair = "${code} ${pin}"
between = "\n"

[answers.codes]
unknown_order = "2"
default = "1"
"#;

async fn open() -> World {
    let world = World::open(PROTOCOLS).await;
    world.connect(SHOP, &json!({ "recipe": RECIPE, "secrets": { "key": KEY } })).await;
    world.list(SHOP, "card-50").await;
    world.stock(0, 20).await;
    world
}

async fn say(world: &World, message: &Value) -> String {
    let body = message.to_string().into_bytes();
    let sign = hex::encode(hmac_sha256(KEY.as_bytes(), &body));
    let headers = vec![("content-type", "application/json".to_owned()), ("x-sign", sign)];
    let signed = Signed { method: "POST", topic: String::new(), query: String::new(), headers, body };
    world.send(SHOP, &signed).await.text()
}

/// Fetches the keys that an order shows, if any: what comes is in the buyer's hands.
async fn fetch(world: &World, number: &str, held: &mut Keys) -> String {
    let shown = say(world, &json!({ "event": "keys", "order": number })).await;
    if let Some(keys) = shown.strip_prefix("keys\n") {
        held.entry(number.to_owned()).or_default().extend(keys.lines().map(sha256));
    }
    shown
}

fn message(event: &str, number: &str) -> Value {
    json!({ "event": event, "order": number, "item": "card-50", "fen": PRICE, "payment": format!("P-{number}"),
        "refund": format!("R-{number}") })
}

/// Tells of the steps in this order, each twice, and again what was not heard, as the platform does. After each
/// message `then` happens.
async fn tell(world: &World, number: &str, events: [&str; 3], mut then: impl AsyncFnMut()) {
    let mut left = events.to_vec();
    for _ in 0..3 {
        let mut unheard = Vec::new();
        for event in left {
            let (told, again) =
                (say(world, &message(event, number)).await, say(world, &message(event, number)).await);
            assert_eq!(told, again, "{number} {event}");
            if told != "ok" {
                unheard.push(event);
            }
            then().await;
        }
        world.advance(30).await;
        left = unheard;
    }
    assert_eq!(left, Vec::<&str>::new(), "{number} {events:?}: never heard");
}

/// Every order in which three messages can arrive.
fn turns([a, b, c]: [&'static str; 3]) -> [[&'static str; 3]; 6] {
    [[a, b, c], [a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]]
}

#[tokio::test]
async fn money_back_that_overtakes_the_payment_or_the_order_leaves_no_live_key_with_the_buyer() {
    let world = open().await;
    let (mut held, mut back) = (Keys::new(), BTreeMap::new());
    for (at, turn) in turns(["created", "paid", "refunded"]).into_iter().enumerate() {
        let number = format!("T{at}");
        back.insert(number.clone(), PRICE);
        tell(&world, &number, turn, async || {
            fetch(&world, &number, &mut held).await;
        })
        .await;
        assert_eq!(fetch(&world, &number, &mut held).await, "closed", "{turn:?}");
    }
    let books = Books::of(&world).await;
    books.agree(&held, &back);
    // Only where nothing overtook anything was there a key to be seen, and it is void.
    assert_eq!(held.keys().collect::<Vec<_>>(), ["T0"]);
    assert_eq!(books.revoked, held);
    world.stop().await;
}

#[tokio::test]
async fn an_order_that_is_called_off_before_it_is_made_or_paid_gets_no_key_and_its_money_is_due() {
    let world = open().await;
    let mut back = BTreeMap::new();
    for (at, turn) in turns(["created", "cancelled", "paid"]).into_iter().enumerate() {
        let number = format!("T{at}");
        tell(&world, &number, turn, async || {}).await;
        assert_eq!(fetch(&world, &number, &mut Keys::new()).await, "closed", "{turn:?}");
        // The platform cannot be told to pay back: staff do it there, and say so.
        let due =
            if turn == ["created", "paid", "cancelled"] { "cancelled" } else { &format!("late-P-{number}") };
        world.settle_refund(SHOP, &number, due).await;
        back.insert(number, PRICE);
    }
    let books = Books::of(&world).await;
    books.agree(&Keys::new(), &back);
    assert_eq!((books.let_out.len(), books.revoked.len()), (0, 0));
    assert_eq!(world.count("OrderPlaced").await, 6);
    world.stop().await;
}
