//! The engine of one merchant: how it is opened, asked, and stopped.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use channel::{Adapter, Protocol, Reply, SettingsError};
use domain::Rejection;
use event_log::{EventLog, LogError};
use events::{Actor, DecodeError};
use tokio::sync::{mpsc, oneshot, watch};
use vault::{MerchantKeys, SubjectPut, Vault, VaultError};
use vocabulary::{Account, Currency, MerchantId, MessageId, Position};

use crate::{
    adapters::{Adapters, make_adapter, settings_digest},
    effects::{EffectPolicy, Load, Outside},
    identity::Digests,
    operator::{OperatorAnswer, OperatorCommand},
    ports::{Clock, Http, Ids},
    upkeep::{Board, UpkeepStatus},
    work::{Attached, OperatorCall, OperatorRender, OperatorWork, Setup, Work},
    writer::LogWriter,
};

/// Why the engine could not do what was asked. A business "no" is not here: it is an answer.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The engine has stopped, or is stopping.
    #[error("the engine has stopped")]
    Stopped,
    /// More work is waiting than is sensible: come again.
    #[error("too much work is waiting")]
    Busy,
    /// The account is not connected.
    #[error("the channel account is not connected")]
    UnknownAccount,
    /// The log failed.
    #[error("the log failed")]
    Log(#[from] LogError),
    /// The vault failed.
    #[error("the vault failed")]
    Vault(#[source] VaultError),
    /// A stored event is not readable.
    #[error("a stored event is not readable")]
    Decode(#[source] DecodeError),
    /// Something could not be written as JSON, or a stored answer could not be read.
    #[error("a stored value is not readable")]
    Serialise(#[source] serde_json::Error),
    /// An account's settings are not usable.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// No protocol has this code.
    #[error("no channel protocol is called {0}")]
    UnknownProtocol(String),
    /// The vault holds keys of a merchant whose log is empty: it is the vault of another log.
    #[error("the log of {0} is empty, but the vault holds its keys: this is not the log they belong to")]
    OtherLog(MerchantId),
    /// A bug: a step that was checked before was turned down.
    #[error("an impossible step: {0}")]
    Broken(String),
    /// The business answer was no, where the caller is the program itself.
    #[error(transparent)]
    Rejected(#[from] Rejection),
}

/// What a merchant can set.
#[derive(Debug, Clone)]
pub struct Policy {
    /// How long a paid order waits for stock before a refund is due, in seconds.
    pub backorder_secs: i64,
    /// How many bad keys of one batch have the whole of it quarantined; 0 means that no number has.
    pub bad_keys_max: u32,
    /// At most how often stock figures are published, in milliseconds.
    pub stock_publish_every_ms: i64,
    /// A snapshot after this many events.
    pub snapshot_every: u64,
    /// How many requests may wait for the sequencer before callers are told to come again.
    pub waiting_max: usize,
    /// How hard calls to channels are tried.
    pub effects: EffectPolicy,
    /// Whether another process makes the calls to channels ([`crate::make_calls`]) and is handed them by
    /// [`Engine::answer_worker`]. This one makes none then.
    pub calls_elsewhere: bool,
    /// Where the world reaches this server, `https://kami.example` for example: suppliers are asked to call
    /// back below it. Without it they are only asked how things stand.
    pub public_address: Option<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            backorder_secs: 24 * 3600,
            bad_keys_max: 3,
            stock_publish_every_ms: 1_000,
            snapshot_every: 200_000,
            waiting_max: 8_192,
            effects: EffectPolicy::default(),
            calls_elsewhere: false,
            public_address: None,
        }
    }
}

/// What an engine is opened with.
pub struct EngineOptions {
    /// Whose.
    pub merchant: MerchantId,
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// The log's writer, shared by all merchants of the process.
    pub writer: LogWriter,
    /// The vault.
    pub vault: Arc<Vault>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn Ids>,
    /// How channels are called.
    pub http: Arc<dyn Http>,
    /// The channel protocols there are.
    pub protocols: &'static [Protocol],
    /// The merchant's settings.
    pub policy: Policy,
}

/// A shop account to connect.
pub struct Connection {
    /// The account.
    pub account: Account,
    /// Its name.
    pub name: String,
    /// Its currency.
    pub currency: Currency,
    /// Whose order numbers it shares; its own where not given.
    pub orders_of: Option<Account>,
    /// The adapter's settings (JSON), with secrets.
    pub settings: vocabulary::Secret<String>,
}

/// The engine of one merchant.
pub struct Engine {
    pub(crate) merchant: MerchantId,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) keys: MerchantKeys,
    pub(crate) protocols: &'static [Protocol],
    pub(crate) adapters: Arc<Adapters>,
    pub(crate) works: RwLock<Option<mpsc::Sender<Work>>>,
    pub(crate) load: Arc<Load>,
    pub(crate) outside: Option<Arc<Outside>>,
    pub(crate) board: Arc<Board>,
    pub(crate) stopped: tokio::sync::Mutex<Option<tokio::task::JoinHandle<Result<(), EngineError>>>>,
    pub(crate) failure: watch::Receiver<bool>,
    pub(crate) refusals: governor::DefaultDirectRateLimiter,
}

impl Engine {
    /// Whose engine this is.
    pub fn merchant(&self) -> &MerchantId {
        &self.merchant
    }
    /// The log it decides on.
    pub fn log(&self) -> &Arc<dyn EventLog> {
        &self.log
    }
    /// The vault.
    pub fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }
    /// The merchant's own keys: for opening stored messages, for pseudonyms.
    pub fn keys(&self) -> &MerchantKeys {
        &self.keys
    }
    /// Makes keyed digests of what identifies a buyer.
    pub fn digests(&self) -> Digests<'_> {
        Digests::new(&self.keys)
    }
    /// The time it goes by.
    pub fn now(&self) -> vocabulary::Timestamp {
        self.clock.now()
    }
    /// The channel protocols there are.
    pub fn protocols(&self) -> &'static [Protocol] {
        self.protocols
    }
    /// The adapter of a connected account.
    pub fn adapter(&self, account: &Account) -> Option<Arc<dyn Adapter>> {
        self.adapters.get(account)
    }

    /// How the things go that an account does by itself.
    pub fn upkeep(&self, account: &Account) -> Vec<UpkeepStatus> {
        self.board.of(account)
    }

    /// Connects a shop account, or changes its set-up: the settings are tried, sealed, and used from now on. They
    /// are sealed before the account's event is durable, so no account is ever without them; settings of an account
    /// that was turned down come into no use.
    pub async fn connect(&self, actor: Actor, connection: Connection) -> Result<OperatorAnswer, EngineError> {
        let Connection { account, name, currency, orders_of, settings } = connection;
        let adapter = self.adapter_for(&account, settings.expose())?;
        let settings_digest = settings_digest(&settings);
        let orders_of = orders_of.unwrap_or_else(|| account.clone());
        let command = OperatorCommand::Connect { account, name, currency, orders_of, settings_digest };
        let setup = Some(Setup { adapter, settings });
        self.operate_with(actor, command, Attached { setup, ..Attached::default() }).await
    }

    pub(crate) fn adapter_for(
        &self,
        account: &Account,
        settings: &str,
    ) -> Result<Arc<dyn Adapter>, EngineError> {
        make_adapter(self.protocols, account, settings)
    }

    /// Does what the program itself, or a person at its command line, asks for. Returns once it is durable.
    pub async fn operate(
        &self,
        actor: Actor,
        command: OperatorCommand,
    ) -> Result<OperatorAnswer, EngineError> {
        self.operate_with(actor, command, Attached::default()).await
    }

    async fn operate_with(
        &self,
        actor: Actor,
        command: OperatorCommand,
        attached: Attached,
    ) -> Result<OperatorAnswer, EngineError> {
        let call = OperatorCall { actor, command, idempotency_key: None, request: None };
        let (told, answer) = oneshot::channel();
        let render: OperatorRender = Box::new(move |result, _keys| {
            // The caller waits below.
            let _gone = told.send(result.clone());
            Reply::text(204, "")
        });
        self.call_with(call, render, attached).await?;
        Ok(answer.await.map_err(|_| EngineError::Stopped)??)
    }

    /// Does what a token holder asks for; the reply is made by `render` and, where the call carries its request,
    /// kept with it. Returns once everything is durable.
    pub async fn call(&self, call: OperatorCall, render: OperatorRender) -> Result<Reply, EngineError> {
        self.call_with(call, render, Attached::default()).await
    }

    /// Like [`Engine::call`], of a call that takes orders over ([`OperatorCommand::TakeOver`]): with what is known of
    /// their buyers. Of people who are new that is kept, sealed; who was erased stays erased.
    pub async fn take_over(
        &self,
        call: OperatorCall,
        people: Vec<SubjectPut>,
        render: OperatorRender,
    ) -> Result<Reply, EngineError> {
        self.call_with(call, render, Attached { people, ..Attached::default() }).await
    }

    async fn call_with(
        &self,
        call: OperatorCall,
        render: OperatorRender,
        attached: Attached,
    ) -> Result<Reply, EngineError> {
        let message = MessageId::from_uuid(self.ids.next(self.clock.now()));
        let account = operator_account(&call.actor);
        let (reply, answer) = oneshot::channel();
        let work = OperatorWork { message, call, account, attached, render, reply };
        self.submit(Work::Operator(Box::new(work))).await?;
        answer.await.map_err(|_| EngineError::Stopped)?
    }

    pub(crate) async fn submit(&self, work: Work) -> Result<(), EngineError> {
        let sender = self.works.read().unwrap_or_else(PoisonError::into_inner).clone();
        sender.ok_or(EngineError::Stopped)?.send(work).await.map_err(|_| EngineError::Stopped)
    }

    /// Takes a request in only if not too many are waiting.
    pub(crate) fn submit_or_busy(&self, work: Work) -> Result<(), EngineError> {
        let sender = self.works.read().unwrap_or_else(PoisonError::into_inner).clone();
        sender.ok_or(EngineError::Stopped)?.try_send(work).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => EngineError::Busy,
            mpsc::error::TrySendError::Closed(_) => EngineError::Stopped,
        })
    }

    /// With a clock that is set by hand: does all that is due by now, calls included, until nothing more happens and
    /// all of it is durable.
    pub async fn settle(&self) -> Result<(), EngineError> {
        let mut quiet_at = None;
        loop {
            let (did, position) = self.tick().await?;
            while !self.load.is_idle(self.clock.now()) {
                self.load.nudge.notify_one();
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
            // Outcomes are in the queue before the runner is idle, so a quiet round behind a quiet round is the end.
            if !did && quiet_at == Some(position) {
                return Ok(());
            }
            quiet_at = Some(position);
        }
    }

    /// One round of what time makes due; returns once it, and all that was decided before it, is durable and let go.
    async fn tick(&self) -> Result<(bool, Position), EngineError> {
        let (done, ticked) = oneshot::channel();
        self.submit(Work::Tick(done)).await?;
        ticked.await.map_err(|_| EngineError::Stopped)
    }

    /// Whether the engine decides: it has neither broken down nor been stopped.
    pub fn is_running(&self) -> bool {
        !*self.failure.borrow() && self.works.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Returns when the engine has broken down and nothing is decided any more; never while it is well or was stopped.
    /// The cause is logged, and [`Engine::stop`] returns it.
    pub async fn failed(&self) {
        if self.failure.clone().wait_for(|failed| *failed).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Stops taking work in, finishes what was taken, keeps a snapshot.
    pub async fn stop(&self) -> Result<(), EngineError> {
        self.works.write().unwrap_or_else(PoisonError::into_inner).take();
        match self.stopped.lock().await.take() {
            Some(task) => task.await.map_err(|error| EngineError::Broken(error.to_string()))?,
            None => Ok(()),
        }
    }
}

/// The account under which a token holder's calls are kept: `api/<name>`, the name made a slug.
fn operator_account(actor: &Actor) -> Account {
    let slug: String = actor
        .id
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .take(32)
        .collect();
    let shop = slug.parse().or_else(|_| "operator".parse());
    let channel = "api".parse();
    match (channel, shop) {
        (Ok(channel), Ok(shop)) => Account::new(&channel, &shop),
        _ => unreachable!("literals are slugs"),
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("merchant", &self.merchant).finish_non_exhaustive()
    }
}
