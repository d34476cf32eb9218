//! A worker's time with one owner: the calls that were handed out in one epoch, and what is told of them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use channel::{OutboundRequest, OutboundResponse, TransportFailure};
use events::channel::AttemptOutcome;
use tokio::{
    sync::{Notify, RwLock, mpsc, watch},
    time::{sleep, timeout},
};
use vocabulary::Epoch;

use super::{
    Job, Load, Report, Runner,
    runner::Sink,
    wire::{self, Answer, HeardHead, Said, Tell},
    worker::{Owner, Unreached, WorkerOptions},
};
use crate::{adapters::Adapters, ports::Http};

/// How soon an outcome is told again that nobody took.
const AGAIN: Duration = Duration::from_millis(250);
/// How long a worker that stops waits until its outcomes are taken in.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What a worker has of one owner.
pub(super) struct Session {
    pub(super) epoch: Epoch,
    gate: Arc<Gate>,
    has: Arc<Has>,
    over: watch::Sender<bool>,
    load: Arc<Load>,
    jobs: mpsc::UnboundedSender<Job>,
}

impl Session {
    pub(super) fn begin(options: &WorkerOptions, adapters: &Arc<Adapters>, epoch: Epoch) -> Self {
        let (over, is_over) = watch::channel(false);
        let gate =
            Arc::new(Gate { http: options.http.clone(), open: RwLock::new(true), over: is_over.clone() });
        let has = Arc::new(Has::default());
        let outcomes = Outcomes {
            owner: options.owner.clone(),
            term: options.term,
            epoch,
            has: has.clone(),
            over: is_over,
        };
        let (jobs, queue) = mpsc::unbounded_channel();
        let load = Arc::new(Load::default());
        let runner = Runner {
            merchant: options.merchant.clone(),
            adapters: adapters.clone(),
            vault: options.vault.clone(),
            http: gate.clone(),
            clock: options.clock.clone(),
            policy: options.policy,
            sink: Box::new(outcomes),
            load: load.clone(),
            again: jobs.downgrade(),
        };
        tokio::spawn(runner.run(queue));
        Self { epoch, gate, has, over, load, jobs }
    }

    pub(super) fn put(&self, job: Job) {
        self.has.books().calls.insert(job.ticket, false);
        self.load.open.fetch_add(1, Ordering::SeqCst);
        if self.jobs.send(job).is_err() {
            tracing::error!("a call was handed out after the runner had ended");
        }
    }

    /// The numbers of the calls that it has.
    pub(super) fn has(&self) -> Vec<u64> {
        self.has.books().calls.keys().copied().collect()
    }

    /// Begins no call more, lets those that are out end, and tells of them. Returns the numbers of the calls that may
    /// have left and that nobody took the outcome of.
    pub(super) async fn finish(&self) -> Vec<u64> {
        self.has.books().closed = true;
        self.gate.close().await;
        let told = self.has.all_told();
        if timeout(LAST_WORDS, told).await.is_err() {
            tracing::warn!("the outcomes of some calls could not be told; the next worker asks the channel");
        }
        self.has.books().calls.iter().filter(|(_, begun)| **begun).map(|(ticket, _)| *ticket).collect()
    }

    /// Begins no call more, and returns when none is out. What comes of them is not told any more.
    pub(super) async fn end(&self) {
        self.has.books().closed = true;
        self.gate.close().await;
        self.over.send_replace(true);
    }
}

/// Which calls a session has.
#[derive(Default)]
struct Has {
    books: Mutex<Books>,
    changed: Notify,
}

#[derive(Default)]
struct Books {
    /// Whether each was begun.
    calls: BTreeMap<u64, bool>,
    /// None is begun any more.
    closed: bool,
}

impl Has {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when the outcome of every call that was begun was taken in.
    async fn all_told(&self) {
        loop {
            let changed = self.changed.notified();
            let mut changed = std::pin::pin!(changed);
            changed.as_mut().enable();
            if !self.books().calls.values().any(|begun| *begun) {
                return;
            }
            changed.await;
        }
    }

    fn remove(&self, ticket: u64) {
        self.books().calls.remove(&ticket);
        self.changed.notify_waiters();
    }
}

/// Lets calls out until it is closed.
struct Gate {
    http: Arc<dyn Http>,
    /// Held for reading while a call is out.
    open: RwLock<bool>,
    over: watch::Receiver<bool>,
}

impl Gate {
    /// Lets no call out any more, and returns when none is.
    async fn close(&self) {
        *self.open.write().await = false;
    }
}

#[async_trait]
impl Http for Gate {
    async fn send(
        &self,
        request: &OutboundRequest,
        timeout: Duration,
    ) -> Result<OutboundResponse, TransportFailure> {
        {
            let open = self.open.read().await;
            if *open {
                return self.http.send(request, timeout).await;
            }
        }
        // Nothing is said of it before nobody hears it: the attempt was none.
        if self.over.clone().wait_for(|over| *over).await.is_err() {
            tracing::debug!("a session ended without a word");
        }
        Err(TransportFailure::NotSent)
    }
}

/// Tells the owner how attempts ended.
struct Outcomes {
    owner: Arc<dyn Owner>,
    term: u64,
    epoch: Epoch,
    has: Arc<Has>,
    over: watch::Receiver<bool>,
}

#[async_trait]
impl Sink for Outcomes {
    fn begins(&self, job: &Job) -> bool {
        let mut books = self.has.books();
        let begins = !books.closed;
        if begins {
            books.calls.insert(job.ticket, true);
        }
        begins
    }

    async fn take(&self, report: Box<Report>) -> Result<(), Box<Report>> {
        let mut over = self.over.clone();
        let ticket = report.job.ticket;
        let told = tokio::select! {
            told = self.tell(&report) => told,
            _over = over.wait_for(|over| *over) => None,
        };
        self.has.remove(ticket);
        match told {
            Some(Answer::TakenIn) => Ok(()),
            // The owner has this outcome, or asks whoever has the call by now.
            Some(Answer::NotAwaited) => {
                tracing::warn!(job = ?report.job.key, "an outcome was not awaited");
                Ok(())
            }
            _ if self.owner.holds() => Err(report),
            _ => {
                tracing::warn!(job = ?report.job.key, "an outcome came after the lease had ended; it is asked about");
                Ok(())
            }
        }
    }
}

impl Outcomes {
    /// Tells until somebody answers.
    async fn tell(&self, report: &Report) -> Option<Answer> {
        let mut whole = true;
        let mut message = self.message(report, whole);
        loop {
            let sent = message.as_ref().map_err(|_| Unreached::TooLarge).cloned();
            let answered = match sent {
                Ok(message) => self.owner.ask(message).await,
                Err(error) => Err(error),
            };
            let answer = answered.map(|answer| wire::read::<Answer>(&answer).map(|(answer, _)| answer));
            match answer {
                Ok(Ok(Answer::Calls(_) | Answer::Here)) | Ok(Err(_)) => {
                    tracing::error!("the owner answered an outcome with something else");
                }
                Ok(Ok(answer)) => return Some(answer),
                Err(Unreached::TooLarge) if whole && report.found.is_some() => {
                    whole = false;
                    message = self.message(report, whole);
                    continue;
                }
                Err(error) => tracing::debug!(%error, "an outcome could not be told yet"),
            }
            sleep(AGAIN).await;
        }
    }

    /// The message. Without what the channel answered it tells that this was too much.
    fn message(&self, report: &Report, whole: bool) -> Result<Vec<u8>, crate::EngineError> {
        let heard = report.found.as_ref().map(|found| &found.heard).filter(|_| whole);
        let outcome = match whole {
            true => report.outcome.clone(),
            false => AttemptOutcome::Abandoned { code: "answer_too_large".to_owned() },
        };
        let tell = Tell {
            term: self.term,
            epoch: self.epoch,
            ticket: report.job.ticket,
            key: report.job.key.clone(),
            attempt: report.attempt,
            outcome,
            heard: heard.map(HeardHead::of),
        };
        wire::write(&Said::Tell(tell), heard.map_or(&[], |heard| heard.response.body.as_slice()))
    }
}
