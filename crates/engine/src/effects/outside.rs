//! The calls of a merchant that another process makes: handed to one worker at a time, and taken back as outcomes.
//!
//! Nothing here is stored. What is open follows from the state, as in the process that makes its calls itself, so the
//! next owner of the merchant has the same calls open, and hands them out as in doubt.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use tokio::sync::{Notify, mpsc};
use vocabulary::{Account, Epoch, Timestamp};

use super::{
    Job, Load,
    wire::{Answer, HandedOut, Take, Tell},
};
use crate::{adapters::Adapters, ports::Clock};

/// How long a worker that asks waits for a call to become due.
const WAIT: Duration = Duration::from_secs(2);
/// How many calls go into one answer at most.
const AT_ONCE: usize = 64;
/// How many calls of one account a worker has at most, begun or not: what it has when it dies is in doubt, and accounts that do not
/// answer leave room for the others.
const OF_ONE_ACCOUNT: usize = 64;

/// The open calls of a merchant.
pub(crate) struct Outside {
    epoch: Epoch,
    adapters: Arc<Adapters>,
    clock: Arc<dyn Clock>,
    load: Arc<Load>,
    books: Mutex<Books>,
    changed: Notify,
    merchant: String,
}

#[derive(Default)]
struct Books {
    /// By ticket, so in the order they came.
    open: BTreeMap<u64, Open>,
    /// How many of them are handed out.
    handed: usize,
    last: u64,
    /// The highest term that was heard of.
    term: u64,
    /// The last question of that term.
    turn: u64,
    closed: bool,
}

struct Open {
    job: Job,
    /// The worker of the highest term has it, as far as is known.
    handed: bool,
}

/// What came of an outcome that was told.
pub(crate) enum Told {
    /// It was awaited: the job.
    Awaited(Box<Job>),
    /// Nothing is to be done with it.
    Refused(Answer),
}

impl Outside {
    pub(crate) fn new(
        merchant: String,
        epoch: Epoch,
        adapters: Arc<Adapters>,
        clock: Arc<dyn Clock>,
        load: Arc<Load>,
    ) -> Self {
        let (books, changed) = (Mutex::default(), Notify::new());
        Self { epoch, adapters, clock, load, books, changed, merchant }
    }

    /// Takes calls in until the queue's sender is gone.
    pub(crate) async fn run(self: Arc<Self>, mut jobs: mpsc::UnboundedReceiver<Job>) {
        while let Some(job) = jobs.recv().await {
            self.put(job);
        }
        self.close();
        // The merchant is somebody else's by now, and so is what is open.
        let mut books = self.books();
        (books.open, books.handed) = (BTreeMap::new(), 0);
        self.note(&books);
    }

    fn put(&self, job: Job) {
        let mut books = self.books();
        books.last += 1;
        let ticket = books.last;
        books.open.insert(ticket, Open { job: Job { ticket, ..job }, handed: false });
        self.note(&books);
        drop(books);
        self.changed.notify_waiters();
    }

    /// Answers a worker that asks for calls: as soon as some are due, and with none after a while.
    pub(crate) async fn take(&self, take: &Take) -> Answer {
        let now = self.clock.now();
        let until = now.plus_millis(i64::try_from(WAIT.as_millis()).unwrap_or(0));
        loop {
            let changed = self.changed.notified();
            let mut changed = std::pin::pin!(changed);
            // From here on no change is missed.
            changed.as_mut().enable();
            let now = self.clock.now();
            let next_due = match self.look(take, now, now >= until) {
                Ok(answer) => return answer,
                Err(next_due) => next_due,
            };
            tokio::select! {
                () = changed => {}
                // Time that is driven by hand has gone on.
                () = self.load.nudge.notified() => {}
                () = self.clock.sleep_until(next_due.map_or(until, |at| at.min(until))) => {}
            }
        }
    }

    /// The answer, or when the next call is due where there is none yet.
    fn look(&self, take: &Take, now: Timestamp, is_last: bool) -> Result<Answer, Option<Timestamp>> {
        if take.epoch != Some(self.epoch) {
            return Ok(Answer::OtherEpoch(self.epoch));
        }
        let mut books = self.books();
        if take.term < books.term {
            return Ok(Answer::OtherWorker);
        }
        books.heard(take);
        if books.turn > take.turn {
            return Ok(Answer::Calls(Vec::new()));
        }
        let at_most = if books.closed { 0 } else { take.at_most.min(AT_ONCE) };
        let calls = books.hand_out(now, at_most, &self.adapters);
        self.note(&books);
        if !calls.is_empty() || is_last || take.at_most == 0 {
            return Ok(Answer::Calls(calls));
        }
        // What is due and not handed out waits for an outcome, which is a change.
        Err(books.open.values().map(|open| open.job.not_before).filter(|at| *at > now).min())
    }

    /// Takes an outcome out of the books, if it is the one that is awaited: of this epoch, of the worker that has the
    /// call, of this attempt at it.
    pub(crate) fn told(&self, tell: &Tell) -> Told {
        if tell.epoch != self.epoch {
            return Told::Refused(Answer::OtherEpoch(self.epoch));
        }
        let mut books = self.books();
        if tell.term != books.term {
            return Told::Refused(Answer::OtherWorker);
        }
        let is_awaited = |open: &Open| {
            open.handed && open.job.key == tell.key && open.job.attempts.saturating_add(1) == tell.attempt
        };
        if !books.open.get(&tell.ticket).is_some_and(is_awaited) {
            return Told::Refused(Answer::NotAwaited);
        }
        let Some(open) = books.open.remove(&tell.ticket) else {
            return Told::Refused(Answer::NotAwaited);
        };
        books.handed = books.handed.saturating_sub(1);
        self.note(&books);
        drop(books);
        self.changed.notify_waiters();
        Told::Awaited(Box::new(Job { ticket: 0, ..open.job }))
    }

    /// Hands out nothing from here on. Outcomes are still taken.
    pub(crate) fn close(&self) {
        self.books().closed = true;
        self.changed.notify_waiters();
    }

    /// Returns when no worker has a call any more.
    pub(crate) async fn all_told(&self) {
        loop {
            let changed = self.changed.notified();
            let mut changed = std::pin::pin!(changed);
            changed.as_mut().enable();
            if self.books().handed == 0 {
                return;
            }
            changed.await;
        }
    }

    fn note(&self, books: &Books) {
        let waiting = books.open.len().saturating_sub(books.handed);
        for (state, count) in [("waiting", waiting), ("handed_out", books.handed)] {
            let labels = [("merchant", self.merchant.clone()), ("state", state.to_owned())];
            metrics::gauge!("kami_calls_elsewhere", &labels).set(count as f64);
        }
        if self.clock.is_manual() {
            // Whoever settles waits for the worker, as for a runner of this process.
            let waiting = books.open.values().filter(|open| !open.handed).map(|open| open.job.not_before);
            self.load.wait_elsewhere(waiting.clone().count(), waiting.min());
        }
    }

    /// One outcome more was taken in by the sequencer.
    pub(crate) fn done(&self) {
        self.load.open.fetch_sub(1, Ordering::SeqCst);
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    /// Takes note of who asks, and of what it has: what an earlier worker had is in doubt, and what this one was handed
    /// and has not never reached it, or is given back.
    fn heard(&mut self, take: &Take) {
        let is_new = take.term > self.term;
        if is_new {
            (self.term, self.turn) = (take.term, 0);
        }
        // What was handed out upon this very question is not among what the worker has.
        if take.turn <= self.turn {
            return;
        }
        self.turn = take.turn;
        let has: HashSet<u64> = take.have.iter().copied().collect();
        for open in self.open.values_mut().filter(|open| open.handed) {
            if is_new {
                open.job = open.job.clone().in_doubt();
            }
            open.handed = !is_new && has.contains(&open.job.ticket);
            self.handed -= usize::from(!open.handed);
        }
    }

    fn hand_out(&mut self, now: Timestamp, at_most: usize, adapters: &Adapters) -> Vec<HandedOut> {
        let mut had: HashMap<Account, usize> = HashMap::new();
        for open in self.open.values().filter(|open| open.handed) {
            *had.entry(open.job.account.clone()).or_default() += 1;
        }
        let due = self.open.values_mut().filter(|open| !open.handed && open.job.not_before <= now);
        let in_bounds = due.filter(|open| {
            let had = had.entry(open.job.account.clone()).or_default();
            *had += 1;
            *had <= OF_ONE_ACCOUNT
        });
        let handed = in_bounds.take(at_most).map(|open| {
            open.handed = true;
            // It is due by the owner's clock, which is the one that decides.
            let job = Job { not_before: Timestamp::default(), ..open.job.clone() };
            HandedOut { settings: adapters.settings_digest(&job.account), job }
        });
        let handed: Vec<HandedOut> = handed.collect();
        self.handed += handed.len();
        handed
    }
}

#[cfg(test)]
mod tests;
