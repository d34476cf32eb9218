//! A log in memory.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use event_log::{Append, EventLog, Head, InboxFilter, InboxRow, LogError, NumberKind, NumberRow, Snapshot};
use events::RecordedEvent;
use tokio::sync::watch;
use vocabulary::{Epoch, MerchantId, MessageId, Position, StreamId, StreamVersion, Timestamp};

/// A log that forgets everything when it is dropped.
#[derive(Default)]
pub struct MemoryLog(Mutex<HashMap<MerchantId, Book>>);

#[derive(Default)]
struct Book {
    epoch: Epoch,
    events: Vec<RecordedEvent>,
    inbox: Vec<InboxRow>,
    numbers: Vec<NumberRow>,
    snapshot: Option<Snapshot>,
    news: watch::Sender<Position>,
}

impl Book {
    fn position(&self) -> Position {
        self.events.last().map(|event| event.position).unwrap_or_default()
    }
}

impl MemoryLog {
    /// A log that holds these events already.
    pub fn holding(events: Vec<RecordedEvent>) -> Self {
        let log = Self::default();
        log.add(events);
        log
    }

    /// Adds events at the end, without the checks of an append.
    pub fn add(&self, events: Vec<RecordedEvent>) {
        let mut books = self.books();
        for event in events {
            books.entry(event.merchant.clone()).or_default().events.push(event);
        }
        for book in books.values() {
            book.news.send_replace(book.position());
        }
    }

    fn books(&self) -> MutexGuard<'_, HashMap<MerchantId, Book>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The events that `wanted` accepts, at most `limit`.
    fn select(
        &self,
        merchant: &MerchantId,
        limit: usize,
        wanted: impl Fn(&RecordedEvent) -> bool,
    ) -> Vec<RecordedEvent> {
        let books = self.books();
        let events = books.get(merchant).into_iter().flat_map(|book| &book.events);
        events.filter(|event| wanted(event)).take(limit).cloned().collect()
    }
}

#[async_trait]
impl EventLog for MemoryLog {
    async fn claim(&self, merchant: &MerchantId) -> Result<Head, LogError> {
        self.books().entry(merchant.clone()).or_default().epoch.0 += 1;
        self.head(merchant).await?.ok_or_else(|| LogError::Damaged("a claimed log has no head".into()))
    }

    async fn append(&self, parts: &[Append]) -> Result<(), LogError> {
        let mut books = self.books();
        for part in parts {
            let book = books.entry(part.merchant.clone()).or_default();
            let merchant = part.merchant.clone();
            if part.epoch != book.epoch {
                return Err(LogError::Fenced { merchant, ours: part.epoch, current: book.epoch });
            }
            if part.expected_position != book.position() {
                let (expected, current) = (part.expected_position, book.position());
                return Err(LogError::WrongPosition { merchant, expected, current });
            }
        }
        for part in parts {
            let book = books.entry(part.merchant.clone()).or_default();
            book.events.extend(part.events.iter().cloned());
            book.inbox.extend(part.inbox.iter().cloned());
            book.numbers.extend(part.numbers.iter().cloned());
            book.news.send_replace(book.position());
        }
        Ok(())
    }

    async fn read_log(
        &self,
        merchant: &MerchantId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let books = self.books();
        let events = books.get(merchant).map_or(&[][..], |book| &book.events);
        let start = events.partition_point(|event| event.position <= after);
        Ok(events[start..].iter().take(limit).cloned().collect())
    }

    async fn read_stream(
        &self,
        merchant: &MerchantId,
        stream: &StreamId,
        from: StreamVersion,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        Ok(self.select(merchant, limit, |event| event.stream == *stream && event.version >= from))
    }

    async fn read_streams(
        &self,
        merchant: &MerchantId,
        streams: &[StreamId],
    ) -> Result<Vec<RecordedEvent>, LogError> {
        Ok(self.select(merchant, usize::MAX, |event| streams.contains(&event.stream)))
    }

    async fn head(&self, merchant: &MerchantId) -> Result<Option<Head>, LogError> {
        let books = self.books();
        Ok(books.get(merchant).map(|book| Head {
            position: book.position(),
            hash: book.events.last().map_or(events::chain::GENESIS, |event| event.hash),
            epoch: book.epoch,
            recorded_at: book.events.last().map(|event| event.recorded_at).unwrap_or_default(),
        }))
    }

    async fn merchants(&self) -> Result<Vec<MerchantId>, LogError> {
        let mut names: Vec<MerchantId> = self.books().keys().cloned().collect();
        names.sort();
        Ok(names)
    }

    fn watch(&self, merchant: &MerchantId) -> watch::Receiver<Position> {
        self.books().entry(merchant.clone()).or_default().news.subscribe()
    }

    async fn find_inbox(
        &self,
        merchant: &MerchantId,
        dedupe_keys: &[String],
    ) -> Result<Vec<InboxRow>, LogError> {
        let books = self.books();
        let rows = books.get(merchant).into_iter().flat_map(|book| &book.inbox);
        Ok(rows
            .filter(|row| row.dedupe_key.as_ref().is_some_and(|key| dedupe_keys.contains(key)))
            .cloned()
            .collect())
    }

    async fn read_inbox(
        &self,
        merchant: &MerchantId,
        message: &MessageId,
    ) -> Result<Option<InboxRow>, LogError> {
        let books = self.books();
        Ok(books
            .get(merchant)
            .and_then(|book| book.inbox.iter().find(|row| row.message == *message).cloned()))
    }

    async fn list_inbox(
        &self,
        merchant: &MerchantId,
        filter: &InboxFilter,
        limit: usize,
    ) -> Result<Vec<InboxRow>, LogError> {
        let wanted = |row: &&InboxRow| {
            let touches = |(from, to)| row.positions.is_some_and(|(first, last)| first <= to && last >= from);
            filter.account.as_ref().is_none_or(|account| row.account == *account)
                && filter.verdict.is_none_or(|verdict| row.verdict == verdict)
                && filter.before.is_none_or(|before| row.received_at < before)
                && filter.caused.is_none_or(touches)
        };
        let books = self.books();
        let rows = books.get(merchant).into_iter().flat_map(|book| book.inbox.iter().rev());
        Ok(rows.filter(wanted).take(limit).cloned().collect())
    }

    async fn find_numbers(
        &self,
        merchant: &MerchantId,
        keys: &[(NumberKind, String, String)],
    ) -> Result<Vec<NumberRow>, LogError> {
        let wanted = |row: &&NumberRow| {
            keys.iter().any(|(kind, space, number)| {
                row.kind == *kind && row.namespace == *space && row.number == *number
            })
        };
        let books = self.books();
        Ok(books.get(merchant).into_iter().flat_map(|book| &book.numbers).filter(wanted).cloned().collect())
    }

    async fn save_snapshot(&self, merchant: &MerchantId, snapshot: &Snapshot) -> Result<(), LogError> {
        self.books().entry(merchant.clone()).or_default().snapshot = Some(snapshot.clone());
        Ok(())
    }

    async fn load_snapshot(&self, merchant: &MerchantId) -> Result<Option<Snapshot>, LogError> {
        Ok(self.books().get(merchant).and_then(|book| book.snapshot.clone()))
    }

    async fn position_at(&self, merchant: &MerchantId, at: Timestamp) -> Result<Position, LogError> {
        let books = self.books();
        let events = books.get(merchant).map_or(&[][..], |book| &book.events);
        let count = events.partition_point(|event| event.recorded_at <= at);
        Ok(count.checked_sub(1).map(|last| events[last].position).unwrap_or_default())
    }
}
