//! A shop behind a bot, over real sockets: asked, paid, delivered, paid back, and what goes wrong on the way.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use std::collections::BTreeSet;

use channel::Protocol;
use channel_world::{Books, SKU, Told, World, code, sha256};
use serde_json::{Value, json};
use testkit::{Fault, accounts::WebhookSecret, drive, pretend::Pretend};
use vocabulary::{Currency, Money};

use platform::{SECRET, TOKEN, Telegram, Transaction, paid, question, refunded, update};

const BOT: &str = "telegram/bot";
const OWN: &str = "generic/own";
const ITEM: &str = "item:steam";
const STARS: i64 = 150;
const PROTOCOLS: &[Protocol] = &[channel_generic::PROTOCOL, channel_telegram::PROTOCOL];

async fn open(keys: u32) -> (World, Pretend<Telegram>) {
    let world = World::open(PROTOCOLS).await;
    let telegram = world.pretend(Telegram::default()).await;
    let price = Money::new(STARS, Currency::XTR);
    let own = json!({ "secrets": [WebhookSecret::test_inbound().0.expose()] });
    world.connect_at(OWN, &own, None, price).await;
    let bot = json!({ "bot_token": TOKEN, "secret_token": SECRET, "base_url": telegram.url() });
    world.connect_at(BOT, &bot, Some(OWN), price).await;
    world.list(BOT, "steam").await;
    if keys > 0 {
        world.stock(0, keys).await;
    }
    (world, telegram)
}

async fn tell(world: &World, body: &Value) -> Told {
    let told = world.send(BOT, &update(body)).await;
    assert_eq!(told.status, 200, "{}", told.text());
    told
}

async fn may_pay(world: &World, buyer: i64, payload: &str, stars: i64) -> bool {
    tell(world, &question(buyer, payload, stars)).await.json()["ok"] == true
}

/// A buyer pays for the item, and Telegram tells.
async fn buy(world: &World, telegram: &Pretend<Telegram>, buyer: i64) -> Transaction {
    assert!(may_pay(world, buyer, ITEM, STARS).await);
    let transaction = telegram.with(|telegram| telegram.pay(buyer, ITEM, STARS));
    tell(world, &paid(buyer, &transaction)).await;
    transaction
}

fn codes(telegram: &Pretend<Telegram>, buyer: i64) -> Vec<String> {
    telegram.with(|telegram| telegram.codes(buyer))
}

/// What Telegram was given and gave back is what the log says.
async fn assert_books_agree(world: &World, telegram: &Pretend<Telegram>) {
    let books = Books::of(world).await;
    assert!(books.shared.is_empty());
    for transaction in telegram.with(|telegram| telegram.transactions.clone()) {
        let sent = codes(telegram, transaction.buyer);
        let distinct: BTreeSet<String> = sent.iter().map(|code| sha256(code)).collect();
        assert_eq!(distinct.len(), sent.len(), "a key was sent twice");
        let let_out = books.let_out.get(&transaction.id).cloned().unwrap_or_default();
        assert!(distinct.is_subset(&let_out), "a key left that the log knows nothing of");
        let delivered = books.delivered.get(&transaction.id).cloned().unwrap_or_default();
        assert!(delivered.is_subset(&distinct), "a key was called delivered and was not");
        let back = books.refunded.get(&transaction.id).copied().unwrap_or_default();
        assert_eq!(back, i64::from(transaction.refunds) * STARS, "{}", transaction.id);
    }
    assert_eq!(telegram.with(|telegram| telegram.forged_calls), 0);
}

#[tokio::test]
async fn a_buyer_asks_pays_reads_the_key_and_is_paid_back() {
    let (world, telegram) = open(3).await;
    let sale = buy(&world, &telegram, 7).await;
    world.settle().await;
    assert_eq!(codes(&telegram, 7), [code(0)]);
    let message = telegram.with(|telegram| telegram.messages[&7][0].clone());
    assert_eq!((&message["protect_content"], &message["chat_id"]), (&json!(true), &json!(7)));
    assert_eq!(world.count("OrderDelivered").await, 1);
    world.refund(BOT, &sale.id, Some("R-1"), None).await;
    world.settle().await;
    // Telegram tells of our own refund: it is not counted again.
    tell(&world, &refunded(8, &sale)).await;
    world.advance(60).await;
    assert_eq!(telegram.with(|telegram| telegram.refunds(&sale.id)), 1);
    assert_eq!((world.count("RefundSettled").await, world.count("KeysRevoked").await), (1, 1));
    assert_books_agree(&world, &telegram).await;
    world.stop().await;
}

#[tokio::test]
async fn no_payment_goes_ahead_for_what_is_not_there() {
    let (world, telegram) = open(1).await;
    assert!(may_pay(&world, 7, ITEM, STARS).await);
    assert!(!may_pay(&world, 7, ITEM, STARS - 1).await, "another price");
    for payload in ["item:other", "order:CK1", "donation"] {
        assert!(!may_pay(&world, 7, payload, STARS).await, "{payload}");
    }
    buy(&world, &telegram, 7).await;
    world.settle().await;
    assert!(!may_pay(&world, 8, ITEM, STARS).await, "sold out");
    world.stop().await;
}

#[tokio::test]
async fn two_who_were_let_through_for_the_last_key_get_one_each_in_the_end() {
    let (world, telegram) = open(1).await;
    for buyer in [7, 8] {
        assert!(may_pay(&world, buyer, ITEM, STARS).await);
    }
    for buyer in [7, 8] {
        let sale = telegram.with(|telegram| telegram.pay(buyer, ITEM, STARS));
        tell(&world, &paid(buyer, &sale)).await;
    }
    world.settle().await;
    assert_eq!((codes(&telegram, 7).len(), codes(&telegram, 8).len()), (1, 0));
    world.stock(1, 1).await;
    world.settle().await;
    assert_eq!(codes(&telegram, 8), [code(1)]);
    assert!(Books::of(&world).await.shared.is_empty());
    world.stop().await;
}

#[tokio::test]
async fn updates_that_come_twice_or_out_of_order_change_nothing() {
    let (world, telegram) = open(3).await;
    let sale = buy(&world, &telegram, 7).await;
    for id in [7, 99, 100] {
        tell(&world, &paid(id, &sale)).await;
    }
    world.settle().await;
    assert_eq!((codes(&telegram, 7), world.count("OrderPlaced").await), (vec![code(0)], 1));
    // Another sale is paid back, by hand at Telegram, before we hear of it.
    let early = telegram.with(|telegram| telegram.pay(8, ITEM, STARS));
    telegram.with(|telegram| telegram.transactions[1].refunds = 1);
    for body in [refunded(101, &early), paid(102, &early), refunded(103, &early)] {
        tell(&world, &body).await;
        world.settle().await;
    }
    assert_eq!(codes(&telegram, 8), Vec::<String>::new(), "nobody gets a key for Stars that went back");
    // The money of a payment cannot pay for another thing.
    let reused = Transaction { payload: "order:CK1".to_owned(), ..sale };
    tell(&world, &paid(104, &reused)).await;
    world.settle().await;
    assert_eq!(world.count("KeysAllocated").await, 1);
    assert_books_agree(&world, &telegram).await;
    world.stop().await;
}

#[tokio::test]
async fn a_message_that_may_have_been_sent_is_never_sent_again() {
    let faults = [
        Fault::HangUpAfter,
        Fault::HangUpBefore,
        Fault::ErrorAfter(500),
        Fault::ErrorBefore(502),
        Fault::WrongSignature,
    ];
    for fault in faults {
        let (world, telegram) = open(3).await;
        telegram.next(fault);
        buy(&world, &telegram, 7).await;
        for _ in 0..20 {
            world.advance(3_600).await;
        }
        assert!(codes(&telegram, 7).len() <= 1, "{fault:?}");
        assert_eq!(world.count("OrderDelivered").await, 0, "{fault:?}: a person must look");
        assert_books_agree(&world, &telegram).await;
        world.stop().await;
    }
}

#[tokio::test]
async fn a_bot_that_is_too_fast_waits_and_one_that_is_blocked_gives_up() {
    let (world, telegram) = open(3).await;
    telegram.next(Fault::TooMany(30));
    buy(&world, &telegram, 7).await;
    world.settle().await;
    assert_eq!(codes(&telegram, 7), Vec::<String>::new());
    world.advance(60).await;
    assert_eq!((codes(&telegram, 7), world.count("OrderDelivered").await), (vec![code(0)], 1));
    telegram.with(|telegram| telegram.blocked.insert(8));
    buy(&world, &telegram, 8).await;
    world.advance(60).await;
    assert_eq!(world.count("OrderDelivered").await, 1);
    assert_books_agree(&world, &telegram).await;
    world.stop().await;
}

#[tokio::test]
async fn stars_go_back_once_whatever_becomes_of_the_answer() {
    let faults = [
        Fault::HangUpAfter,
        Fault::HangUpBefore,
        Fault::ErrorAfter(500),
        Fault::ErrorBefore(502),
        Fault::TooMany(5),
        Fault::WrongSignature,
    ];
    for fault in faults {
        let (world, telegram) = open(3).await;
        let sale = buy(&world, &telegram, 7).await;
        world.settle().await;
        telegram.next(fault);
        world.refund(BOT, &sale.id, Some("R-1"), None).await;
        for _ in 0..4 {
            world.advance(120).await;
        }
        assert_eq!(telegram.with(|telegram| telegram.refunds(&sale.id)), 1, "{fault:?}");
        assert_eq!(world.count("RefundSettled").await, 1, "{fault:?}");
        assert_books_agree(&world, &telegram).await;
        world.stop().await;
    }
}

async fn say(world: &World, id: &str, event: &Value) -> Told {
    world.send(OWN, &drive::generic_event(&WebhookSecret::test_inbound(), id, event, world.now())).await
}

#[tokio::test]
async fn an_order_of_the_own_site_is_paid_in_stars_and_paid_back_in_them() {
    let (world, telegram) = open(3).await;
    let order = json!({ "type": "order.created", "data": { "external_order_id": "CK1", "sku": SKU,
        "quantity": 1, "amount_minor": STARS, "currency": "XTR" } });
    assert_eq!(say(&world, "m-1", &order).await.status, 200);
    assert!(!may_pay(&world, 7, "order:CK1", STARS + 1).await);
    assert!(may_pay(&world, 7, "order:CK1", STARS).await);
    let sale = telegram.with(|telegram| telegram.pay(7, "order:CK1", STARS));
    tell(&world, &paid(1, &sale)).await;
    world.settle().await;
    let fetch = json!({ "type": "keys.request", "data": { "external_order_id": "CK1" } });
    assert_eq!(say(&world, "q", &fetch).await.json()["keys"][0]["code"], code(0));
    assert!(codes(&telegram, 7).is_empty(), "the own site hands its keys over itself");
    assert!(!may_pay(&world, 8, "order:CK1", STARS).await, "it is paid");
    world.refund(OWN, "CK1", Some("R-1"), None).await;
    world.settle().await;
    assert_eq!(telegram.with(|telegram| telegram.refunds(&sale.id)), 1);
    assert_eq!((world.count("RefundSettled").await, world.count("KeysRevoked").await), (1, 1));
    world.stop().await;
}

#[tokio::test]
async fn a_payment_whose_update_was_lost_is_found_in_the_list_and_a_late_update_is_a_repeat() {
    let (world, telegram) = open(3).await;
    let sale = telegram.with(|telegram| telegram.pay(7, ITEM, STARS));
    telegram.next(Fault::HangUpAfter);
    world.advance(3_600).await;
    assert_eq!(world.count("OrderPlaced").await, 0, "the list's answer was lost as well");
    world.minutes(5).await;
    let found = world.found_by(BOT, "star_transactions").await;
    assert_eq!(found.iter().filter(|name| *name == "OrderPlaced").count(), 1, "{found:?}");
    assert_eq!((codes(&telegram, 7), world.count("OrderDelivered").await), (vec![code(0)], 1));
    let before = world.position().await;
    tell(&world, &paid(9, &sale)).await;
    world.advance(3_600).await;
    assert_eq!((world.position().await, codes(&telegram, 7).len()), (before, 1));
    assert_books_agree(&world, &telegram).await;
    world.stop().await;
}

#[tokio::test]
async fn a_payment_and_its_way_back_that_are_found_together_let_no_key_out() {
    let (world, telegram) = open(3).await;
    telegram.with(|telegram| {
        telegram.pay(7, ITEM, STARS);
        telegram.transactions[0].refunds = 1;
        telegram.pay(8, ITEM, STARS);
    });
    world.advance(3_600).await;
    assert_eq!((codes(&telegram, 7).len(), codes(&telegram, 8).len()), (0, 1));
    assert_books_agree(&world, &telegram).await;
    world.stop().await;
}
