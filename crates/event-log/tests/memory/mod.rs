//! A log in memory, as plain as can be, and the faults it can be given: what the suite must tell apart.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use event_log::{
    Append, EventLog, Head, InboxFilter, InboxRow, InboxTally, LogError, NumberKind, NumberRow, Snapshot,
    Spans, conformance::Backend, tally_by_pages,
};
use events::{RecordedEvent, chain};
use tokio::sync::watch;
use vocabulary::{Epoch, MerchantId, MessageId, Position, StreamId, StreamVersion, Timestamp};

/// What a log may get wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    IgnoresEpochs,
    IgnoresPositions,
    AcceptsHoles,
    StoresPartsOneByOne,
    /// It says that it does not span merchants, and splits the parts of one.
    SplitsWhatItSpans,
    ShowsLaterEventsFirst,
    ForgetsUniqueNumbers,
    ForgetsUniqueDedupeKeys,
    ForgetsUniqueVersions,
    TellsBeforeItStores,
    TellsNobody,
    ForgetsOnReopening,
    ReadsOneTooMany,
    ListsOldestFirst,
    CountsFromTheWrongInstant,
    AddsSnapshots,
    CountsWhatComesLater,
}

#[derive(Default, Clone)]
struct Merchant {
    head: Option<Head>,
    events: Vec<RecordedEvent>,
    inbox: Vec<InboxRow>,
    numbers: Vec<NumberRow>,
    snapshots: Vec<Snapshot>,
}

/// What outlives a log: its place.
#[derive(Default)]
pub(crate) struct Place(Mutex<HashMap<MerchantId, Merchant>>);

pub(crate) struct MemoryLog {
    fault: Fault,
    place: Arc<Place>,
    heads: Mutex<HashMap<MerchantId, watch::Sender<Position>>>,
}

/// Makes logs with one fault.
pub(crate) struct InMemory(pub(crate) Fault);

impl Backend for InMemory {
    type Log = MemoryLog;
    type Place = Arc<Place>;

    async fn place(&self) -> Arc<Place> {
        Arc::default()
    }
    async fn open(&self, place: &Arc<Place>) -> MemoryLog {
        if self.0 == Fault::ForgetsOnReopening {
            place.0.lock().unwrap().clear();
        }
        MemoryLog { fault: self.0, place: Arc::clone(place), heads: Mutex::default() }
    }
    async fn close(&self, _: &MemoryLog) {}
}

impl MemoryLog {
    fn merchants(&self) -> MutexGuard<'_, HashMap<MerchantId, Merchant>> {
        self.place.0.lock().unwrap()
    }
    fn of(&self, merchant: &MerchantId) -> Merchant {
        self.merchants().get(merchant).cloned().unwrap_or_default()
    }
    fn tell(&self, merchant: &MerchantId, position: Position) {
        let mut heads = self.heads.lock().unwrap();
        let sender = heads.entry(merchant.clone()).or_default();
        sender.send_if_modified(|known| position > *known && std::mem::replace(known, position) != position);
    }

    /// As where positions are given out before the commit: the last event is seen, told of and read before
    /// the first.
    async fn hide_and_show(&self, parts: &[Append]) {
        for part in parts {
            let whole = self.of(&part.merchant).events;
            let hidden = |event: &RecordedEvent| event.position.0 == part.expected_position.0 + 1;
            self.merchants().entry(part.merchant.clone()).or_default().events.retain(|event| !hidden(event));
            self.tell(&part.merchant, Position(part.expected_position.0 + 1));
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            self.merchants().entry(part.merchant.clone()).or_default().events = whole;
        }
    }

    fn store(&self, merchants: &mut HashMap<MerchantId, Merchant>, part: &Append) -> Result<(), LogError> {
        let (merchant, ours, expected) = (part.merchant.clone(), part.epoch, part.expected_position);
        let stored = merchants.entry(merchant.clone()).or_default();
        let Some(head) = stored.head.as_mut() else {
            return Err(LogError::Fenced { merchant, ours, current: Epoch(0) });
        };
        if head.epoch != ours && self.fault != Fault::IgnoresEpochs {
            return Err(LogError::Fenced { merchant, ours, current: head.epoch });
        }
        if head.position != expected && self.fault != Fault::IgnoresPositions {
            return Err(LogError::WrongPosition { merchant, expected, current: head.position });
        }
        for (event, next) in part.events.iter().zip(expected.0 + 1..) {
            let follows = event.position.0 == next && event.merchant == merchant;
            if !follows && self.fault != Fault::AcceptsHoles {
                return Err(LogError::Damaged(format!("{} is not {next}", event.position)));
            }
            let taken = |e: &RecordedEvent| (&e.stream, e.version) == (&event.stream, event.version);
            if stored.events.iter().any(taken) && self.fault != Fault::ForgetsUniqueVersions {
                return Err(LogError::Collision("version".to_owned()));
            }
            stored.events.push(event.clone());
            (head.position, head.hash, head.recorded_at) = (event.position, event.hash, event.recorded_at);
        }
        for row in &part.inbox {
            let key_taken = |r: &InboxRow| r.dedupe_key.is_some() && r.dedupe_key == row.dedupe_key;
            let key = self.fault != Fault::ForgetsUniqueDedupeKeys && stored.inbox.iter().any(key_taken);
            if key || stored.inbox.iter().any(|r| r.message == row.message) {
                return Err(LogError::Collision("message".to_owned()));
            }
            stored.inbox.push(row.clone());
        }
        for row in &part.numbers {
            let taken =
                |n: &NumberRow| (n.kind, &n.namespace, &n.number) == (row.kind, &row.namespace, &row.number);
            if stored.numbers.iter().any(taken) && self.fault != Fault::ForgetsUniqueNumbers {
                return Err(LogError::Collision("number".to_owned()));
            }
            stored.numbers.push(row.clone());
        }
        Ok(())
    }
}

#[async_trait]
impl EventLog for MemoryLog {
    async fn claim(&self, merchant: &MerchantId) -> Result<Head, LogError> {
        let mut merchants = self.merchants();
        let empty = Head {
            position: Position(0),
            hash: chain::GENESIS,
            epoch: Epoch(0),
            recorded_at: Timestamp::from_micros(0),
        };
        let head = merchants.entry(merchant.clone()).or_default().head.get_or_insert(empty);
        head.epoch.0 += 1;
        Ok(head.clone())
    }

    async fn append(&self, parts: &[Append]) -> Result<(), LogError> {
        let ends = parts.iter().filter_map(|part| Some((&part.merchant, part.events.last()?.position)));
        if self.fault == Fault::TellsBeforeItStores {
            ends.clone().for_each(|(merchant, position)| self.tell(merchant, position));
            tokio::task::yield_now().await;
        }
        if matches!(self.fault, Fault::StoresPartsOneByOne | Fault::SplitsWhatItSpans) {
            for part in parts {
                self.store(&mut self.merchants(), part)?;
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
            }
        } else {
            let mut merchants = self.merchants();
            let mut next = merchants.clone();
            parts.iter().try_for_each(|part| self.store(&mut next, part))?;
            *merchants = next;
        }
        if self.fault == Fault::ShowsLaterEventsFirst {
            self.hide_and_show(parts).await;
        }
        if self.fault != Fault::TellsNobody {
            ends.for_each(|(merchant, position)| self.tell(merchant, position));
        }
        Ok(())
    }

    fn spans_merchants(&self) -> bool {
        self.fault != Fault::SplitsWhatItSpans
    }

    async fn read_log(
        &self,
        merchant: &MerchantId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let limit = limit.saturating_add(usize::from(self.fault == Fault::ReadsOneTooMany));
        let later = self.of(merchant).events.into_iter().filter(|event| event.position > after);
        Ok(later.take(limit).collect())
    }

    async fn read_stream(
        &self,
        merchant: &MerchantId,
        stream: &StreamId,
        from: StreamVersion,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let events = self.of(merchant).events.into_iter();
        Ok(events.filter(|event| event.stream == *stream && event.version >= from).take(limit).collect())
    }

    async fn read_streams(
        &self,
        merchant: &MerchantId,
        streams: &[StreamId],
    ) -> Result<Vec<RecordedEvent>, LogError> {
        Ok(self.of(merchant).events.into_iter().filter(|event| streams.contains(&event.stream)).collect())
    }

    async fn head(&self, merchant: &MerchantId) -> Result<Option<Head>, LogError> {
        Ok(self.of(merchant).head)
    }

    async fn merchants(&self) -> Result<Vec<MerchantId>, LogError> {
        let merchants = self.merchants();
        let mut names: Vec<_> =
            merchants.iter().filter(|(_, m)| m.head.is_some()).map(|(n, _)| n.clone()).collect();
        names.sort();
        Ok(names)
    }

    fn watch(&self, merchant: &MerchantId) -> watch::Receiver<Position> {
        self.tell(merchant, self.of(merchant).head.map_or(Position(0), |head| head.position));
        self.heads.lock().unwrap()[merchant].subscribe()
    }

    async fn find_inbox(&self, merchant: &MerchantId, keys: &[String]) -> Result<Vec<InboxRow>, LogError> {
        let wanted = |row: &InboxRow| row.dedupe_key.as_ref().is_some_and(|key| keys.contains(key));
        Ok(self.of(merchant).inbox.into_iter().filter(wanted).collect())
    }

    async fn read_inbox(&self, merchant: &MerchantId, id: &MessageId) -> Result<Option<InboxRow>, LogError> {
        Ok(self.of(merchant).inbox.into_iter().find(|row| row.message == *id))
    }

    async fn list_inbox(
        &self,
        merchant: &MerchantId,
        filter: &InboxFilter,
        limit: usize,
    ) -> Result<Vec<InboxRow>, LogError> {
        let mut rows = self.of(merchant).inbox;
        rows.retain(|row| filter.account.as_ref().is_none_or(|account| *account == row.account));
        rows.retain(|row| filter.verdict.is_none_or(|verdict| verdict == row.verdict));
        rows.retain(|row| filter.before.is_none_or(|before| row.received_at < before));
        rows.retain(|row| {
            let touches = |(first, last)| row.positions.is_some_and(|(from, to)| from <= last && to >= first);
            filter.caused.is_none_or(touches)
        });
        rows.sort_by(|a, b| (b.received_at, &b.message).cmp(&(a.received_at, &a.message)));
        if self.fault == Fault::ListsOldestFirst {
            rows.reverse();
        }
        rows.truncate(limit);
        Ok(rows)
    }

    async fn tally_inbox(&self, merchant: &MerchantId, spans: &Spans) -> Result<Vec<InboxTally>, LogError> {
        let mut spans = *spans;
        if self.fault == Fault::CountsWhatComesLater {
            spans.until = spans.until.plus_secs(1);
        }
        tally_by_pages(self, merchant, &spans).await
    }

    async fn find_numbers(
        &self,
        merchant: &MerchantId,
        keys: &[(NumberKind, String, String)],
    ) -> Result<Vec<NumberRow>, LogError> {
        let wanted = |row: &NumberRow| keys.contains(&(row.kind, row.namespace.clone(), row.number.clone()));
        Ok(self.of(merchant).numbers.into_iter().filter(wanted).collect())
    }

    async fn save_snapshot(&self, merchant: &MerchantId, snapshot: &Snapshot) -> Result<(), LogError> {
        let mut merchants = self.merchants();
        let kept = &mut merchants.entry(merchant.clone()).or_default().snapshots;
        if self.fault != Fault::AddsSnapshots {
            kept.clear();
        }
        kept.push(snapshot.clone());
        Ok(())
    }

    async fn load_snapshot(&self, merchant: &MerchantId) -> Result<Option<Snapshot>, LogError> {
        Ok(self.of(merchant).snapshots.into_iter().next())
    }

    async fn position_at(&self, merchant: &MerchantId, at: Timestamp) -> Result<Position, LogError> {
        let by_then = |event: &&RecordedEvent| match self.fault {
            Fault::CountsFromTheWrongInstant => event.recorded_at < at,
            _ => event.recorded_at <= at,
        };
        Ok(self.of(merchant).events.iter().rfind(by_then).map_or(Position(0), |event| event.position))
    }
}
