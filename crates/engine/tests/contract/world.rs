//! A merchant with one item and one toy shop, and a network that answers by script.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use channel::{OutboundRequest, OutboundResponse, Protocol, RawRequest, TransportFailure};
use engine::{
    Clock, Connection, Engine, EngineOptions, Http, ImportBatch, LogWriter, ManualClock, OperatorAnswer,
    OperatorCommand, OrderRef, Policy, SeededIds,
};
use event_log::EventLog;
use event_log_sqlite::SqliteLog;
use events::{Actor, Fact, RecordedEvent, sku::SkuDefined};
use vault::{Vault, VaultOptions, VaultPlace};
use vocabulary::{Account, CardKey, Currency, KeyKind, Money, Position, Secret, Timestamp};

static PROTOCOLS: &[Protocol] = &[crate::toy::PROTOCOL, crate::toy::MARKET];
static STARTS: AtomicU64 = AtomicU64::new(1);

/// A network on which every call is answered `ok` unless a script says otherwise.
#[derive(Default)]
pub(crate) struct Script {
    calls: Mutex<Vec<String>>,
    answers: Mutex<BTreeMap<String, VecDeque<Result<String, TransportFailure>>>>,
}

#[async_trait]
impl Http for Script {
    async fn send(
        &self,
        request: &OutboundRequest,
        _: Duration,
    ) -> Result<OutboundResponse, TransportFailure> {
        let path = request.url.trim_start_matches("https://toy.test/").to_owned();
        let said = String::from_utf8_lossy(&request.body).into_owned();
        self.calls.lock().unwrap().push(if said.is_empty() {
            path.clone()
        } else {
            format!("{path} {said}")
        });
        let mut answers = self.answers.lock().unwrap();
        let scripted = answers.iter_mut().filter(|(start, _)| path.starts_with(start.as_str()));
        let text = scripted.filter_map(|(_, queue)| queue.pop_front()).next();
        let body = text.unwrap_or_else(|| Ok("ok".to_owned()))?.into_bytes();
        Ok(OutboundResponse { status: 200, headers: Vec::new(), retry_after: None, body })
    }
}

pub(crate) struct World {
    dir: tempfile::TempDir,
    pub(crate) shop: Account,
    pub(crate) engine: Arc<Engine>,
    pub(crate) log: Arc<SqliteLog>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Arc<ManualClock>,
    http: Arc<Script>,
}

impl World {
    /// A merchant with the item `steam-50`, five keys of it, and the shop `toy/main` with its item `item-7`.
    pub(crate) async fn open(settings: &str) -> Self {
        Self::open_as("toy/main", settings).await
    }

    /// The same with a shop of this account.
    pub(crate) async fn open_as(shop: &str, settings: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(crate::toy::START)));
        let world = Self::at(dir, shop.parse().unwrap(), clock, Arc::default()).await;
        world.set_up(settings).await;
        world
    }

    async fn at(dir: tempfile::TempDir, shop: Account, clock: Arc<ManualClock>, http: Arc<Script>) -> Self {
        let log = Arc::new(SqliteLog::open(dir.path()).await.unwrap());
        let (place, kek_file) = (VaultPlace::File(dir.path().join("vault.db")), dir.path().join("kek"));
        let vault = Vault::open(VaultOptions { place, kek_file, seed: Some([7; 32]) }).await.unwrap();
        let vault = Arc::new(vault);
        let (writer, _failed) = LogWriter::start(log.clone());
        let engine = Engine::open(EngineOptions {
            merchant: "shop".parse().unwrap(),
            log: log.clone(),
            writer,
            vault: vault.clone(),
            clock: clock.clone(),
            // Another seed at every start: the same ids again would be the ids of other messages.
            ids: Arc::new(SeededIds::new(STARTS.fetch_add(1, Ordering::SeqCst))),
            http: http.clone(),
            protocols: PROTOCOLS,
            policy: Policy { public_address: Some("https://kami.test".to_owned()), ..Policy::default() },
        })
        .await
        .unwrap();
        Self { dir, shop, engine, log, vault, clock, http }
    }

    async fn set_up(&self, settings: &str) {
        let sku = SkuDefined {
            sku: "steam-50".parse().unwrap(),
            name: "Steam 50".to_owned(),
            family: "steam".to_owned(),
            key_kind: KeyKind::OneShot,
            face_value: None,
        };
        self.operate(OperatorCommand::DefineSku(sku)).await;
        self.operate(OperatorCommand::SetPrice {
            sku: "steam-50".parse().unwrap(),
            account: None,
            unit_price: Money::new(2888, Currency::CNY),
            valid_from: None,
            valid_until: None,
            reason: "list".to_owned(),
        })
        .await;
        self.stock(0, 5).await;
        self.connect(settings).await;
        let (account, item) = (self.shop.clone(), "item-7".to_owned());
        let sku = "steam-50".parse().unwrap();
        self.operate(OperatorCommand::MapListing { account, item, sku }).await;
        self.settle().await;
        self.calls();
    }

    pub(crate) async fn connect(&self, settings: &str) {
        let connection = Connection {
            account: self.shop.clone(),
            name: "Toy".to_owned(),
            currency: Currency::CNY,
            orders_of: None,
            settings: Secret::new(settings.to_owned()),
        };
        self.engine.connect(Actor::staff("lin"), connection).await.unwrap();
    }

    pub(crate) async fn stock(&self, first: u32, count: u32) {
        let batch = ImportBatch {
            sku: "steam-50".parse().unwrap(),
            supplier: None,
            unit_cost: None,
            sell_until: None,
        };
        let mut import =
            self.engine.begin_import(Actor::staff("lin"), batch, "steam".to_owned()).await.unwrap();
        let key = |n| CardKey { code: Secret::new(format!("KEY-{n:05}")), pin: None, expires_on: None };
        let keys: Vec<CardKey> = (first..first + count).map(key).collect();
        self.engine.import_chunk(&mut import, &keys).await.unwrap();
    }

    pub(crate) async fn operate(&self, command: OperatorCommand) -> OperatorAnswer {
        self.engine.operate(Actor::staff("lin"), command).await.unwrap()
    }

    /// The shop says something; returns our answer's text.
    pub(crate) async fn say(&self, path: &str) -> String {
        let request = RawRequest {
            method: "POST".to_owned(),
            topic: path.to_owned(),
            query: String::new(),
            headers: Vec::new(),
            body: Vec::new(),
            received_at: self.clock.now(),
        };
        let reply = self.engine.receive(&self.shop, request).await.unwrap();
        String::from_utf8(reply.body).unwrap()
    }

    /// The next calls whose path begins like this are answered with these texts, one each.
    pub(crate) fn script<'a>(&self, start: &str, texts: impl IntoIterator<Item = &'a str>) {
        let texts = texts.into_iter().map(|text| Ok(text.to_owned()));
        self.http.answers.lock().unwrap().entry(start.to_owned()).or_default().extend(texts);
    }

    /// The next call whose path begins like this is not answered.
    pub(crate) fn silence(&self, start: &str, failure: TransportFailure) {
        self.http.answers.lock().unwrap().entry(start.to_owned()).or_default().push_back(Err(failure));
    }

    /// The calls since somebody last looked, paths with what they said.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.http.calls.lock().unwrap())
    }

    pub(crate) fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) async fn settle(&self) {
        self.engine.settle().await.unwrap();
    }

    pub(crate) async fn advance(&self, secs: i64) {
        self.clock.advance_to(self.clock.now().plus_secs(secs));
        self.settle().await;
    }

    pub(crate) async fn events(&self) -> Vec<RecordedEvent> {
        self.log.read_log(self.engine.merchant(), Position(0), 100_000).await.unwrap()
    }
    pub(crate) async fn facts(&self) -> Vec<Fact> {
        self.events().await.iter().map(|event| event.fact().unwrap()).collect()
    }
    pub(crate) async fn count(&self, type_name: &str) -> usize {
        self.facts().await.iter().filter(|fact| fact.type_name() == type_name).count()
    }

    pub(crate) async fn stop(self) {
        self.engine.stop().await.unwrap();
        self.log.close().await.unwrap();
        self.vault.close().await;
    }

    /// Stops, and has the checker read what was left behind.
    pub(crate) async fn stop_and_verify(self) {
        let Self { dir, engine, log, vault, .. } = self;
        engine.stop().await.unwrap();
        log.close().await.unwrap();
        vault.close().await;
        let report = verify::verify_dir(dir.path(), |_| {}).await.unwrap();
        assert!(report.ok, "{:#?}", report.violations);
        assert!(report.warnings.is_empty(), "{:#?}", report.warnings);
    }

    /// Without a clean stop: no snapshot is kept, and what was under way is lost.
    pub(crate) async fn reopen_after_crash(self) -> Self {
        let Self { dir, shop, log, clock, http, .. } = self;
        log.close().await.unwrap();
        Self::at(dir, shop, clock, http).await
    }
}

/// Staff agree to pay back what is left of an order of the shop.
pub(crate) fn refund(world: &World, number: &str, refund: Option<&str>) -> OperatorCommand {
    OperatorCommand::Refund {
        order: OrderRef::Number(world.shop.clone(), number.to_owned()),
        refund: refund.map(str::to_owned),
        amount: None,
        reason: "the buyer asked".to_owned(),
    }
}
