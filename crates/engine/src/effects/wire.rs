//! What a worker and the owner of a merchant say to each other: a head in JSON, and behind it, on a line of its own, the
//! body of a channel's response, where there is one. Both may be of different builds: a head's fields are never given
//! another meaning, and a reader skips those that it does not know.

use channel::{Adapter, CallOutcome, OutboundResponse};
use events::channel::AttemptOutcome;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use vocabulary::{Epoch, Timestamp};

use super::{Found, Heard, Job, JobKey, JobKind, PollJob, PollStep, procure::said_of};
use crate::EngineError;

/// What a worker says.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Said {
    Take(Take),
    Tell(Tell),
}

/// Asks for calls to make.
#[derive(Serialize, Deserialize)]
pub(crate) struct Take {
    /// The term of the worker's lease.
    pub(crate) term: u64,
    /// The epoch of the owner whose calls it makes; `None` at first.
    pub(crate) epoch: Option<Epoch>,
    /// Rises with every question of the term.
    pub(crate) turn: u64,
    /// Which it still has, begun or not, or has not told of.
    pub(crate) have: Vec<u64>,
    /// How many more it takes.
    pub(crate) at_most: usize,
}

/// Tells how an attempt ended. A body may follow.
#[derive(Serialize, Deserialize)]
pub(crate) struct Tell {
    pub(crate) term: u64,
    pub(crate) epoch: Epoch,
    pub(crate) ticket: u64,
    pub(crate) key: JobKey,
    pub(crate) attempt: u32,
    pub(crate) outcome: AttemptOutcome,
    pub(crate) heard: Option<HeardHead>,
}

/// A response without its body.
#[derive(Serialize, Deserialize)]
pub(crate) struct HeardHead {
    status: u16,
    headers: Vec<(String, String)>,
    retry_after: Option<u32>,
    at: Timestamp,
    asked: bool,
}

impl HeardHead {
    pub(crate) fn of(heard: &Heard) -> Self {
        let OutboundResponse { status, headers, retry_after, .. } = &heard.response;
        Self {
            status: *status,
            headers: headers.clone(),
            retry_after: *retry_after,
            at: heard.at,
            asked: heard.asked,
        }
    }

    pub(crate) fn with(self, body: Vec<u8>) -> Heard {
        let Self { status, headers, retry_after, at, asked } = self;
        Heard { response: OutboundResponse { status, headers, retry_after, body }, at, asked }
    }
}

/// A call that is handed out.
#[derive(Serialize, Deserialize)]
pub(crate) struct HandedOut {
    /// The digest of the account's settings, by which the worker sees that its own are old.
    pub(crate) settings: String,
    pub(crate) job: Job,
}

/// What the owner answers.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// To [`Take`]: what is to be done now; may be nothing.
    Calls(Vec<HandedOut>),
    /// To [`Tell`]: it is taken in.
    TakenIn,
    /// To [`Tell`]: nobody awaits it, so nothing was done with it.
    NotAwaited,
    /// The owner is in this epoch. Nothing was done.
    OtherEpoch(Epoch),
    /// A later worker has asked. Nothing was done.
    OtherWorker,
    /// The owner makes its calls itself.
    Here,
}

/// A message: a head, and a body where one follows.
pub(crate) fn write(head: &impl Serialize, body: &[u8]) -> Result<Vec<u8>, EngineError> {
    let mut message = serde_json::to_vec(head).map_err(EngineError::Serialise)?;
    // JSON that is written on one line has no other line end.
    message.push(b'\n');
    message.extend_from_slice(body);
    Ok(message)
}

/// A message's head and body.
pub(crate) fn read<T: DeserializeOwned>(message: &[u8]) -> Result<(T, &[u8]), EngineError> {
    let end = message.iter().position(|byte| *byte == b'\n').unwrap_or(message.len());
    let (head, body) = message.split_at(end);
    let head = serde_json::from_slice(head).map_err(EngineError::Serialise)?;
    Ok((head, body.get(1..).unwrap_or_default()))
}

/// What a response to a job says, read by this process's adapter; `None` where nothing is read from such.
pub(crate) fn found_in(adapter: &dyn Adapter, kind: &JobKind, heard: Heard) -> Option<Found> {
    let response = Ok(&heard.response);
    match kind {
        JobKind::ReadBack(number) => {
            let messages = done(adapter.read_back()?.interpret(number, response))?;
            Some(Found { messages, ..Found::in_response(heard) })
        }
        JobKind::Poll(PollJob { name, step: PollStep::Fetch(window) }) => {
            let poll = adapter.polls().into_iter().find(|poll| poll.name() == name)?;
            let channel::Page { messages, next, confirm } = done(poll.interpret(window, response, heard.at))?;
            Some(Found { messages, next, confirm, ..Found::in_response(heard) })
        }
        JobKind::Renew(_) => {
            let settings = done(adapter.renew()?.interpret(response, heard.at))?;
            Some(Found { settings: Some(settings), ..Found::in_response(heard) })
        }
        JobKind::Procure(draft) => {
            let procure = adapter.procure()?;
            let procured = if heard.asked {
                done(procure.interpret_ask(&draft.job, response))?
            } else {
                done(procure.interpret(&draft.job, response))?
            };
            Some(said_of(draft, procured, heard))
        }
        JobKind::Deliver(_)
        | JobKind::CheckPayment(_)
        | JobKind::Refund(_)
        | JobKind::PushStock(_)
        | JobKind::Poll(_) => None,
    }
}

fn done<T>(outcome: CallOutcome<T>) -> Option<T> {
    match outcome {
        CallOutcome::Done(found) => Some(found),
        _ => None,
    }
}
