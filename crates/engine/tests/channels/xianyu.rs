//! Xianyu through goofish: keys are bought from us by the supply interface, and the ERP interface tells of the order.

use serde_json::{Value, json};
use testkit::{
    Fault,
    accounts::{GoofishApp, GoofishSupplier},
    drive::{self, GoofishPurchase},
    goofish::{Goofish, Order},
    pretend::Pretend,
};

use channel_world::{PRICE, Told, World, code};

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
    let order = goofish.with(|goofish| {
        let order = goofish.orders.entry(ORDER.to_owned()).or_insert_with(|| Order {
            order_no: ORDER.to_owned(),
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
    });
    let told = world.send(ERP, &drive::goofish_push(&GoofishApp::test(), &order, world.now())).await;
    assert_eq!(told.json()["result"], "success");
    world.settle().await;
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
