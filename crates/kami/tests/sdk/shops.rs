//! Shops and bots tell of orders that were placed and paid there, and the own site of its own.

use serde_json::{Value, json};

use crate::{
    kami::paid,
    platform::Platform,
    site::{NOWHERE, OWN, Site},
};

async fn list(site: &Site, account: &str, item: &str) {
    let listing = json!({ "account": account, "item": item, "sku": "steam-50" });
    site.kami.api("POST", "/v1/listings", listing).await;
}

pub(crate) fn settings(protocol: &channel::Protocol) -> Value {
    serde_json::from_str(protocol.example_settings).unwrap()
}

#[tokio::test]
async fn an_own_site_with_the_sdk_of_standard_webhooks_gets_its_keys_once() {
    let site = Site::open().await;
    let forged = site.say("m1", &paid("A-1", 1, 2888), true).await;
    assert_eq!((forged.status, forged.json()), (401, json!({ "status": "unauthorized" })));
    assert_eq!(site.order(OWN, "A-1").await, Value::Null, "a forgery changes nothing");

    let told = site.say("m2", &paid("A-1", 1, 2888), false).await;
    assert_eq!((told.status, &told.json()["keys"][0]["sku"]), (200, &json!("steam-50")), "{told:?}");
    let order = site.order(OWN, "A-1").await;
    assert_eq!(order["order"]["status"], "delivered", "{order}");
    let again = site.say("m2", &paid("A-1", 1, 2888), false).await;
    assert_eq!(again.answer(), told.answer());
    assert_eq!(site.order(OWN, "A-1").await, order, "a repeat changes nothing");
    site.close().await;
}

#[tokio::test]
async fn an_order_signed_by_shopify_api_is_taken_once() {
    let site = Site::open().await;
    let settings = json!({ "shop": "test-shop.myshopify.com", "api_version": "2026-04", "base_url": NOWHERE,
        "client_secrets": ["shpss_TESTshared0123456789abcdef01"],
        "access_token": "shpat_TESTtoken0123456789abcdef0123" });
    site.connect("shopify/shop", "CNY", None, &settings).await;
    list(&site, "shopify/shop", "808950810").await;
    let job = |total: &str, forge: bool| {
        let order = json!({ "id": 820_982_911_946_154_508_u64, "financial_status": "paid",
            "fulfillment_status": null, "test": false, "cancelled_at": null, "email": "buyer@example.com",
            "updated_at": "2026-01-02T03:00:00-05:00", "currency": "CNY", "total_price": total,
            "line_items": [{ "variant_id": 808_950_810, "quantity": 1, "title": "Steam 50 元" }], "refunds": [] });
        json!({ "order": order.to_string(), "id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043", "shop": settings["shop"],
            "secret": settings["client_secrets"][0], "forge": forge })
    };
    let number = "820982911946154508";
    assert_eq!(site.post("shopify_order.cjs", job("0.01", true)).await.answer(), (401, ""));
    assert_eq!(site.order("shopify/shop", number).await, Value::Null, "a forgery changes nothing");

    let told = site.post("shopify_order.cjs", job("28.88", false)).await;
    assert_eq!(told.answer(), (200, "taken"));
    let order = site.order("shopify/shop", number).await;
    assert_eq!(order["order"]["status"], "fulfilled", "{order}");
    assert_eq!(site.post("shopify_order.cjs", job("28.88", false)).await.answer(), told.answer());
    assert_eq!(site.order("shopify/shop", number).await, order, "a repeat changes nothing");
    site.close().await;
}

/// A job of `wechat_push.py`.
pub(crate) fn push(settings: &Value, account: &str, message: &Value, forge: Value) -> Value {
    json!({ "account": account, "token": settings["token"], "appid": settings["appid"],
        "encoding_aes_key": settings["encoding_aes_key"], "message": message, "forge": forge })
}

pub(crate) fn event(kind: &str, more: Value) -> Value {
    let mut event = json!({ "ToUserName": "gh_97417a04a28d", "FromUserName": "o1", "MsgType": "event",
        "CreateTime": 1_767_322_800, "Event": kind });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

#[tokio::test]
async fn a_virtual_payment_pushed_by_wechatpy_is_taken_once() {
    let platform = Platform::start().await;
    let site = Site::open().await;
    let mut settings = settings(&channel_wechat_shop::XPAY);
    settings["base_url"] = platform.url.clone().into();
    let account = "wechat-xpay/mini";
    site.connect(account, "CNY", None, &settings).await;
    list(&site, account, "card-50").await;
    let goods = |number: &str| {
        event(
            "xpay_goods_deliver_notify",
            json!({ "OpenId": "oAbCd", "OutTradeNo": number, "Env": 0,
            "RetryTimes": 0, "WeChatPayInfo": { "MchOrderNo": "xp_1", "TransactionId": "4200001" },
            "GoodsInfo": { "ProductId": "card-50", "Quantity": 1, "OrigPrice": 2888, "ActualPrice": 2888,
                "Attach": "你好" } }),
        )
    };
    let forged = push(&settings, account, &goods("X-1"), goods("X-2"));
    assert_eq!(site.post("wechat_push.py", forged).await.answer(), (401, "refused"));
    for number in ["X-1", "X-2"] {
        assert_eq!(site.order(account, number).await, Value::Null, "a forgery changes nothing");
    }
    let genuine = push(&settings, account, &goods("X-1"), Value::Null);
    let told = site.post("wechat_push.py", genuine.clone()).await;
    assert_eq!(told.answer(), (200, r#"{"ErrCode":0,"ErrMsg":"success"}"#));
    site.until(account, "X-1", "delivered").await;
    let order = site.order(account, "X-1").await;
    assert_eq!(site.post("wechat_push.py", genuine).await.answer(), told.answer());
    assert_eq!(site.order(account, "X-1").await, order, "a repeat changes nothing");
    assert_eq!(platform.count("/xpay/notify_provide_goods"), 1);
    site.close().await;
}

#[tokio::test]
async fn a_shop_order_pushed_by_wechatpy_is_read_back_and_delivered_once() {
    let platform = Platform::start().await;
    let site = Site::open().await;
    let mut settings = settings(&channel_wechat_shop::SHOP);
    settings["base_url"] = platform.url.clone().into();
    settings["access_token"] = "ACCESS-token_1".into();
    settings["access_token_expires_at"] = 4_102_444_800_i64.into();
    let (account, number) = ("wechat-shop/main", "3705115058471208928");
    site.connect(account, "CNY", None, &settings).await;
    list(&site, account, "100/200").await;
    let order =
        json!({ "order_info": { "order_id": 3_705_115_058_471_208_928_u64, "pay_time": 1_767_322_800 } });
    let paid = event("channels_ec_order_pay", order);

    let forged = push(&settings, account, &event("channels_ec_order_new", json!({})), paid.clone());
    assert_eq!(site.post("wechat_push.py", forged).await.answer(), (401, "refused"));
    assert_eq!(platform.count("/channels/ec/order/get"), 0, "a forgery is not asked about");

    let genuine = push(&settings, account, &paid, Value::Null);
    assert_eq!(site.post("wechat_push.py", genuine.clone()).await.answer(), (200, "success"));
    site.until(account, number, "delivered").await;
    let order = site.order(account, number).await;
    assert_eq!(site.post("wechat_push.py", genuine).await.answer(), (200, "success"));
    assert_eq!(site.order(account, number).await, order, "a repeat changes nothing");
    assert_eq!(platform.count("/channels/ec/order/delivery/send"), 1);
    site.close().await;
}

#[tokio::test]
async fn a_payment_in_stars_told_with_python_telegram_bot_is_asked_about_taken_and_delivered_once() {
    let platform = Platform::start().await;
    let site = Site::open().await;
    let mut settings = settings(&channel_telegram::PROTOCOL);
    settings["base_url"] = platform.url.clone().into();
    settings["reconcile"] = false.into();
    let account = "telegram/bot";
    site.connect(account, "XTR", None, &settings).await;
    list(&site, account, "steam-50").await;
    let price = json!({ "unit_price": { "minor": 50, "currency": "XTR" }, "reason": "list" });
    site.kami.api("PUT", "/v1/skus/steam-50/prices", price).await;
    let job = |what: &str, secret: &Value| {
        json!({ "what": what, "stars": 50, "payload": "item:steam-50", "charge": "stxABC", "at": 1_767_322_800,
            "secret": secret })
    };
    let asked = site.post("telegram_update.py", job("question", &settings["secret_token"])).await;
    let yes = json!({ "method": "answerPreCheckoutQuery", "pre_checkout_query_id": "5550001", "ok": true });
    assert_eq!((asked.status, asked.json()), (200, yes));

    let forged = job("payment", &json!("TEST_another-Secret_01"));
    assert_eq!(site.post("telegram_update.py", forged).await.answer(), (401, "refused"));
    assert_eq!(site.order(account, "stxABC").await, Value::Null, "a forgery changes nothing");

    let genuine = job("payment", &settings["secret_token"]);
    let told = site.post("telegram_update.py", genuine.clone()).await;
    assert_eq!(told.status, 200, "{told:?}");
    site.until(account, "stxABC", "delivered").await;
    let order = site.order(account, "stxABC").await;
    assert_eq!(site.post("telegram_update.py", genuine).await.answer(), told.answer());
    assert_eq!(site.order(account, "stxABC").await, order, "a repeat changes nothing");
    assert_eq!(platform.count("sendMessage"), 1);
    site.close().await;
}
