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
    OperatorCommand, OrderRef, Owner, Policy, SeededIds, Unreached, WorkerOptions, make_calls,
};
use event_log::EventLog;
use event_log_sqlite::SqliteLog;
use events::{Actor, Fact, RecordedEvent, sku::SkuDefined};
use tokio::sync::watch;
use vault::{Vault, VaultOptions, VaultPlace};
use vocabulary::{Account, CardKey, Currency, KeyKind, Money, Position, Secret, Timestamp};

static PROTOCOLS: &[Protocol] = &[crate::toy::PROTOCOL, crate::toy::MARKET];
static STARTS: AtomicU64 = AtomicU64::new(1);

/// A network on which every call is answered `ok` unless a script says otherwise.
#[derive(Default)]
pub(crate) struct Script {
    calls: Mutex<Vec<String>>,
    answers: Mutex<BTreeMap<String, VecDeque<Result<String, TransportFailure>>>>,
    /// Calls that are made and not answered: how many there were of each.
    pub(crate) held: watch::Sender<BTreeMap<String, usize>>,
}

impl Script {
    /// Waits for as long as calls of this path are held.
    async fn wait(&self, path: &str) {
        let mut held = self.held.subscribe();
        self.held.send_if_modified(|held| {
            let count = held.get_mut(path).map(|count| *count += 1);
            count.is_some()
        });
        held.wait_for(|held| !held.contains_key(path)).await.unwrap();
    }
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
        self.wait(&path).await;
        let mut answers = self.answers.lock().unwrap();
        let scripted = answers.iter_mut().filter(|(start, _)| path.starts_with(start.as_str()));
        let text = scripted.filter_map(|(_, queue)| queue.pop_front()).next();
        let body = text.unwrap_or_else(|| Ok("ok".to_owned()))?.into_bytes();
        Ok(OutboundResponse { status: 200, headers: Vec::new(), retry_after: None, body })
    }
}

/// The way from a worker to an engine of the same process, where there is one at the moment.
#[derive(Default)]
pub(crate) struct Line {
    engine: watch::Sender<Option<Arc<Engine>>>,
    /// How often the engine of now was asked.
    pub(crate) asked: watch::Sender<usize>,
}

#[async_trait]
impl Owner for Line {
    async fn ask(&self, message: Vec<u8>) -> Result<Vec<u8>, Unreached> {
        let mut line = self.engine.subscribe();
        let engine = line.borrow_and_update().clone().ok_or(Unreached::Away)?;
        self.asked.send_modify(|asked| *asked += 1);
        tokio::select! {
            answered = engine.answer_worker(&message) => answered.map_err(|_| Unreached::Away),
            _other = line.changed() => Err(Unreached::Away),
        }
    }
    fn holds(&self) -> bool {
        true
    }
}

/// The world's time, as a process sees it that is not told when it goes on.
struct Followed(Arc<ManualClock>);

#[async_trait]
impl Clock for Followed {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
    async fn sleep_until(&self, at: Timestamp) {
        while self.0.now() < at {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
    }
}

pub(crate) struct World {
    dir: tempfile::TempDir,
    pub(crate) shop: Account,
    pub(crate) engine: Arc<Engine>,
    pub(crate) log: Arc<SqliteLog>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) http: Arc<Script>,
    pub(crate) line: Arc<Line>,
    /// Stops the worker that makes the calls, where one does; dropped, it ends as by a crash.
    pub(crate) worker: Option<watch::Sender<bool>>,
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
        let (http, line) = Default::default();
        let world = Self::at(dir, shop.parse().unwrap(), clock, http, line, None).await;
        world.set_up(settings).await;
        world
    }

    async fn at(
        dir: tempfile::TempDir,
        shop: Account,
        clock: Arc<ManualClock>,
        http: Arc<Script>,
        line: Arc<Line>,
        worker: Option<watch::Sender<bool>>,
    ) -> Self {
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
            policy: Policy {
                public_address: Some("https://kami.test".to_owned()),
                calls_elsewhere: crate::BY_WORKER,
                ..Policy::default()
            },
        })
        .await
        .unwrap();
        line.asked.send_replace(0);
        line.engine.send_replace(Some(engine.clone()));
        let mut world = Self { dir, shop, engine, log, vault, clock, http, line, worker };
        if crate::BY_WORKER && world.worker.is_none() {
            world.worker = Some(world.start_worker());
        }
        world
    }

    /// Starts one more worker, in a later term than all before.
    pub(crate) fn start_worker(&self) -> watch::Sender<bool> {
        let (stop, stopped) = watch::channel(false);
        let options = WorkerOptions {
            merchant: self.engine.merchant().clone(),
            vault: self.vault.clone(),
            http: self.http.clone(),
            clock: Arc::new(Followed(self.clock.clone())),
            protocols: PROTOCOLS,
            policy: Policy::default().effects,
            owner: self.line.clone(),
            term: STARTS.fetch_add(1, Ordering::SeqCst),
        };
        tokio::spawn(make_calls(options, stopped));
        stop
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

    pub(crate) async fn stop(mut self) {
        drop(self.worker.take());
        self.line.engine.send_replace(None);
        self.engine.stop().await.unwrap();
        self.log.close().await.unwrap();
        self.vault.close().await;
    }

    /// Stops, and has the checker read what was left behind.
    pub(crate) async fn stop_and_verify(self) {
        let Self { dir, engine, log, vault, line, worker, .. } = self;
        drop(worker);
        line.engine.send_replace(None);
        engine.stop().await.unwrap();
        log.close().await.unwrap();
        vault.close().await;
        let report = verify::verify_dir(dir.path(), |_| {}).await.unwrap();
        assert!(report.ok, "{:#?}", report.violations);
        assert!(report.warnings.is_empty(), "{:#?}", report.warnings);
    }

    /// Without a clean stop: no snapshot is kept, and what was under way is lost.
    pub(crate) async fn reopen_after_crash(self) -> Self {
        self.crash(false).await
    }

    /// The same, and the worker lives on.
    pub(crate) async fn reopen_with_its_worker(self) -> Self {
        self.crash(true).await
    }

    async fn crash(self, worker_lives: bool) -> Self {
        let Self { dir, shop, log, clock, http, line, worker, .. } = self;
        let worker = worker.filter(|_| worker_lives);
        line.engine.send_replace(None);
        log.close().await.unwrap();
        Self::at(dir, shop, clock, http, line, worker).await
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
