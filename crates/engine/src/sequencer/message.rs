//! Messages from channels: repeats and conflicts first, then what they ask for.

use std::sync::Arc;

use channel::{Ask, Kind, OrderView, Outcome, Rejected, Reply, Verified};
use domain::{Rejection, order};
use event_log::{NumberRow, Verdict};
use events::{Actor, Fact};
use ring::digest;
use tokio::sync::watch;
use vocabulary::{OrderId, Reason};

use super::{NumberKey, Recent, Sequencer, answer::Draft, jobs::number_inside};
use crate::{
    EngineError,
    host::lock,
    unit::Cause,
    work::{InboxDraft, MessageWork, RefusedWork, Render, ReplyTo, Staged},
};

/// What deciding on a message led to.
pub(super) type Decided = Result<Result<Draft, Rejection>, EngineError>;

/// Reasons that time can heal: the same message may be accepted when it comes again, so its answer is not kept as
/// the answer for ever.
fn may_heal(reason: Reason) -> bool {
    use Reason::{ChannelSuspended, NoPrice, UnknownChannel, UnknownItem, UnknownOrder, UnknownSku};
    matches!(reason, ChannelSuspended | NoPrice | UnknownChannel | UnknownItem | UnknownOrder | UnknownSku)
}

pub(super) fn content_hash(content: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, content).as_ref());
    hash
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is dealt with for good.
    Done,
    /// It was turned down for a reason that time can heal.
    MayHeal(Reason),
}

/// Whether a message was seen before.
pub(super) enum Seen {
    Never,
    /// It repeats; the answer is on its way.
    Repeat(watch::Receiver<Option<Arc<Reply>>>),
    /// It repeats a message of the log; its sealed answer and message id.
    Stored(Vec<u8>, vocabulary::MessageId),
    /// Same id, other content.
    Conflict,
}

impl Sequencer {
    pub(super) fn seen(&mut self, key: Option<&String>, hash: [u8; 32]) -> Seen {
        let Some(key) = key else { return Seen::Never };
        if let Some(recent) = self.recent.get(key) {
            return if recent.content_hash == hash {
                Seen::Repeat(recent.answer.clone())
            } else {
                Seen::Conflict
            };
        }
        match self.looked_up.inbox.get(key) {
            None => Seen::Never,
            Some(row) if row.content_hash == hash => {
                Seen::Stored(row.sealed_answer.clone(), row.message.clone())
            }
            Some(_) => Seen::Conflict,
        }
    }

    /// Remembers that a key is being answered, and gives the slot to put the answer in.
    pub(super) fn remember(&mut self, key: String, content_hash: [u8; 32]) -> crate::work::Answer {
        let (sender, answer) = watch::channel(None);
        self.recent.put(key, Recent { content_hash, answer });
        sender
    }

    pub(super) async fn message(&mut self, work: MessageWork) -> Result<Taken, EngineError> {
        let hash = content_hash(&work.inbound.content);
        let key = work.dedupe_key();
        match self.seen(key.as_ref(), hash) {
            Seen::Never => self.fresh_message(work, key, hash).await,
            Seen::Repeat(answer) => {
                metrics::counter!("kami_inbox_repeats_total").increment(1);
                if let Some(reply) = work.reply {
                    tokio::spawn(forward(answer, reply));
                }
                Ok(Taken::Done)
            }
            Seen::Stored(sealed, message) => {
                metrics::counter!("kami_inbox_repeats_total").increment(1);
                let opened = self.keys.open(&format!("{message}/answer"), &sealed);
                let stored = opened.map_err(EngineError::Vault).and_then(|bytes| {
                    serde_json::from_slice::<Reply>(&bytes).map_err(EngineError::Serialise)
                });
                if let Some(reply) = work.reply {
                    // The caller may have hung up.
                    let _gone = reply.send(stored);
                }
                Ok(Taken::Done)
            }
            Seen::Conflict => self.conflict(work, hash).await.map(|()| Taken::Done),
        }
    }

    async fn fresh_message(
        &mut self,
        mut work: MessageWork,
        key: Option<String>,
        hash: [u8; 32],
    ) -> Result<Taken, EngineError> {
        let account = work.account().clone();
        let cause = Cause {
            actor: work.actor(),
            message: Some(work.message.clone()),
            channel: Some(account.clone()),
            occurred_at: work.inbound.occurred_at,
        };
        let mut staged = Staged::default();
        let decided = self.ask(&mut work, &mut staged).await?;
        let (draft, verdict, reason) = match decided {
            Ok(draft) => {
                let verdict =
                    if matches!(draft, Draft::Parked) { Verdict::Parked } else { Verdict::Accepted };
                (draft, verdict, String::new())
            }
            Err(rejection) => {
                debug_assert!(self.stages_refusals_only(), "a rejection stages nothing but that it was one");
                let reason = rejection.reason;
                (Draft::Rejected(rejection), Verdict::Rejected, reason.code().to_owned())
            }
        };
        if verdict == Verdict::Rejected {
            self.forget_numbers(&mut staged);
        }
        let taken = match &draft {
            Draft::Rejected(rejection) if may_heal(rejection.reason) => Taken::MayHeal(rejection.reason),
            _ => Taken::Done,
        };
        let dedupe_key = key.filter(|_| taken == Taken::Done);
        staged.answer = dedupe_key.clone().map(|key| self.remember(key, hash));
        staged.keys = draft.keys();
        staged.inbox = Some(InboxDraft {
            message: work.message,
            account,
            dedupe_key,
            content_hash: hash,
            verdict,
            reason,
            request: work.request.clone(),
            received_at: work.request.received_at,
        });
        staged.reply = work.reply;
        let (adapter, request, proof, inbound) = (work.adapter, work.request, work.proof, work.inbound);
        let render: Render = Box::new(move |keys| {
            let verified = Verified::new(&request, proof);
            adapter.answer(&verified, &inbound, &draft.into_outcome(keys))
        });
        staged.render = Some(render);
        self.commit(&cause, staged).await?;
        Ok(taken)
    }

    fn stages_refusals_only(&self) -> bool {
        lock(&self.desk).staged.iter().all(|(_, fact)| matches!(fact, Fact::AttemptRefused(_)))
    }

    /// Same id, other content: no effect, and somebody should look.
    async fn conflict(&mut self, work: MessageWork, hash: [u8; 32]) -> Result<(), EngineError> {
        let account = work.account().clone();
        tracing::warn!(channel.account = %account, message.id = %work.message, "a message id was used with other content");
        metrics::counter!("kami_inbox_conflicts_total").increment(1);
        let cause = Cause {
            actor: Actor::channel(&account),
            message: Some(work.message.clone()),
            channel: Some(account.clone()),
            occurred_at: None,
        };
        let inbox = InboxDraft {
            message: work.message,
            account,
            dedupe_key: None,
            content_hash: hash,
            verdict: Verdict::Conflict,
            reason: Reason::MessageIdReused.code().to_owned(),
            request: work.request.clone(),
            received_at: work.request.received_at,
        };
        let (adapter, request, proof, inbound) = (work.adapter, work.request, work.proof, work.inbound);
        let render: Render = Box::new(move |_| {
            let verified = Verified::new(&request, proof);
            let reason = Reason::MessageIdReused;
            let rejected = Rejected { reason, detail: reason.en().to_owned() };
            adapter.answer(&verified, &inbound, &Outcome::Rejected(rejected))
        });
        let staged =
            Staged { inbox: Some(inbox), render: Some(render), reply: work.reply, ..Staged::default() };
        self.commit(&cause, staged).await
    }

    pub(super) async fn refused(&mut self, work: RefusedWork) -> Result<(), EngineError> {
        let cause = Cause {
            actor: Actor::channel(&work.account),
            message: None,
            channel: Some(work.account.clone()),
            occurred_at: None,
        };
        let inbox = InboxDraft {
            message: work.message,
            account: work.account,
            dedupe_key: None,
            content_hash: content_hash(&work.request.body),
            verdict: Verdict::Refused,
            reason: work.reason,
            received_at: work.request.received_at,
            request: work.request,
        };
        let answer = work.answer;
        let staged = Staged {
            inbox: Some(inbox),
            render: Some(Box::new(move |_| answer)),
            reply: Some(work.reply),
            ..Staged::default()
        };
        self.commit(&cause, staged).await
    }

    async fn ask(&mut self, work: &mut MessageWork, staged: &mut Staged) -> Decided {
        let account = work.account().clone();
        if lock(&self.desk).channel(&account).is_none() {
            return Ok(Err(Rejection::new(Reason::UnknownChannel, "the account is not connected")));
        }
        let buyer = work.buyer.take();
        match &work.inbound.ask {
            Ask::Order(ask) => {
                // Only the reply to a call can carry keys: a notice is merely acknowledged.
                let replying = work.inbound.kind == Kind::Call && work.reply.is_some();
                self.order_ask(&account, ask, buyer, replying, staged).await
            }
            Ask::Payment(ask) => self.payment_ask(&account, ask, staged).await,
            Ask::Cancel { external_no, reason } => {
                let order = self.order_or_new(&account, external_no, staged);
                if work.inbound.kind == Kind::Call && self.may_have_left(&order) {
                    return Ok(Err(Rejection::new(
                        Reason::WrongState,
                        "the order's keys may have been handed over; ask for a refund",
                    )));
                }
                let (reason, can_refund) = (reason.clone(), self.can_refund(&order));
                let channel_refunds = work.adapter.manifest().capabilities.refunds_cancelled_orders;
                let command = order::Command::Cancel { reason, can_refund, channel_refunds };
                self.on_order(order, command).await
            }
            Ask::RefundRequested(refund) => self.refund_requested(&account, refund, staged).await,
            Ask::RefundRefused(refund) => {
                let order = self.order_or_new(&account, &refund.external_no, staged);
                let (refund, reason) = (number_inside(order, &refund.refund), refund.reason.clone());
                self.on_order(order, order::Command::RefuseRefund { refund, reason }).await
            }
            Ask::RefundSettled(refund) => {
                let order = self.order_or_new(&account, &refund.external_no, staged);
                let (number, reason) = (number_inside(order, &refund.refund), refund.reason.clone());
                let command = order::Command::SettleRefund { refund: number, amount: refund.amount, reason };
                self.on_order(order, command).await
            }
            Ask::ReadBack { external_no } => self.read_back_ask(&account, external_no).await,
            Ask::OrderQuery { external_no, order, with_keys } => {
                self.order_query(&account, external_no.as_deref(), *order, *with_keys).await
            }
            Ask::Availability { item, .. } => Ok(Ok(Draft::Offers(self.offers(&account, Some(item))))),
            Ask::Catalogue => Ok(Ok(Draft::Offers(self.offers(&account, None)))),
            Ask::Nothing => Ok(Ok(Draft::Accepted(None))),
            // The messages of a batch reach the sequencer one by one.
            Ask::Batch(_) => Ok(Ok(Draft::Accepted(None))),
            Ask::Procured(procured) => self.procured(&account, procured).await,
            Ask::Unmapped { kind } => {
                tracing::warn!(channel.account = %account, kind, "a message of an unknown kind was parked");
                metrics::counter!("kami_inbox_parked_total").increment(1);
                Ok(Ok(Draft::Parked))
            }
        }
    }

    /// Whether an order that stands is being handed over, and nobody knows how that ends. Who tells that such an order
    /// was called off is believed; who asks for it is told no, or they would have keys and money.
    fn may_have_left(&self, order: &OrderId) -> bool {
        lock(&self.desk)
            .order(order)
            .is_some_and(|entry| entry.state.deliveries > 0 && !entry.state.cancelled)
    }

    pub(super) async fn on_order(&mut self, order: OrderId, command: order::Command) -> Decided {
        Ok(self.order_command(order, command, None).await?.map(|()| Draft::Accepted(Some(order))))
    }

    /// The order a channel's number stands for; a new id where the number is new: words of an order may come
    /// before the order itself.
    pub(super) fn order_or_new(
        &mut self,
        account: &vocabulary::Account,
        external_no: &str,
        staged: &mut Staged,
    ) -> OrderId {
        let key = self.order_number(account, external_no);
        if let Some(order) = self.find_number(&key) {
            return order;
        }
        let order = OrderId::from_uuid(self.ids.next(self.now()));
        self.claim_number(key, order, staged);
        order
    }

    /// Nothing was recorded, so no number was used.
    pub(super) fn forget_numbers(&mut self, staged: &mut Staged) {
        for row in staged.numbers.drain(..) {
            self.recent_numbers.pop(&(row.kind, row.namespace, row.number));
        }
    }

    pub(super) fn claim_number(&mut self, key: NumberKey, order: OrderId, staged: &mut Staged) {
        self.recent_numbers.put(key.clone(), order);
        let (kind, namespace, number) = key;
        staged.numbers.push(NumberRow { kind, namespace, number, order });
    }
}

/// Passes the answer of the first message on to its repeat, once it is durable.
pub(super) async fn forward(mut answer: watch::Receiver<Option<Arc<Reply>>>, reply: ReplyTo) {
    let result = match answer.wait_for(Option::is_some).await {
        Ok(found) => found.as_deref().cloned().ok_or(EngineError::Stopped),
        Err(_) => Err(EngineError::Stopped),
    };
    // The caller may have hung up.
    let _gone = reply.send(result);
}

/// The view of an order whose keys are still sealed.
pub(super) struct SealedView {
    pub(super) view: OrderView,
    pub(super) keys: Vec<Vec<vocabulary::KeyRef>>,
}
