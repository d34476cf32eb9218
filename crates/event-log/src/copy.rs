//! Copying a merchant's log from one backend to another, page by page, with every link of its chain checked.

use async_trait::async_trait;
use events::{RecordedEvent, chain};
use vocabulary::{Epoch, MerchantId, MessageId, Position};

use crate::{Append, EventLog, Head, InboxRow, LogError, NumberRow};

/// A log that can be read as a whole: what [`EventLog`] lets nobody list.
#[async_trait]
pub trait WholeLog: EventLog {
    /// At most `limit` messages whose ids come after one, in the order of their ids (byte by byte).
    async fn page_of_inbox(
        &self,
        merchant: &MerchantId,
        after: Option<&MessageId>,
        limit: usize,
    ) -> Result<Vec<InboxRow>, LogError>;

    /// At most `limit` numbers that come after one, in the order of kind, namespace and number (byte by byte).
    async fn page_of_numbers(
        &self,
        merchant: &MerchantId,
        after: Option<&NumberRow>,
        limit: usize,
    ) -> Result<Vec<NumberRow>, LogError>;
}

/// What was copied, and what was there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Events of the log.
    pub events: u64,
    /// Stored messages.
    pub messages: u64,
    /// The channels' numbers.
    pub numbers: u64,
    /// How many events this copy found already copied.
    pub found: u64,
}

/// Why a log could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is nothing to copy.
    #[error("there is no log of {0} to copy")]
    NoLog(MerchantId),
    /// The chain of the source does not hold.
    #[error("the chain of {merchant} breaks at position {position}: nothing from there on was copied")]
    Broken {
        /// Whose log.
        merchant: MerchantId,
        /// The first position whose hash does not follow.
        position: Position,
    },
    /// What the target holds is not the beginning of the source.
    #[error("the target holds another log of {merchant}: they differ at position {position}")]
    Another {
        /// Whose log.
        merchant: MerchantId,
        /// Where they differ.
        position: Position,
    },
    /// The source went on while it was copied.
    #[error("the log of {0} was written while it was copied; stop what writes it, and copy again")]
    Moved(MerchantId),
    /// One of the logs failed.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// How much is copied in one atomic step.
const PAGE: usize = 1_000;

/// Copies a merchant's log, its messages, numbers and snapshot, from a source that nobody writes. A copy that was
/// broken off is taken up where it ended. The target's epoch is at least the source's afterwards, so that epochs go on
/// rising. The events come last: a target that has all of them has everything. `progress` is told the position reached.
pub async fn copy(
    source: &dyn WholeLog,
    target: &dyn EventLog,
    merchant: &MerchantId,
    progress: impl Fn(u64),
) -> Result<Copied, CopyError> {
    let Some(end) = source.head(merchant).await? else { return Err(CopyError::NoLog(merchant.clone())) };
    // Looked at before it is claimed: the owner of a log that is not ours must not be fenced.
    if let Some(there) = target.head(merchant).await? {
        check_beginning(source, merchant, &there).await?;
    }
    let mut start = target.claim(merchant).await?;
    check_beginning(source, merchant, &start).await?;
    while start.epoch < end.epoch {
        start = target.claim(merchant).await?;
    }
    let mut copied = Copied { found: start.position.0, ..Copied::default() };
    let step = Step { merchant, epoch: start.epoch };
    copied.messages = step.messages(source, target, start.position).await?;
    copied.numbers = step.numbers(source, target, start.position).await?;
    copied.events = step.events(source, target, &start, &end, progress).await?;
    if let Some(snapshot) = source.load_snapshot(merchant).await? {
        target.save_snapshot(merchant, &snapshot).await?;
    }
    let (was, is) = (Some(end), source.head(merchant).await?);
    if was != is {
        return Err(CopyError::Moved(merchant.clone()));
    }
    Ok(copied)
}

/// Refuses a head that the source never had.
async fn check_beginning(source: &dyn WholeLog, merchant: &MerchantId, head: &Head) -> Result<(), CopyError> {
    let Some(before) = head.position.0.checked_sub(1) else { return Ok(()) };
    let event = source.read_log(merchant, Position(before), 1).await?.pop();
    if event.is_some_and(|event| event.position == head.position && event.hash == head.hash) {
        return Ok(());
    }
    Err(CopyError::Another { merchant: merchant.clone(), position: head.position })
}

/// Appends to the target.
struct Step<'a> {
    merchant: &'a MerchantId,
    epoch: Epoch,
}

impl Step<'_> {
    fn at(&self, expected_position: Position) -> Append {
        let (merchant, epoch) = (self.merchant.clone(), self.epoch);
        Append {
            merchant,
            epoch,
            expected_position,
            events: Vec::new(),
            inbox: Vec::new(),
            numbers: Vec::new(),
        }
    }

    /// A page is stored whole or not at all, so its last row tells whether it is there.
    async fn messages(
        &self,
        source: &dyn WholeLog,
        target: &dyn EventLog,
        at: Position,
    ) -> Result<u64, CopyError> {
        let (mut after, mut count) = (None, 0);
        loop {
            let inbox = source.page_of_inbox(self.merchant, after.as_ref(), PAGE).await?;
            let Some(last) = inbox.last() else { return Ok(count) };
            (after, count) = (Some(last.message.clone()), count + inbox.len() as u64);
            if target.read_inbox(self.merchant, &last.message).await?.is_none() {
                target.append(&[Append { inbox, ..self.at(at) }]).await?;
            }
        }
    }

    async fn numbers(
        &self,
        source: &dyn WholeLog,
        target: &dyn EventLog,
        at: Position,
    ) -> Result<u64, CopyError> {
        let (mut after, mut count) = (None, 0);
        loop {
            let numbers = source.page_of_numbers(self.merchant, after.as_ref(), PAGE).await?;
            let Some(last) = numbers.last() else { return Ok(count) };
            let key = (last.kind, last.namespace.clone(), last.number.clone());
            (after, count) = (Some(last.clone()), count + numbers.len() as u64);
            if target.find_numbers(self.merchant, &[key]).await?.is_empty() {
                target.append(&[Append { numbers, ..self.at(at) }]).await?;
            }
        }
    }

    /// Reads the source from its first event, so that every link is checked, and stores what the target lacks.
    async fn events(
        &self,
        source: &dyn WholeLog,
        target: &dyn EventLog,
        start: &Head,
        end: &Head,
        progress: impl Fn(u64),
    ) -> Result<u64, CopyError> {
        let (mut position, mut hash) = (Position(0), chain::GENESIS);
        loop {
            let mut events = source.read_log(self.merchant, position, PAGE).await?;
            let Some(last) = events.last().map(|event| (event.position, event.hash)) else { break };
            self.check(&events, hash)?;
            events.retain(|event| event.position > start.position);
            if !events.is_empty() {
                target.append(&[Append { events, ..self.at(position.max(start.position)) }]).await?;
            }
            (position, hash) = last;
            progress(position.0);
        }
        if (position, hash) != (end.position, end.hash) {
            return Err(CopyError::Broken { merchant: self.merchant.clone(), position: end.position });
        }
        Ok(position.0)
    }

    fn check(&self, events: &[RecordedEvent], mut hash: [u8; 32]) -> Result<(), CopyError> {
        for event in events {
            if chain::link(&hash, event) != event.hash {
                let (merchant, position) = (self.merchant.clone(), event.position);
                return Err(CopyError::Broken { merchant, position });
            }
            hash = event.hash;
        }
        Ok(())
    }
}
