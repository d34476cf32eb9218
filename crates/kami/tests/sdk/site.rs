//! A merchant with an own site, which places orders with the SDK of Standard Webhooks.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    clients,
    kami::{Kami, SECRET, events, paid, verify},
};

pub(crate) const OWN: &str = "generic/own";
/// A port that nothing listens on: calls of ours go nowhere, least of all to a platform.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:9";

/// The secret that the own site shares with us, both ways.
pub(crate) fn secret() -> String {
    format!("whsec_{}", STANDARD.encode(SECRET))
}

/// What a client was answered, and what it had sent.
#[derive(Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) status: u64,
    pub(crate) body: String,
    pub(crate) sent: Value,
}

impl Told {
    pub(crate) fn answer(&self) -> (u64, &str) {
        (self.status, &self.body)
    }
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub(crate) struct Site {
    pub(crate) kami: Kami,
    data: TempDir,
}

impl Site {
    /// Five keys, and the own site.
    pub(crate) async fn open() -> Self {
        let data = tempfile::tempdir().unwrap();
        let kami = Kami::start(data.path());
        kami.set_up(&[OWN], 5).await;
        Self { kami, data }
    }

    /// Stops Kami. All in all, one order got one key, and the books are in order.
    pub(crate) async fn close(self) {
        assert!(self.kami.stop());
        let of_keys = |event: &&Value| event["type"] == "KeysAllocated";
        assert_eq!(events(self.data.path()).iter().filter(of_keys).count(), 1);
        assert_eq!(verify(self.data.path())["violations"], json!([]));
    }

    /// Connects an account; `orders_of` where it shares another's order numbers.
    pub(crate) async fn connect(
        &self,
        account: &str,
        currency: &str,
        orders_of: Option<&str>,
        settings: &Value,
    ) {
        let connect = json!({ "account": account, "name": account, "currency": currency,
            "orders_of": orders_of, "settings": settings });
        self.kami.api("POST", "/v1/channels", connect).await;
    }

    /// Runs a client that posts to this Kami.
    pub(crate) async fn post(&self, client: &'static str, mut job: Value) -> Told {
        job["server"] = self.kami.url("").into();
        let told = tokio::task::spawn_blocking(move || clients::run(client, &job)).await;
        let told = told.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()));
        Told {
            status: told["status"].as_u64().unwrap(),
            body: told["body"].as_str().unwrap().to_owned(),
            sent: told["sent"].clone(),
        }
    }

    /// What the own site is answered.
    pub(crate) async fn say(&self, id: &str, event: &Value, forge: bool) -> Told {
        self.post("own_site.py", json!({ "id": id, "secret": secret(), "event": event, "forge": forge }))
            .await
    }

    /// An order of one unit at ¥28.88 that nobody has paid yet.
    pub(crate) async fn place(&self, number: &str) {
        let mut event = paid(number, 1, 2888);
        event["type"] = "order.created".into();
        let told = self.say(&format!("created-{number}"), &event, false).await;
        assert_eq!(told.status, 200, "{told:?}");
    }

    /// The codes that the site gets for an order now, whose `id` is the message's.
    pub(crate) async fn keys(&self, id: &str, number: &str) -> Vec<Value> {
        let event = json!({ "type": "keys.request", "data": { "external_order_id": number } });
        self.say(id, &event, false).await.json()["keys"].as_array().cloned().unwrap_or_default()
    }

    /// An order as the admin API tells it from its own events, or null where there is none.
    pub(crate) async fn order(&self, account: &str, number: &str) -> Value {
        let path = format!("/v1/orders/{}:{number}", account.replace('/', "%2F"));
        let (status, answer) = self.kami.try_api("GET", &path, Value::Null).await;
        assert!([200, 422].contains(&status) || answer["code"] == "unknown_order", "{status} {answer}");
        if status == 200 { answer } else { Value::Null }
    }

    /// Reads an order until it is in a state; fails where that takes half a minute.
    pub(crate) async fn until(&self, account: &str, number: &str, state: &str) {
        let reached = async {
            while self.order(account, number).await["order"]["status"] != state {
                tokio::task::yield_now().await;
            }
        };
        let told = tokio::time::timeout(Duration::from_secs(30), reached).await;
        assert!(told.is_ok(), "{number} is not {state}: {}", self.order(account, number).await);
    }
}
