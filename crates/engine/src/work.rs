//! What reaches the sequencer, and what leaves it for the writer.

use std::sync::Arc;

use channel::{Adapter, Inbound, Proof, RawRequest, Reply};
use domain::Rejection;
use event_log::{NumberRow, Verdict};
use events::{Actor, RecordedEvent};
use tokio::sync::{oneshot, watch};
use vault::SubjectPut;
use vocabulary::{Account, CardKey, KeyRef, MessageId, OrderId, Position, Secret, Timestamp};

use crate::{
    EngineError,
    effects::{Job, Report},
    identity::Met,
    operator::{OperatorAnswer, OperatorCommand},
};

/// How somebody names an order: by our id, or by the number of the account (or channel) it was placed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderRef {
    /// Our id.
    Id(OrderId),
    /// The channel's number within the order numbers of an account.
    Number(Account, String),
}

pub(crate) type ReplyTo = oneshot::Sender<Result<Reply, EngineError>>;

pub(crate) enum Work {
    Message(Box<MessageWork>),
    Refused(Box<RefusedWork>),
    Operator(Box<OperatorWork>),
    Report(Box<Report>),
    /// Do what time alone makes due; answers whether anything was, and where the log will end then.
    Tick(oneshot::Sender<(bool, Position)>),
}

/// A verified and parsed message.
pub(crate) struct MessageWork {
    pub(crate) message: MessageId,
    pub(crate) adapter: Arc<dyn Adapter>,
    pub(crate) request: Arc<RawRequest>,
    pub(crate) proof: Proof,
    pub(crate) inbound: Inbound,
    pub(crate) buyer: Option<Met>,
    /// The poll that found it, where one did.
    pub(crate) poll: Option<String>,
    /// None where the message was read back by us: nobody waits for an answer.
    pub(crate) reply: Option<ReplyTo>,
}

impl MessageWork {
    /// Who said it: the channel, and where one of our polls found it, by which.
    pub(crate) fn actor(&self) -> Actor {
        let mut actor = Actor::channel(self.account());
        if let Some(poll) = &self.poll {
            actor.id = format!("{} (poll {poll})", actor.id);
        }
        actor
    }
    pub(crate) fn account(&self) -> &Account {
        self.adapter.account()
    }
    /// The key under which a repeat is recognised, for ever.
    pub(crate) fn dedupe_key(&self) -> Option<String> {
        self.inbound.id.as_ref().map(|id| format!("{}:{id}", self.account()))
    }
}

/// A message that was not verified or not understood.
pub(crate) struct RefusedWork {
    pub(crate) message: MessageId,
    pub(crate) account: Account,
    pub(crate) request: Arc<RawRequest>,
    pub(crate) reason: String,
    pub(crate) answer: Reply,
    pub(crate) reply: ReplyTo,
}

/// Turns the result of an operator's call into its reply; given the keys in clear where the call reveals some.
pub type OperatorRender = Box<dyn FnOnce(&Result<OperatorAnswer, Rejection>, Vec<CardKey>) -> Reply + Send>;

/// A call of a token holder, or of the program itself.
pub struct OperatorCall {
    /// Who.
    pub actor: Actor,
    /// What.
    pub command: OperatorCommand,
    /// The caller's idempotency key: a repeat gets the stored answer.
    pub idempotency_key: Option<String>,
    /// The raw request, kept sealed in the inbox and compared on a repeat; `None` keeps no inbox row.
    pub request: Option<RawRequest>,
}

/// What comes with an operator's wish and is not to be printed.
#[derive(Default)]
pub(crate) struct Attached {
    pub(crate) setup: Option<Setup>,
    /// What is known of the buyers of orders that are taken over.
    pub(crate) people: Vec<SubjectPut>,
}

/// An account's settings, and the adapter that was made of them: in use once the account's connection is decided.
pub(crate) struct Setup {
    pub(crate) adapter: Arc<dyn Adapter>,
    pub(crate) settings: Secret<String>,
}

pub(crate) struct OperatorWork {
    pub(crate) message: MessageId,
    pub(crate) call: OperatorCall,
    pub(crate) account: Account,
    pub(crate) attached: Attached,
    pub(crate) render: OperatorRender,
    pub(crate) reply: ReplyTo,
}

impl OperatorWork {
    pub(crate) fn dedupe_key(&self) -> Option<String> {
        self.call.idempotency_key.as_ref().map(|key| format!("{}:{key}", self.account))
    }
}

pub(crate) type Render = Box<dyn FnOnce(Vec<CardKey>) -> Reply + Send>;

/// The message part of a unit.
pub(crate) struct InboxDraft {
    pub(crate) message: MessageId,
    pub(crate) account: Account,
    pub(crate) dedupe_key: Option<String>,
    pub(crate) content_hash: [u8; 32],
    pub(crate) verdict: Verdict,
    pub(crate) reason: String,
    pub(crate) request: Arc<RawRequest>,
    pub(crate) received_at: Timestamp,
}

pub(crate) type Answer = watch::Sender<Option<Arc<Reply>>>;

pub(crate) type Passed = Box<dyn FnOnce() + Send>;

/// A decided unit on its way to the log.
#[derive(Default)]
pub(crate) struct Staged {
    pub(crate) events: Vec<RecordedEvent>,
    pub(crate) numbers: Vec<NumberRow>,
    pub(crate) subjects: Vec<SubjectPut>,
    /// Settings of accounts, sealed before the events are durable.
    pub(crate) settings: Vec<(Account, Secret<String>)>,
    pub(crate) inbox: Option<InboxDraft>,
    /// Keys to open for the answer.
    pub(crate) keys: Vec<KeyRef>,
    pub(crate) render: Option<Render>,
    pub(crate) reply: Option<ReplyTo>,
    /// Told the answer once it is durable, for repeats that came in meanwhile.
    pub(crate) answer: Option<Answer>,
    pub(crate) jobs: Vec<Job>,
    /// Called once everything staged before it is durable and let go.
    pub(crate) passed: Option<Passed>,
}
