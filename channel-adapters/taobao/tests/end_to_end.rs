//! A real engine and a pretend Taobao, over sockets. Trades are hinted at by the one call of Taobao's that makes us look
//! at a trade, an e-ticket notice that codes are no longer wanted; what the message queue says leads to the same reading.

mod platform;

use channel::Protocol;
use channel_taobao::PROTOCOL;
use channel_world::{Books, World};
use serde_json::json;
use testkit::{Fault, pretend::Pretend};

use platform::{SECRET, SELLER, Taobao, Trade, notice};

static PROTOCOLS: &[Protocol] = &[PROTOCOL];
const SHOP: &str = "taobao/main";
const ITEM: &str = "520813250866/4011";

async fn open() -> (World, Pretend<Taobao>) {
    let world = World::open(PROTOCOLS).await;
    let platform = world.pretend(Taobao::default()).await;
    let settings = json!({"app_key": "12345678", "app_secret": SECRET, "session": "sess0001", "seller_id": SELLER,
        "eticket": {}, "base_url": platform.url()});
    world.connect(SHOP, &settings).await;
    world.list(SHOP, ITEM).await;
    (world, platform)
}

async fn hint(world: &World, tid: &str, token: &str) {
    let told = world.send(SHOP, &notice("cancel", tid, token, world.now())).await;
    assert_eq!((told.status, told.json()), (200, json!({"code": 200})));
}

#[tokio::test]
async fn a_paid_trade_is_read_back_marked_shipped_once_and_stock_follows() {
    let (world, platform) = open().await;
    world.stock(0, 10).await;
    world.settle().await;
    assert_eq!(platform.with(|p| p.stock[ITEM]), 10);
    platform.with(|p| p.trades.insert("1234567890123456789".into(), Trade::paid(2, "57.76")));
    for token in ["a1", "a1", "a2"] {
        hint(&world, "1234567890123456789", token).await;
        world.advance(60).await;
    }
    let trade = platform.with(|p| p.trades["1234567890123456789"].clone());
    assert_eq!((trade.status, trade.shipped), ("WAIT_BUYER_CONFIRM_GOODS", 1));
    assert_eq!(platform.with(|p| (p.stock[ITEM], p.forged_calls)), (8, 0));
    assert_eq!(Books::of(&world).await.delivered["1234567890123456789"].len(), 2);
    world.stop().await;
}

#[tokio::test]
async fn a_trade_that_is_not_paid_or_whose_money_is_asked_back_gets_no_key() {
    let (world, platform) = open().await;
    world.stock(0, 10).await;
    platform.with(|p| {
        p.trades.insert("11".into(), Trade { status: "WAIT_BUYER_PAY", ..Trade::paid(1, "28.88") });
        p.trades.insert("12".into(), Trade { refund_status: "NEW_STATE", ..Trade::paid(1, "28.88") });
        p.trades.insert("13".into(), Trade { status: "TRADE_CLOSED_BY_TAOBAO", ..Trade::paid(1, "28.88") });
        p.trades.insert("14".into(), Trade { eticket: true, ..Trade::paid(1, "28.88") });
    });
    for tid in ["11", "12", "13", "14", "15"] {
        hint(&world, tid, "a1").await;
    }
    world.advance(60).await;
    assert_eq!(world.count("KeysAllocated").await, 0);
    world.stop().await;
}

#[tokio::test]
async fn with_doubled_hints_and_calls_that_fail_every_trade_is_shipped_once_and_the_log_agrees() {
    let (world, platform) = open().await;
    world.stock(0, 100).await;
    world.settle().await;
    let faults = [
        Fault::HangUpAfter,
        Fault::ErrorAfter(502),
        Fault::TooMany(5),
        Fault::HangUpBefore,
        Fault::WrongSignature,
        Fault::ErrorBefore(503),
    ];
    for at in 0..12_usize {
        let tid = format!("12345{at}");
        platform.with(|p| p.trades.insert(tid.clone(), Trade::paid(1 + at as i64 % 3, "28.88")));
        if at % 2 == 0 {
            // The order waits for its delivery call, which the fault meets.
            hint(&world, &tid, "a1").await;
            platform.next(faults[at / 2]);
        } else {
            platform.next(faults[at / 2]);
            hint(&world, &tid, "a1").await;
        }
        hint(&world, &tid, "a1").await;
        hint(&world, &tid, "a2").await;
        world.advance(10).await;
    }
    for _ in 0..40 {
        world.advance(120).await;
    }
    let books = Books::of(&world).await;
    assert!(books.shared.is_empty() && platform.faults_left() == 0);
    let shipped = platform.with(|p| p.trades.values().map(|trade| trade.shipped).collect::<Vec<_>>());
    assert_eq!(shipped, [1; 12]);
    assert_eq!(books.delivered.len(), 12);
    assert_eq!(platform.with(|p| p.forged_calls), 0);
    world.stop().await;
}

#[tokio::test]
async fn an_answer_lost_after_the_trade_was_marked_shipped_is_asked_about_and_not_sent_again() {
    for fault in [Fault::HangUpAfter, Fault::ErrorAfter(500), Fault::WrongSignature] {
        let (world, platform) = open().await;
        platform.with(|p| p.trades.insert("123451".into(), Trade::paid(1, "28.88")));
        hint(&world, "123451", "a1").await;
        world.settle().await;
        platform.next(fault);
        platform.next(fault);
        world.stock(0, 1).await;
        for _ in 0..10 {
            world.advance(60).await;
        }
        let shipped = platform.with(|p| p.trades["123451"].shipped);
        assert_eq!((shipped, world.count("OrderDelivered").await), (1, 1), "{fault:?}");
        world.stop().await;
    }
}
