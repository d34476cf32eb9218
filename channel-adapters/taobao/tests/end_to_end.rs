//! A real engine and a pretend Taobao, over sockets. Trades are hinted at by the one call of Taobao's that makes us look
//! at a trade, an e-ticket notice that codes are no longer wanted; what the message queue says leads to the same reading.

use channel::Protocol;
use channel_taobao::PROTOCOL;
use channel_world::{Books, World, code};
use serde_json::json;
use testkit::{
    Fault,
    pretend::Pretend,
    taobao::{self, Taobao, Trade, notice},
};

static PROTOCOLS: &[Protocol] = &[PROTOCOL];
const SHOP: &str = "taobao/main";
const ITEM: &str = "520813250866/4011";

async fn open() -> (World, Pretend<Taobao>) {
    let world = World::open(PROTOCOLS).await;
    let platform = world.pretend(Taobao::default()).await;
    world.connect(SHOP, &taobao::settings(&platform.url())).await;
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

const TID: &str = "1234567890123456789";

/// A trade that is paid, delivered and marked shipped.
async fn sell(world: &World, platform: &Pretend<Taobao>) {
    platform.with(|p| p.trades.insert(TID.into(), Trade::paid(1, "28.88")));
    hint(world, TID, "a1").await;
    world.minutes(1).await;
    assert_eq!((platform.with(|p| p.trades[TID].shipped), world.count("OrderDelivered").await), (1, 1));
}

#[tokio::test]
async fn a_trade_that_nobody_told_of_is_found_by_the_list_and_a_late_message_changes_nothing() {
    let (world, platform) = open().await;
    world.stock(0, 5).await;
    platform.with(|p| p.trades.insert(TID.into(), Trade::paid(2, "57.76")));
    world.minutes(3).await;
    let found = world.found_by(SHOP, "orders").await;
    assert_eq!(found.iter().filter(|name| *name == "ReadBackRequested").count(), 1, "{found:?}");
    assert_eq!(Books::of(&world).await.delivered[TID].len(), 2);
    platform.with(|p| p.tell(9, "taobao_trade_TradeBuyerPay", TID));
    hint(&world, TID, "late").await;
    world.minutes(10).await;
    assert_eq!((platform.with(|p| p.trades[TID].shipped), world.count("OrderPlaced").await), (1, 1));
    assert_eq!(platform.with(|p| (p.queue.len(), p.forged_calls)), (0, 0));
    world.stop().await;
}

#[tokio::test]
async fn the_message_queue_leads_to_trades_and_is_confirmed_whatever_becomes_of_its_calls() {
    for lost in 0..4 {
        for fault in [Fault::HangUpBefore, Fault::HangUpAfter, Fault::ErrorAfter(500), Fault::WrongSignature]
        {
            let (world, platform) = open().await;
            world.stock(0, 5).await;
            world.minutes(1).await;
            platform.with(|p| {
                p.trades.insert(TID.into(), Trade { modified: String::new(), ..Trade::paid(1, "28.88") });
                p.tell(9, "taobao_trade_TradeBuyerPay", TID);
            });
            platform.after(lost, fault);
            world.minutes(10).await;
            assert!(world.found_by(SHOP, "messages").await.iter().any(|name| name == "ReadBackRequested"));
            let trade = platform.with(|p| p.trades[TID].clone());
            assert_eq!((trade.shipped, world.count("OrderDelivered").await), (1, 1), "{lost} {fault:?}");
            assert_eq!(
                (platform.with(|p| p.queue.len()), platform.faults_left()),
                (0, 0),
                "{lost} {fault:?}"
            );
            world.stop().await;
        }
    }
}

#[tokio::test]
async fn a_refund_that_a_buyer_asked_for_is_agreed_to_once_whichever_call_is_lost() {
    for lost in 0..3 {
        for fault in [Fault::HangUpBefore, Fault::HangUpAfter, Fault::ErrorAfter(500), Fault::WrongSignature]
        {
            let (world, platform) = open().await;
            world.stock(0, 5).await;
            sell(&world, &platform).await;
            platform.with(|p| p.want_back("9001", TID, world.now()));
            world.minutes(3).await;
            let found = world.found_by(SHOP, "refunds").await;
            assert_eq!(found.iter().filter(|name| *name == "RefundRequested").count(), 1, "{found:?}");
            assert_eq!((world.count("RefundSettled").await, platform.with(|p| p.agreed)), (0, 0));
            platform.after(lost, fault);
            world.refund(SHOP, TID, Some("9001"), None).await;
            world.minutes(12).await;
            assert_eq!(
                platform.with(|p| (p.agreed, p.refunds["9001"].status)),
                (1, "SUCCESS"),
                "{lost} {fault:?}"
            );
            // The lists tell of what we agreed to, and nothing is counted twice.
            assert_eq!(world.count("RefundSettled").await, 1, "{lost} {fault:?}");
            assert_eq!(world.count("KeysRevoked").await, 1, "{lost} {fault:?}");
            let books = Books::of(&world).await;
            assert_eq!((books.refunded[TID], books.asked.len()), (2_888, 0), "{lost} {fault:?}");
            assert_eq!((platform.faults_left(), platform.with(|p| p.forged_calls)), (0, 0));
            world.stop().await;
        }
    }
}

#[tokio::test]
async fn an_eticket_is_looked_at_before_its_codes_leave_and_they_leave_once_whichever_call_is_lost() {
    for lost in 0..4 {
        for fault in [Fault::HangUpBefore, Fault::HangUpAfter, Fault::ErrorAfter(500), Fault::WrongSignature]
        {
            let (world, platform) = open().await;
            world.list(SHOP, "VIP-30").await;
            world.stock(0, 5).await;
            world.minutes(1).await;
            platform
                .with(|p| p.trades.insert(TID.into(), Trade { eticket: true, ..Trade::paid(1, "28.88") }));
            platform.after(lost, fault);
            let told = world.send(SHOP, &notice("send", TID, "tok1", world.now())).await;
            assert_eq!((told.status, told.json()), (200, json!({"code": 200})));
            world.minutes(12).await;
            let codes = platform.with(|p| p.trades[TID].codes.clone());
            assert_eq!(codes, [format!("{}:1", code(0))], "{lost} {fault:?}");
            assert_eq!(
                (world.count("OrderDelivered").await, platform.faults_left()),
                (1, 0),
                "{lost} {fault:?}"
            );
            world.stop().await;
        }
    }
}

#[tokio::test]
async fn money_asked_back_while_keys_are_missing_is_agreed_to_at_once_and_no_key_leaves() {
    for fault in [Fault::HangUpBefore, Fault::HangUpAfter, Fault::ErrorAfter(500), Fault::WrongSignature] {
        let (world, platform) = open().await;
        platform.with(|p| p.trades.insert(TID.into(), Trade::paid(1, "28.88")));
        world.minutes(2).await;
        platform.with(|p| p.want_back("9001", TID, world.now()));
        platform.after(1, fault);
        world.minutes(12).await;
        assert_eq!((world.count("OrderPlaced").await, world.count("RefundRequested").await), (1, 1));
        world.stock(0, 1).await;
        world.minutes(4).await;
        assert_eq!(platform.with(|p| (p.agreed, p.trades[TID].shipped)), (1, 0), "{fault:?}");
        assert_eq!(
            (world.count("RefundSettled").await, world.count("KeysAllocated").await),
            (1, 0),
            "{fault:?}"
        );
        assert_eq!(Books::of(&world).await.refunded[TID], 2_888);
        world.stop().await;
    }
}
