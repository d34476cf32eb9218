//! A merchant with one item, and whatever shops a test connects, on a directory of its own.

use std::sync::Arc;

use channel::Protocol;
use engine::{
    Clock as _, Connection, Engine, EngineOptions, ImportBatch, LogWriter, ManualClock, OperatorAnswer,
    OperatorCommand, OrderRef, Policy, SeededIds,
};
use event_log::EventLog;
use event_log_sqlite::SqliteLog;
use events::{Actor, Fact, RecordedEvent, sku::SkuDefined};
use serde_json::Value;
use testkit::{
    drive::Signed,
    pretend::{Clock, Platform, Pretend},
};
use vault::{Vault, VaultOptions, VaultPlace};
use vocabulary::{Account, CardKey, Currency, KeyKind, Money, Position, Secret, Timestamp};

use crate::{front, http};

/// What one unit costs, in fen.
pub const PRICE: i64 = 2_888;
/// The one item.
pub const SKU: &str = "steam-50";

/// A merchant with one item, a real engine, and a socket.
pub struct World {
    /// The engine, for what the helpers here do not cover.
    pub engine: Arc<Engine>,
    log: Arc<SqliteLog>,
    clock: Arc<ManualClock>,
    client: reqwest::Client,
    /// Where shops are called, up to the account.
    front: String,
    _dir: tempfile::TempDir,
}

/// What a shop answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub bytes: Vec<u8>,
}

impl Told {
    /// The body as JSON; panics where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("{}", self.text()))
    }
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// An account from `channel/shop`.
pub fn account(text: &str) -> Account {
    text.parse().unwrap()
}

/// The code of the nth key that was ever put on stock.
pub fn code(number: u32) -> String {
    format!("KEY-{number:05}")
}

impl World {
    /// A merchant with the item and its price, and no keys, who may connect shops of these protocols.
    pub async fn open(protocols: &'static [Protocol]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_767_322_800)));
        let log = Arc::new(SqliteLog::open(dir.path()).await.unwrap());
        let (place, kek_file) = (VaultPlace::File(dir.path().join("vault.db")), dir.path().join("kek"));
        let vault = Vault::open(VaultOptions { place, kek_file, seed: Some([7; 32]) }).await.unwrap();
        let (writer, _failed) = LogWriter::start(log.clone());
        let client = http::client();
        let engine = Engine::open(EngineOptions {
            merchant: "shop".parse().unwrap(),
            log: log.clone(),
            writer,
            vault: Arc::new(vault),
            clock: clock.clone(),
            ids: Arc::new(SeededIds::new(1)),
            http: Arc::new(http::Loopback(client.clone())),
            protocols,
            policy: Policy::default(),
        })
        .await
        .unwrap();
        let front = front::open(engine.clone()).await;
        let world = Self { engine, log, clock, client, front, _dir: dir };
        world.define().await;
        world
    }

    async fn define(&self) {
        let sku = SkuDefined {
            sku: SKU.parse().unwrap(),
            name: "Steam 50".to_owned(),
            family: "steam".to_owned(),
            key_kind: KeyKind::OneShot,
            face_value: None,
        };
        self.operate(OperatorCommand::DefineSku(sku)).await;
        self.operate(OperatorCommand::SetPrice {
            sku: SKU.parse().unwrap(),
            account: None,
            unit_price: Money::new(PRICE, Currency::CNY),
            valid_from: None,
            valid_until: None,
            reason: "list".to_owned(),
        })
        .await;
    }

    /// Staff do something; panics where it is refused.
    pub async fn operate(&self, command: OperatorCommand) -> OperatorAnswer {
        self.engine.operate(Actor::staff("lin"), command).await.unwrap()
    }

    /// Connects a shop with its settings.
    pub async fn connect(&self, name: &str, settings: &Value) {
        self.connect_sharing(name, settings, None).await;
    }

    /// Connects a shop that shares the order numbers of another.
    pub async fn connect_sharing(&self, name: &str, settings: &Value, orders_of: Option<&str>) {
        self.connect_with(name, settings, orders_of, Currency::CNY).await;
    }

    /// Connects a shop that sells in the currency of `price`, which is what one unit costs there.
    pub async fn connect_at(&self, name: &str, settings: &Value, orders_of: Option<&str>, price: Money) {
        self.connect_with(name, settings, orders_of, price.currency).await;
        self.operate(OperatorCommand::SetPrice {
            sku: SKU.parse().unwrap(),
            account: Some(account(name)),
            unit_price: price,
            valid_from: None,
            valid_until: None,
            reason: "list".to_owned(),
        })
        .await;
    }

    async fn connect_with(&self, name: &str, settings: &Value, orders_of: Option<&str>, currency: Currency) {
        let connection = Connection {
            account: account(name),
            name: name.to_owned(),
            currency,
            orders_of: orders_of.map(account),
            settings: Secret::new(settings.to_string()),
        };
        self.engine.connect(Actor::staff("lin"), connection).await.unwrap();
    }

    /// The shop's item stands for ours.
    pub async fn list(&self, name: &str, item: &str) {
        let (account, item) = (account(name), item.to_owned());
        self.operate(OperatorCommand::MapListing { account, item, sku: SKU.parse().unwrap() }).await;
    }

    /// Puts keys on stock: from number `first` on, `count` of them, in a batch of their own.
    pub async fn stock(&self, first: u32, count: u32) {
        let batch =
            ImportBatch { sku: SKU.parse().unwrap(), supplier: None, unit_cost: None, sell_until: None };
        let actor = Actor::staff("lin");
        let mut import = self.engine.begin_import(actor, batch, "steam".to_owned()).await.unwrap();
        let key = |n| CardKey { code: Secret::new(code(n)), pin: None, expires_on: None };
        let keys: Vec<CardKey> = (first..first + count).map(key).collect();
        self.engine.import_chunk(&mut import, &keys).await.unwrap();
    }

    /// A pretend server that goes by this world's clock.
    pub async fn pretend<P: Platform>(&self, platform: P) -> Pretend<P> {
        Pretend::start(platform, self.clock()).await.unwrap()
    }

    /// This world's clock, for a pretend server.
    pub fn clock(&self) -> Clock {
        let clock = self.clock.clone();
        Arc::new(move || clock.now())
    }

    /// The time in this world.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A shop's inbound address.
    pub fn address(&self, name: &str) -> String {
        format!("{}/{name}", self.front)
    }

    /// Sends a platform's request to a shop.
    pub async fn send(&self, name: &str, signed: &Signed) -> Told {
        let method = signed.method.parse().unwrap();
        let mut request = self.client.request(method, signed.url(&self.address(name)));
        for (header, value) in &signed.headers {
            request = request.header(*header, value);
        }
        let response = request.body(signed.body.clone()).send().await.unwrap();
        Told { status: response.status().as_u16(), bytes: response.bytes().await.unwrap().to_vec() }
    }

    /// Everything that is due now happens, calls included.
    pub async fn settle(&self) {
        self.engine.settle().await.unwrap();
    }

    /// Time goes by, and everything that is due happens.
    pub async fn advance(&self, secs: i64) {
        self.clock.advance_to(self.now().plus_secs(secs));
        self.settle().await;
    }

    /// Time goes by minute by minute, as polls and repeated calls come due.
    pub async fn minutes(&self, count: u32) {
        for _ in 0..count {
            self.advance(60).await;
        }
    }

    /// The types of the events that what a shop's poll found led to, oldest first.
    pub async fn found_by(&self, name: &str, poll: &str) -> Vec<String> {
        let actor = format!("{name} (poll {poll})");
        let found = self.events().await.into_iter().filter(|event| event.meta().unwrap().actor.id == actor);
        found.map(|event| event.type_name).collect()
    }

    /// Where the log ends.
    pub async fn position(&self) -> Position {
        self.log.head(self.engine.merchant()).await.unwrap().unwrap().position
    }

    /// The whole log.
    pub async fn events(&self) -> Vec<RecordedEvent> {
        self.log.read_log(self.engine.merchant(), Position(0), 1_000_000).await.unwrap()
    }

    /// The facts of the whole log.
    pub async fn facts(&self) -> Vec<Fact> {
        self.events().await.iter().map(|event| event.fact().unwrap()).collect()
    }

    /// How many events of a type the log holds.
    pub async fn count(&self, name: &str) -> usize {
        self.facts().await.iter().filter(|fact| fact.type_name() == name).count()
    }

    /// Staff agree to pay money back: all of it where no amount is given.
    pub async fn refund(&self, name: &str, number: &str, refund: Option<&str>, minor: Option<i64>) {
        self.operate(OperatorCommand::Refund {
            order: OrderRef::Number(account(name), number.to_owned()),
            refund: refund.map(str::to_owned),
            amount: minor.map(|minor| Money::new(minor, Currency::CNY)),
            reason: "the buyer asked".to_owned(),
        })
        .await;
    }

    /// The whole of an order's money goes back where the platform offers no call for it: staff agree, pay it back on the
    /// platform's own side, and say so.
    pub async fn refund_by_hand(&self, name: &str, number: &str) {
        self.refund(name, number, Some("by-hand"), None).await;
        self.settle().await;
        self.settle_refund(name, number, "by-hand").await;
    }

    /// Staff say that they paid back by hand what was due under this number.
    pub async fn settle_refund(&self, name: &str, number: &str, refund: &str) {
        let order = OrderRef::Number(account(name), number.to_owned());
        self.operate(OperatorCommand::SettleRefund { order, refund: refund.to_owned() }).await;
        self.settle().await;
    }

    /// Stops the engine in good order.
    pub async fn stop(self) {
        self.engine.stop().await.unwrap();
    }
}
