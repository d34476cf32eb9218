//! The sandbox marketplace: every capability once, then all at once with everything going wrong that can.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
};

use channel_sandbox::marketplace::{Good, Ledger, Marketplace, Options, RefundStatus, Standing, Way};
use serde_json::json;

use channel_world::{Books, Keys, PRICE, SKU, World, code, sha256};

const SHOP: &str = "sandbox/main";

/// A world and a marketplace that sells its item, connected with each other.
async fn open(options: Options) -> (World, Marketplace) {
    let world = crate::open_world().await;
    let clock = world.clock();
    let options = Options {
        target: world.address(SHOP),
        goods: vec![Good { item: SKU.to_owned(), price_minor: PRICE }],
        retry_ms: 1,
        clock: std::sync::Arc::new(move || clock().secs()),
        ..options
    };
    let (shop, secret) = (options.shop.clone(), options.secret.clone());
    let market = Marketplace::start(options).await.unwrap();
    let settings = json!({ "shop": shop, "secret": secret.expose(), "base_url": market.url() });
    world.connect(SHOP, &settings).await;
    world.list(SHOP, SKU).await;
    (world, market)
}

/// Time goes by until nobody has had anything to say or do for a while. Calls that change nothing leave no trace in
/// the log, and an account that is left alone lets one call through at a time, so one quiet moment is not enough.
async fn come_to_rest(world: &World, market: &Marketplace) {
    let mut quiet = 0;
    while quiet < 8 {
        // Nothing may be on its way when time jumps: it would be signed with a time that is long ago.
        let mut before = None;
        while before != Some(world.position().await) {
            before = Some(world.position().await);
            world.settle().await;
            market.quiet().await;
        }
        // Longer than any wait between two attempts.
        world.advance(3_700).await;
        market.quiet().await;
        quiet = if before == Some(world.position().await) { quiet + 1 } else { 0 };
    }
}

#[tokio::test]
async fn an_order_is_paid_delivered_and_paid_back_and_its_key_never_returns_to_stock() {
    let (world, market) = open(Options::default()).await;
    world.stock(0, 5).await;
    world.settle().await;
    assert_eq!(market.ledger().stock[SKU].available, 5);
    let number = market.place(Way::Paid, SKU, 2).await;
    world.settle().await;
    let order = market.ledger().orders[&number].clone();
    assert_eq!((order.standing, order.keys), (Standing::Delivered, vec![sha256(&code(0)), sha256(&code(1))]));
    world.advance(10).await;
    assert_eq!(market.ledger().stock[SKU].available, 3);
    let answer = market.request_refund(&number).await;
    assert_eq!((answer.status, &answer.body["state"]), (200, &json!("delivered")), "a person has to decide");
    let refund = format!("RF-{number}");
    world.refund(SHOP, &number, Some(&refund), None).await;
    world.settle().await;
    market.quiet().await;
    let ledger = market.ledger();
    assert_eq!(ledger.refunds[&refund].status, RefundStatus::Settled);
    assert_eq!((ledger.refunds[&refund].times, ledger.refunded(&number)), (1, 2 * PRICE));
    world.advance(10).await;
    assert_eq!((world.count("RefundSettled").await, world.count("KeysRevoked").await), (1, 1));
    assert_eq!(market.ledger().stock[SKU].available, 3, "a key that was seen is not sold again");
    assert!(ledger.surprises.is_empty() && ledger.forged_calls == 0);
    world.stop().await;
}

#[tokio::test]
async fn money_back_for_a_part_is_a_loss() {
    let (world, market) = open(Options::default()).await;
    world.stock(0, 5).await;
    let number = market.place(Way::Purchase, SKU, 1).await;
    assert_eq!(market.ledger().orders[&number].standing, Standing::Delivered);
    world.refund(SHOP, &number, Some("RF-part"), Some(1_000)).await;
    world.settle().await;
    market.quiet().await;
    assert_eq!((market.ledger().refunded(&number), world.count("LossRecorded").await), (1_000, 1));
    assert_eq!(world.count("KeysRevoked").await, 0, "the buyer keeps the key");
    world.stop().await;
}

#[tokio::test]
async fn before_keys_left_a_refund_is_agreed_to_at_once_and_a_cancelled_order_is_paid_back() {
    let (world, market) = open(Options::default()).await;
    let waiting = market.place(Way::Paid, SKU, 1).await;
    let answer = market.request_refund(&waiting).await;
    assert_eq!((answer.status, &answer.body["state"]), (200, &json!("cancelled")));
    let called_off = market.place(Way::Paid, SKU, 1).await;
    assert!(market.cancel(&called_off).await.is_ok());
    world.stock(0, 5).await;
    come_to_rest(&world, &market).await;
    let ledger = market.ledger();
    for number in [&waiting, &called_off] {
        assert_eq!(ledger.orders[number].standing, Standing::Refunded, "{number}");
    }
    assert_eq!((world.count("KeysAllocated").await, ledger.stock[SKU].available), (0, 5));
    world.stop().await;
}

#[tokio::test]
async fn a_hint_is_read_back_and_a_reported_payment_is_checked() {
    let (world, market) = open(Options::default()).await;
    world.stock(0, 5).await;
    for way in [Way::Hinted, Way::Reported] {
        let number = market.place(way, SKU, 1).await;
        assert_eq!(market.ledger().orders[&number].standing, Standing::Paid);
        world.settle().await;
        assert_eq!(market.ledger().orders[&number].standing, Standing::Delivered, "{way:?}");
    }
    let seen = (world.count("ReadBackSettled").await, world.count("PaymentCheckSettled").await);
    assert_eq!(seen, (1, 1));
    let lie =
        json!({ "order": "MK-1-000001", "payment": "PAY-unknown", "amount_minor": PRICE, "currency": "CNY" });
    market.say("payment-reported", "lie-1", &lie).await;
    world.settle().await;
    assert_eq!((world.count("PaymentConfirmed").await, world.count("PaymentDisputed").await), (2, 1));
    world.stop().await;
}

#[tokio::test]
async fn short_stock_refuses_who_can_be_refused_and_lets_the_others_wait() {
    let (world, market) = open(Options::default()).await;
    world.stock(0, 1).await;
    for (way, standing) in
        [(Way::Purchase, Standing::Refused), (Way::Reported, Standing::Refused), (Way::Paid, Standing::Paid)]
    {
        let number = market.place(way, SKU, 2).await;
        assert_eq!(market.ledger().orders[&number].standing, standing, "{way:?}");
    }
    world.stock(1, 1).await;
    world.settle().await;
    assert_eq!(market.ledger().count(Standing::Delivered), 1);
    world.stop().await;
}

/// Runs all orders while calls go out, then lets everything come to rest.
async fn run(world: &World, market: &Marketplace) {
    let over = AtomicBool::new(false);
    let placing = async {
        market.run().await;
        over.store(true, Ordering::SeqCst);
    };
    let calling = async {
        while !over.load(Ordering::SeqCst) {
            world.advance(1).await;
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(placing, calling);
    come_to_rest(world, market).await;
}

fn held(ledger: &Ledger) -> Keys {
    let with_keys = ledger.orders.iter().filter(|(_, order)| !order.keys.is_empty());
    with_keys.map(|(number, order)| (number.clone(), order.keys.iter().cloned().collect())).collect()
}

/// What must hold whatever happened.
fn check(books: &Books, ledger: &Ledger) {
    assert!(ledger.surprises.is_empty(), "{:?}", ledger.surprises);
    assert!(books.shared.is_empty(), "{:?}", books.shared);
    assert_eq!(ledger.forged_calls, 0);
    let owed = |number: &String| books.refunded.get(number).copied().unwrap_or(0);
    for number in ledger.orders.keys() {
        assert_eq!(owed(number), ledger.refunded(number), "paid back of {number}");
    }
    let all: Vec<&String> = ledger.orders.values().flat_map(|order| &order.keys).collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "a key went to two orders");
}

#[tokio::test]
async fn with_doubled_lost_and_overtaking_messages_and_calls_that_are_not_answered_the_books_agree() {
    let (world, market) = open(Options {
        seed: 11,
        orders: 60,
        duplicates: 30,
        reorder: 40,
        lose: 20,
        timeout_after_success: 30,
        error_after_success: 20,
        too_many: 10,
        ..Options::default()
    })
    .await;
    world.stock(0, 1_000).await;
    run(&world, &market).await;
    let (books, ledger) = (Books::of(&world).await, market.ledger());
    check(&books, &ledger);
    assert_eq!(market.report().given_up, 0);
    assert_eq!(ledger.count(Standing::Delivered), 60, "{:#?}", market.report());
    assert_eq!(held(&ledger), books.delivered);
    let sold: u32 = ledger.orders.values().map(|order| order.quantity).sum();
    assert_eq!(ledger.keys.len(), sold as usize);
    // Figures that differ by less than a twentieth are not told.
    let (shown, left) = (ledger.stock[SKU].available, u64::from(1_000 - sold));
    assert!(shown.abs_diff(left) * 20 < shown, "{shown} are shown, {left} are left");
    world.stop().await;
}

#[tokio::test]
async fn with_buyers_who_change_their_minds_on_top_no_key_and_no_money_is_lost_track_of() {
    let (world, market) = open(Options {
        seed: 12,
        orders: 60,
        cancel: 30,
        refund: 30,
        duplicates: 30,
        reorder: 40,
        lose: 10,
        timeout_after_success: 25,
        error_after_success: 25,
        ..Options::default()
    })
    .await;
    world.stock(0, 1_000).await;
    run(&world, &market).await;
    for (refund, number) in Books::of(&world).await.asked {
        world.refund(SHOP, &number, Some(&refund), None).await;
    }
    come_to_rest(&world, &market).await;
    let (books, ledger) = (Books::of(&world).await, market.ledger());
    check(&books, &ledger);
    let kept = held(&ledger);
    for (number, keys) in &kept {
        let let_out = books.let_out.get(number);
        assert!(let_out.is_some_and(|let_out| keys.is_subset(let_out)), "{number}: keys nobody let out");
    }
    for (number, keys) in &books.delivered {
        assert_eq!(kept.get(number), Some(keys), "{number}: delivered, says the log");
    }
    // Every paid order ended with its keys or with its money.
    for (number, order) in &ledger.orders {
        let settled = matches!(order.standing, Standing::Delivered | Standing::Refunded | Standing::Refused);
        assert!(settled || order.payment.is_none(), "{number} is {:?}", order.standing);
    }
    assert!(ledger.count(Standing::Refunded) > 0);
    world.stop().await;
}
