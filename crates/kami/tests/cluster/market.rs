//! A pretend marketplace of the sandbox's protocol, on a socket: it keeps books of every call, and leaves calls
//! unanswered for as long as a test wants.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::post,
};
use ring::hmac;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::nodes::{LOOKS, Node};

/// The account that the market is.
pub(crate) const ACCOUNT: &str = "sandbox/main";
const SECRET: &str = "TEST-ONLY-sandbox-secret-0123456789";
const SHOP: &str = "shop-7";

/// When a delivery is left unanswered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Before the market acts on it, which it then never does.
    Before,
    /// Once it has acted on it.
    After,
}

/// What the market knows.
#[derive(Debug, Default, Clone)]
pub(crate) struct Books {
    /// Every call, by topic and number, in the order they came.
    pub(crate) calls: Vec<(String, String)>,
    /// The keys of each delivery, by our number of it, and how often it came.
    pub(crate) deliveries: BTreeMap<String, (Vec<Value>, u32)>,
    /// What each refund paid back, by its number, and how often it came.
    pub(crate) refunds: BTreeMap<String, (i64, u32)>,
    /// The last figure of each item.
    pub(crate) stock: BTreeMap<String, u64>,
}

impl Books {
    /// How many calls of a topic came.
    pub(crate) fn count(&self, topic: &str) -> usize {
        self.calls.iter().filter(|(of, _)| of == topic).count()
    }

    /// Each delivery came once, and no key twice.
    pub(crate) fn check(&self, deliveries: usize) {
        assert_eq!(self.deliveries.len(), deliveries, "{self:?}");
        let mut keys: Vec<String> = Vec::new();
        for (number, (of, times)) in &self.deliveries {
            assert_eq!(*times, 1, "{number}: {self:?}");
            keys.extend(of.iter().map(ToString::to_string));
        }
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), all, "a key went out twice: {self:?}");
    }
}

struct Shared {
    books: Mutex<Books>,
    hold: watch::Sender<Option<Hold>>,
}

/// The market.
pub(crate) struct Market {
    shared: Arc<Shared>,
    url: String,
    server: JoinHandle<std::io::Result<()>>,
}

impl Market {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared { books: Mutex::default(), hold: watch::Sender::new(None) });
        let routes = Router::new().route("/api/{topic}", post(call)).with_state(shared.clone());
        let server = tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { shared, url, server }
    }

    pub(crate) fn books(&self) -> Books {
        self.shared.books.lock().unwrap().clone()
    }

    /// Leaves deliveries unanswered from now on.
    pub(crate) fn hold(&self, when: Hold) {
        self.shared.hold.send_replace(Some(when));
    }

    /// Answers what waits, and everything that comes.
    pub(crate) fn let_go(&self) {
        self.shared.hold.send_replace(None);
    }

    /// Sets a merchant up that sells here: one SKU at ¥28.88, and `keys` keys.
    pub(crate) async fn set_up(&self, node: &Node, keys: usize) {
        node.set_up("main", &[], keys).await;
        let settings = json!({"shop": SHOP, "secret": SECRET, "base_url": self.url});
        let connect = json!({"account": ACCOUNT, "name": "Market", "currency": "CNY", "settings": settings});
        node.api("POST", "/m/main/v1/channels", connect).await;
        let listing = json!({"account": ACCOUNT, "item": "steam-50", "sku": "steam-50"});
        node.api("POST", "/m/main/v1/listings", listing).await;
    }

    /// A buyer has paid for one unit; sent again, as a marketplace does, until it is taken in.
    pub(crate) async fn sell(&self, node: &Node, number: &str) {
        let body = json!({
            "order": number,
            "lines": [{"item": "steam-50", "quantity": 1}],
            "amount_minor": 2888,
            "currency": "CNY",
            "payment": format!("PAY-{number}"),
        });
        let body = body.to_string();
        for _ in 0..LOOKS {
            let request = node.client.post(node.url(&format!("/m/main/v1/in/{ACCOUNT}/order-paid")));
            let request = headers(&format!("paid-{number}"), &body)
                .into_iter()
                .fold(request, |request, (name, value)| request.header(name, value));
            match request.body(body.clone()).send().await {
                Ok(response) if response.status() == 200 => return,
                Ok(response) if response.status() != 503 => panic!("{}", response.text().await.unwrap()),
                _ => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            }
        }
        panic!("order {number} was never taken in")
    }
}

impl Drop for Market {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The headers of a message to the merchant, signed now.
fn headers(id: &str, body: &str) -> [(&'static str, String); 4] {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
    let text = format!("kami-sandbox-1 to-merchant\nPOST\norder-paid\n{SHOP}\n{id}\n{now}\n{body}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = hex::encode(hmac::sign(&key, text.as_bytes()));
    [
        ("x-sandbox-shop", SHOP.to_owned()),
        ("x-sandbox-message", id.to_owned()),
        ("x-sandbox-timestamp", now),
        ("x-sandbox-signature", signature),
    ]
}

async fn call(
    State(shared): State<Arc<Shared>>,
    Path(topic): Path<String>,
    Json(body): Json<Value>,
) -> Json<Value> {
    let number = ["delivery", "refund", "item", "payment", "order"]
        .iter()
        .find_map(|name| body[*name].as_str())
        .unwrap_or_default()
        .to_owned();
    shared.books.lock().unwrap().calls.push((topic.clone(), number.clone()));
    let holds = |when| topic == "deliveries" && *shared.hold.borrow() == Some(when);
    if holds(Hold::Before) {
        // Whoever waits for the answer is gone by then, or has given up.
        return std::future::pending().await;
    }
    let answer = shared.books.lock().unwrap().act(&topic, number, &body);
    if holds(Hold::After) {
        shared.hold.subscribe().wait_for(Option::is_none).await.unwrap();
    }
    Json(answer)
}

impl Books {
    fn act(&mut self, topic: &str, number: String, body: &Value) -> Value {
        match topic {
            "deliveries" => {
                let keys = body["keys"].as_array().cloned().unwrap();
                self.deliveries.entry(number.clone()).or_insert((keys, 0)).1 += 1;
                json!({"result": "done", "delivery": number})
            }
            "deliveries-find" => {
                let delivered = self.deliveries.contains_key(&number);
                json!({"result": "done", "delivery": number, "delivered": delivered})
            }
            "refunds" => {
                let amount = body["amount_minor"].as_i64().unwrap();
                self.refunds.entry(number.clone()).or_insert((amount, 0)).1 += 1;
                json!({"result": "done", "refund": number})
            }
            "refunds-find" => {
                json!({"result": "done", "refund": number, "paid_back": self.refunds.contains_key(&number)})
            }
            "stock" => {
                self.stock.insert(number.clone(), body["available"].as_u64().unwrap());
                json!({"result": "done", "item": number})
            }
            other => panic!("nobody calls {other}"),
        }
    }
}
