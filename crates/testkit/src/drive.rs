//! Requests as the platforms send them to us, signed with their formulas.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use vocabulary::Timestamp;

use crate::{
    accounts::{EpayAccount, GoofishApp, GoofishSupplier, JdCustomer, WebhookSecret},
    digest::{RsaKey, md5_hex},
    epay::{Epay, Payment},
    form::{self, Pairs},
    goofish::{self, app_signature, supplier_signature},
    jd_card::{self, beijing},
};

/// A signed request, ready to be sent to a shop's inbound address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path behind the shop's address, without a slash in front; empty where there is none.
    pub topic: String,
    /// The query, without the question mark.
    pub query: String,
    /// Headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Signed {
    /// The whole address under a shop's inbound address (without a slash at the end).
    pub fn url(&self, shop: &str) -> String {
        let slash = if self.topic.is_empty() { "" } else { "/" };
        let mark = if self.query.is_empty() { "" } else { "?" };
        format!("{shop}{slash}{}{mark}{}", self.topic, self.query)
    }

    fn json(topic: &str, query: String, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { method: "POST", topic: topic.to_owned(), query, headers, body: body.to_string().into_bytes() }
    }
}

fn pairs(fields: &[(&str, &str)]) -> Pairs {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn encoded(fields: &Pairs) -> String {
    form::write(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

fn payment_fields(pid: &str, payment: &Payment) -> Pairs {
    pairs(&[
        ("pid", pid),
        ("trade_no", &payment.trade_no),
        ("out_trade_no", &payment.out_trade_no),
        ("type", "alipay"),
        ("name", "Steam 50 元卡"),
        ("money", &payment.money()),
        ("trade_status", "TRADE_SUCCESS"),
    ])
}

/// epay V1 says that a payment was made.
pub fn epay_notify(account: &EpayAccount, payment: &Payment) -> Signed {
    let mut fields = payment_fields(&account.pid, payment);
    let content = form::sorted(&fields, &["sign", "sign_type"]);
    let sign = md5_hex(format!("{content}{}", account.key.expose()));
    fields.extend(pairs(&[("sign", &sign), ("sign_type", "MD5")]));
    let query = encoded(&fields);
    Signed { method: "GET", topic: String::new(), query, headers: Vec::new(), body: Vec::new() }
}

/// epay V2 says that a payment was made, signed with the test key of [`Epay::test`].
pub fn epay_notify_v2(account: &EpayAccount, payment: &Payment, now: Timestamp) -> Signed {
    let mut fields = payment_fields(&account.pid, payment);
    fields.extend(pairs(&[("timestamp", &now.secs().to_string())]));
    let content = form::sorted(&fields, &["sign", "sign_type"]);
    let sign = RsaKey::read(Epay::TEST_PLATFORM_PRIVATE).map(|key| key.sign(&content)).unwrap_or_default();
    fields.extend(pairs(&[("sign", &sign), ("sign_type", "RSA")]));
    let query = encoded(&fields);
    Signed { method: "GET", topic: String::new(), query, headers: Vec::new(), body: Vec::new() }
}

/// A card order at goofish.
#[derive(Debug, Clone)]
pub struct GoofishPurchase {
    /// goofish's number.
    pub order_no: String,
    /// Our code for the goods.
    pub goods_no: String,
    /// How many.
    pub quantity: u32,
    /// What goofish pays at most, in fen.
    pub max_amount: Option<i64>,
    /// Where the result of an order that takes longer is to go.
    pub notify_url: String,
}

/// goofish orders cards: `goofish/order/purchase/create`.
pub fn goofish_purchase(supplier: &GoofishSupplier, order: &GoofishPurchase, now: Timestamp) -> Signed {
    let mut body = json!({
        "order_no": order.order_no,
        "goods_no": order.goods_no,
        "buy_quantity": order.quantity,
        "notify_url": order.notify_url,
        "biz_order_no": "4012345678901234567",
        "product_id": 441_160_510_721_413_i64,
        "product_sku": 0,
        "item_id": 709_548_670_377_i64,
    });
    if let Some(max_amount) = order.max_amount {
        body["max_amount"] = json!(max_amount);
    }
    goofish_call(supplier, "goofish/order/purchase/create", &body, now)
}

/// Any other call of goofish's supply interface, signed with formula B.
pub fn goofish_call(supplier: &GoofishSupplier, topic: &str, body: &Value, now: Timestamp) -> Signed {
    let timestamp = now.secs().to_string();
    let sign = supplier_signature(supplier, body.to_string().as_bytes(), &timestamp);
    let query = [("mch_id", supplier.mch_id.as_str()), ("timestamp", &timestamp), ("sign", &sign)];
    Signed::json(topic, form::write(query), body)
}

/// goofish's ERP platform hints that an order changed: topic `order`, formula A.
pub fn goofish_push(app: &GoofishApp, order: &goofish::Order, now: Timestamp) -> Signed {
    let body = json!({
        "seller_id": 1,
        "user_name": "shop",
        "order_no": order.order_no,
        "order_type": 7,
        "order_status": order.status,
        "refund_status": order.refund_status,
        "modify_time": order.update_time,
        "product_id": 441_160_510_721_413_i64,
        "item_id": 709_548_670_377_i64,
    });
    let timestamp = now.secs().to_string();
    let sign = app_signature(app, body.to_string().as_bytes(), &timestamp);
    let app_key = app.app_key.to_string();
    let query = [("appid", app_key.as_str()), ("timestamp", &timestamp), ("sign", &sign)];
    Signed::json("order", form::write(query), &body)
}

/// A card order at JD.
#[derive(Debug, Clone)]
pub struct JdOrder {
    /// JD's number: digits.
    pub order_id: String,
    /// Our code for the item.
    pub out_id: String,
    /// How many.
    pub quantity: u32,
    /// What JD pays in all, in yuan (`57.76`).
    pub total_price: String,
}

/// JD orders cards: topic `card/order`.
pub fn jd_order(customer: &JdCustomer, order: &JdOrder, now: Timestamp) -> Signed {
    let data = json!({
        "orderId": order.order_id,
        "pin": "zhangsan",
        "buyNum": order.quantity.to_string(),
        "totalPrice": order.total_price,
        "skuId": "100012345678",
        "brandId": "1001",
        "facePrice": "50",
        "sourceType": "0",
        "userIp": "127.0.0.1",
        "outId": order.out_id,
    });
    jd_call(customer, "card/order", &data, now)
}

/// JD asks how an order stands: topic `card/query`.
pub fn jd_query(customer: &JdCustomer, order_id: &str, now: Timestamp) -> Signed {
    jd_call(customer, "card/query", &json!({ "orderId": order_id }), now)
}

fn jd_call(customer: &JdCustomer, topic: &str, data: &Value, now: Timestamp) -> Signed {
    let data = STANDARD.encode(data.to_string());
    let mut fields = pairs(&[
        ("customerId", &customer.customer_id.to_string()),
        ("data", &data),
        ("timestamp", &beijing(now)),
    ]);
    let sign = jd_card::signature(customer, &fields);
    fields.extend(pairs(&[("sign", &sign)]));
    Signed {
        method: "POST",
        topic: topic.to_owned(),
        query: String::new(),
        headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
        body: encoded(&fields).into_bytes(),
    }
}

/// A partner posts an event to the generic channel, signed with Standard Webhooks.
pub fn generic_event(secret: &WebhookSecret, id: &str, event: &Value, now: Timestamp) -> Signed {
    let timestamp = now.secs().to_string();
    let mut signed = Signed::json("", String::new(), event);
    let signature = secret.sign(id, &timestamp, &signed.body);
    signed.headers.extend([
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signature),
    ]);
    signed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query<'a>(signed: &'a Signed, name: &str) -> &'a str {
        let found = signed.query.split('&').find_map(|part| part.strip_prefix(&format!("{name}=")));
        found.unwrap_or_default()
    }

    #[test]
    fn formulas_agree_with_published_and_independently_computed_vectors() {
        let paid = Payment {
            trade_no: "2026010211000012345".into(),
            out_trade_no: "CK20260102000001".into(),
            fen: 2_888,
            status: crate::epay::PaymentStatus::Paid,
            refunds: Vec::new(),
        };
        let notice = epay_notify(&EpayAccount::test(), &paid);
        assert_eq!(query(&notice, "sign"), "0c208d9c120546267526a314e45d6bd6");

        let body = r#"{"seller_id":912345678901,"user_name":"虚拟小店","order_no":"1929063817978999932","order_type":7,"order_status":12,"refund_status":0,"modify_time":1767225600,"product_id":441160510721413,"item_id":709548670377}"#;
        let sign = app_signature(&GoofishApp::test(), body.as_bytes(), "1767225601");
        assert_eq!(sign, "670654dc32384b9a22aca7bd5815b7bb");

        let body = r#"{"order_no":"1929063817978999932","goods_no":"VIP-30","buy_quantity":1,"max_amount":1500,"notify_url":"https://open.goofish.pro/api/open/callback/virtual/order/notify/abcd","biz_order_no":"4012345678901234567","product_id":441160510721413,"product_sku":0,"item_id":709548670377}"#;
        let sign = supplier_signature(&GoofishSupplier::test(), body.as_bytes(), "1767225600");
        assert_eq!(sign, "d0ad72f9b8cfe53f2a56b9feb14ea4ca");

        let data = "eyJvcmRlcklkIjoiMjAzNjMyMDkyIiwib3JkZXJTdGF0dXMiOiIyIiwiZmFpbGVkQ29kZSI6IjExMCIsImZhaWxlZFJlYXNvbiI6Ir/itOayu9fjIn0=";
        let fields = pairs(&[("customerId", "14156143"), ("data", data), ("timestamp", "20260101080003")]);
        assert_eq!(jd_card::signature(&JdCustomer::test(), &fields), "9b5a0158f9797deacb176858849b6f53");

        let secret = WebhookSecret(vocabulary::Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into()));
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn an_address_is_put_together_of_the_parts_that_there_are() {
        let now = Timestamp::from_secs(1_767_225_600);
        let event = generic_event(&WebhookSecret::test_inbound(), "m", &json!({}), now);
        assert_eq!(event.url("http://a/in/shop"), "http://a/in/shop");
        let query = jd_query(&JdCustomer::test(), "1", now);
        assert_eq!(query.url("http://a/in/shop"), "http://a/in/shop/card/query");
        let push = goofish_call(&GoofishSupplier::test(), "goofish/user/info", &json!({}), now);
        assert!(
            push.url("http://a")
                .starts_with("http://a/goofish/user/info?mch_id=2333&timestamp=1767225600&sign=")
        );
        let later = epay_notify_v2(&EpayAccount::test(), &Epay::test().pay("x", 1), now);
        assert!(later.query.contains("sign_type=RSA") && later.query.contains("timestamp=1767225600"));
    }
}
