//! The other way round: what Kami signs is understood by the SDKs.

use serde_json::{Value, json};

use crate::{
    clients,
    gateways::{self, MERCHANT_PRIVATE, NUMBER, PLATFORM_PUBLIC},
    kami::paid,
    platform::Platform,
    shops,
    site::{NOWHERE, OWN, Site, secret},
};

const MERCHANT_PUBLIC: &str =
    include_str!("../../../../channel-adapters/wechat-pay/fixtures/test-merchant-public.pem");

#[tokio::test]
async fn the_event_of_a_delivery_is_read_with_the_sdk_of_standard_webhooks() {
    let platform = Platform::start().await;
    let site = Site::open().await;
    let settings = json!({ "secrets": [secret()], "outbound_secret": secret(),
        "deliver_url": format!("{}/hooks/kami", platform.url) });
    site.connect(OWN, "CNY", None, &settings).await;
    assert_eq!(site.say("m1", &paid("A-1", 1, 2888), false).await.status, 200);
    let call = platform.call("/hooks/kami").await;
    let headers: Value = ["webhook-id", "webhook-timestamp", "webhook-signature"]
        .map(|name| (name.to_owned(), Value::from(call.header(name))))
        .into_iter()
        .collect();
    let read = clients::run(
        "own_site_reads.py",
        &json!({ "secret": secret(), "headers": headers, "body": call.body }),
    );
    assert_eq!(read["event"]["data"]["external_order_id"], "A-1", "{read}");
    assert!(!call.body.contains("KEY-"), "events hold no keys");
    site.until(OWN, "A-1", "delivered").await;
    site.close().await;
}

#[tokio::test]
async fn a_sealed_reply_is_opened_by_wechatpy() {
    let site = Site::open().await;
    let (account, mut settings) = ("wechat-xpay/mini", shops::settings(&channel_wechat_shop::XPAY));
    settings["base_url"] = NOWHERE.into();
    site.connect(account, "CNY", None, &settings).await;
    let message = shops::event("xpay_subscribe_ios_refund_query_notify", json!({ "OutTradeNo": "X-1" }));
    let told = site.post("wechat_push.py", shops::push(&settings, account, &message, Value::Null)).await;
    assert_eq!(told.status, 200, "{told:?}");
    settings["reply"] = told.json();
    let read = clients::run("wechat_push_reads.py", &settings);
    assert_eq!(read["message"], r#"{"ErrCode":0,"ErrMsg":"success"}"#);
}

#[tokio::test]
async fn a_question_to_wechat_pay_is_the_merchants_for_wechatpay_axios_plugin() {
    let platform = Platform::start().await;
    let site = Site::open().await;
    let settings = gateways::connect_wechat_pay(&site, &platform.url, true).await;
    site.place(NUMBER).await;
    let told = site.post("wechat_pay_notice.cjs", gateways::wechat_pay(&settings, "EV-1", false)).await;
    assert_eq!(told.status, 200, "{told:?}");
    let call = platform.call(&format!("/out-trade-no/{NUMBER}")).await;
    let read = clients::run(
        "wechat_pay_reads.cjs",
        &json!({ "method": call.method, "address": call.address, "body": call.body,
            "authorization": call.header("authorization"), "public_key": MERCHANT_PUBLIC }),
    );
    let expected =
        json!({ "genuine": true, "mchid": settings["mchid"], "serial": settings["merchant_serial_no"] });
    assert_eq!(read, expected);
    let order = site.order(OWN, NUMBER).await;
    assert_eq!(order["order"]["paid_fen"], 0, "an answer without a signature pays nothing: {order}");
}

#[tokio::test]
async fn a_question_to_alipay_is_signed_as_python_alipay_sdk_signs_it() {
    let platform = Platform::start().await;
    let site = Site::open().await;
    let settings = gateways::connect_alipay(&site, &platform.url, true).await;
    site.place(NUMBER).await;
    let told = site.post("alipay_notice.py", gateways::alipay(&settings, "n1", "28.88", false)).await;
    assert_eq!(told.answer(), (200, "success"));
    let call = platform.call("/gateway.do").await;
    let job = json!({ "form": call.body, "private_key": MERCHANT_PRIVATE, "public_key": PLATFORM_PUBLIC });
    let read = clients::run("alipay_reads.py", &job);
    assert_eq!(read["ours"], read["theirs"]);
    assert_eq!(read["method"], "alipay.trade.query");
    assert_eq!(read["content"], json!({ "out_trade_no": NUMBER }).to_string());
    let order = site.order(OWN, NUMBER).await;
    assert_eq!(order["order"]["paid_fen"], 0, "an answer without a signature pays nothing: {order}");
}
