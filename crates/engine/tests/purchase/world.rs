//! A merchant with one connected own site, on a directory of its own.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use channel::{OutboundRequest, OutboundResponse, Protocol, RawRequest, Reply, TransportFailure, sign};
use engine::{
    Clock, Connection, Engine, EngineOptions, Http, ImportBatch, LogWriter, ManualClock, OperatorCommand,
    Policy, SeededIds,
};
use event_log::EventLog;
use event_log_sqlite::SqliteLog;
use events::{Actor, Fact, sku::SkuDefined};
use serde_json::Value;
use vault::{Vault, VaultOptions, VaultPlace};
use vocabulary::{Account, CardKey, Currency, KeyKind, MerchantId, Money, Position, Secret, Timestamp};

static PROTOCOLS: &[Protocol] = &[channel_generic::PROTOCOL];
static STARTS: AtomicU64 = AtomicU64::new(1);
const SECRET: &[u8; 32] = b"TEST-ONLY-shared-secret-32bytes!";

pub(crate) struct World {
    dir: tempfile::TempDir,
    pub(crate) merchant: MerchantId,
    pub(crate) account: Account,
    pub(crate) engine: Arc<Engine>,
    pub(crate) log: Arc<SqliteLog>,
    vault: Arc<Vault>,
    clock: Arc<ManualClock>,
}

/// Nothing can be reached.
struct NoHttp;

#[async_trait]
impl Http for NoHttp {
    async fn send(&self, _: &OutboundRequest, _: Duration) -> Result<OutboundResponse, TransportFailure> {
        Err(TransportFailure::NotSent)
    }
}

impl World {
    pub(crate) async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_767_322_800)));
        let world = Self::at(dir, clock).await;
        world.set_up().await;
        world
    }

    async fn at(dir: tempfile::TempDir, clock: Arc<ManualClock>) -> Self {
        let (engine, log, vault) = start(dir.path(), clock.clone()).await;
        let (merchant, account) = ("shop".parse().unwrap(), "generic/own".parse().unwrap());
        Self { dir, merchant, account, engine, log, vault, clock }
    }

    async fn set_up(&self) {
        let sku = SkuDefined {
            sku: "steam-50".parse().unwrap(),
            name: "Steam 50".to_owned(),
            family: "steam".to_owned(),
            key_kind: KeyKind::OneShot,
            face_value: None,
        };
        let settings = format!(
            r#"{{"secrets":["whsec_{}"],"return_keys":true,"shortage":"refuse"}}"#,
            STANDARD.encode(SECRET)
        );
        let connection = Connection {
            account: self.account.clone(),
            name: "Own site".to_owned(),
            currency: Currency::CNY,
            orders_of: None,
            settings: Secret::new(settings),
        };
        let price = OperatorCommand::SetPrice {
            sku: sku.sku.clone(),
            account: None,
            unit_price: Money::new(2888, Currency::CNY),
            valid_from: None,
            valid_until: None,
            reason: "list".to_owned(),
        };
        self.engine.operate(Actor::staff("lin"), OperatorCommand::DefineSku(sku)).await.unwrap();
        self.engine.connect(Actor::staff("lin"), connection).await.unwrap();
        self.engine.operate(Actor::staff("lin"), price).await.unwrap();
    }

    pub(crate) async fn stock(&self, count: usize) {
        let batch = ImportBatch {
            sku: "steam-50".parse().unwrap(),
            supplier: None,
            unit_cost: None,
            sell_until: None,
        };
        let mut import =
            self.engine.begin_import(Actor::staff("lin"), batch, "steam".to_owned()).await.unwrap();
        let keys: Vec<CardKey> = (0..count)
            .map(|n| CardKey { code: Secret::new(format!("KEY-{n:05}")), pin: None, expires_on: None })
            .collect();
        self.engine.import_chunk(&mut import, &keys).await.unwrap();
    }

    pub(crate) fn signed(&self, id: &str, message: &Value) -> RawRequest {
        let body = serde_json::to_vec(message).unwrap();
        let at = self.clock.now().secs().to_string();
        let content = [id.as_bytes(), b".", at.as_bytes(), b".", &body].concat();
        let signature = format!("v1,{}", STANDARD.encode(sign::hmac_sha256(SECRET, &content)));
        let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
        RawRequest {
            method: "POST".to_owned(),
            topic: String::new(),
            query: String::new(),
            headers: vec![
                header("content-type", "application/json"),
                header("webhook-id", id),
                header("webhook-timestamp", &at),
                header("webhook-signature", &signature),
            ],
            body,
            received_at: self.clock.now(),
        }
    }

    pub(crate) async fn send(&self, id: &str, message: &Value) -> Reply {
        match self.engine.receive(&self.account, self.signed(id, message)).await {
            Ok(reply) => reply,
            Err(error) => panic!("{error}: {:?}", self.engine.stop().await),
        }
    }

    pub(crate) async fn advance(&self, secs: i64) {
        self.clock.advance_to(self.clock.now().plus_secs(secs));
        self.engine.settle().await.unwrap();
    }

    pub(crate) async fn position(&self) -> Position {
        self.log.head(&self.merchant).await.unwrap().unwrap().position
    }
    pub(crate) async fn facts(&self) -> Vec<Fact> {
        let events = self.log.read_log(&self.merchant, Position(0), 100_000).await.unwrap();
        events.iter().map(|event| event.fact().unwrap()).collect()
    }
    pub(crate) async fn count(&self, type_name: &str) -> usize {
        self.facts().await.iter().filter(|fact| fact.type_name() == type_name).count()
    }

    pub(crate) async fn stop(self) {
        self.engine.stop().await.unwrap();
        self.log.close().await.unwrap();
        self.vault.close().await;
    }

    pub(crate) async fn reopen(self) -> Self {
        let Self { dir, engine, log, vault, clock, .. } = self;
        engine.stop().await.unwrap();
        drop(engine);
        log.close().await.unwrap();
        vault.close().await;
        Self::at(dir, clock).await
    }

    /// Without a clean stop: no snapshot is kept.
    pub(crate) async fn reopen_after_crash(self) -> Self {
        let Self { dir, log, clock, .. } = self;
        log.close().await.unwrap();
        Self::at(dir, clock).await
    }
}

async fn start(dir: &Path, clock: Arc<ManualClock>) -> (Arc<Engine>, Arc<SqliteLog>, Arc<Vault>) {
    let log = Arc::new(SqliteLog::open(dir).await.unwrap());
    let place = VaultPlace::File(dir.join("vault.db"));
    let options = VaultOptions { place, kek_file: dir.join("kek"), seed: Some([7; 32]) };
    let vault = Arc::new(Vault::open(options).await.unwrap());
    let (writer, failed) = LogWriter::start(log.clone());
    tokio::spawn(async move {
        if let Ok(error) = failed.await {
            panic!("{error}: {:?}", std::error::Error::source(&error));
        }
    });
    let engine = Engine::open(EngineOptions {
        merchant: "shop".parse().unwrap(),
        log: log.clone(),
        writer,
        vault: vault.clone(),
        clock,
        // Another seed at every start: the same ids again would be the ids of other messages.
        ids: Arc::new(SeededIds::new(STARTS.fetch_add(1, Ordering::SeqCst))),
        http: Arc::new(NoHttp),
        protocols: PROTOCOLS,
        policy: Policy::default(),
    })
    .await
    .unwrap();
    (engine, log, vault)
}
