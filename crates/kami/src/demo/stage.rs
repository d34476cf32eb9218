//! The Kami that the world is built on: a node on a loopback port whose time is moved by hand.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, bail};
use async_trait::async_trait;
use channel::sign::hmac_sha256;
use engine::{Clock, Engine, EngineOptions, Ids, LogWriter, ManualClock, OperatorCommand, Policy, SeededIds};
use event_log::EventLog;
use events::Actor;
use http_api::{Api, ApiOptions};
use projection::{Options, Projections};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use vault::{Vault, VaultPlace};
use vocabulary::{MerchantId, Position, Timestamp};

use super::{
    catalogue,
    clock::LiveClock,
    platforms::{Platforms, Waiting},
    truth::SharedTruth,
    unhurried,
};
use crate::{
    channels,
    log::{Log, LogUrl},
    node::open_vault,
};

/// The merchant of the demo.
pub(crate) const MERCHANT: &str = "demo";

tokio::task_local! {
    /// What is asked here is no part of the play.
    static ASIDE: ();
}

/// Ids of what is played, and ids of what is only asked to find out how far the engine is: when that is asked depends on
/// how fast the machine is, and must not move the others.
struct TwoRows {
    played: SeededIds,
    aside: SeededIds,
}

impl Ids for TwoRows {
    fn next(&self, now: Timestamp) -> uuid::Uuid {
        let row = if ASIDE.try_with(|()| ()).is_ok() { &self.aside } else { &self.played };
        row.next(now)
    }
}

/// A running Kami that does nothing by itself.
pub(crate) struct Stage {
    engine: Arc<Engine>,
    clock: Arc<ManualClock>,
    pub(crate) address: std::net::SocketAddr,
    merchant: MerchantId,
    log: Log,
    vault: Arc<Vault>,
    projections: Arc<Projections>,
    /// Kami's calls to the platforms.
    calls: tokio::sync::Mutex<Waiting>,
    server: Mutex<Option<Server>>,
}

/// The HTTP server, and how it is told to stop.
type Server = (oneshot::Sender<()>, JoinHandle<std::io::Result<()>>);

impl Stage {
    /// Opens a fresh data directory (and an empty log in PostgreSQL where one is named), starts, and serves on a free port of the loopback interface.
    pub(crate) async fn start(
        data: &Path,
        log_url: Option<&LogUrl>,
        vault: VaultPlace,
        seed: u64,
        truth: SharedTruth,
    ) -> anyhow::Result<Self> {
        let merchant: MerchantId = MERCHANT.parse().context("the merchant")?;
        let log = Log::open(data, log_url).await?;
        if !log.merchants().await.context("the merchants of the log")?.is_empty() {
            bail!("the log is not empty; a demo only begins in an empty one");
        }
        let vault_seed = <[u8; 32]>::try_from(hmac_sha256(b"kami demo vault", &seed.to_be_bytes())).ok();
        let vault = open_vault(vault, &data.join("kek"), vault_seed).await?;
        // A failed append ends the engine: whoever waits for an answer is told that it has stopped.
        let (writer, _failed) = LogWriter::start(log.shared());
        let clock = Arc::new(ManualClock::at(catalogue::START));
        let time = clock.clone();
        let platforms = Platforms::gated(truth, Arc::new(move || time.now())).await;
        let (platforms, calls) = platforms.context("the platforms cannot be started")?;
        let calls = tokio::sync::Mutex::new(calls);
        let engine = Engine::open(EngineOptions {
            merchant: merchant.clone(),
            log: log.shared(),
            writer,
            vault: vault.clone(),
            clock: clock.clone(),
            ids: Arc::new(TwoRows {
                played: SeededIds::new(seed),
                aside: SeededIds::new(seed ^ 0x61_7369_6465),
            }),
            http: Arc::new(platforms),
            protocols: unhurried::protocols(),
            policy: Policy::default(),
        })
        .await
        .context("the engine cannot be started")?;
        let views = data.join("views.db");
        let projections = Projections::open(&views, channels::projections(), Options::default()).await;
        let projections = Arc::new(projections.context("the read models cannot be opened")?);
        projections.spawn(log.shared(), &merchant).context("the read models cannot be followed")?;
        let listener =
            TcpListener::bind("127.0.0.1:0").await.context("no port is free on the loopback interface")?;
        let address = listener.local_addr().context("the address")?;
        let api = Api::new(engine.clone(), projections.clone(), ApiOptions::default());
        let (stop, stopping) = oneshot::channel::<()>();
        let serving = tokio::spawn(http_api::serve(listener, http_api::router(api), async {
            // A dropped sender stops as well.
            let _dropped = stopping.await;
        }));
        let server = Mutex::new(Some((stop, serving)));
        Ok(Self { engine, clock, address, merchant, log, vault, projections, calls, server })
    }

    /// A wish that is fulfilled already: returns when the engine has done all that was asked before it.
    async fn pass(&self) -> anyhow::Result<()> {
        let again = OperatorCommand::DefineSku(catalogue::ITEMS[0].definition()?);
        match ASIDE.scope((), self.engine.operate(Actor::staff(catalogue::KEEPER), again)).await {
            Ok(_) => Ok(()),
            Err(error) => Err(error).context("the engine"),
        }
    }

    /// Returns when the engine has taken in what the calls before brought, and done what time makes due.
    async fn look_at_the_time(&self) -> anyhow::Result<()> {
        tokio::select! {
            // Settling begins with a look at the time. It does not end while a call waits, nor need it: another does.
            biased;
            settled = self.engine.settle() => settled.context("the engine"),
            passed = self.pass() => passed,
        }
    }

    async fn position(&self) -> anyhow::Result<Position> {
        let head = self.log.head(&self.merchant).await.context("the log's head")?;
        Ok(head.map(|head| head.position).unwrap_or_default())
    }

    /// The log.
    pub(crate) fn log(&self) -> &dyn EventLog {
        &*self.log
    }
    /// Whose it is.
    pub(crate) fn merchant(&self) -> &MerchantId {
        &self.merchant
    }

    /// Lets the read models catch up, finishes, and closes the files. Nothing works afterwards.
    pub(crate) async fn stop(&self) -> anyhow::Result<()> {
        self.projections.wait_for(&self.merchant, self.position().await?).await.context("the read models")?;
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((stop, serving)) = server {
            // The server may be gone already.
            let _gone = stop.send(());
            serving.await.context("the server")?.context("the server")?;
        }
        self.engine.stop().await.context("the engine did not stop cleanly")?;
        self.projections.forget(&self.merchant);
        self.vault.close().await;
        self.log.close().await
    }
}

/// A Kami that the demo's shop is played on.
#[async_trait]
pub(crate) trait World: Send + Sync {
    /// Its engine, for what staff do.
    fn engine(&self) -> &Engine;
    /// The time there.
    fn now(&self) -> Timestamp;
    /// Returns when it is so late.
    async fn reach(&self, at: Timestamp) -> anyhow::Result<()>;
    /// Lets everything happen that is due, timers and calls to the platforms included, until nothing more
    /// does.
    async fn calm(&self) -> anyhow::Result<()>;
}

#[async_trait]
impl World for Stage {
    fn engine(&self) -> &Engine {
        &self.engine
    }
    fn now(&self) -> Timestamp {
        self.clock.now()
    }
    async fn reach(&self, at: Timestamp) -> anyhow::Result<()> {
        self.clock.advance_to(at);
        Ok(())
    }
    /// Whatever comes next finds the same world in every run. Before each call to a platform the engine looks at the
    /// time, so that what came of the call before, and what time makes due, is never left to chance.
    async fn calm(&self) -> anyhow::Result<()> {
        let mut calls = self.calls.lock().await;
        let mut settling = std::pin::pin!(self.engine.settle());
        loop {
            tokio::select! {
                biased;
                settled = &mut settling => return settled.context("the engine"),
                call = calls.recv() => {
                    self.look_at_the_time().await?;
                    if let Some(let_through) = call {
                        // Who called is gone only when the engine was stopped.
                        let _gone = let_through.send(());
                    }
                }
            }
        }
    }
}

/// The living world: everything happens by itself.
pub(crate) struct Living {
    pub(crate) engine: Arc<Engine>,
    pub(crate) clock: Arc<LiveClock>,
}

#[async_trait]
impl World for Living {
    fn engine(&self) -> &Engine {
        &self.engine
    }
    fn now(&self) -> Timestamp {
        self.clock.now()
    }
    async fn reach(&self, at: Timestamp) -> anyhow::Result<()> {
        self.clock.sleep_until(at).await;
        Ok(())
    }
    async fn calm(&self) -> anyhow::Result<()> {
        Ok(())
    }
}
