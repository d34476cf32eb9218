//! A merchant with one connected own site, asked over HTTP.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Request, StatusCode},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use channel::{OutboundRequest, OutboundResponse, Protocol, TransportFailure, sign};
use engine::{Clock, Engine, EngineOptions, Http, LogWriter, ManualClock, Policy, SeededIds};
use event_log::EventLog;
use event_log_sqlite::SqliteLog;
use http_api::{Api, ApiOptions, Limits, router};
use projection::{Options, Projection, Projections};
use serde_json::{Value, json};
use tower::ServiceExt;
use vault::{Vault, VaultOptions, VaultPlace};
use vocabulary::{MerchantId, Secret, StreamVersion, Timestamp};

static PROTOCOLS: &[Protocol] = &[channel_generic::PROTOCOL, channel_acg_faka::PROTOCOL];
const SECRET: &[u8; 32] = b"TEST-ONLY-shared-secret-32bytes!";

pub(crate) struct World {
    dir: tempfile::TempDir,
    pub(crate) merchant: MerchantId,
    pub(crate) engine: Arc<Engine>,
    pub(crate) log: Arc<SqliteLog>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) api: Arc<Api>,
    pub(crate) router: Router,
    clock: Arc<ManualClock>,
    token: Secret<String>,
}

/// Nothing can be reached but the site that keys are handed to.
struct OnlyFar;

#[async_trait]
impl Http for OnlyFar {
    async fn send(
        &self,
        request: &OutboundRequest,
        _: Duration,
    ) -> Result<OutboundResponse, TransportFailure> {
        if request.url.starts_with("https://far.example/") {
            return Ok(OutboundResponse {
                status: 200,
                headers: Vec::new(),
                retry_after: None,
                body: b"{}".to_vec(),
            });
        }
        Err(TransportFailure::NotSent)
    }
}

/// A response, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", self.text()))
    }
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
    /// The body of an answer that is expected to be good.
    pub(crate) fn good(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        self.json()
    }
    /// The code of a problem, with its status.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let body = self.json();
        assert_eq!(body["status"], self.status.as_u16());
        (self.status.as_u16(), body["code"].as_str().unwrap().to_owned())
    }
}

impl World {
    /// A merchant with nothing but a token.
    pub(crate) async fn empty() -> Self {
        Self::bounded(Limits { claim_time: Duration::ZERO, ..Limits::default() }).await
    }

    pub(crate) async fn bounded(limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let merchant: MerchantId = "shop".parse().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_767_322_800)));
        let log = Arc::new(SqliteLog::open(dir.path()).await.unwrap());
        let options = VaultOptions {
            place: VaultPlace::File(dir.path().join("vault.db")),
            kek_file: dir.path().join("kek"),
            seed: Some([7; 32]),
        };
        let vault = Arc::new(Vault::open(options).await.unwrap());
        let token = vault.issue_token("Lin Tao").await.unwrap();
        let (writer, _failed) = LogWriter::start(log.clone());
        let engine = Engine::open(EngineOptions {
            merchant: merchant.clone(),
            log: log.clone(),
            writer,
            vault: vault.clone(),
            clock: clock.clone(),
            ids: Arc::new(SeededIds::new(1)),
            http: Arc::new(OnlyFar),
            protocols: PROTOCOLS,
            policy: Policy::default(),
        })
        .await
        .unwrap();
        let models: Vec<Arc<dyn Projection>> = vec![
            Arc::new(projection_inbox::Inbox),
            Arc::new(projection_journeys::Journeys),
            Arc::new(projection_orders::Orders),
            Arc::new(projection_quotas::Quotas),
            Arc::new(projection_people::People),
            Arc::new(projection_timeline::Timeline),
            Arc::new(projection_sales::Sales),
            Arc::new(projection_insight::Insight),
            Arc::new(projection_marts::Marts),
        ];
        let options = Options { pace: Duration::ZERO, ..Options::default() };
        let projections = Projections::open(&dir.path().join("views.db"), models, options).await.unwrap();
        projections.spawn(log.clone(), &merchant).unwrap();
        let options = ApiOptions { metrics: None, limits, imported: Some(dir.path().join("imported")) };
        let api = Arc::new(Api::new(engine.clone(), Arc::new(projections), options));
        let router = router(api.clone());
        Self { dir, merchant, engine, log, vault, router, api, clock, token }
    }

    /// A merchant with an account, a SKU, a price and as many keys as wanted, all made over HTTP.
    pub(crate) async fn stocked(keys: usize) -> Self {
        Self::empty().await.stock(keys).await
    }

    /// The same, where keys may be shown only so often an hour.
    pub(crate) async fn bounded_and_stocked(reveals_per_hour: u32, keys: usize) -> Self {
        Self::bounded(Limits { reveals_per_hour, ..Limits::default() }).await.stock(keys).await
    }

    async fn stock(self, keys: usize) -> Self {
        let world = self;
        world.connect("generic/own").await;
        let sku = json!({ "name": "Steam 50", "family": "steam" });
        world.put("/v1/skus/steam-50", &sku).await.good();
        let price = json!({ "unit_price": { "minor": 2888, "currency": "CNY" }, "reason": "list" });
        world.put("/v1/skus/steam-50/prices", &price).await.good();
        if keys > 0 {
            let file: String = (0..keys).map(|n| format!("KEY-{n:05}\n")).collect();
            world.import("text/plain", &file).await.good();
        }
        world
    }

    pub(crate) async fn connect(&self, account: &str) {
        let body =
            json!({ "account": account, "name": "Own site", "currency": "CNY", "settings": settings() });
        self.post("/v1/channels", &body).await.good();
    }

    /// Connects an account that is handed its keys by a call, which is answered with "done".
    pub(crate) async fn connect_pushing(&self, account: &str) {
        let secret = format!("whsec_{}", STANDARD.encode(SECRET));
        let settings = json!({ "secrets": [secret], "deliver_url": "https://far.example/keys", "outbound_secret": secret });
        let body = json!({ "account": account, "name": "Far site", "currency": "CNY", "settings": settings });
        self.post("/v1/channels", &body).await.good();
    }

    /// Waits until the log holds an event of this type in the order's stream.
    pub(crate) async fn until_in_history(&self, order: &str, name: &str) {
        let stream = order.parse().unwrap();
        let mut news = self.log.watch(&self.merchant);
        // By hand-driven time, calls to channels are made only now.
        self.engine.settle().await.unwrap();
        loop {
            news.borrow_and_update();
            let events =
                self.log.read_stream(&self.merchant, &stream, StreamVersion(0), 1_000).await.unwrap();
            if events.iter().any(|event| event.type_name == name) {
                return;
            }
            news.changed().await.unwrap();
        }
    }

    pub(crate) fn token(&self) -> &str {
        self.token.expose()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// A request with the token.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("authorization", format!("Bearer {}", self.token()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_vec())).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"").await
    }
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, &[("content-type", "application/json")], body.to_string().as_bytes()).await
    }
    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.ask("PUT", path, &[("content-type", "application/json")], body.to_string().as_bytes()).await
    }
    pub(crate) async fn import(&self, content_type: &str, file: &str) -> Answer {
        let headers = [("content-type", content_type)];
        self.ask("POST", "/v1/skus/steam-50/keys", &headers, file.as_bytes()).await
    }

    /// The path with a `min_pos` of everything recorded so far.
    pub(crate) async fn fresh(&self, path: &str) -> Answer {
        let joint = if path.contains('?') { '&' } else { '?' };
        let position = self.position().await;
        self.get(&format!("{path}{joint}min_pos={position}")).await
    }

    /// A signed message of the own site.
    pub(crate) fn signed(&self, address: &str, id: &str, message: &Value) -> Request<Body> {
        let body = message.to_string();
        let at = self.clock.now().secs().to_string();
        let content = format!("{id}.{at}.{body}");
        let signature = format!("v1,{}", STANDARD.encode(sign::hmac_sha256(SECRET, content.as_bytes())));
        Request::builder()
            .method("POST")
            .uri(address)
            .header("content-type", "application/json")
            .header("Webhook-Id", id)
            .header("webhook-timestamp", at)
            .header("webhook-signature", signature)
            .body(Body::from(body))
            .unwrap()
    }

    /// A paid order of the own site.
    pub(crate) async fn buy(&self, number: &str) -> Answer {
        self.buy_on("/v1/in/generic/own", number).await
    }
    pub(crate) async fn buy_on(&self, address: &str, number: &str) -> Answer {
        self.send(self.signed(address, &format!("msg-{number}"), &paid(number))).await
    }

    pub(crate) async fn position(&self) -> u64 {
        self.log.head(&self.merchant).await.unwrap().unwrap().position.0
    }
    /// Every file of the merchant, with its bytes.
    pub(crate) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let entries = std::fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap());
        let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
        files
            .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
            .collect()
    }
    pub(crate) fn advance(&self, secs: i64) {
        self.clock.advance_to(self.clock.now().plus_secs(secs));
    }
}

pub(crate) fn settings() -> Value {
    let secret = format!("whsec_{}", STANDARD.encode(SECRET));
    json!({ "secrets": [secret], "return_keys": true, "shortage": "refuse" })
}

pub(crate) fn paid(number: &str) -> Value {
    json!({ "type": "order.paid", "timestamp": "2026-01-02T03:00:00Z", "data": {
        "external_order_id": number, "sku": "steam-50", "quantity": 1, "amount_minor": 2888, "currency": "CNY",
        "buyer_ref": "u-1001", "occurred_at": "2026-01-02T02:59:59Z",
    } })
}
