//! One merchant's stream: what was read of it, and how it is written.

use event_log::{Append, EventLog, Head, LogError};
use event_log_sqlite::{Change, Followed};
use uuid::Uuid;
use vocabulary::{Epoch, MerchantId};

use crate::{
    Shared,
    error::damaged,
    records::{self, Numbering, Proposed, Record},
    server::Appended,
};

/// Records read at once.
const PAGE: usize = 512;
/// What goes into one append of the server's, in bytes: its limit is 1 MiB unless it is set, and counts more than we do.
const CHUNK: usize = 768 << 10;

/// Where a process stands in a merchant's stream. Whoever holds it is the only one in the process who reads on or writes.
pub(crate) struct Lane {
    merchant: MerchantId,
    stream: String,
    /// How many records were read.
    read: u64,
    /// How many of them the index has taken in.
    indexed: u64,
    /// Those between: of appends that nobody has closed yet.
    open: Vec<Record>,
}

impl Lane {
    /// Stands where the index stands. Refuses an index that knows records which the server does not have: it belongs to
    /// another log, or the server lost some.
    pub(crate) async fn of(shared: &Shared, merchant: &MerchantId) -> Result<Self, LogError> {
        let stream = shared.place.log(merchant.as_str());
        let mut indexed = 0;
        if let Some(Followed { records, last }) = shared.index.followed(merchant).await? {
            indexed = records;
            let there = shared.server.read(&stream, records.saturating_sub(1), 1).await?;
            if there.first().is_none_or(|record| record.id.as_bytes()[..] != last) {
                return Err(damaged(format!(
                    "the index has {records} records of the log of {merchant} and KurrentDB has others or fewer: it was \
                     restored from a backup, or another log's index lies here. Only where that is meant, remove the \
                     directory of the index; it is made anew"
                )));
            }
        }
        Ok(Self { merchant: merchant.clone(), stream, read: indexed, indexed, open: Vec::new() })
    }

    /// How many records were read.
    pub(crate) fn read(&self) -> u64 {
        self.read
    }

    /// The stream's name.
    pub(crate) fn stream(&self) -> &str {
        &self.stream
    }

    /// Reads on to the stream's end, and tells whether there was anything new.
    pub(crate) async fn catch_up(&mut self, shared: &Shared) -> Result<bool, LogError> {
        let start = self.read;
        loop {
            let events = shared.server.read(&self.stream, self.read, PAGE).await?;
            let count = events.len();
            self.take_in(shared, events).await?;
            if count < PAGE {
                return Ok(self.read > start);
            }
        }
    }

    /// Takes in what was read of the stream. What came before is passed over.
    pub(crate) async fn take_in(
        &mut self,
        shared: &Shared,
        events: Vec<eventstore::RecordedEvent>,
    ) -> Result<(), LogError> {
        let taken = self.gather(events);
        let done = match taken {
            Ok((changes, Some(to))) => self.index(shared, to, &changes).await,
            Ok((_, None)) => Ok(()),
            Err(error) => Err(error),
        };
        if done.is_err() {
            // To be read once more, should anybody try.
            self.read = self.indexed;
            self.open.clear();
        }
        done
    }

    /// What records mean, and where the last of those stands that closed something.
    fn gather(
        &mut self,
        events: Vec<eventstore::RecordedEvent>,
    ) -> Result<(Vec<Change>, Option<Followed>), LogError> {
        let (mut changes, mut to) = (Vec::new(), None);
        for event in events {
            if event.revision < self.read {
                continue;
            }
            if event.revision > self.read {
                let (stream, read) = (&self.stream, self.read);
                return Err(damaged(format!("the stream {stream} lacks its event {read}: it was truncated")));
            }
            let record = Record::from(event);
            self.read += 1;
            let closed = match record.claim()? {
                Some(epoch) => {
                    changes.push(Change::Claimed(epoch));
                    true
                }
                None if record.closes() => {
                    let parts = records::appended(&self.merchant, &self.open, &record)?;
                    changes.extend(parts.into_iter().map(Change::Appended));
                    true
                }
                None => false,
            };
            if closed {
                self.open.clear();
                to = Some(followed(self.read, record.id));
            } else {
                self.open.push(record);
            }
        }
        Ok((changes, to))
    }

    async fn index(&mut self, shared: &Shared, to: Followed, changes: &[Change]) -> Result<(), LogError> {
        shared.index.follow(&self.merchant, self.indexed, &to, changes).await?;
        self.indexed = to.records;
        Ok(())
    }

    /// Stores appends of the merchant as one step: judged by the index, which knows all that stands before it, and
    /// written only where nothing came between.
    pub(crate) async fn append(&mut self, shared: &Shared, parts: &[Append]) -> Result<(), LogError> {
        loop {
            if let Err(refusal) = shared.index.would_take(parts).await {
                let judged = matches!(
                    refusal,
                    LogError::Fenced { .. } | LogError::WrongPosition { .. } | LogError::Collision(_)
                );
                // Only whoever knows the end can say where it is.
                if judged && self.catch_up(shared).await? {
                    continue;
                }
                return Err(refusal);
            }
            if parts
                .iter()
                .all(|part| part.events.is_empty() && part.inbox.is_empty() && part.numbers.is_empty())
            {
                return Ok(());
            }
            let mut numbering = Numbering { writer: shared.writer, next: self.read };
            let written = records::of_append(&mut numbering, parts)?;
            if self.write(shared, &written).await? == Appended::Stored {
                let changes: Vec<_> = parts.iter().cloned().map(Change::Appended).collect();
                return self.written(shared, &written, &changes).await;
            }
            self.something_new(shared).await?;
        }
    }

    /// Takes the merchant over.
    pub(crate) async fn claim(&mut self, shared: &Shared) -> Result<Head, LogError> {
        self.catch_up(shared).await?;
        loop {
            let epoch = match shared.index.head(&self.merchant).await? {
                Some(head) => Epoch(head.epoch.0 + 1),
                None => {
                    shared
                        .server
                        .note(&shared.place.merchants(), records::of_merchant(&self.merchant)?)
                        .await?;
                    Epoch(1)
                }
            };
            let mut numbering = Numbering { writer: shared.writer, next: self.read };
            let claim = [records::of_claim(&mut numbering, epoch)?];
            if self.write(shared, &claim).await? == Appended::Stored {
                self.written(shared, &claim, &[Change::Claimed(epoch)]).await?;
                let head = shared.index.head(&self.merchant).await?;
                return head.ok_or_else(|| damaged("a merchant was claimed and has no head"));
            }
            self.something_new(shared).await?;
        }
    }

    /// The stream went on: reads what is new, and there must be something.
    async fn something_new(&mut self, shared: &Shared) -> Result<(), LogError> {
        if self.catch_up(shared).await? {
            return Ok(());
        }
        let (stream, read) = (&self.stream, self.read);
        Err(damaged(format!(
            "KurrentDB says that {stream} does not end after {read} events, and shows no others"
        )))
    }

    /// Writes records after those that were read: in one append of the server's, or in several, of which only the last
    /// closes what they are about.
    async fn write(&self, shared: &Shared, records: &[Proposed]) -> Result<Appended, LogError> {
        let mut at = self.read;
        for chunk in chunks(records) {
            if shared.server.append(&self.stream, at, chunk).await? == Appended::Elsewhere {
                return Ok(Appended::Elsewhere);
            }
            at += chunk.len() as u64;
        }
        Ok(Appended::Stored)
    }

    /// Takes in what this process has just written.
    async fn written(
        &mut self,
        shared: &Shared,
        records: &[Proposed],
        changes: &[Change],
    ) -> Result<(), LogError> {
        let Some(last) = records.last() else { return Ok(()) };
        let read = self.read + records.len() as u64;
        self.index(shared, followed(read, last.id), changes).await?;
        self.read = read;
        self.open.clear();
        Ok(())
    }
}

fn followed(records: u64, last: Uuid) -> Followed {
    Followed { records, last: last.as_bytes().to_vec() }
}

/// Records in runs that stay below the limit; one that is larger goes alone.
fn chunks(records: &[Proposed]) -> Vec<&[Proposed]> {
    let (mut chunks, mut start, mut size) = (Vec::new(), 0, 0);
    for (at, record) in records.iter().enumerate() {
        if at > start && size + record.size() > CHUNK {
            chunks.push(&records[start..at]);
            (start, size) = (at, 0);
        }
        size += record.size();
    }
    chunks.push(&records[start..]);
    chunks
}
