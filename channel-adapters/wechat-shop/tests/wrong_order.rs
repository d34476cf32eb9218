//! Both products with messages in the wrong order: WeChat's ledger and the log agree in the end.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;
mod story;

use channel_world::PRICE;

use platform::{aftersale_event, goods_event, order_event, refund_event};
use story::{FAULTS, ORDER, SHOP, XPAY, check, open, rest, tell};

/// What is pushed of a shop's order, in every order of arrival: that it is paid, in two ways, and that its buyer asks for
/// the money back.
const TURNS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

#[tokio::test]
async fn pushes_of_a_shop_order_that_overtake_each_other_leave_wechats_ledger_and_ours_the_same() {
    for (turn, fault) in TURNS.into_iter().zip(FAULTS) {
        let (world, wechat) = open().await;
        world.list(SHOP, "100/200").await;
        world.stock(0, 3).await;
        wechat.with(|wechat| wechat.pay(ORDER, PRICE));
        wechat.with(|wechat| wechat.ask("77", ORDER));
        let pushes = [
            order_event("channels_ec_order_pay", ORDER),
            order_event("channels_ec_order_wait_shipping", ORDER),
            aftersale_event("77", "MERCHANT_PROCESSING", ORDER),
        ];
        wechat.next(fault);
        for (random, which) in (0..).zip(turn) {
            tell(&world, SHOP, &pushes[which], random).await;
            tell(&world, SHOP, &pushes[which], random + 10).await;
            world.minutes(4).await;
        }
        assert_eq!(
            (world.count("OrderPlaced").await, world.count("RefundRequested").await),
            (1, 1),
            "{turn:?}"
        );
        // A key leaves only where the payment was heard of before the request.
        assert_eq!(world.count("OrderDelivered").await, usize::from(turn[0] != 2), "{turn:?} {fault:?}");
        wechat.next(fault);
        world.refund(SHOP, &ORDER.to_string(), Some("aftersale:77"), None).await;
        world.minutes(12).await;
        // The end is told of first, then everything once more.
        wechat.with(|wechat| wechat.orders.get_mut(&ORDER).unwrap().status = 200);
        tell(&world, SHOP, &order_event("channels_ec_order_cancel", ORDER), 20).await;
        tell(&world, SHOP, &aftersale_event("77", "MERCHANT_REFUND_SUCCESS", ORDER), 21).await;
        for (random, which) in (30..).zip(turn.into_iter().rev()) {
            tell(&world, SHOP, &pushes[which], random).await;
        }
        world.minutes(12).await;
        assert_eq!((world.count("RefundSettled").await, wechat.faults_left()), (1, 0), "{turn:?} {fault:?}");
        check(&world, &wechat).await;
        world.stop().await;
    }
}

#[tokio::test]
async fn a_shop_order_that_is_over_before_anything_is_heard_of_it_binds_no_key() {
    for (turn, fault) in TURNS.into_iter().zip(FAULTS) {
        let (world, wechat) = open().await;
        world.list(SHOP, "100/200").await;
        world.stock(0, 3).await;
        wechat.with(|wechat| wechat.pay(ORDER, PRICE));
        wechat.with(|wechat| wechat.orders.get_mut(&ORDER).unwrap().status = 190);
        let kinds = ["pay", "wait_shipping", "cancel"];
        wechat.next(fault);
        for (random, which) in (0..).zip(turn) {
            let told = order_event(&format!("channels_ec_order_{}", kinds[which]), ORDER);
            tell(&world, SHOP, &told, random).await;
            world.minutes(4).await;
        }
        assert_eq!((world.count("KeysAllocated").await, wechat.faults_left()), (0, 0), "{turn:?} {fault:?}");
        check(&world, &wechat).await;
        world.stop().await;
    }
}

#[tokio::test]
async fn news_of_a_virtual_payment_that_overtakes_the_order_or_an_answer_leaves_both_ledgers_the_same() {
    for fault in FAULTS {
        let (world, wechat) = open().await;
        world.list(XPAY, "steam_50").await;
        world.stock(0, 5).await;
        // Paid back in the back office before the order is heard of: WeChat need not come again, and no key is bound.
        wechat.with(|wechat| wechat.refunds.insert("BACKOFFICE1".into(), ("CKX1".into(), PRICE)));
        tell(&world, XPAY, &refund_event("CKX1", "BACKOFFICE1", PRICE, 0), 1).await;
        let told = tell(&world, XPAY, &goods_event("CKX1", "steam_50", 1, PRICE, 0), 2).await;
        assert_eq!(told.json()["ErrCode"], 0, "{fault:?}");
        // Attempts arrive in the wrong order.
        for (random, attempt) in [(3, 2), (4, 0), (5, 1)] {
            let told = tell(&world, XPAY, &goods_event("CKX2", "steam_50", 1, PRICE, attempt), random).await;
            assert_eq!(told.json()["ErrCode"], 0, "{fault:?} {attempt}");
        }
        rest(&world).await;
        wechat.next(fault);
        world.refund(XPAY, "CKX2", Some("R-1"), None).await;
        world.settle().await;
        // The news of our refund may come before we know how our call ended.
        let known = wechat.with(|wechat| {
            let ours = wechat.refunds.iter().find(|(_, (order, _))| order == "CKX2");
            ours.map(|(number, _)| number.clone())
        });
        if let Some(number) = known {
            tell(&world, XPAY, &refund_event("CKX2", &number, PRICE, 0), 6).await;
        }
        rest(&world).await;
        tell(&world, XPAY, &goods_event("CKX2", "steam_50", 1, PRICE, 3), 7).await;
        tell(&world, XPAY, &goods_event("CKX1", "steam_50", 1, PRICE, 1), 8).await;
        rest(&world).await;
        assert_eq!((world.count("RefundSettled").await, wechat.faults_left()), (2, 0), "{fault:?}");
        assert_eq!(
            (world.count("KeysAllocated").await, world.count("KeysRevoked").await),
            (1, 1),
            "{fault:?}"
        );
        check(&world, &wechat).await;
        world.stop().await;
    }
}
