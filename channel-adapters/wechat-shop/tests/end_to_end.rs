//! Both products, over real sockets: paid, told that the keys are there, paid back, and what goes wrong on the way.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;
mod story;

use channel_world::{Books, PRICE};
use serde_json::json;

use platform::{aftersale_event, goods_event, order_event, refund_event, wire};
use story::{FAULTS, ORDER, SHOP, XPAY, buy, check, deliveries, open, rest, tell};

#[tokio::test]
async fn a_shop_order_is_read_back_delivered_and_paid_back() {
    let (world, wechat) = open().await;
    world.list(SHOP, "100/200").await;
    world.stock(0, 3).await;
    buy(&world, &wechat).await;
    rest(&world).await;
    assert_eq!(deliveries(&wechat), (1, 30));
    assert_eq!((world.count("OrderPlaced").await, world.count("OrderDelivered").await), (1, 1));
    wechat.with(|wechat| wechat.ask("2000000001234567", ORDER));
    tell(&world, SHOP, &aftersale_event("2000000001234567", "MERCHANT_PROCESSING", ORDER), 5).await;
    rest(&world).await;
    assert_eq!((world.count("RefundRequested").await, world.count("RefundSettled").await), (1, 0));
    world.refund(SHOP, &ORDER.to_string(), Some("aftersale:2000000001234567"), None).await;
    rest(&world).await;
    assert_eq!(wechat.with(|w| w.aftersales["2000000001234567"].status), "MERCHANT_REFUND_SUCCESS");
    // WeChat tells of what we agreed to, and then that the order is over: nothing is counted twice.
    tell(&world, SHOP, &aftersale_event("2000000001234567", "MERCHANT_REFUND_SUCCESS", ORDER), 6).await;
    wechat.with(|wechat| wechat.orders.get_mut(&ORDER).unwrap().status = 200);
    tell(&world, SHOP, &order_event("channels_ec_order_cancel", ORDER), 7).await;
    rest(&world).await;
    assert_eq!((world.count("RefundSettled").await, world.count("KeysRevoked").await), (1, 1));
    check(&world, &wechat).await;
    world.stop().await;
}

#[tokio::test]
async fn a_shop_order_is_delivered_once_whatever_becomes_of_the_call() {
    for fault in FAULTS {
        let (world, wechat) = open().await;
        world.list(SHOP, "100/200").await;
        buy(&world, &wechat).await;
        rest(&world).await;
        assert_eq!(deliveries(&wechat), (0, 20), "no keys yet");
        // Stock and delivery are told of in either order; both meet the fault.
        wechat.next(fault);
        wechat.next(fault);
        world.stock(0, 3).await;
        rest(&world).await;
        assert_eq!((deliveries(&wechat), wechat.faults_left()), ((1, 30), 0), "{fault:?}");
        assert_eq!(
            (world.count("OrderDelivered").await, world.count("KeysAllocated").await),
            (1, 1),
            "{fault:?}"
        );
        check(&world, &wechat).await;
        world.stop().await;
    }
}

#[tokio::test]
async fn a_refund_of_the_shop_is_agreed_to_once_whatever_becomes_of_the_call() {
    for fault in FAULTS {
        let (world, wechat) = open().await;
        world.list(SHOP, "100/200").await;
        world.stock(0, 3).await;
        buy(&world, &wechat).await;
        rest(&world).await;
        wechat.with(|wechat| wechat.ask("77", ORDER));
        tell(&world, SHOP, &aftersale_event("77", "MERCHANT_PROCESSING", ORDER), 5).await;
        rest(&world).await;
        wechat.next(fault);
        wechat.next(fault);
        world.refund(SHOP, &ORDER.to_string(), Some("aftersale:77"), None).await;
        rest(&world).await;
        assert_eq!(wechat.with(|w| w.aftersales["77"].status), "MERCHANT_REFUND_SUCCESS", "{fault:?}");
        assert_eq!(world.count("RefundSettled").await, 1, "{fault:?}");
        check(&world, &wechat).await;
        world.stop().await;
    }
}

#[tokio::test]
async fn a_push_that_the_books_do_not_bear_out_delivers_nothing() {
    let (world, wechat) = open().await;
    world.list(SHOP, "100/200").await;
    world.stock(0, 3).await;
    wechat.with(|wechat| wechat.pay(ORDER, PRICE));
    wechat.with(|wechat| wechat.orders.get_mut(&ORDER).unwrap().status = 10);
    tell(&world, SHOP, &order_event("channels_ec_order_pay", ORDER), 1).await;
    tell(&world, SHOP, &order_event("channels_ec_order_pay", 1), 2).await;
    rest(&world).await;
    assert_eq!((world.count("OrderPlaced").await, world.count("KeysAllocated").await), (0, 0));
    wechat.with(|wechat| wechat.pay(ORDER, PRICE));
    tell(&world, SHOP, &order_event("channels_ec_order_wait_shipping", ORDER), 3).await;
    rest(&world).await;
    assert_eq!(deliveries(&wechat), (1, 30));
    check(&world, &wechat).await;
    world.stop().await;
}

#[tokio::test]
async fn goods_of_a_virtual_payment_are_provided_once_however_often_it_is_told() {
    for fault in FAULTS {
        let (world, wechat) = open().await;
        world.list(XPAY, "steam_50").await;
        let later = tell(&world, XPAY, &goods_event("CKX1", "steam_50", 1, PRICE, 0), 1).await;
        assert_eq!(later.json()["ErrCode"], 1, "no keys yet, so WeChat comes again");
        assert_eq!(tell(&world, XPAY, &goods_event("CKX1", "steam_50", 1, PRICE, 1), 2).await, later);
        wechat.next(fault);
        world.stock(0, 3).await;
        rest(&world).await;
        assert!(wechat.with(|wechat| wechat.provided.contains("CKX1")), "{fault:?}");
        let now = tell(&world, XPAY, &goods_event("CKX2", "steam_50", 1, PRICE, 0), 3).await;
        assert_eq!(now.json()["ErrCode"], 0);
        rest(&world).await;
        assert_eq!(
            (world.count("OrderDelivered").await, world.count("KeysAllocated").await),
            (2, 2),
            "{fault:?}"
        );
        assert_eq!(wechat.with(|wechat| (wechat.provided.len(), wechat.forged_calls)), (2, 0));
        check(&world, &wechat).await;
        world.stop().await;
    }
}

#[tokio::test]
async fn a_virtual_payment_goes_back_once_and_its_news_is_not_counted_again() {
    for fault in FAULTS {
        let (world, wechat) = open().await;
        world.list(XPAY, "steam_50").await;
        world.stock(0, 3).await;
        tell(&world, XPAY, &goods_event("CKX1", "steam_50", 1, PRICE, 0), 1).await;
        tell(&world, XPAY, &goods_event("CKX2", "steam_50", 1, PRICE, 0), 2).await;
        rest(&world).await;
        wechat.next(fault);
        world.refund(XPAY, "CKX1", Some("R-1"), None).await;
        rest(&world).await;
        let refunds = wechat.with(|wechat| wechat.refunds.clone());
        assert_eq!(refunds.values().cloned().collect::<Vec<_>>(), [("CKX1".to_owned(), PRICE)], "{fault:?}");
        let number = refunds.keys().next().unwrap();
        tell(&world, XPAY, &refund_event("CKX1", number, PRICE, 0), 3).await;
        assert_eq!(world.count("RefundSettled").await, 1, "{fault:?}");
        // One that was made in the back office is news.
        wechat.with(|wechat| wechat.refunds.insert("BACKOFFICE1".into(), ("CKX2".into(), PRICE)));
        tell(&world, XPAY, &refund_event("CKX2", "BACKOFFICE1", PRICE, 0), 4).await;
        rest(&world).await;
        assert_eq!(
            (world.count("RefundSettled").await, world.count("KeysRevoked").await),
            (2, 2),
            "{fault:?}"
        );
        check(&world, &wechat).await;
        world.stop().await;
    }
}

#[tokio::test]
async fn play_money_buys_nothing() {
    let (world, _wechat) = open().await;
    world.list(XPAY, "steam_50").await;
    world.stock(0, 3).await;
    let mut message = goods_event("CKX1", "steam_50", 1, PRICE, 0);
    message["Env"] = json!(1);
    assert_eq!(world.send(XPAY, &wire(&message, 1)).await.status, 400);
    tell(&world, XPAY, &goods_event("CKX2", "steam_50", 2, PRICE, 0), 2).await;
    rest(&world).await;
    assert_eq!(world.count("OrderPlaced").await, 0, "nor do several units whose price is unclear");
    world.stop().await;
}

#[tokio::test]
async fn an_order_whose_pushes_were_lost_is_found_by_the_list_and_late_pushes_change_nothing() {
    let (world, wechat) = open().await;
    world.list(SHOP, "100/200").await;
    world.stock(0, 3).await;
    wechat.with(|wechat| wechat.pay(ORDER, PRICE));
    world.minutes(12).await;
    let found = world.found_by(SHOP, "orders").await;
    assert!(found.iter().any(|name| name == "ReadBackRequested"), "{found:?}");
    assert_eq!((deliveries(&wechat), world.count("OrderDelivered").await), ((1, 30), 1));
    for (random, kind) in [(1, "wait_shipping"), (2, "pay")] {
        tell(&world, SHOP, &order_event(&format!("channels_ec_order_{kind}"), ORDER), random).await;
    }
    world.minutes(12).await;
    assert_eq!((deliveries(&wechat), world.count("OrderPlaced").await), ((1, 30), 1));
    assert_eq!(world.count("KeysAllocated").await, 1);
    check(&world, &wechat).await;
    world.stop().await;
}

#[tokio::test]
async fn stock_is_brought_to_the_figure_whichever_of_the_two_calls_is_lost() {
    for lost in 0..2 {
        for fault in FAULTS {
            let (world, wechat) = open().await;
            world.list(SHOP, "100/200").await;
            wechat.after(lost, fault);
            world.stock(0, 3).await;
            world.minutes(12).await;
            assert_eq!(wechat.with(|wechat| wechat.stock), 3, "{lost} {fault:?}");
            wechat.after(lost, fault);
            world.stock(3, 2).await;
            world.minutes(12).await;
            assert_eq!(
                (wechat.with(|wechat| wechat.stock), wechat.faults_left()),
                (5, 0),
                "{lost} {fault:?}"
            );
            world.stop().await;
        }
    }
}

#[tokio::test]
async fn an_agreed_refund_is_settled_once_and_its_key_revoked_whatever_is_lost() {
    for lost in 0..3 {
        for fault in FAULTS {
            let (world, wechat) = open().await;
            world.list(SHOP, "100/200").await;
            world.stock(0, 3).await;
            buy(&world, &wechat).await;
            world.minutes(1).await;
            wechat.with(|wechat| wechat.ask("77", ORDER));
            wechat.after(lost, fault);
            tell(&world, SHOP, &aftersale_event("77", "MERCHANT_PROCESSING", ORDER), 5).await;
            world.minutes(12).await;
            assert_eq!(
                (world.count("RefundRequested").await, wechat.faults_left()),
                (1, 0),
                "{lost} {fault:?}"
            );
            wechat.after(lost, fault);
            world.refund(SHOP, &ORDER.to_string(), Some("aftersale:77"), None).await;
            world.minutes(12).await;
            tell(&world, SHOP, &aftersale_event("77", "MERCHANT_REFUND_SUCCESS", ORDER), 6).await;
            world.minutes(12).await;
            assert_eq!(
                wechat.with(|w| w.aftersales["77"].status),
                "MERCHANT_REFUND_SUCCESS",
                "{lost} {fault:?}"
            );
            let seen = (world.count("RefundSettled").await, world.count("KeysRevoked").await);
            assert_eq!(seen, (1, 1), "{lost} {fault:?}");
            assert_eq!(Books::of(&world).await.refunded[&ORDER.to_string()], PRICE);
            check(&world, &wechat).await;
            world.stop().await;
        }
    }
}

#[tokio::test]
async fn money_asked_back_while_keys_are_missing_is_agreed_to_at_once_and_no_key_leaves() {
    for fault in FAULTS {
        let (world, wechat) = open().await;
        world.list(SHOP, "100/200").await;
        buy(&world, &wechat).await;
        world.minutes(1).await;
        wechat.with(|wechat| wechat.ask("77", ORDER));
        wechat.after(1, fault);
        tell(&world, SHOP, &aftersale_event("77", "MERCHANT_PROCESSING", ORDER), 5).await;
        world.minutes(12).await;
        assert_eq!((world.count("OrderPlaced").await, world.count("RefundRequested").await), (1, 1));
        world.stock(0, 1).await;
        world.minutes(6).await;
        assert_eq!(wechat.with(|w| w.aftersales["77"].status), "MERCHANT_REFUND_SUCCESS", "{fault:?}");
        assert_eq!((deliveries(&wechat).0, world.count("KeysAllocated").await), (0, 0), "{fault:?}");
        assert_eq!((world.count("RefundSettled").await, wechat.faults_left()), (1, 0), "{fault:?}");
        check(&world, &wechat).await;
        world.stop().await;
    }
}
