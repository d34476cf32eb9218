//! The servers that a Kami under test calls, as far as these tests need them.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, Method, Uri},
};
use serde_json::{Value, json};
use tokio::sync::watch;

/// A call of ours.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: String,
    path: String,
    /// Path and query.
    pub(crate) address: String,
    headers: HeaderMap,
    pub(crate) body: String,
}

impl Call {
    /// A header's value, empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A platform that keeps no books: it says yes, and remembers what was called.
pub(crate) struct Platform {
    pub(crate) url: String,
    calls: watch::Sender<Vec<Call>>,
}

impl Platform {
    pub(crate) async fn start() -> Self {
        let calls = watch::Sender::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(calls.clone());
        // It ends with the runtime of its test.
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, calls }
    }

    /// How often a path with this end was called.
    pub(crate) fn count(&self, end: &str) -> usize {
        self.calls.borrow().iter().filter(|call| call.path.ends_with(end)).count()
    }

    /// The first call of a path with this end, waited for where it has not come yet.
    pub(crate) async fn call(&self, end: &str) -> Call {
        let mut calls = self.calls.subscribe();
        let came = |calls: &Vec<Call>| calls.iter().any(|call| call.path.ends_with(end));
        let seen = tokio::time::timeout(Duration::from_secs(30), calls.wait_for(came)).await;
        let seen = seen.unwrap_or_else(|_| panic!("{end} is not called")).unwrap();
        seen.iter().find(|call| call.path.ends_with(end)).unwrap().clone()
    }
}

async fn answer(
    State(calls): State<watch::Sender<Vec<Call>>>,
    method: Method,
    address: Uri,
    headers: HeaderMap,
    body: String,
) -> Json<Value> {
    let (path, method) = (address.path().to_owned(), method.to_string());
    calls.send_modify(|calls| {
        calls.push(Call { method, path: path.clone(), address: address.to_string(), headers, body });
    });
    Json(match path.as_str() {
        "/channels/ec/order/get" => order(),
        "/channels/ec/product/stock/get" => json!({ "errcode": 0, "data": { "normal_stock_num": 0 } }),
        "/channels/ec/order/list/get" => {
            json!({ "errcode": 0, "order_id_list": [], "has_more": false, "next_key": "" })
        }
        path if path.ends_with("/sendMessage") => json!({ "ok": true, "result": { "message_id": 8 } }),
        _ => json!({ "errcode": 0, "errmsg": "ok" }),
    })
}

/// The one order of the WeChat shop: one unit of `100/200`, virtual and paid.
fn order() -> Value {
    json!({ "errcode": 0, "errmsg": "ok", "order": { "order_id": "3705115058471208928", "status": 20,
        "openid": "oBuyer", "create_time": 1_767_322_700, "update_time": 1_767_322_800, "order_detail": {
            "product_infos": [{ "product_id": 100, "sku_id": "200", "sku_cnt": 1,
                "on_aftersale_sku_cnt": 0, "finish_aftersale_sku_cnt": 0, "real_price": 2888 }],
            "pay_info": { "transaction_id": "4200002", "pay_time": 1_767_322_800 },
            "price_info": { "order_price": 2888, "product_price": 2888 },
            "delivery_info": { "deliver_method": 1 } } } })
}
