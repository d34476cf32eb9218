//! JD's game cards: keys in the reply, or by our call-back when they had to be waited for.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use testkit::{
    Fault,
    accounts::JdCustomer,
    drive::{self, JdOrder},
    jd_card::JdCard,
    pretend::Pretend,
};

use channel_world::{Books, Keys, PRICE, Told, World, code, sha256};

const JD: &str = "jd-game-card/main";

async fn open(async_when_short: bool) -> (World, Pretend<JdCard>) {
    let world = crate::open_world().await;
    let jd = world.pretend(JdCard::test()).await;
    let customer = JdCustomer::test();
    let settings = json!({ "customer_id": customer.customer_id, "private_key": customer.private_key.expose(),
        "async_when_short": async_when_short, "base_url": jd.url() });
    world.connect(JD, &settings).await;
    world.list(JD, "VIP-30").await;
    (world, jd)
}

async fn order(world: &World, order_id: &str, quantity: u32, yuan: &str) -> Told {
    let (order_id, out_id, total_price) = (order_id.to_owned(), "VIP-30".to_owned(), yuan.to_owned());
    let order = JdOrder { order_id, out_id, quantity, total_price };
    world.send(JD, &drive::jd_order(&JdCustomer::test(), &order, world.now())).await
}

async fn query(world: &World, order_id: &str) -> (String, Value) {
    read(&world.send(JD, &drive::jd_query(&JdCustomer::test(), order_id, world.now())).await)
}

/// The code and the data of a reply.
fn read(told: &Told) -> (String, Value) {
    let body = told.json();
    let data = STANDARD.decode(body["data"].as_str().unwrap_or_default()).unwrap();
    (body["retCode"].as_str().unwrap().to_owned(), serde_json::from_slice(&data).unwrap_or_default())
}

fn passwords(data: &Value) -> Vec<String> {
    let cards = data["cardinfos"].as_array().cloned().unwrap_or_default();
    cards.iter().map(|card| card["cardpass"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_order_is_answered_with_its_cards_and_a_query_shows_the_same() {
    let (world, jd) = open(false).await;
    world.stock(0, 3).await;
    let first = order(&world, "203632092", 2, "57.76").await;
    let (ret, data) = read(&first);
    assert_eq!((ret.as_str(), passwords(&data)), ("100", vec![code(0), code(1)]));
    world.advance(60).await;
    assert_eq!(
        order(&world, "203632092", 2, "57.76").await,
        first,
        "a repeat with a new time is the same reply"
    );
    let (ret, data) = query(&world, "203632092").await;
    assert_eq!((ret.as_str(), &data["orderStatus"], passwords(&data).len()), ("100", &json!(0), 2));
    assert_eq!(read(&order(&world, "203632093", 2, "57.76").await).0, "110", "one is left");
    assert_eq!(read(&order(&world, "203632094", 1, "28.87").await).0, "111", "the price differs");
    assert_eq!(query(&world, "9").await.0, "101");
    assert!(jd.with(|jd| jd.results.is_empty()), "what was answered is not called back");
    world.stop().await;
}

#[tokio::test]
async fn an_order_that_is_short_waits_for_keys_and_is_called_back_with_them() {
    let (world, jd) = open(true).await;
    world.stock(0, 1).await;
    let (ret, data) = read(&order(&world, "203632092", 2, "57.76").await);
    assert_eq!((ret.as_str(), passwords(&data).len()), ("100", 0));
    let (_, data) = query(&world, "203632092").await;
    assert_eq!(data["orderStatus"], 1, "at work");
    jd.next(Fault::HangUpAfter);
    world.stock(1, 4).await;
    world.settle().await;
    world.advance(60).await;
    let result = jd.with(|jd| jd.results["203632092"].clone());
    assert_eq!((result.status, result.cards.len(), result.times), (0, 2, 2), "a repeat is harmless");
    let (_, data) = query(&world, "203632092").await;
    let shown: Vec<String> = passwords(&data).iter().map(|code| sha256(code)).collect();
    assert_eq!(shown, result.cards, "the query shows what the call-back said");
    assert_eq!((world.count("OrderDelivered").await, jd.with(|jd| jd.forged_calls)), (1, 0));
    world.stop().await;
}

#[tokio::test]
async fn cards_whose_money_went_back_are_revoked_and_a_query_shows_them_no_more() {
    for fault in [Fault::HangUpBefore, Fault::HangUpAfter, Fault::ErrorAfter(500)] {
        let (world, jd) = open(true).await;
        order(&world, "203632092", 2, "57.76").await;
        jd.next(fault);
        world.stock(0, 4).await;
        world.settle().await;
        for _ in 0..3 {
            world.advance(60).await;
        }
        // JD tells of no refund on this interface: staff agree to it in JD's back office, and say so.
        world.refund_by_hand(JD, "203632092").await;
        assert_eq!(passwords(&query(&world, "203632092").await.1), Vec::<String>::new(), "{fault:?}");
        let books = Books::of(&world).await;
        let theirs = jd.with(|jd| jd.results["203632092"].cards.iter().cloned().collect());
        assert_eq!(books.delivered["203632092"], theirs, "{fault:?}");
        assert_eq!((&books.revoked, books.refunded["203632092"]), (&books.delivered, 5_776), "{fault:?}");
        assert_eq!((world.count("OrderPlaced").await, books.shared.len()), (1, 0), "{fault:?}");
        world.stop().await;
    }
}

#[tokio::test]
async fn queries_orders_and_call_backs_that_overtake_each_other_leave_jds_ledger_and_ours_the_same() {
    for fault in [Fault::HangUpBefore, Fault::HangUpAfter, Fault::ErrorAfter(500), Fault::TooMany(20)] {
        let (world, jd) = open(true).await;
        let (early, late, third) = ("203632091", "203632092", "203632093");
        assert_eq!(query(&world, early).await.0, "101", "asked for before it is ordered");
        // The second order arrives first; both replies are lost, and both orders wait for keys.
        for number in [late, early] {
            let _lost = order(&world, number, 1, "28.88").await;
        }
        jd.next(fault);
        world.stock(0, 6).await;
        world.settle().await;
        // Nobody knows how the call-back ended: JD asks, and orders once more, and hears what it heard.
        assert_eq!(query(&world, late).await.0, "100", "{fault:?}");
        assert_eq!(
            passwords(&read(&order(&world, late, 1, "28.88").await).1),
            Vec::<String>::new(),
            "{fault:?}"
        );
        world.minutes(10).await;
        // This one is answered at once, the reply is lost, and it is paid back before it comes again.
        let _lost = order(&world, third, 1, "28.88").await;
        world.refund_by_hand(JD, third).await;
        let told = passwords(&read(&order(&world, third, 1, "28.88").await).1);
        world.refund_by_hand(JD, early).await;
        world.minutes(10).await;

        let digests = |codes: &[String]| codes.iter().map(|code| sha256(code)).collect::<BTreeSet<_>>();
        let mut held: Keys = jd.with(|jd| {
            jd.results
                .iter()
                .map(|(number, told)| (number.clone(), told.cards.iter().cloned().collect()))
                .collect()
        });
        held.insert(third.to_owned(), digests(&told));
        let back = [third, early].map(|number| (number.to_owned(), PRICE));
        let books = Books::of(&world).await;
        books.agree(&held, &BTreeMap::from(back));
        let (_, shown) = query(&world, late).await;
        assert_eq!(
            digests(&passwords(&shown)),
            held[late],
            "{fault:?}: the query says what the call-back said"
        );
        assert_eq!((books.revoked.len(), world.count("KeysAllocated").await), (2, 3), "{fault:?}");
        assert_eq!((jd.with(|jd| jd.forged_calls), jd.faults_left()), (0, 0), "{fault:?}");
        world.stop().await;
    }
}
