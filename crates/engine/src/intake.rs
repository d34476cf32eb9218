//! Requests from channels on their way to the sequencer: verified, parsed, kept.

use std::sync::Arc;

use channel::{Adapter, Ask, Inbound, Proof, RawRequest, Refusal, Reply, Step, Verified};
use tokio::sync::oneshot;
use vocabulary::{Account, MessageId};

use crate::{
    Engine, EngineError, identity,
    work::{MessageWork, RefusedWork, Work},
};

impl Engine {
    /// Takes a request of a channel in, and returns the reply to send: once everything that justifies it is durable.
    pub async fn receive(&self, account: &Account, request: RawRequest) -> Result<Reply, EngineError> {
        let request = Arc::new(request);
        let Some(adapter) = self.adapters.get(account) else {
            let refusal = Refusal::new(Step::Meaning, "unknown_channel", "the account is not connected");
            self.refuse(account, request, &refusal, Reply::text(404, "")).await?;
            return Err(EngineError::UnknownAccount);
        };
        let understood = adapter.verify(&request, self.clock.now()).and_then(|proof| {
            let verified = Verified::new(&request, proof);
            let inbound = adapter.parse(&verified)?;
            if !verified.is_signed() && !matches!(inbound.ask, Ask::Nothing) {
                return Err(Refusal::new(Step::Signature, "missing_signature", "the request must be signed"));
            }
            if matches!(&inbound.ask, Ask::Batch(messages) if messages.is_empty()) {
                return Err(Refusal::new(Step::Meaning, "empty_batch", "the request holds no message"));
            }
            Ok((inbound, verified.into_proof()))
        });
        let (inbound, proof) = match understood {
            Ok(understood) => understood,
            Err(refusal) => {
                let answer = adapter.refuse(&request, &refusal);
                return self.refuse(account, request, &refusal, answer).await;
            }
        };
        match inbound.ask {
            Ask::Batch(messages) => self.receive_batch(&adapter, &request, messages).await,
            _ => self.take_in(adapter, request, proof, inbound).await,
        }
    }

    /// Takes the messages of one request in, one after another; the reply to the last is the reply to all. When one
    /// cannot be taken in, the request as a whole has failed and comes again; those before it are repeats then.
    async fn receive_batch(
        &self,
        adapter: &Arc<dyn Adapter>,
        request: &Arc<RawRequest>,
        messages: Vec<Inbound>,
    ) -> Result<Reply, EngineError> {
        let mut last = None;
        for inbound in messages {
            // It was verified a moment ago; every message needs a proof of its own to be answered with.
            let proof = adapter.verify(request, request.received_at).map_err(|_| EngineError::Stopped)?;
            last = Some(self.take_in(adapter.clone(), request.clone(), proof, inbound).await?);
        }
        last.ok_or(EngineError::Stopped)
    }

    async fn take_in(
        &self,
        adapter: Arc<dyn Adapter>,
        request: Arc<RawRequest>,
        proof: Proof,
        inbound: Inbound,
    ) -> Result<Reply, EngineError> {
        let buyer = identity::buyer_of(&self.keys, adapter.as_ref(), &inbound.ask);
        let (reply, answer) = oneshot::channel();
        let message = MessageId::from_uuid(self.ids.next(self.clock.now()));
        let work =
            MessageWork { message, adapter, request, proof, inbound, buyer, poll: None, reply: Some(reply) };
        self.submit_or_busy(Work::Message(Box::new(work)))?;
        answer.await.map_err(|_| EngineError::Stopped)?
    }

    /// Keeps a refused request with its failing step. When too many come, the rest are only counted.
    pub async fn refuse(
        &self,
        account: &Account,
        request: Arc<RawRequest>,
        refusal: &Refusal,
        answer: Reply,
    ) -> Result<Reply, EngineError> {
        metrics::counter!("kami_inbox_refused_total", "code" => refusal.code).increment(1);
        if self.refusals.check().is_err() {
            return Ok(answer);
        }
        let (reply, kept) = oneshot::channel();
        let step = format!("{:?}", refusal.step).to_lowercase();
        let work = RefusedWork {
            message: MessageId::from_uuid(self.ids.next(self.clock.now())),
            account: account.clone(),
            request,
            reason: format!("{step}:{}", refusal.code),
            answer,
            reply,
        };
        self.submit_or_busy(Work::Refused(Box::new(work)))?;
        kept.await.map_err(|_| EngineError::Stopped)?
    }
}
