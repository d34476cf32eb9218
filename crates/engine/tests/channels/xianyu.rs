//! Xianyu through goofish: keys are bought from us by the supply interface, and the ERP interface tells of the order.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use testkit::{
    Fault,
    accounts::{GoofishApp, GoofishSupplier},
    drive::{self, GoofishPurchase},
    goofish::{Goofish, Order},
    pretend::Pretend,
};

use channel_world::{Books, Keys, PRICE, Told, World, code, sha256};

const SUPPLY: &str = "xianyu-supply/fish";
const ERP: &str = "xianyu-erp/fish";
const ORDER: &str = "1929063817978999932";
const PRODUCT: &str = "441160510721413";

async fn open() -> (World, Pretend<Goofish>) {
    let world = crate::open_world().await;
    let goofish = world.pretend(Goofish::test()).await;
    let GoofishSupplier { app_id, app_secret, mch_id, mch_secret } = GoofishSupplier::test();
    let supply = json!({ "app_id": app_id, "app_secret": app_secret.expose(), "mch_id": mch_id,
        "mch_secret": mch_secret.expose(), "callback_prefixes": [format!("{}/", goofish.url())] });
    world.connect(SUPPLY, &supply).await;
    world.list(SUPPLY, "VIP-30").await;
    let app = GoofishApp::test();
    let erp =
        json!({ "app_key": app.app_key, "app_secret": app.app_secret.expose(), "base_url": goofish.url() });
    world.connect_sharing(ERP, &erp, Some(SUPPLY)).await;
    (world, goofish)
}

async fn buy(world: &World, goofish: &Pretend<Goofish>, order_no: &str, quantity: u32) -> Told {
    let order = GoofishPurchase {
        order_no: order_no.to_owned(),
        goods_no: "VIP-30".to_owned(),
        quantity,
        max_amount: Some(PRICE * i64::from(quantity)),
        notify_url: format!("{}/api/open/callback/virtual/order/notify/abcd", goofish.url()),
    };
    world.send(SUPPLY, &drive::goofish_purchase(&GoofishSupplier::test(), &order, world.now())).await
}

async fn ask(world: &World, topic: &str, body: &Value) -> Value {
    world.send(SUPPLY, &drive::goofish_call(&GoofishSupplier::test(), topic, body, world.now())).await.json()
}

/// The order changes at goofish, which hints at it; we read it.
async fn change(world: &World, goofish: &Pretend<Goofish>, change: impl FnOnce(&mut Order)) {
    let seen = changed(world, goofish, ORDER, change);
    push(world, &seen).await;
}

/// An order changes at goofish; as it is then.
fn changed(
    world: &World,
    goofish: &Pretend<Goofish>,
    number: &str,
    change: impl FnOnce(&mut Order),
) -> Order {
    goofish.with(|goofish| {
        let order = goofish.orders.entry(number.to_owned()).or_insert_with(|| Order {
            order_no: number.to_owned(),
            status: 12,
            refund_status: 0,
            pay_amount: PRICE,
            refund_amount: 0,
            outer_id: "VIP-30".to_owned(),
            quantity: 1,
            update_time: world.now().secs(),
        });
        order.update_time += 1;
        change(order);
        order.clone()
    })
}

/// goofish hints at an order as it once was, signed anew.
async fn push(world: &World, seen: &Order) {
    let hint = drive::goofish_push(&GoofishApp::test(), seen, world.now());
    assert_eq!(world.send(ERP, &hint).await.json()["result"], "success");
    world.settle().await;
}

/// The whole of an order's money goes back to its buyer.
fn refunded(order: &mut Order) {
    (order.status, order.refund_status, order.refund_amount) = (23, 5, order.pay_amount);
}

/// goofish says by the supply interface that an order's money went back.
async fn refund_notified(world: &World, number: &str, fen: i64) {
    let body = json!({ "order_no": number, "order_type": 2, "refund_amount": fen, "refund_time": world.now().secs() });
    assert_eq!(ask(world, "goofish/order/refund/notify", &body).await["result"], "success");
}

#[tokio::test]
async fn cards_come_in_the_reply_a_repeat_is_the_same_reply_and_the_detail_agrees() {
    let (world, goofish) = open().await;
    world.stock(0, 3).await;
    let first = buy(&world, &goofish, ORDER, 2).await;
    let data = first.json()["data"].clone();
    assert_eq!((&first.json()["code"], &data["order_status"]), (&json!(0), &json!(20)));
    let card = |n| json!({ "card_no": "", "card_pwd": code(n) });
    assert_eq!(data["card_items"], json!([card(0), card(1)]));
    world.advance(30).await;
    assert_eq!(buy(&world, &goofish, ORDER, 2).await, first);
    let detail = ask(&world, "goofish/order/detail", &json!({ "order_type": 2, "order_no": ORDER })).await;
    for field in ["order_no", "out_order_no", "order_status", "order_amount", "card_items"] {
        assert_eq!(detail["data"][field], data[field], "{field}");
    }
    let goods =
        ask(&world, "goofish/goods/list", &json!({ "goods_type": 2, "page_no": 1, "page_size": 10 })).await;
    assert_eq!(goods["data"]["list"][0]["stock"], 1);
    let short = buy(&world, &goofish, "1929063817978999933", 2).await;
    assert_eq!(short.json()["code"], 1102);
    assert_eq!(
        ask(&world, "goofish/order/detail", &json!({ "order_type": 2, "order_no": "1" })).await["code"],
        1200
    );
    assert_eq!(world.count("OrderDelivered").await, 1);
    world.stop().await;
}

#[tokio::test]
async fn a_refund_at_goofish_reaches_the_order_that_was_supplied() {
    let (world, goofish) = open().await;
    world.stock(0, 3).await;
    buy(&world, &goofish, ORDER, 1).await;
    change(&world, &goofish, |_| {}).await;
    assert_eq!(world.count("OrderPlaced").await, 1, "the sale is not taken twice");
    change(&world, &goofish, |order| (order.refund_status, order.refund_amount) = (1, PRICE)).await;
    assert_eq!(world.count("RefundRequested").await, 1);
    goofish.next(Fault::ErrorBefore(502));
    change(&world, &goofish, |order| (order.status, order.refund_status) = (23, 5)).await;
    assert_eq!(world.count("RefundSettled").await, 0);
    world.advance(60).await;
    let seen = (world.count("RefundSettled").await, world.count("KeysRevoked").await);
    assert_eq!(seen, (1, 1), "the key left, so it does not return to stock");
    change(&world, &goofish, |_| {}).await;
    assert_eq!((world.count("RefundSettled").await, world.count("OrderClosed").await), (1, 1));
    assert_eq!(goofish.with(|goofish| goofish.forged_calls), 0);
    world.stop().await;
}

#[tokio::test]
async fn stock_is_pushed_to_the_listings_of_the_erp_account() {
    let (world, goofish) = open().await;
    world.list(ERP, PRODUCT).await;
    world.list(ERP, &format!("{PRODUCT}/77")).await;
    world.stock(0, 4).await;
    goofish.next(Fault::HangUpAfter);
    world.settle().await;
    world.advance(60).await;
    buy(&world, &goofish, ORDER, 3).await;
    world.advance(60).await;
    let shown = |item: &str| goofish.with(|goofish| goofish.stock[item].0);
    assert_eq!((shown(PRODUCT), shown(&format!("{PRODUCT}/77"))), (1, 1));
    world.stop().await;
}

/// The cards that reached goofish in a reply.
fn cards(told: &Told) -> std::collections::BTreeSet<String> {
    let cards = told.json()["data"]["card_items"].as_array().cloned().unwrap_or_default();
    cards.iter().map(|card| sha256(card["card_pwd"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn words_of_both_interfaces_that_overtake_each_other_leave_goofishs_ledger_and_ours_the_same() {
    let faults = [
        Fault::HangUpBefore,
        Fault::HangUpAfter,
        Fault::ErrorAfter(502),
        Fault::TooMany(20),
        Fault::WrongSignature,
    ];
    for fault in faults {
        let (world, goofish) = open().await;
        world.list(ERP, PRODUCT).await;
        world.stock(0, 12).await;
        let mut held = Keys::new();

        // The reply is lost, and the order comes again. Its two changes are told in the wrong order.
        let _lost = buy(&world, &goofish, "1001", 2).await;
        let told = buy(&world, &goofish, "1001", 2).await;
        held.insert("1001".to_owned(), cards(&told));
        let paid =
            changed(&world, &goofish, "1001", |order| (order.pay_amount, order.quantity) = (2 * PRICE, 2));
        let back = changed(&world, &goofish, "1001", refunded);
        goofish.next(fault);
        for hint in [&back, &paid, &back] {
            push(&world, hint).await;
        }
        // Money back is told by the one interface, then by the other, before the order comes by the supply interface.
        for (number, by_supply) in [("1002", [false, true]), ("1003", [true, false])] {
            let hint = changed(&world, &goofish, number, refunded);
            goofish.next(fault);
            for by_supply in by_supply {
                match by_supply {
                    true => refund_notified(&world, number, PRICE).await,
                    false => push(&world, &hint).await,
                }
                world.minutes(5).await;
            }
        }
        // Closed before it comes; what it cost is told to be paid back in the end.
        push(&world, &changed(&world, &goofish, "1004", |order| order.status = 24)).await;
        // Asked for before it comes.
        let detail = json!({ "order_type": 2, "order_no": "1005" });
        assert_eq!(ask(&world, "goofish/order/detail", &detail).await["code"], 1200);
        world.minutes(5).await;
        for number in ["1005", "1004", "1003", "1002"] {
            let told = buy(&world, &goofish, number, 1).await;
            let status = &told.json()["data"]["order_status"];
            assert_eq!(status, &json!(if number == "1005" { 20 } else { 30 }), "{number} {fault:?}");
            if number == "1005" {
                held.insert(number.to_owned(), cards(&told));
            }
            assert_eq!(cards(&told).len(), usize::from(number == "1005"), "{number} {fault:?}");
        }
        changed(&world, &goofish, "1004", |order| (order.refund_status, order.refund_amount) = (5, PRICE));
        refund_notified(&world, "1004", PRICE).await;
        assert_eq!(buy(&world, &goofish, "1001", 2).await, told, "{fault:?}: a repeat hears what it heard");
        world.minutes(10).await;

        let shown =
            ask(&world, "goofish/order/detail", &json!({ "order_type": 2, "order_no": "1001" })).await;
        assert_eq!((&shown["data"]["order_status"], &shown["data"]["card_items"]), (&json!(30), &json!([])));
        let back: BTreeMap<String, i64> = goofish.with(|goofish| {
            let paid_back = goofish.orders.values().filter(|order| order.refund_status == 5);
            paid_back.map(|order| (order.order_no.clone(), order.refund_amount)).collect()
        });
        let books = Books::of(&world).await;
        books.agree(&held, &back);
        assert_eq!(books.revoked, Keys::from([("1001".to_owned(), held["1001"].clone())]), "{fault:?}");
        // Three keys left, and none of them comes back.
        assert_eq!(goofish.with(|goofish| goofish.stock[PRODUCT].0), 9, "{fault:?}");
        assert_eq!(
            (goofish.with(|goofish| goofish.forged_calls), goofish.faults_left()),
            (0, 0),
            "{fault:?}"
        );
        world.stop().await;
    }
}

#[tokio::test]
async fn an_order_of_the_erp_platform_that_is_told_of_backwards_gets_its_keys_once_or_none() {
    for fault in [Fault::HangUpBefore, Fault::HangUpAfter, Fault::ErrorAfter(502), Fault::WrongSignature] {
        let world = crate::open_world().await;
        let goofish = world.pretend(Goofish::test()).await;
        let app = GoofishApp::test();
        let erp = json!({ "app_key": app.app_key, "app_secret": app.app_secret.expose(), "base_url": goofish.url(),
            "deliver_orders": true });
        world.connect(ERP, &erp).await;
        world.list(ERP, "VIP-30").await;
        world.stock(0, 5).await;
        world.settle().await;
        // Unpaid, paid: the newer word comes first, and the older changes nothing.
        let unpaid = changed(&world, &goofish, "1", |order| order.status = 11);
        let paid = changed(&world, &goofish, "1", |order| order.status = 12);
        goofish.next(fault);
        for hint in [&paid, &unpaid, &paid] {
            push(&world, hint).await;
            world.minutes(5).await;
        }
        // Paid and closed before anything was heard, and paid and paid back before anything was heard.
        for (number, end) in [("2", 24), ("3", 23)] {
            let paid = changed(&world, &goofish, number, |order| order.status = 12);
            let over = changed(&world, &goofish, number, |order| {
                if end == 23 { refunded(order) } else { order.status = end }
            });
            goofish.next(fault);
            for hint in [&over, &paid] {
                push(&world, hint).await;
                world.minutes(5).await;
            }
        }
        assert_eq!(
            (world.count("KeysAllocated").await, world.count("OrderPlaced").await),
            (1, 1),
            "{fault:?}"
        );
        assert!(Books::of(&world).await.refunded.is_empty(), "{fault:?}");
        push(&world, &changed(&world, &goofish, "1", refunded)).await;
        world.minutes(5).await;
        let books = Books::of(&world).await;
        books.agree(&Keys::new(), &BTreeMap::from([("1".to_owned(), PRICE)]));
        assert!(books.let_out.is_empty(), "{fault:?}: nobody fetched the key, so it can be sold again");
        assert_eq!(
            (goofish.with(|goofish| goofish.forged_calls), goofish.faults_left()),
            (0, 0),
            "{fault:?}"
        );
        world.stop().await;
    }
}
