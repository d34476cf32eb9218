//! Streams in memory: expected revisions, appends that are stored whole, and repeats recognised by the ids of events.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::watch;

use crate::{
    Fault, Flaw,
    wire::{Expected, Proposed},
};

/// What the server's setting `MaxAppendSize` is unless it is set.
const MAX_APPEND: usize = 1 << 20;

/// A limit in bytes.
struct Limit(usize);

impl Default for Limit {
    fn default() -> Self {
        Self(MAX_APPEND)
    }
}

/// One event of a stream.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) id: String,
    pub(crate) event: Proposed,
}

impl Stored {
    fn size(&self) -> usize {
        let kind = self.event.metadata.get("type").map_or(0, String::len);
        2 * kind + self.event.data.len() + self.event.custom_metadata.len()
    }
}

/// An append as it was asked for.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) stream: Bytes,
    pub(crate) expected: Expected,
    pub(crate) events: Vec<Stored>,
}

/// What became of an append.
pub(crate) enum Outcome {
    /// Stored, now or before; the revision of its last event.
    Stored(u64),
    /// The stream is elsewhere: the revision of its last event, if it has any.
    Wrong(Option<u64>),
    /// More than an append may hold, in bytes.
    TooLarge(usize),
}

#[derive(Default)]
struct Kept {
    streams: HashMap<Bytes, Vec<Stored>>,
    faults: VecDeque<(String, Fault)>,
    /// Appends that are stored when their stream has been read once more.
    late: Vec<Asked>,
    flaw: Option<Flaw>,
    appends: u64,
    limit: Limit,
}

/// All streams of a server.
pub(crate) struct Store {
    kept: Mutex<Kept>,
    changed: watch::Sender<u64>,
}

impl Store {
    pub(crate) fn new(flaw: Option<Flaw>) -> Self {
        let kept = Kept { flaw, ..Kept::default() };
        Self { kept: Mutex::new(kept), changed: watch::Sender::new(0) }
    }

    /// Another store with the same streams.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::new(None);
        copy.kept().streams = self.kept().streams.clone();
        copy
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Told after each change of any stream.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// What the next append to such a stream suffers.
    pub(crate) fn plan(&self, stream: &str, fault: Fault) {
        self.kept().faults.push_back((stream.to_owned(), fault));
    }

    pub(crate) fn planned(&self) -> usize {
        self.kept().faults.len()
    }

    pub(crate) fn appends(&self) -> u64 {
        self.kept().appends
    }

    pub(crate) fn limit(&self, bytes: usize) {
        self.kept().limit = Limit(bytes);
    }

    pub(crate) fn take_fault(&self, stream: &[u8]) -> Option<Fault> {
        let mut kept = self.kept();
        let found = kept.faults.iter().position(|(of, _)| String::from_utf8_lossy(stream).contains(of))?;
        kept.faults.remove(found).map(|(_, fault)| fault)
    }

    pub(crate) fn keep_for_later(&self, asked: Asked) {
        self.kept().late.push(asked);
    }

    /// Stores an append whole, or says why not.
    pub(crate) fn append(&self, asked: Asked) -> Outcome {
        let outcome = self.kept().append(asked);
        self.changed.send_modify(|changes| *changes += 1);
        outcome
    }

    /// The events of a stream from a revision on; `None` when there is no such stream. What was kept for later is stored
    /// right after.
    pub(crate) fn read(&self, stream: &Bytes, from: usize, limit: usize) -> Option<Vec<Stored>> {
        let mut kept = self.kept();
        let found =
            kept.streams.get(stream).map(|events| events.iter().skip(from).take(limit).cloned().collect());
        let (due, rest): (Vec<_>, Vec<_>) = kept.late.drain(..).partition(|late| late.stream == stream);
        kept.late = rest;
        for late in due {
            // Nobody waits for the answer any more.
            let _outcome = kept.append(late);
        }
        found
    }

    pub(crate) fn len(&self, stream: &Bytes) -> usize {
        self.kept().streams.get(stream).map_or(0, Vec::len)
    }

    /// The names of all streams.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> =
            self.kept().streams.keys().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        names.sort();
        names
    }

    /// Changes the events of a stream behind everybody's back.
    pub(crate) fn tamper(&self, stream: &str, change: impl FnOnce(&mut Vec<Stored>)) {
        if let Some(events) = self.kept().streams.get_mut(stream.as_bytes()) {
            change(events);
        }
    }
}

impl Kept {
    fn append(&mut self, asked: Asked) -> Outcome {
        let size: usize = asked.events.iter().map(Stored::size).sum();
        if size > self.limit.0 {
            return Outcome::TooLarge(self.limit.0);
        }
        self.appends += 1;
        let flaw = self.flaw;
        let events = self.streams.entry(asked.stream.clone()).or_default();
        let last = events.len().checked_sub(1).map(|last| last as u64);
        let start = match asked.expected {
            Expected::Revision(revision) => revision as usize + 1,
            Expected::NoStream(()) => 0,
            Expected::Any(()) | Expected::StreamExists(()) => {
                let first = asked.events.first().map(|event| &event.id);
                events.iter().position(|event| Some(&event.id) == first).unwrap_or(events.len())
            }
        };
        if flaw == Some(Flaw::IgnoresRevisions) || start == events.len() {
            let half = asked.events.len().div_ceil(2);
            let whole = flaw != Some(Flaw::StoresHalf);
            events.extend(asked.events.into_iter().take(if whole { usize::MAX } else { half }));
            return Outcome::Stored(events.len() as u64 - 1);
        }
        let there = events.get(start..start + asked.events.len());
        let same = there.is_some_and(|there| there.iter().zip(&asked.events).all(|(a, b)| a.id == b.id));
        if same && flaw != Some(Flaw::ForgetsIds) {
            return Outcome::Stored((start + asked.events.len()) as u64 - 1);
        }
        if events.is_empty() {
            self.streams.remove(&asked.stream);
        }
        Outcome::Wrong(last)
    }
}
