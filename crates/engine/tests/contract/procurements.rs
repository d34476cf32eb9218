//! Keys bought from a supplier are taken in once, whichever way they come, and nothing is bought twice.

use channel::TransportFailure;
use engine::{EngineError, OperatorCommand};
use events::{Actor, Fact, procurement::ProcurementEnd};
use vocabulary::{Account, BatchId, Currency, Money, Quantity, Reason};

use crate::world::World;

const NO_ANSWER: TransportFailure = TransportFailure::NoAnswer;
const UNREPEATABLE: &str = r#"{ "repeat_is_safe": false }"#;
const MUTE: &str = r#"{ "repeat_is_safe": false, "asks": false }"#;

fn wish(account: &Account, item: &str) -> OperatorCommand {
    OperatorCommand::Procure {
        sku: "steam-50".parse().unwrap(),
        account: account.clone(),
        item: item.to_owned(),
        quantity: Quantity::try_from(2).unwrap(),
        max_price: Money::new(5_000, Currency::CNY),
        reason: "low stock".to_owned(),
    }
}

/// Staff buy two keys; returns our number.
async fn buy(world: &World) -> String {
    let answer = world.operate(wish(&world.shop, "7")).await;
    assert_eq!(answer.batch, Some(BatchId(2)), "the first batch is the world's own");
    answer.procurement.unwrap()
}

/// The first words of the calls about purchases.
fn about(world: &World) -> Vec<String> {
    let calls = world.calls().into_iter();
    calls.filter(|call| call.starts_with("buy") || call.starts_with("bought")).collect()
}

async fn ends(world: &World) -> Vec<ProcurementEnd> {
    let facts = world.facts().await.into_iter();
    facts
        .filter_map(|fact| match fact {
            Fact::ProcurementSettled(e) => Some(e.end),
            _ => None,
        })
        .collect()
}

fn keys(count: u32) -> ProcurementEnd {
    ProcurementEnd::Keys { batch: BatchId(2), count, asked: 2, duplicates: 0 }
}
fn for_a_person(code: &str) -> ProcurementEnd {
    ProcurementEnd::ForAPerson { code: code.to_owned() }
}
fn failed(code: &str) -> ProcurementEnd {
    ProcurementEnd::Failed { code: code.to_owned() }
}

/// How many units the shop may sell: five are the world's own.
async fn in_stock(world: &World) -> usize {
    let facts = world.facts().await.into_iter();
    facts
        .filter_map(|fact| match fact {
            Fact::KeysImported(e) => Some(e.fingerprints.len()),
            _ => None,
        })
        .sum()
}

#[tokio::test]
async fn keys_in_the_reply_are_a_batch_of_the_supplier_in_one_unit_with_the_end() {
    let world = World::open("{}").await;
    world.script("buy", ["ok\nkeys T-1 NEW-1 NEW-2"]);
    let our_no = buy(&world).await;
    world.settle().await;
    let address = format!("https://kami.test/v1/in/{}", world.shop);
    assert_eq!(about(&world), [format!("buy/7/2/{our_no} {address}")]);
    assert_eq!(ends(&world).await, [keys(2)]);
    let events = world.events().await;
    let settled = events.iter().position(|event| event.type_name == "ProcurementSettled").unwrap();
    let unit = &events[settled - 2..=settled];
    let names: Vec<_> = unit.iter().map(|event| event.type_name.as_str()).collect();
    assert_eq!(names, ["BatchOpened", "KeysImported", "ProcurementSettled"]);
    let metas: Vec<_> = unit.iter().map(|event| event.meta().unwrap()).collect();
    assert!(metas.iter().all(|meta| meta.unit == metas[0].unit && meta.correlation.is_some()));
    assert!(unit[0].payload.contains(&format!(r#""supplier":"{}""#, world.shop)), "{}", unit[0].payload);
    assert!(events.iter().all(|event| !event.payload.contains("NEW-")), "no key in the log");
    let refs = ["b2-0".parse().unwrap(), "b2-1".parse().unwrap()];
    let opened = world.vault.open_keys(world.engine.merchant(), &refs);
    let codes: Vec<String> = opened.await.unwrap().iter().map(|key| key.code.expose().clone()).collect();
    assert_eq!(codes, ["NEW-1", "NEW-2"]);
    world.stop_and_verify().await;
}

#[tokio::test]
async fn bought_keys_serve_an_order_that_waits() {
    let world = World::open("{}").await;
    world.say("paid/A-1/item-7/7").await;
    world.settle().await;
    assert_eq!(world.count("OrderDelivered").await, 0);
    world.script("buy", ["ok\nkeys T-1 NEW-1 NEW-2"]);
    buy(&world).await;
    world.settle().await;
    assert_eq!(world.count("OrderDelivered").await, 1);
    world.stop_and_verify().await;
}

#[tokio::test]
async fn a_purchase_that_was_taken_is_asked_about_by_the_suppliers_number_until_its_keys_are_there() {
    let world = World::open(UNREPEATABLE).await;
    world.script("buy", ["ok\naccepted T-1"]);
    world.script("bought", ["ok\naccepted T-1", "later busy", "no not_found", "ok\nkeys T-1 NEW-1 NEW-2"]);
    let our_no = buy(&world).await;
    world.settle().await;
    assert_eq!(about(&world).len(), 1, "the first question comes after a while");
    for _ in 0..4 {
        world.advance(60).await;
    }
    assert_eq!(about(&world), vec![format!("bought/{our_no}/T-1"); 4]);
    assert_eq!((ends(&world).await, in_stock(&world).await), (vec![keys(2)], 7));
    assert_eq!(world.count("ProcurementAccepted").await, 1);
    world.advance(3_600).await;
    assert!(about(&world).is_empty());
    world.stop_and_verify().await;
}

#[tokio::test]
async fn the_suppliers_own_call_brings_the_keys_and_ends_the_asking() {
    let world = World::open(MUTE).await;
    world.script("buy", ["ok\naccepted"]);
    let our_no = buy(&world).await;
    world.settle().await;
    assert_eq!(world.say(&format!("procured/{our_no}/keys T-1 NEW-1 NEW-2")).await, "ok");
    world.advance(86_400).await;
    assert_eq!((about(&world).len(), ends(&world).await, in_stock(&world).await), (1, vec![keys(2)], 7));
    world.stop_and_verify().await;
}

#[tokio::test]
async fn keys_that_come_by_reply_and_by_call_are_taken_in_once() {
    let world = World::open("{}").await;
    world.script("buy", ["ok\nkeys T-1 NEW-1 NEW-2"]);
    let our_no = buy(&world).await;
    world.settle().await;
    for _ in 0..2 {
        assert_eq!(world.say(&format!("procured/{our_no}/keys T-1 NEW-1 NEW-2")).await, "ok");
    }
    assert_eq!(world.say(&format!("procured/{our_no}/failed sold_out")).await, "ok");
    assert_eq!(world.say(&format!("procured/{our_no}/accepted T-1")).await, "ok");
    assert_eq!((ends(&world).await, in_stock(&world).await), (vec![keys(2)], 7));
    let more = world.say(&format!("procured/{our_no}/keys T-1 NEW-1 NEW-2 NEW-3")).await;
    assert_eq!((more.as_str(), in_stock(&world).await), ("parked", 7), "somebody must look");
    let world = world.reopen_after_crash().await;
    world.say(&format!("procured/{our_no}/keys  T-1 NEW-1 NEW-2")).await;
    assert_eq!((ends(&world).await.len(), in_stock(&world).await), (1, 7));
    world.stop_and_verify().await;
}

#[tokio::test]
async fn a_purchase_that_was_taken_by_the_suppliers_own_word_never_counts_as_refused() {
    let world = World::open(UNREPEATABLE).await;
    world.script("buy", ["later busy"]);
    let our_no = buy(&world).await;
    world.settle().await;
    world.say(&format!("procured/{our_no}/accepted T-9")).await;
    world.script("buy", ["no duplicate"]);
    world.advance(60).await;
    let end = for_a_person("duplicate");
    assert_eq!(ends(&world).await, [end], "it was taken, whatever the repeat was answered");
    world.say(&format!("procured/{our_no}/keys T-9 NEW-1 NEW-2")).await;
    assert_eq!((ends(&world).await.len(), in_stock(&world).await), (2, 7));
    world.stop_and_verify().await;
}

#[tokio::test]
async fn a_call_about_a_purchase_that_is_not_ours_is_parked() {
    let world = World::open(MUTE).await;
    for our_no in ["0198c1c0a0007000800000000000002b", "K1", "00", ".."] {
        assert_eq!(world.say(&format!("procured/{our_no}/keys T-1 NEW-1")).await, "parked");
    }
    assert_eq!(in_stock(&world).await, 5);
    world.stop_and_verify().await;
}

#[tokio::test]
async fn after_a_time_out_the_supplier_is_asked_and_not_sent_the_purchase_again() {
    let world = World::open("{}").await;
    world.silence("buy", NO_ANSWER);
    world.script("bought", ["ok\nkeys T-1 NEW-1 NEW-2"]);
    let our_no = buy(&world).await;
    world.settle().await;
    world.advance(60).await;
    let calls = about(&world);
    assert_eq!((calls.len(), &calls[1]), (2, &format!("bought/{our_no}/none")));
    assert_eq!(ends(&world).await, [keys(2)]);
    world.stop_and_verify().await;
}

#[tokio::test]
async fn after_a_time_out_a_supplier_that_knows_repeats_is_sent_the_same_again() {
    let world = World::open(r#"{ "asks": false }"#).await;
    world.silence("buy", NO_ANSWER);
    world.script("buy", ["ok\nkeys T-1 NEW-1 NEW-2"]);
    buy(&world).await;
    world.settle().await;
    world.advance(60).await;
    let calls = about(&world);
    assert_eq!((calls.len(), &calls[0]), (2, &calls[1]));
    assert_eq!(ends(&world).await, [keys(2)]);
    world.stop_and_verify().await;
}

#[tokio::test]
async fn a_no_to_the_repeat_says_nothing_of_the_first_call() {
    let world = World::open(r#"{ "asks": false }"#).await;
    world.silence("buy", NO_ANSWER);
    world.script("buy", ["no signature"]);
    buy(&world).await;
    world.settle().await;
    world.advance(60).await;
    assert_eq!(ends(&world).await, [for_a_person("signature")]);
    world.stop_and_verify().await;
}

#[tokio::test]
async fn after_a_time_out_of_a_supplier_that_can_neither_be_asked_nor_sent_the_same_a_person_must_look() {
    let world = World::open(MUTE).await;
    world.silence("buy", NO_ANSWER);
    let our_no = buy(&world).await;
    world.settle().await;
    world.advance(86_400).await;
    assert_eq!((about(&world).len(), ends(&world).await), (1, vec![for_a_person("unknown_outcome")]));
    world.say(&format!("procured/{our_no}/keys T-1 NEW-1 NEW-2")).await;
    assert_eq!(ends(&world).await, [for_a_person("unknown_outcome"), keys(2)], "keys are never turned away");
    world.stop_and_verify().await;
}

#[tokio::test]
async fn a_question_that_is_never_answered_is_left_to_a_person_in_the_end() {
    let world = World::open(UNREPEATABLE).await;
    world.silence("buy", NO_ANSWER);
    world.script("bought", std::iter::repeat_n("no not_found", 100));
    buy(&world).await;
    for _ in 0..20 {
        world.advance(60).await;
    }
    let calls = about(&world);
    assert!(calls[1..].iter().all(|call| call.starts_with("bought")), "{calls:?}");
    assert_eq!((calls.len(), ends(&world).await), (12, vec![for_a_person("not_found")]));
    world.stop_and_verify().await;
}

#[tokio::test]
async fn what_the_supplier_will_not_sell_has_failed_and_its_batch_number_is_not_used_again() {
    let world = World::open("{}").await;
    world.script("buy", ["later out_of_stock", "no sold_out"]);
    buy(&world).await;
    world.settle().await;
    world.advance(60).await;
    let unnamed = world.operate(wish(&world.shop, "nameless")).await;
    world.settle().await;
    assert_eq!(about(&world).len(), 2, "a call that cannot be built is not made");
    assert_eq!(ends(&world).await, [failed("sold_out"), failed("item_is_no_id")]);
    assert_eq!((unnamed.batch, world.count("BatchOpened").await), (Some(BatchId(3)), 1));
    let world = world.reopen_after_crash().await;
    let next = world.operate(wish(&world.shop, "7")).await;
    assert_eq!(next.batch, Some(BatchId(4)));
    world.stop_and_verify().await;
}

#[tokio::test]
async fn after_a_crash_between_the_wish_and_its_outcome_the_supplier_is_asked() {
    let world = World::open("{}").await;
    let our_no = buy(&world).await;
    let world = world.reopen_after_crash().await;
    world.calls();
    world.script("bought", ["ok\naccepted T-1", "ok\nkeys T-1 NEW-1 NEW-2"]);
    world.settle().await;
    let world = world.reopen_after_crash().await;
    world.advance(60).await;
    assert_eq!(about(&world), [format!("bought/{our_no}/none"), format!("bought/{our_no}/T-1")]);
    assert_eq!((ends(&world).await, in_stock(&world).await), (vec![keys(2)], 7));
    world.stop_and_verify().await;
}

#[tokio::test]
async fn a_snapshot_keeps_what_is_under_way() {
    let world = World::open(UNREPEATABLE).await;
    world.script("buy", ["ok\naccepted T-1"]);
    let our_no = buy(&world).await;
    world.settle().await;
    world.engine.stop().await.unwrap();
    let world = world.reopen_after_crash().await;
    world.script("bought", ["ok\nkeys T-1 NEW-1 NEW-2"]);
    world.calls();
    world.settle().await;
    assert_eq!((about(&world), ends(&world).await), (vec![format!("bought/{our_no}/T-1")], vec![keys(2)]));
    world.stop_and_verify().await;
}

#[tokio::test]
async fn another_number_of_keys_than_asked_for_is_taken_in_and_said() {
    let world = World::open("{}").await;
    world.script("buy", ["ok\nkeys T-1 NEW-1 NEW-2 NEW-3 KEY-00000", "ok\nkeys T-2 NEW-1 NEW-2"]);
    buy(&world).await;
    world.operate(wish(&world.shop, "7")).await;
    world.settle().await;
    let more = ProcurementEnd::Keys { batch: BatchId(2), count: 3, asked: 2, duplicates: 1 };
    assert_eq!(ends(&world).await, [more, for_a_person("no_new_keys")]);
    assert_eq!(in_stock(&world).await, 8);
    world.stop_and_verify().await;
}

#[tokio::test]
async fn a_wish_that_cannot_be_fulfilled_is_refused() {
    let world = World::open("{}").await;
    let ask = async |command| match world.engine.operate(Actor::staff("lin"), command).await {
        Err(EngineError::Rejected(no)) => no.reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(ask(wish(&"toy/other".parse().unwrap(), "7")).await, Reason::UnknownChannel);
    assert_eq!(ask(wish(&world.shop, "")).await, Reason::InvalidValue);
    let OperatorCommand::Procure { account, item, quantity, max_price, reason, .. } = wish(&world.shop, "7")
    else {
        unreachable!()
    };
    let sku = "steam-100".parse().unwrap();
    let other = OperatorCommand::Procure { sku, account, item, quantity, max_price, reason };
    assert_eq!(ask(other).await, Reason::UnknownSku);
    assert_eq!(world.count("ProcurementRequested").await, 0);
    world.stop_and_verify().await;
}

/// Staff buy two keys for at most 50 yuan from a supplier who charges.
async fn priced(prices: &[&str]) -> World {
    let world = World::open(r#"{ "charges": true, "asks": false, "repeat_is_safe": false }"#).await;
    world.script("price", prices.iter().copied());
    world.script("buy", ["ok\nkeys T-1 NEW-1 NEW-2"]);
    buy(&world).await;
    world.settle().await;
    world
}

#[tokio::test]
async fn a_dearer_quote_than_allowed_buys_nothing_and_says_what_the_supplier_wants() {
    let world = priced(&["ok\n5001"]).await;
    world.advance(86_400).await;
    assert_eq!(about(&world), Vec::<String>::new(), "the supplier was not asked to buy");
    assert_eq!(ends(&world).await, [failed("costs_more_than_allowed:50.01 CNY")]);
    assert_eq!(in_stock(&world).await, 5);
    world.stop_and_verify().await;
}

#[tokio::test]
async fn what_costs_as_much_as_allowed_is_bought_once_the_price_is_found() {
    let world = priced(&["ok\n", "ok\n5000"]).await;
    let calls = world.calls();
    let asked: Vec<&str> = calls.iter().filter_map(|call| call.split_whitespace().next()).collect();
    assert_eq!(asked[..2], ["price/7/2/0", "price/7/2/1"], "{calls:?}");
    assert!(asked[2].starts_with("buy/7/2/"), "{calls:?}");
    assert_eq!((ends(&world).await, in_stock(&world).await), (vec![keys(2)], 7));
    world.stop_and_verify().await;
}

#[tokio::test]
async fn a_price_that_nobody_tells_is_asked_for_again_and_a_no_ends_the_purchase() {
    let world = priced(&["unreadable", "later busy"]).await;
    world.script("price", ["no unknown_item"]);
    for _ in 0..3 {
        world.advance(60).await;
    }
    assert_eq!(about(&world), Vec::<String>::new());
    assert_eq!(ends(&world).await, [failed("unknown_item")]);
    world.stop_and_verify().await;
}
