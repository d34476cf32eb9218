//! Keys bought from suppliers: asked for, called about until it is known what came of it, and taken into stock once,
//! whichever way they come: in the reply, by asking, or by the supplier's own call.

use channel::{ProcureJob, ProcureState, Procured};
use domain::{
    Rejection,
    pool::Command as PoolCommand,
    procurement::{Command, State},
};
use events::{
    channel::AttemptOutcome,
    procurement::{ProcurementEnd, ProcurementRequested},
};
use vault::{KeyPut, KeyVerdict};
use vocabulary::{Account, BatchId, CardKey, Money, Quantity, Reason, Sku, StreamId};

use super::{Sequencer, answer::Draft, jobs::fresh, message::Decided, operate::Operated, settle};
use crate::{
    EngineError, OperatorAnswer,
    effects::{Job, JobKey, JobKind, ProcureDraft},
    host::lock,
};

/// How many keys are sealed at a time.
const CHUNK: usize = 5_000;

/// What staff wish to buy.
pub(super) struct Wish {
    pub(super) sku: Sku,
    pub(super) account: Account,
    pub(super) item: String,
    pub(super) quantity: Quantity,
    pub(super) max_price: Money,
    pub(super) reason: String,
}

/// The stream of a purchase; none where the text is no number of ours.
fn stream_of(our_no: &str) -> Option<StreamId> {
    let ours = our_no.len() == 32 && our_no.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    ours.then(|| format!("procurement-{our_no}").parse().ok()).flatten()
}

impl Sequencer {
    /// Asks for a purchase, under a new number, with the next batch kept free for its keys.
    pub(super) async fn procure(&mut self, wish: Wish) -> Operated {
        let Wish { sku, account, item, quantity, max_price, reason } = wish;
        if let Err(rejection) = self.known_sku(&sku).and_then(|()| self.known_account(&account)) {
            return Ok(Err(rejection));
        }
        if self.adapters.get(&account).is_none_or(|adapter| adapter.procure().is_none()) {
            let why = format!("nothing can be bought through {account}");
            return Ok(Err(Rejection::new(Reason::InvalidValue, why)));
        }
        let our_no = self.ids.next(self.now()).simple().to_string();
        let Some(stream) = stream_of(&our_no) else {
            return Err(EngineError::Broken("a new id is no number of a purchase".to_owned()));
        };
        let batch = BatchId(lock(&self.desk).last_batch + 1);
        let wanted = ProcurementRequested {
            our_no: our_no.clone(),
            sku,
            account,
            item,
            quantity,
            max_price,
            batch,
            reason,
        };
        let result = settle(self.hosts.procurements.execute(&stream, Command::Request(wanted)).await)?;
        if result.is_ok() {
            lock(&self.desk).last_batch = batch.0;
        }
        let answer =
            OperatorAnswer { batch: Some(batch), procurement: Some(our_no), ..OperatorAnswer::default() };
        Ok(result.map(|()| answer))
    }

    /// The call a purchase waits for.
    pub(super) fn procurement_job(&self, stream: &StreamId, unknown: bool) -> Option<Job> {
        let desk = lock(&self.desk);
        let state =
            desk.procurements.get(stream).map(|entry| &entry.state).filter(|state| state.is_open())?;
        let asked = state.requested()?;
        let address = self.policy.public_address.as_deref();
        let job = ProcureJob {
            our_no: asked.our_no.clone(),
            item: asked.item.clone(),
            quantity: asked.quantity.get(),
            max_price: asked.max_price,
            callback_url: address
                .map(|address| format!("{}/v1/in/{}", address.trim_end_matches('/'), asked.account)),
        };
        let (reference, accepted) = (state.reference().map(str::to_owned), state.accepted());
        let draft = ProcureDraft { job, reference, accepted };
        let key = JobKey::Procure(asked.our_no.clone());
        let job = fresh(key, asked.account.clone(), JobKind::Procure(Box::new(draft)));
        Some(Job { unknown: unknown && !accepted, ..job })
    }

    /// At start: what was under way. Its call may have left.
    pub(super) fn pending_procurements(&self) -> Vec<Job> {
        let mut streams: Vec<StreamId> = lock(&self.desk).procurements.keys().cloned().collect();
        streams.sort_unstable();
        streams.iter().filter_map(|stream| self.procurement_job(stream, true)).collect()
    }

    /// A call about a purchase ended; what the supplier said of it was taken in before.
    pub(super) async fn procurement_reported(
        &mut self,
        job: &Job,
        attempt: u32,
        outcome: &AttemptOutcome,
    ) -> Result<Option<Job>, EngineError> {
        let JobKey::Procure(our_no) = &job.key else { return Ok(None) };
        let Some(stream) = stream_of(our_no) else { return Ok(None) };
        // The supplier may have said more by its own call while this one was under way.
        let Some(next) = self.procurement_job(&stream, job.unknown) else {
            self.delayed.remove(&job.key);
            return Ok(None);
        };
        let (before, after) = (draft_of(job), draft_of(&next));
        let accepted = after.is_some_and(|draft| draft.accepted);
        let end = match outcome {
            AttemptOutcome::RetryAfter { .. } => return Ok(Some(Job { attempts: attempt, ..next })),
            AttemptOutcome::Unknown { .. } => {
                return Ok(Some(Job { attempts: attempt, unknown: !accepted, ..next }));
            }
            AttemptOutcome::Abandoned { .. } if before != after => return Ok(Some(next)),
            AttemptOutcome::Refused { code } if !accepted => ProcurementEnd::Failed { code: code.clone() },
            AttemptOutcome::Refused { code } | AttemptOutcome::Abandoned { code } => {
                ProcurementEnd::ForAPerson { code: code.clone() }
            }
            AttemptOutcome::Done => ProcurementEnd::ForAPerson { code: "not_taken_in".to_owned() },
        };
        let command = Command::Settle { end, reference: None };
        if let Err(rejection) = settle(self.hosts.procurements.execute(&stream, command).await)? {
            tracing::error!(our_no, %rejection, "the outcome of a purchase was rejected");
        }
        Ok(None)
    }

    /// A supplier says how a purchase stands. One that we do not know, or made elsewhere, is left to a person.
    pub(super) async fn procured(&mut self, account: &Account, procured: &Procured) -> Decided {
        let Some((stream, state)) = self.procurement_of(account, &procured.our_no) else {
            tracing::warn!(channel.account = %account, "a supplier speaks of a purchase that we did not make");
            metrics::counter!("kami_inbox_parked_total").increment(1);
            return Ok(Ok(Draft::Parked));
        };
        let reference = procured.reference.clone();
        let command = match &procured.state {
            ProcureState::Accepted => Command::Accept { reference },
            ProcureState::Failed { code } => {
                Command::Settle { end: ProcurementEnd::Failed { code: code.clone() }, reference }
            }
            ProcureState::Keys(keys) if state.takes_keys() => {
                let end = self.take_keys(&state, keys).await?;
                Command::Settle { end, reference }
            }
            ProcureState::Keys(keys) => return Ok(Ok(later_keys(&state, keys))),
        };
        let result = settle(self.hosts.procurements.execute(&stream, command).await)?;
        Ok(result.map(|()| Draft::Accepted(None)))
    }

    fn procurement_of(&self, account: &Account, our_no: &str) -> Option<(StreamId, State)> {
        let stream = stream_of(our_no)?;
        let state = lock(&self.desk).procurements.get(&stream)?.state.clone();
        let own = state.requested().is_some_and(|asked| asked.account == *account);
        own.then_some((stream, state))
    }

    /// Seals the keys, then stages their batch. Keys that we had before are not taken in twice.
    async fn take_keys(&mut self, state: &State, keys: &[CardKey]) -> Result<ProcurementEnd, EngineError> {
        let broken = |what: &str| EngineError::Broken(format!("bought keys: {what}"));
        let Some(asked) = state.requested() else { return Err(broken("of no purchase")) };
        let (sku, batch) = (asked.sku.clone(), asked.batch);
        let defined = lock(&self.desk).sku(&sku).and_then(|state| state.defined().cloned());
        let Some(defined) = defined else { return Err(broken("of an item that is not defined")) };
        let (imports, duplicates) = self.seal_keys(&sku, &defined.family, batch, keys).await?;
        let count = imports.iter().map(Vec::len).sum::<usize>();
        if count == 0 {
            return Ok(ProcurementEnd::ForAPerson { code: "no_new_keys".to_owned() });
        }
        let supplier = Some(asked.account.to_string());
        let key_kind = defined.key_kind;
        let (unit_cost, sell_until, now) = (None, None, self.now());
        let open =
            PoolCommand::OpenBatch { sku: sku.clone(), batch, key_kind, supplier, unit_cost, sell_until };
        let mut commands = vec![open];
        let mut first_index = 0;
        for fingerprints in imports {
            let next = first_index + counted(fingerprints.len());
            commands.push(PoolCommand::ImportKeys {
                sku: sku.clone(),
                batch,
                first_index,
                fingerprints,
                now,
            });
            first_index = next;
        }
        for command in commands {
            // The batch was kept free and the indices are new, so there is nothing to reject.
            if let Err(rejection) = self.pool_command(&sku, command).await? {
                return Err(broken(&rejection.to_string()));
            }
        }
        let asked = asked.quantity.get();
        Ok(ProcurementEnd::Keys { batch, count: counted(count), asked, duplicates })
    }

    /// Puts keys into the vault; returns the fingerprints of the new ones, chunk by chunk, and how many were known.
    async fn seal_keys(
        &self,
        sku: &Sku,
        family: &str,
        batch: BatchId,
        keys: &[CardKey],
    ) -> Result<(Vec<Vec<String>>, u32), EngineError> {
        let mut imports = Vec::new();
        let (mut first_index, mut duplicates) = (0, 0);
        let full: Vec<CardKey> =
            keys.iter().filter(|key| !key.code.expose().trim().is_empty()).cloned().collect();
        for keys in full.chunks(CHUNK) {
            let put = KeyPut { sku, family, batch, first_index, keys };
            let verdicts = self.vault.put_keys(&self.merchant, put).await.map_err(EngineError::Vault)?;
            let stored: Vec<String> = verdicts
                .into_iter()
                .filter_map(|verdict| match verdict {
                    KeyVerdict::Stored { fingerprint, .. } => Some(fingerprint),
                    KeyVerdict::Duplicate { .. } => None,
                })
                .collect();
            duplicates += counted(keys.len() - stored.len());
            first_index += counted(stored.len());
            imports.extend((!stored.is_empty()).then_some(stored));
        }
        Ok((imports, duplicates))
    }
}

fn draft_of(job: &Job) -> Option<&ProcureDraft> {
    match &job.kind {
        JobKind::Procure(draft) => Some(draft),
        _ => None,
    }
}

/// Keys of a purchase whose keys are in stock: the same once more, or more of them, which a person must look at.
fn later_keys(state: &State, keys: &[CardKey]) -> Draft {
    let known = match state.end() {
        Some(ProcurementEnd::Keys { count, duplicates, .. }) => count.saturating_add(*duplicates),
        _ => 0,
    };
    if counted(keys.len()) <= known {
        return Draft::Accepted(None);
    }
    tracing::warn!("a supplier handed over more keys of a purchase that was settled");
    metrics::counter!("kami_inbox_parked_total").increment(1);
    Draft::Parked
}

fn counted(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
