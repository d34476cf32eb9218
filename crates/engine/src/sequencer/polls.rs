//! Polls: when each is due, what it asks for, and what becomes of what it found.
//!
//! A poll is a job like any other call. Its next step leaves only once what the step before found is durable, since
//! jobs are let go behind the unit that they are staged in.

use std::collections::HashMap;

use channel::Window;
use events::channel::AttemptOutcome;
use vault::PollMark;
use vocabulary::{Account, Timestamp};

use super::{Sequencer, time::timer};
use crate::{
    EngineError,
    adapters::Adapters,
    effects::{Job, JobKey, JobKind, PollJob, PollStep},
    host::lock,
    upkeep::UpkeepStatus,
    work::Staged,
};

/// What the adapter says of a poll, in seconds.
#[derive(Debug, Clone, Copy)]
struct Rules {
    every: i64,
    window_max: i64,
    overlap: i64,
}

/// How one poll stands.
#[derive(Debug)]
struct Polling {
    rules: Rules,
    /// Everything before this was fetched; none before the first time.
    mark: Option<Timestamp>,
    failures: u32,
    problem: Option<String>,
    not_before: Timestamp,
    busy: bool,
}

type Key = (Account, String);

/// All polls of the connected accounts.
pub(super) struct Polls {
    by_key: HashMap<Key, Polling>,
    marks: HashMap<Key, Timestamp>,
    seen: Option<u64>,
}

impl Polls {
    pub(super) fn new(marks: Vec<PollMark>) -> Self {
        let marks = marks.into_iter().map(|mark| ((mark.account, mark.poll), mark.until)).collect();
        Self { by_key: HashMap::new(), marks, seen: None }
    }

    /// Takes note of adapters that are new, and forgets polls that are gone.
    pub(super) fn refresh(&mut self, adapters: &Adapters) {
        let changes = adapters.changes();
        if self.seen == Some(changes) {
            return;
        }
        self.seen = Some(changes);
        let mut before = std::mem::take(&mut self.by_key);
        for adapter in adapters.all() {
            for poll in adapter.polls() {
                let rules = Rules::of(poll.every_secs(), poll.window_max_secs(), poll.overlap_secs());
                let key = (adapter.account().clone(), poll.name().to_owned());
                let kept = before.remove(&key);
                let mark = self.marks.get(&key).copied();
                let fresh = Polling {
                    rules,
                    mark,
                    failures: 0,
                    problem: None,
                    not_before: Timestamp::default(),
                    busy: false,
                };
                // New settings may heal what failed, so they are tried without a wait.
                let polling =
                    kept.map_or(fresh, |kept| Polling { rules, not_before: Timestamp::default(), ..kept });
                self.by_key.insert(key, polling);
            }
        }
    }
}

impl Rules {
    /// The overlap must leave every window something new.
    fn of(every: u32, window_max: u32, overlap: u32) -> Self {
        let window_max = i64::from(window_max.max(2));
        Self { every: i64::from(every.max(5)), window_max, overlap: i64::from(overlap).min(window_max / 2) }
    }

    /// What is to be fetched next, where `begin` is when the account was connected.
    fn window(self, mark: Option<Timestamp>, begin: Timestamp, now: Timestamp) -> Window {
        let since = mark.map_or(begin, |mark| mark.plus_secs(-self.overlap).max(begin));
        Window { since, until: since.plus_secs(self.window_max).min(now), cursor: None }
    }
}

impl Sequencer {
    /// When the account was connected; none where it is not, or its sales are stopped.
    fn polled_since(&self, account: &Account) -> Option<Timestamp> {
        let desk = lock(&self.desk);
        let entry = desk.channels.get(&account.stream())?;
        (entry.state.connected().is_some() && !entry.state.suspended()).then_some(entry.first_at)
    }

    fn due_at(&self, (account, _): &Key, polling: &Polling) -> Option<Timestamp> {
        let begin = self.polled_since(account).filter(|_| !polling.busy)?;
        let at = polling.mark.unwrap_or(begin).plus_secs(polling.rules.every);
        Some(at.max(polling.not_before))
    }

    /// When the next poll is due.
    pub(super) fn next_poll(&self) -> Option<Timestamp> {
        self.polls.by_key.iter().filter_map(|(key, polling)| self.due_at(key, polling)).min()
    }

    /// Starts the polls that are due.
    pub(super) async fn start_polls(&mut self, now: Timestamp) -> Result<(), EngineError> {
        self.polls.refresh(&self.adapters);
        let is_due =
            |(key, polling): &(&Key, &Polling)| self.due_at(key, polling).is_some_and(|at| at <= now);
        let mut due: Vec<Key> = self.polls.by_key.iter().filter(is_due).map(|(key, _)| key.clone()).collect();
        if due.is_empty() {
            return Ok(());
        }
        due.sort_unstable();
        let mut jobs = Vec::new();
        for key in due {
            let Some(begin) = self.polled_since(&key.0) else { continue };
            let Some(polling) = self.polls.by_key.get_mut(&key) else { continue };
            polling.busy = true;
            let step = PollStep::Fetch(polling.rules.window(polling.mark, begin, now));
            jobs.push(step_job(&key, step, polling.failures));
        }
        self.commit(&timer("poll"), Staged { jobs, ..Staged::default() }).await
    }

    /// A step of a poll ended. `page` is where the next page begins, and what the channel wants to hear.
    pub(super) fn polled(
        &mut self,
        job: &Job,
        poll: PollJob,
        outcome: &AttemptOutcome,
        page: Option<(Option<String>, Option<String>)>,
        jobs: &mut Vec<Job>,
    ) {
        let key = (job.account.clone(), poll.name);
        let stopped = self.polled_since(&key.0).is_none();
        let retry_at = match outcome {
            // A no for good may yet change, by new settings or at the channel: asked again, but seldom.
            AttemptOutcome::Refused { .. } => {
                let wait = i64::try_from(self.policy.effects.backoff_max_ms).unwrap_or(i64::MAX);
                self.now().plus_millis(wait)
            }
            _ => self.retry_at(outcome, job.attempts.saturating_add(1)),
        };
        let Some(polling) = self.polls.by_key.get_mut(&key) else { return };
        polling.busy = false;
        let next = match (outcome, poll.step, page) {
            (AttemptOutcome::Done, PollStep::Fetch(window), Some((next, confirm))) => {
                if next.is_some() && next == window.cursor {
                    polling.failed("the_same_page_again", retry_at);
                    None
                } else {
                    Some(after_page(window, next, confirm))
                }
            }
            (AttemptOutcome::Done, PollStep::Keep { mark, then, .. }, _) => {
                polling.mark = mark.or(polling.mark);
                (polling.failures, polling.problem) = (0, None);
                then.map(PollStep::Fetch)
            }
            _ => {
                polling.failed(code_of(outcome), retry_at);
                None
            }
        };
        let problem = polling.problem.clone();
        let what = format!("poll:{}", key.1);
        let status = UpkeepStatus { what, fetched_until: polling.mark, failures: polling.failures, problem };
        if let (Some(step), false) = (next, stopped) {
            polling.busy = true;
            jobs.push(step_job(&key, step, polling.failures));
        }
        self.polls.marks.extend(status.fetched_until.map(|mark| (key.clone(), mark)));
        self.board.write(&key.0, status);
    }
}

impl Polling {
    fn failed(&mut self, code: &str, retry_at: Timestamp) {
        tracing::warn!(code, failures = self.failures, "a poll failed");
        self.failures = self.failures.saturating_add(1);
        self.problem = Some(code.to_owned());
        self.not_before = retry_at;
    }
}

/// After a page comes, once it is durable, its confirmation, and after the last one the mark.
fn after_page(window: Window, next: Option<String>, confirm: Option<String>) -> PollStep {
    let mark = next.is_none().then_some(window.until);
    let then = next.map(|cursor| Window { cursor: Some(cursor), ..window });
    PollStep::Keep { confirm, mark, then }
}

fn step_job(key: &Key, step: PollStep, failures: u32) -> Job {
    Job {
        key: JobKey::Poll(key.0.clone(), key.1.clone()),
        account: key.0.clone(),
        kind: JobKind::Poll(PollJob { name: key.1.clone(), step }),
        attempts: failures,
        unknown: false,
        not_before: Timestamp::default(),
        ticket: 0,
    }
}

fn code_of(outcome: &AttemptOutcome) -> &str {
    match outcome {
        AttemptOutcome::Done => "unreadable_page",
        AttemptOutcome::Refused { code }
        | AttemptOutcome::RetryAfter { code, .. }
        | AttemptOutcome::Unknown { code }
        | AttemptOutcome::Abandoned { code } => code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_begin_with_the_connection_overlap_and_always_get_on() {
        let at = Timestamp::from_secs;
        let rules = Rules::of(60, 600, 300);
        let first = rules.window(None, at(1_000), at(1_060));
        assert_eq!((first.since, first.until), (at(1_000), at(1_060)));
        let second = rules.window(Some(at(1_060)), at(1_000), at(1_120));
        assert_eq!((second.since, second.until), (at(1_000), at(1_120)), "not before the connection");
        let gap = rules.window(Some(at(5_000)), at(1_000), at(9_000));
        assert_eq!((gap.since, gap.until), (at(4_700), at(5_300)));
        let narrow = Rules::of(60, 100, 300).window(Some(at(5_000)), at(1_000), at(9_000));
        assert!(narrow.until > at(5_000));
    }
}
