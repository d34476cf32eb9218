//! Gateways tell that an order of the own site is paid.

use serde_json::{Value, json};

use crate::{
    clients,
    site::{NOWHERE, OWN, Site, Told},
};

pub(crate) const NUMBER: &str = "CK20260102-1";
/// WeChat Pay's and Alipay's keys in these tests, and the merchant's.
pub(crate) const PLATFORM_PRIVATE: &str =
    include_str!("../../../../channel-adapters/wechat-pay/fixtures/test-platform-private.pem");
pub(crate) const PLATFORM_PUBLIC: &str =
    include_str!("../../../../channel-adapters/wechat-pay/fixtures/test-platform-public.pem");
pub(crate) const MERCHANT_PRIVATE: &str =
    include_str!("../../../../channel-adapters/wechat-pay/fixtures/test-merchant-private.pem");

/// What a gateway expects to be answered.
struct Answers {
    refused: (u64, &'static str),
    accepted: (u64, &'static str),
}

/// A forged notification is refused and changes nothing; a genuine one pays the order; its repeat is answered the same
/// and changes nothing. Returns what the genuine one was.
async fn pays(site: &Site, client: &'static str, forgery: Value, genuine: Value, answers: &Answers) -> Told {
    site.place(NUMBER).await;
    let placed = site.order(OWN, NUMBER).await;
    assert_eq!(placed["order"]["status"], "awaiting_payment", "{placed}");

    let refused = site.post(client, forgery).await;
    assert_eq!(refused.answer(), answers.refused, "{client}");
    assert_eq!(site.order(OWN, NUMBER).await, placed, "{client}: a forgery changes nothing");

    let told = site.post(client, genuine.clone()).await;
    assert_eq!(told.answer(), answers.accepted, "{client}");
    let paid = site.order(OWN, NUMBER).await;
    assert_eq!(paid["order"]["status"], "fulfilled", "{client}: {paid}");

    let again = site.post(client, genuine).await;
    assert_eq!(again.answer(), answers.accepted, "{client}");
    assert_eq!(site.order(OWN, NUMBER).await, paid, "{client}: a repeat changes nothing");
    assert_eq!(site.keys("after-payment", NUMBER).await.len(), 1, "{client}");
    told
}

fn stripe(id: &str, payment_status: &str, forge: bool) -> Value {
    let session = json!({ "id": "cs_test_1", "object": "checkout.session", "mode": "payment",
        "client_reference_id": NUMBER, "payment_status": payment_status, "amount_total": 2888,
        "currency": "cny", "payment_intent": "pi_1" });
    let event = json!({ "id": id, "object": "event", "type": "checkout.session.completed", "livemode": false,
        "api_version": "2026-01-28.clover", "created": 1_767_322_800, "data": { "object": session } });
    json!({ "event": event, "secret": "whsec_TESTsharedSecret0123456789abcdef", "forge": forge })
}

/// Both of Stripe's own libraries sign the same way, so one test is made for each.
async fn stripe_pays(client: &'static str) {
    let site = Site::open().await;
    let mut settings: Value = serde_json::from_str(channel_stripe::PROTOCOL.example_settings).unwrap();
    settings["base_url"] = NOWHERE.into();
    site.connect("stripe/pay", "CNY", Some(OWN), &settings).await;
    let (forgery, genuine) = (stripe("evt_1", "unpaid", true), stripe("evt_2", "paid", false));
    let answers = Answers { refused: (400, "refused"), accepted: (200, "ok") };
    pays(&site, client, forgery, genuine, &answers).await;
    site.close().await;
}

#[tokio::test]
async fn an_event_signed_by_stripe_python_pays_an_order() {
    stripe_pays("stripe_event.py").await;
}

#[tokio::test]
async fn an_event_signed_by_stripe_node_pays_an_order() {
    stripe_pays("stripe_event.cjs").await;
}

/// Connects WeChat Pay at an address and returns its settings.
pub(crate) async fn connect_wechat_pay(site: &Site, base_url: &str, confirm_by_query: bool) -> Value {
    let mut settings: Value = serde_json::from_str(channel_wechat_pay::PROTOCOL.example_settings).unwrap();
    settings["base_url"] = base_url.into();
    settings["confirm_by_query"] = confirm_by_query.into();
    site.connect("wechat-pay/pay", "CNY", Some(OWN), &settings).await;
    settings
}

/// A job of `wechat_pay_notice.cjs`: the order is paid.
pub(crate) fn wechat_pay(settings: &Value, id: &str, forge: bool) -> Value {
    let transaction = json!({ "mchid": settings["mchid"], "appid": settings["appid"], "out_trade_no": NUMBER,
        "transaction_id": "4200002026010200000000000001", "trade_type": "NATIVE", "trade_state": "SUCCESS",
        "amount": { "total": 2888, "payer_total": 2888, "currency": "CNY", "payer_currency": "CNY" } });
    json!({ "id": id, "transaction": transaction, "apiv3_key": settings["apiv3_key"], "forge": forge,
        "private_key": PLATFORM_PRIVATE, "public_key": PLATFORM_PUBLIC,
        "public_key_id": settings["platform_keys"][0]["id"] })
}

#[tokio::test]
async fn a_notification_sealed_by_wechatpay_axios_plugin_pays_an_order_and_wechatpayv3_reads_the_same() {
    let site = Site::open().await;
    let settings = connect_wechat_pay(&site, NOWHERE, false).await;
    let refused = (400, r#"{"code":"FAIL","message":"not accepted"}"#);
    let answers = Answers { refused, accepted: (200, r#"{"code":"SUCCESS","message":"OK"}"#) };
    let (forgery, genuine) = (wechat_pay(&settings, "EV-1", true), wechat_pay(&settings, "EV-2", false));
    let told = pays(&site, "wechat_pay_notice.cjs", forgery, genuine.clone(), &answers).await;

    let mut check = settings;
    for name in ["public_key", "public_key_id"] {
        check[name] = genuine[name].clone();
    }
    check["headers"] = told.sent["headers"].clone();
    check["body"] = told.sent["body"].clone();
    assert_eq!(clients::run("wechat_pay_check.py", &check)["read"]["resource"], genuine["transaction"]);
    site.close().await;
}

/// Connects Alipay at an address and returns its settings.
pub(crate) async fn connect_alipay(site: &Site, base_url: &str, confirm_by_query: bool) -> Value {
    let mut settings: Value = serde_json::from_str(channel_alipay::PROTOCOL.example_settings).unwrap();
    settings["base_url"] = base_url.into();
    settings["confirm_by_query"] = confirm_by_query.into();
    site.connect("alipay/pay", "CNY", Some(OWN), &settings).await;
    settings
}

/// A job of `alipay_notice.py`: the order is paid.
pub(crate) fn alipay(settings: &Value, id: &str, total: &str, forge: bool) -> Value {
    let fields = json!({ "app_id": settings["app_id"], "seller_id": settings["seller_id"],
        "notify_id": id, "notify_type": "trade_status_sync", "notify_time": "2026-01-02 11:00:00",
        "charset": "utf-8", "version": "1.0", "trade_status": "TRADE_SUCCESS", "out_trade_no": NUMBER,
        "trade_no": "2026010222001403030500000001", "total_amount": total, "subject": "卡密 50 & more" });
    json!({ "fields": fields, "private_key": PLATFORM_PRIVATE, "public_key": PLATFORM_PUBLIC, "forge": forge })
}

#[tokio::test]
async fn a_notification_signed_by_python_alipay_sdk_pays_an_order_and_alipay_sdk_takes_the_same() {
    let site = Site::open().await;
    let settings = connect_alipay(&site, NOWHERE, false).await;
    let answers = Answers { refused: (200, "failure"), accepted: (200, "success") };
    let (forgery, genuine) = (alipay(&settings, "n1", "0.01", true), alipay(&settings, "n2", "28.88", false));
    let told = pays(&site, "alipay_notice.py", forgery, genuine, &answers).await;

    let check = json!({ "app_id": settings["app_id"], "private_key": MERCHANT_PRIVATE,
        "public_key": PLATFORM_PUBLIC, "form": told.sent["body"] });
    assert_eq!(clients::run("alipay_check.cjs", &check)["genuine"], true);
    site.close().await;
}
