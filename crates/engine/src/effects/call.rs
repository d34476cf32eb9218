//! The calls of one attempt, by capability.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use channel::{Adapter, CallOutcome, OutboundRequest, OutboundResponse, Response, TransportFailure, Unable};
use events::channel::AttemptOutcome;
use vocabulary::Timestamp;

use super::{DeliveryDraft, Found, Heard, Runner, lane::Lane};

/// How often a gateway that says "not paid" is asked again.
const UNPAID_TRIES: u32 = 4;
/// How many calls one attempt may make.
const CALLS_MAX: u32 = 8;

/// One attempt. Its lane was ready and not left alone when it began.
pub(crate) struct Call<'a> {
    pub(super) runner: &'a Runner,
    pub(super) adapter: &'a dyn Adapter,
    lane: &'a Lane,
    timeout: Duration,
    made: AtomicU32,
}

type Sent = Result<OutboundResponse, TransportFailure>;
type Request = Result<OutboundRequest, Unable>;

impl<'a> Call<'a> {
    pub(crate) fn new(runner: &'a Runner, adapter: &'a dyn Adapter, lane: &'a Lane) -> Self {
        let timeout = Duration::from_millis(u64::from(adapter.manifest().limits.timeout_ms));
        Self { runner, adapter, lane, timeout, made: AtomicU32::new(0) }
    }

    /// Makes a call. Every one after the attempt's first waits for the lane anew, and is not made while the account
    /// is left alone: the next attempt starts over then.
    async fn send(&self, request: Request) -> Result<Sent, AttemptOutcome> {
        let request = request.map_err(|unable| refused(unable.0))?;
        let made = self.made.fetch_add(1, Ordering::Relaxed);
        if made >= CALLS_MAX {
            return Err(AttemptOutcome::Unknown { code: TOO_MANY.to_owned() });
        }
        if made > 0 {
            if let Some(until) = self.lane.left_alone_until(self.now()) {
                let secs = u32::try_from(until.secs().saturating_sub(self.now().secs())).unwrap_or(0);
                return Err(AttemptOutcome::RetryAfter { secs, code: "left_alone".to_owned() });
            }
            self.lane.ready(&*self.runner.clock).await;
        }
        let sent = self.runner.http.send(&request, self.timeout).await;
        let answered = matches!(&sent, Ok(response) if response.status < 500);
        self.lane.heard(answered, self.now());
        Ok(sent)
    }

    /// Makes a call and those that follow from it, until one of them is no [`CallOutcome::Next`]. With the result
    /// comes the response that it was read from.
    pub(super) async fn steps<T>(
        &self,
        first: Request,
        interpret: impl Fn(Response<'_>) -> CallOutcome<T>,
        next: impl Fn(&str, Timestamp) -> Request,
    ) -> (Option<(T, Heard)>, AttemptOutcome) {
        let mut request = first;
        loop {
            let sent = match self.send(request).await {
                Ok(sent) => sent,
                Err(outcome) => return (None, outcome),
            };
            let read = interpret(sent.as_ref().map_err(|failure| *failure));
            match read {
                CallOutcome::Next { state } => request = next(&state, self.now()),
                CallOutcome::Done(found) => {
                    let response = sent.unwrap_or_else(|_| nothing());
                    let heard = Heard { response, at: self.now(), asked: false };
                    return (Some((found, heard)), AttemptOutcome::Done);
                }
                CallOutcome::Refused { code } => return (None, AttemptOutcome::Refused { code }),
                CallOutcome::RetryAfter { secs, code } => {
                    return (None, AttemptOutcome::RetryAfter { secs, code });
                }
                CallOutcome::Unknown { code } => return (None, AttemptOutcome::Unknown { code }),
            }
        }
    }

    /// Whether a call whose outcome is unknown is to be made again; the attempt's outcome where it is not.
    async fn asked(
        &self,
        ask: Option<Request>,
        interpret: impl Fn(Response<'_>) -> CallOutcome<bool>,
        repeat_is_safe: bool,
    ) -> Result<(), AttemptOutcome> {
        let Some(request) = ask else {
            let unknown = AttemptOutcome::Abandoned { code: "unknown_outcome".to_owned() };
            return if repeat_is_safe { Ok(()) } else { Err(unknown) };
        };
        let sent = self.send(request).await?;
        match interpret(sent.as_ref().map_err(|failure| *failure)) {
            CallOutcome::Done(true) => Err(AttemptOutcome::Done),
            CallOutcome::Done(false) => Ok(()),
            // While the question itself is not answered, the outcome stays unknown.
            CallOutcome::Refused { code }
            | CallOutcome::RetryAfter { code, .. }
            | CallOutcome::Unknown { code } => Err(AttemptOutcome::Unknown { code }),
            CallOutcome::Next { .. } => Err(AttemptOutcome::Unknown { code: TOO_MANY.to_owned() }),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.runner.clock.now()
    }

    pub(crate) async fn deliver(&self, draft: &DeliveryDraft, unknown: bool) -> AttemptOutcome {
        let Some(deliver) = self.adapter.deliver() else { return refused("cannot_deliver") };
        let keys = match self.runner.vault.open_keys(&self.runner.merchant, &draft.key_refs()).await {
            Ok(keys) => keys,
            Err(error) => {
                tracing::error!(order.id = %draft.order, %error, "keys of a delivery could not be opened");
                return AttemptOutcome::RetryAfter { secs: 0, code: "vault".to_owned() };
            }
        };
        let job = draft.open(keys);
        if unknown {
            let interpret = |response: Response<'_>| deliver.interpret_ask(&job, response);
            let ask = deliver.ask(&job, self.now());
            if let Err(outcome) = self.asked(ask, interpret, deliver.repeat_is_safe()).await {
                return outcome;
            }
        }
        let first = deliver.request(&job, self.now());
        let interpret = |response: Response<'_>| deliver.interpret(&job, response);
        self.steps(first, interpret, |state, now| deliver.next(&job, state, now)).await.1
    }

    pub(crate) async fn refund(&self, job: &channel::RefundJob, unknown: bool) -> AttemptOutcome {
        let Some(refund) = self.adapter.refund() else { return refused("cannot_refund") };
        if unknown {
            let interpret = |response: Response<'_>| refund.interpret_ask(job, response);
            let ask = refund.ask(job, self.now());
            if let Err(outcome) = self.asked(ask, interpret, refund.repeat_is_safe()).await {
                return outcome;
            }
        }
        let first = refund.request(job, self.now());
        let interpret = |response: Response<'_>| refund.interpret(job, response);
        self.steps(first, interpret, |state, now| refund.next(job, state, now)).await.1
    }

    pub(crate) async fn check_payment(&self, job: &channel::PaymentJob, attempts: u32) -> AttemptOutcome {
        let Some(check) = self.adapter.check_payment() else { return refused("cannot_check_payment") };
        let first = check.request(job, self.now());
        let interpret = |response: Response<'_>| check.interpret(job, response);
        match self.steps(first, interpret, no_next).await {
            (Some((report, _)), _) => {
                let same_amount = report.amount.is_none_or(|amount| amount == job.amount);
                let same_txn = report.txn.as_ref().is_none_or(|txn| *txn == job.txn);
                match (report.paid, same_amount, same_txn) {
                    (true, true, true) => AttemptOutcome::Done,
                    // The gateway's own books may lag behind its message.
                    (false, _, _) if attempts < UNPAID_TRIES => {
                        AttemptOutcome::RetryAfter { secs: 0, code: "not_paid".to_owned() }
                    }
                    (false, _, _) => refused("not_paid"),
                    (true, false, _) => refused("amount_mismatch"),
                    (true, true, false) => refused("txn_mismatch"),
                }
            }
            (None, outcome) => asked_again(outcome),
        }
    }

    pub(crate) async fn read_back(&self, external_no: &str) -> (AttemptOutcome, Option<Found>) {
        let Some(read_back) = self.adapter.read_back() else { return (refused("cannot_read_back"), None) };
        let first = read_back.request(external_no, self.now());
        let interpret = |response: Response<'_>| read_back.interpret(external_no, response);
        match self.steps(first, interpret, |state, now| read_back.next(external_no, state, now)).await {
            (Some((messages, heard)), done) => (done, Some(Found { messages, ..Found::in_response(heard) })),
            (None, outcome) => (asked_again(outcome), None),
        }
    }

    pub(crate) async fn push_stock(&self, job: &channel::StockJob) -> AttemptOutcome {
        let Some(push) = self.adapter.push_stock() else { return refused("cannot_push_stock") };
        let first = push.request(job, self.now());
        let interpret = |response: Response<'_>| push.interpret(job, response);
        // A figure replaces the one before it: sending it again does no harm.
        asked_again(self.steps(first, interpret, |state, now| push.next(job, state, now)).await.1)
    }
}

/// The response of a call that an adapter takes for done without one.
fn nothing() -> OutboundResponse {
    OutboundResponse { status: 0, headers: Vec::new(), retry_after: None, body: Vec::new() }
}

const TOO_MANY: &str = "too_many_calls";

pub(super) fn refused(code: &str) -> AttemptOutcome {
    AttemptOutcome::Refused { code: code.to_owned() }
}

/// For calls of one step.
pub(super) fn no_next(_: &str, _: Timestamp) -> Request {
    Err(Unable("no_next_call"))
}

/// Where asking changes nothing, an answer that did not come is simply asked for again.
pub(super) fn asked_again(outcome: AttemptOutcome) -> AttemptOutcome {
    match outcome {
        AttemptOutcome::Unknown { code } => AttemptOutcome::RetryAfter { secs: 0, code },
        other => other,
    }
}
