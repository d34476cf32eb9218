//! Opening an engine: take the merchant over, load the state from snapshot and log, put away what a crash left,
//! start the tasks.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, RwLock},
};

use event_log::EventLog;
use governor::{Quota, RateLimiter};
use tokio::sync::{mpsc, watch};
use vault::Vault;
use vocabulary::{MerchantId, Position};

use crate::{
    EngineError,
    adapters::Adapters,
    effects::{Load, Outside, Runner},
    engine::{Engine, EngineOptions},
    host::{SharedDesk, lock},
    hot::{Desk, SHAPE},
    sequencer::{self, Sequencer},
    upkeep::Board,
    writer::Finisher,
};

/// How many events are read at once while replaying.
const PAGE: usize = 10_000;
/// How many refused requests a second are kept in the inbox; the rest are only counted.
const REFUSALS_PER_S: NonZeroU32 = match NonZeroU32::new(200) {
    Some(n) => n,
    None => NonZeroU32::MIN,
};

impl Engine {
    /// Opens the engine of a merchant: it owns the merchant from here on, and is ready when this returns.
    pub async fn open(options: EngineOptions) -> Result<Arc<Self>, EngineError> {
        let EngineOptions { merchant, log, writer, vault, clock, ids, http, protocols, policy } = options;
        let keys = vault.ensure_merchant(&merchant).await.map_err(EngineError::Vault)?;
        let head = log.claim(&merchant).await?;
        vault.fence(&merchant, head.epoch).await.map_err(EngineError::Vault)?;
        let desk: SharedDesk = Arc::new(Mutex::new(load(&*log, &merchant).await?));
        if head.position == Position(0)
            && !vault.batch_sizes(&merchant).await.map_err(EngineError::Vault)?.is_empty()
        {
            return Err(EngineError::OtherLog(merchant));
        }
        discard_orphans(&vault, &merchant, &desk).await?;

        let adapters = Arc::new(Adapters::default());
        let (effects, board) = (Arc::new(Load::default()), Arc::new(Board::default()));
        let marks = vault.poll_marks(&merchant).await.map_err(EngineError::Vault)?;
        let (works, work_queue) = mpsc::channel(policy.waiting_max);
        let (staged, staged_queue) = mpsc::channel(4_096);
        let (jobs, job_queue) = mpsc::unbounded_channel();
        let outside = policy.calls_elsewhere.then(|| {
            let name = merchant.to_string();
            Arc::new(Outside::new(name, head.epoch, adapters.clone(), clock.clone(), effects.clone()))
        });
        let runner = Runner {
            merchant: merchant.clone(),
            adapters: adapters.clone(),
            vault: vault.clone(),
            http,
            clock: clock.clone(),
            policy: policy.effects,
            sink: Box::new(works.downgrade()),
            load: effects.clone(),
            again: jobs.downgrade(),
        };
        let finisher = Finisher {
            merchant: merchant.clone(),
            epoch: head.epoch,
            position: head.position,
            vault: vault.clone(),
            keys: keys.clone(),
            writer,
            jobs,
            load: effects.clone(),
        };
        let (failed, failure) = watch::channel(false);
        let sequencers_vault = vault.clone();
        let engine = Self {
            merchant: merchant.clone(),
            log: log.clone(),
            vault,
            clock: clock.clone(),
            ids: ids.clone(),
            keys: keys.clone(),
            protocols,
            adapters: adapters.clone(),
            works: RwLock::new(Some(works)),
            load: effects,
            outside: outside.clone(),
            board: board.clone(),
            stopped: tokio::sync::Mutex::new(None),
            failure,
            refusals: RateLimiter::direct(Quota::per_second(REFUSALS_PER_S)),
        };
        for (account, settings) in engine.vault.settings(&merchant).await.map_err(EngineError::Vault)? {
            if account.channel() == vault::SUBSCRIBERS {
                continue;
            }
            let adapter = engine.adapter_for(&account, settings.expose())?;
            engine.adapters.put(adapter, &settings);
        }
        let sequencer = Sequencer::new(sequencer::Start {
            merchant,
            log,
            clock,
            ids,
            adapters,
            vault: sequencers_vault,
            keys,
            policy,
            desk,
            head,
            writer: staged,
            marks,
            board,
            protocols,
        });
        let tasks = async move {
            let mut deciding = tokio::spawn(sequencer.run(work_queue));
            let mut finishing = tokio::spawn(finisher.run(staged_queue));
            let calling = match outside {
                Some(outside) => tokio::spawn(outside.run(job_queue)),
                None => tokio::spawn(runner.run(job_queue)),
            };
            // The first to end badly is the cause; the other cannot go on without it.
            let ended = tokio::select! {
                decided = &mut deciding => joined(decided).and(joined(finishing.await)),
                finished = &mut finishing => match joined(finished) {
                    Ok(()) => joined(deciding.await),
                    Err(error) => Err(error),
                },
            };
            if let Err(error) = &ended {
                tracing::error!(%error, cause = ?std::error::Error::source(error), "the engine has stopped");
                failed.send_replace(true);
                return ended;
            }
            joined(calling.await.map(Ok))
        };
        *engine.stopped.lock().await = Some(tokio::spawn(tasks));
        Ok(Arc::new(engine))
    }
}

fn joined(ended: Result<Result<(), EngineError>, tokio::task::JoinError>) -> Result<(), EngineError> {
    ended.map_err(|error| EngineError::Broken(error.to_string()))?
}

/// The merchant's state: from the snapshot where it fits the log, and the events after it.
async fn load(log: &dyn EventLog, merchant: &MerchantId) -> Result<Desk, EngineError> {
    let (mut desk, mut after) = from_snapshot(log, merchant).await?.unwrap_or_default();
    loop {
        let page = log.read_log(merchant, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.position;
        for event in &page {
            let fact = event.fact().map_err(EngineError::Decode)?;
            desk.replay(event, &fact);
        }
    }
    for streams in desk.take_cold().chunks(1_000) {
        for event in log.read_streams(merchant, streams).await? {
            let fact = event.fact().map_err(EngineError::Decode)?;
            desk.apply(&event, &fact);
        }
    }
    Ok(desk)
}

async fn from_snapshot(
    log: &dyn EventLog,
    merchant: &MerchantId,
) -> Result<Option<(Desk, Position)>, EngineError> {
    let Some(snapshot) = log.load_snapshot(merchant).await?.filter(|s| s.shape == SHAPE) else {
        return Ok(None);
    };
    let at = snapshot.position;
    let before = Position(at.0.saturating_sub(1));
    let event = log.read_log(merchant, before, 1).await?.into_iter().next();
    if event.is_none_or(|event| event.position != at || event.hash != snapshot.hash) {
        tracing::info!("the snapshot is of another history; reading the whole log");
        return Ok(None);
    }
    match Desk::load(&snapshot.state) {
        Ok(desk) => Ok(Some((desk, at))),
        Err(error) => {
            tracing::warn!(%error, "the snapshot is not readable; reading the whole log");
            Ok(None)
        }
    }
}

/// Keys that were sealed for an import whose event was never appended are not stock: they are removed, so that the
/// import can be repeated.
async fn discard_orphans(vault: &Vault, merchant: &MerchantId, desk: &SharedDesk) -> Result<(), EngineError> {
    for (batch, sealed) in vault.batch_sizes(merchant).await.map_err(EngineError::Vault)? {
        let imported = {
            let desk = lock(desk);
            let known = desk.pools.values().find_map(|entry| entry.state.batch(batch).map(|b| b.keys));
            known.unwrap_or(0)
        };
        if sealed > imported {
            let gone =
                vault.discard_keys_from(merchant, batch, imported).await.map_err(EngineError::Vault)?;
            tracing::warn!(%batch, keys = gone, "sealed keys of an unfinished import were discarded");
        }
    }
    Ok(())
}
