//! A merchant's calls, made in a process that does not own the merchant: what is to be done comes from the owner, and
//! how it ended goes back to it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use channel::Protocol;
use tokio::{sync::watch, time::sleep};
use vault::Vault;
use vocabulary::{Account, Epoch, MerchantId};

use super::{
    EffectPolicy,
    session::Session,
    wire::{self, Answer, HandedOut, Said, Take},
};
use crate::{
    EngineError,
    adapters::{Adapters, make_adapter},
    ports::{Clock, Http},
};

/// How many calls it takes at a time.
const AT_ONCE: usize = 64;
/// How soon an owner is asked again that was not reached.
const AGAIN: Duration = Duration::from_millis(250);

/// Why the owner did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreached {
    /// Nobody serves the merchant at the moment, or its node is not reached. It may have heard the message all the same.
    #[error("the merchant's owner was not reached")]
    Away,
    /// The message is larger than can be sent. Nobody heard it.
    #[error("the message is too large to be sent")]
    TooLarge,
}

/// The way to the owner of the merchant.
#[async_trait]
pub trait Owner: Send + Sync + 'static {
    /// Sends a message to whoever serves the merchant now, who gives it to [`crate::Engine::answer_worker`], and returns
    /// the answer. The message may be sent again.
    async fn ask(&self, message: Vec<u8>) -> Result<Vec<u8>, Unreached>;
    /// Whether this worker is still the one that makes the merchant's calls.
    fn holds(&self) -> bool;
}

/// What a worker is started with, for one merchant.
pub struct WorkerOptions {
    /// Whose calls.
    pub merchant: MerchantId,
    /// The vault, shared with the nodes: settings of the accounts, and the keys to deliver.
    pub vault: Arc<Vault>,
    /// How channels are called. It must make no call when the worker's lease is over.
    pub http: Arc<dyn Http>,
    /// The computer's time.
    pub clock: Arc<dyn Clock>,
    /// The channel protocols there are.
    pub protocols: &'static [Protocol],
    /// How hard calls are tried.
    pub policy: EffectPolicy,
    /// The way to the owner.
    pub owner: Arc<dyn Owner>,
    /// The term of the worker's lease: higher than that of every worker before.
    pub term: u64,
}

/// Why a worker ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkEnded {
    /// It was told to, or whoever could tell it is gone.
    Stopped,
    /// Its lease is over.
    LeaseOver,
    /// A later worker has asked.
    OtherWorker,
    /// The owner makes its calls itself.
    OwnerCalls,
}

/// Makes a merchant's calls until `stop` is told, or it is not the one to make them any more. Told to stop, it lets calls
/// that are out end, tells of them, and gives back what it had not begun. When this returns, no call is out.
pub async fn make_calls(options: WorkerOptions, mut stop: watch::Receiver<bool>) -> WorkEnded {
    let mut worker = Worker { options, adapters: Arc::default(), session: None, turn: 0 };
    let (ended, in_peace) = tokio::select! {
        ended = worker.work() => (ended, false),
        told = stop.wait_for(|stop| *stop) => (WorkEnded::Stopped, told.is_ok()),
    };
    worker.leave(in_peace).await;
    ended
}

struct Worker {
    options: WorkerOptions,
    adapters: Arc<Adapters>,
    session: Option<Session>,
    turn: u64,
}

impl Worker {
    async fn work(&mut self) -> WorkEnded {
        while self.options.owner.holds() {
            let has = self.session.as_ref().map(Session::has).unwrap_or_default();
            match self.take(has, AT_ONCE).await {
                Ok(Answer::Calls(calls)) => self.put(calls).await,
                Ok(Answer::OtherEpoch(epoch)) => self.begin(epoch).await,
                Ok(Answer::OtherWorker) => {
                    tracing::warn!(merchant = %self.options.merchant, "a later worker makes the calls");
                    return WorkEnded::OtherWorker;
                }
                Ok(Answer::Here) => {
                    tracing::warn!(merchant = %self.options.merchant, "the merchant's node makes its calls itself");
                    return WorkEnded::OwnerCalls;
                }
                Ok(Answer::TakenIn | Answer::NotAwaited) => sleep(AGAIN).await,
                Err(error) => {
                    tracing::debug!(merchant = %self.options.merchant, error, "no calls could be asked for");
                    sleep(AGAIN).await;
                }
            }
        }
        WorkEnded::LeaseOver
    }

    async fn take(&mut self, have: Vec<u64>, at_most: usize) -> Result<Answer, String> {
        self.turn += 1;
        let epoch = self.session.as_ref().map(|session| session.epoch);
        let take = Take { term: self.options.term, epoch, turn: self.turn, have, at_most };
        let message = wire::write(&Said::Take(take), &[]).map_err(|error| error.to_string())?;
        let answer = self.options.owner.ask(message).await.map_err(|error| error.to_string())?;
        wire::read::<Answer>(&answer).map(|(answer, _)| answer).map_err(|error| error.to_string())
    }

    /// Another owner: its calls come when those of the one before have ended, so that no call is out twice.
    async fn begin(&mut self, epoch: Epoch) {
        // It stays in its place until it has ended, so that whoever stops the worker meanwhile ends it too.
        if let Some(session) = &self.session {
            session.end().await;
        }
        tracing::info!(merchant = %self.options.merchant, %epoch, "the merchant's calls are made here");
        self.session = Some(Session::begin(&self.options, &self.adapters, epoch));
    }

    async fn put(&mut self, calls: Vec<HandedOut>) {
        let is_old = |call: &HandedOut| self.adapters.settings_digest(&call.job.account) != call.settings;
        if calls.iter().any(is_old)
            && let Err(error) = self.read_settings().await
        {
            tracing::error!(merchant = %self.options.merchant, %error, "the settings of the accounts cannot be read");
            // Not put down as had, so they are handed out again.
            return sleep(AGAIN).await;
        }
        if let Some(session) = &self.session {
            calls.into_iter().for_each(|call| session.put(call.job));
        }
    }

    /// Makes the adapters anew whose settings have changed.
    async fn read_settings(&self) -> Result<(), EngineError> {
        let WorkerOptions { merchant, vault, protocols, .. } = &self.options;
        for (account, settings) in vault.settings(merchant).await.map_err(EngineError::Vault)? {
            if account.channel() == vault::SUBSCRIBERS || self.adapters.is_made_of(&account, &settings) {
                continue;
            }
            match make_adapter(protocols, &account, settings.expose()) {
                Ok(adapter) => self.adapters.put(adapter, &settings),
                Err(error) => warn_of(&account, &error),
            }
        }
        Ok(())
    }

    async fn leave(mut self, in_peace: bool) {
        let Some(session) = &self.session else { return };
        if in_peace && self.options.owner.holds() {
            let begun = session.finish().await;
            if let Err(error) = self.take(begun, 0).await {
                tracing::warn!(error, "calls that were not begun could not be given back");
            }
        }
        if let Some(session) = self.session.take() {
            session.end().await;
        }
    }
}

fn warn_of(account: &Account, error: &EngineError) {
    tracing::error!(channel.account = %account, %error, "the settings of an account are not usable");
}
