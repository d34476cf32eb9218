//! Outcomes of calls, taken back as commands.

use std::sync::Arc;

use channel::{RawRequest, sign};
use domain::{channel::Command as ChannelCommand, order};
use events::{Actor, channel::AttemptOutcome};
use vocabulary::{MessageId, Reason, Timestamp};

use super::{
    Sequencer,
    lookup::{Wanted, external_no},
    message::Taken,
    settle,
};
use crate::{
    EngineError,
    effects::{Found, Job, JobKey, JobKind, Report},
    unit::Cause,
    work::{MessageWork, Staged},
};

/// How often an order is read that cannot be taken in (its item is not listed, it has no price, sales are suspended):
/// for about a day, at last once an hour. Then a person must look.
const UNHEALED_TRIES: u32 = 30;

fn read_again_later(attempt: u32, code: &str) -> AttemptOutcome {
    let code = code.to_owned();
    if attempt >= UNHEALED_TRIES {
        return AttemptOutcome::Abandoned { code };
    }
    let secs = 60_u32.checked_shl(attempt.saturating_sub(1).min(6)).map_or(3_600, |secs| secs.min(3_600));
    AttemptOutcome::RetryAfter { secs, code }
}

fn is_over(outcome: &AttemptOutcome) -> bool {
    !matches!(outcome, AttemptOutcome::RetryAfter { .. } | AttemptOutcome::Unknown { .. })
}

impl Sequencer {
    pub(super) async fn report(&mut self, report: Report) -> Result<(), EngineError> {
        let Report { job, attempt, mut outcome, mut found } = report;
        let renewed = found.as_mut().and_then(|found| found.settings.take());
        self.scheduled.remove(&job.key);
        // Noted before what was found is read, since that may already stage the next try.
        self.note_delay(&job, &outcome, attempt);
        let page = found.as_ref().map(|found| (found.next.clone(), found.confirm.clone()));
        let unhealed = match found {
            Some(found) => self.read_messages(&job, found).await?,
            None => Vec::new(),
        };
        if let (JobKey::ReadBack(..), Some((_, reason))) = (&job.key, unhealed.first()) {
            outcome = read_again_later(attempt, reason.code());
            self.note_delay(&job, &outcome, attempt);
        }
        let over = is_over(&outcome);
        if let AttemptOutcome::Abandoned { code } | AttemptOutcome::Refused { code } = &outcome {
            tracing::warn!(channel.account = %job.account, job = ?job.key, code, "a call to a channel was given up");
        }
        let mut staged = Staged::default();
        match (&job.key, &job.kind) {
            (JobKey::Deliver(order), JobKind::Deliver(draft)) => {
                let command = order::Command::RecordDelivery { delivery: draft.delivery, attempt, outcome };
                self.reported(*order, command).await?;
            }
            (JobKey::Refund(order, number), _) => {
                let refund = number.clone();
                self.reported(*order, order::Command::RecordRefundAttempt { refund, attempt, outcome })
                    .await?;
            }
            (JobKey::CheckPayment(order), JobKind::CheckPayment(payment)) if over => {
                let can_refund = self.account_can_refund(&job.account);
                let (txn, attempts) = (payment.txn.clone(), attempt);
                let command = order::Command::SettlePaymentCheck { txn, outcome, attempts, can_refund };
                self.reported(*order, command).await?;
            }
            (JobKey::ReadBack(account, number), _) if over => {
                let (account, external_no) = (account.clone(), number.clone());
                let command =
                    ChannelCommand::SettleReadBack { account, external_no, outcome, attempts: attempt };
                self.settle_channel(&job, command).await?;
            }
            (JobKey::PushStock(account, item), JobKind::PushStock(push)) if over => {
                let (account, item, available) = (account.clone(), item.clone(), push.available);
                let command =
                    ChannelCommand::SettleStockPush { account, item, available, outcome, attempts: attempt };
                self.settle_channel(&job, command).await?;
            }
            (JobKey::Poll(..), JobKind::Poll(poll)) => {
                self.read_later(&job, unhealed).await?;
                self.polled(&job, poll.clone(), &outcome, page, &mut staged.jobs);
            }
            (JobKey::Renew(..), JobKind::Renew(replaces)) => {
                self.renewed(&job, replaces.clone(), &outcome, renewed, &mut staged).await?;
            }
            (JobKey::Procure(..), _) => {
                let again = self.procurement_reported(&job, attempt, &outcome).await?;
                staged.jobs.extend(again);
            }
            // Asking and publishing change nothing at the channel: a try that failed is simply repeated.
            _ => staged.jobs.push(self.again(&job, attempt)),
        }
        let cause = Cause {
            actor: Actor::channel(&job.account),
            message: None,
            channel: Some(job.account),
            occurred_at: None,
        };
        self.commit(&cause, staged).await
    }

    fn note_delay(&mut self, job: &Job, outcome: &AttemptOutcome, attempt: u32) {
        if !is_over(outcome) {
            self.delayed.insert(job.key.clone(), self.retry_at(outcome, attempt));
        }
    }

    async fn reported(
        &mut self,
        id: vocabulary::OrderId,
        command: order::Command,
    ) -> Result<(), EngineError> {
        if let Err(rejection) = self.order_command(id, command, None).await? {
            tracing::error!(order.id = %id, %rejection, "the outcome of a call was rejected");
        }
        Ok(())
    }

    pub(super) async fn settle_channel(
        &mut self,
        job: &Job,
        command: ChannelCommand,
    ) -> Result<(), EngineError> {
        let stream = job.account.stream();
        if let Err(rejection) = settle(self.hosts.channels.execute(&stream, command).await)? {
            tracing::error!(channel.account = %job.account, %rejection, "the outcome of a call was rejected");
        }
        Ok(())
    }

    pub(super) fn retry_at(&self, outcome: &AttemptOutcome, attempt: u32) -> Timestamp {
        let secs = match outcome {
            AttemptOutcome::RetryAfter { secs, .. } => i64::from(*secs),
            // A question about an unknown outcome: soon at first, then every minute.
            _ => 1_i64.checked_shl(attempt.min(6)).unwrap_or(60).min(60),
        };
        self.now().plus_secs(secs.max(1))
    }

    fn again(&self, job: &Job, attempt: u32) -> Job {
        Job { attempts: attempt, ..job.clone() }
    }

    /// Takes everything in that was found, and returns the orders whose messages time may heal, with the reasons.
    async fn read_messages(
        &mut self,
        job: &Job,
        found: Found,
    ) -> Result<Vec<(Option<String>, Reason)>, EngineError> {
        let mut unhealed = Vec::new();
        for inbound in found.messages {
            let number = external_no(&inbound.ask).map(str::to_owned);
            if let Taken::MayHeal(reason) =
                self.read_message(job, inbound, &found.heard.response.body).await?
            {
                unhealed.push((number, reason));
            }
        }
        Ok(unhealed)
    }

    /// Orders that a poll found and that could not be taken in are read by themselves until they can be.
    async fn read_later(
        &mut self,
        job: &Job,
        unhealed: Vec<(Option<String>, Reason)>,
    ) -> Result<(), EngineError> {
        let can_read = self.adapters.get(&job.account).is_some_and(|adapter| adapter.read_back().is_some());
        for (number, reason) in unhealed {
            let Some(number) = number.filter(|_| can_read) else {
                tracing::warn!(channel.account = %job.account, reason = reason.code(), "a poll found what cannot be taken in");
                continue;
            };
            if let Err(rejection) = self.read_back_ask(&job.account, &number).await? {
                tracing::error!(channel.account = %job.account, %rejection, "an order cannot be read later");
            }
        }
        Ok(())
    }

    /// What a channel said when it was asked is a message like any other: kept, recognised when it repeats, acted on.
    async fn read_message(
        &mut self,
        job: &Job,
        inbound: channel::Inbound,
        response: &[u8],
    ) -> Result<Taken, EngineError> {
        let Some(adapter) = self.adapters.get(&job.account) else { return Ok(Taken::Done) };
        let poll = match &job.kind {
            JobKind::Poll(poll) => Some(poll.name.clone()),
            _ => None,
        };
        let request = Arc::new(RawRequest {
            method: if poll.is_some() { "POLL" } else { "READ" }.to_owned(),
            topic: poll.clone().or_else(|| inbound.id.clone()).unwrap_or_default(),
            query: String::new(),
            headers: Vec::new(),
            body: response.to_vec(),
            received_at: self.now(),
        });
        let buyer = crate::identity::buyer_of(&self.keys, adapter.as_ref(), &inbound.ask);
        let work = MessageWork {
            message: MessageId::from_uuid(self.ids.next(self.now())),
            adapter,
            request,
            proof: sign::read_back_proof(),
            inbound,
            buyer,
            poll,
            reply: None,
        };
        let mut wanted = Wanted::default();
        self.wanted_by_message(&work, &mut wanted);
        self.look_up_more(wanted).await?;
        self.message(work).await
    }
}
