//! Makes units durable: opens the keys their answers show, renders and seals the answers, appends everything that
//! was decided while the last append was being synced in one step, and only then lets replies and intents go.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
};

use channel::Reply;
use event_log::{Append, EventLog, InboxRow, LogError};
use tokio::sync::{mpsc, oneshot};
use vault::{MerchantKeys, Vault};
use vocabulary::{Epoch, KeyRef, MerchantId, Position};

use crate::{
    EngineError,
    effects::{Job, Load},
    work::{Answer, Passed, ReplyTo, Staged},
};

/// How many units go into one append at most.
const UNITS: usize = 1_024;

/// What one sequencer hands to the log: the parts of one append, and where to say how it went.
struct Handed {
    append: Append,
    done: oneshot::Sender<Result<(), LogError>>,
}

/// Told once, by the first lane that cannot go on.
type Failed = Arc<Mutex<Option<oneshot::Sender<EngineError>>>>;

/// The writer of a log, shared by the sequencers of all merchants of the process. It has as many lanes as the log says
/// are sensible ([`EventLog::lanes`]); a merchant keeps to one. What waits in a lane goes into one transaction.
#[derive(Clone)]
pub struct LogWriter {
    lanes: Arc<[mpsc::Sender<Handed>]>,
}

impl LogWriter {
    /// Starts the writer. An append that is refused because of one merchant (its epoch is over, its log is elsewhere)
    /// fails that merchant alone. Any other failure ends all lanes, `failed` is told why, and nothing is answered any
    /// more: nobody may act on what the log might not hold.
    pub fn start(log: Arc<dyn EventLog>) -> (Self, oneshot::Receiver<EngineError>) {
        let (failed, failure) = oneshot::channel();
        let failed: Failed = Arc::new(Mutex::new(Some(failed)));
        let lane = |_| {
            let (queue, handed) = mpsc::channel(64);
            tokio::spawn(write(log.clone(), handed, failed.clone()));
            queue
        };
        let lanes = (0..log.lanes().max(1)).map(lane).collect();
        (Self { lanes }, failure)
    }

    async fn append(&self, append: Append) -> Result<(), EngineError> {
        let (done, told) = oneshot::channel();
        let mut hasher = DefaultHasher::new();
        append.merchant.hash(&mut hasher);
        let lane = &self.lanes[(hasher.finish() % self.lanes.len() as u64) as usize];
        lane.send(Handed { append, done }).await.map_err(|_| EngineError::Stopped)?;
        Ok(told.await.map_err(|_| EngineError::Stopped)??)
    }
}

/// One lane.
async fn write(log: Arc<dyn EventLog>, mut handed: mpsc::Receiver<Handed>, failed: Failed) {
    let mut batch = Vec::new();
    while handed.recv_many(&mut batch, 64).await > 0 {
        // Another lane may have found that the log cannot be trusted.
        if lock(&failed).is_none() {
            return;
        }
        metrics::histogram!("kami_append_events")
            .record(batch.iter().map(|one| one.append.events.len() as f64).sum::<f64>());
        if let Err(error) = append_all(&*log, std::mem::take(&mut batch)).await {
            tracing::error!(%error, "the log cannot be appended to; stopping");
            if let Some(failed) = lock(&failed).take() {
                // Whoever listens stops the process; without a listener the closed queue stops it.
                let _gone = failed.send(EngineError::Log(error));
            }
            return;
        }
    }
}

/// Appends what was handed in. A merchant whose part is refused is told so; the others are appended without it, since
/// of an append that is refused nothing is stored.
async fn append_all(log: &dyn EventLog, batch: Vec<Handed>) -> Result<(), LogError> {
    let (mut parts, mut waiting): (Vec<Append>, Vec<_>) =
        batch.into_iter().map(|one| (one.append, one.done)).unzip();
    while !parts.is_empty() {
        let refusal = match log.append(&parts).await {
            Ok(()) => {
                for done in waiting {
                    // A finisher that is gone has nobody to answer.
                    let _gone = done.send(Ok(()));
                }
                return Ok(());
            }
            Err(error) => error,
        };
        let at = match &refusal {
            LogError::Fenced { merchant, .. } | LogError::WrongPosition { merchant, .. } => {
                parts.iter().position(|part| part.merchant == *merchant)
            }
            LogError::Collision(_) if parts.len() == 1 => Some(0),
            LogError::Collision(_) => return one_by_one(log, parts, waiting).await,
            _ => None,
        };
        let Some(at) = at else { return Err(refusal) };
        let refused = parts.remove(at);
        metrics::counter!("kami_appends_refused_total").increment(1);
        tracing::warn!(merchant = %refused.merchant, error = %refusal, "an append was refused");
        let _gone = waiting.remove(at).send(Err(refusal));
    }
    Ok(())
}

/// A collision does not say whose it is: each merchant is appended alone.
async fn one_by_one(
    log: &dyn EventLog,
    parts: Vec<Append>,
    waiting: Vec<oneshot::Sender<Result<(), LogError>>>,
) -> Result<(), LogError> {
    for (append, done) in parts.into_iter().zip(waiting) {
        Box::pin(append_all(log, vec![Handed { append, done }])).await?;
    }
    Ok(())
}

/// The place is sound even if a lane panicked while it looked at it.
fn lock(failed: &Failed) -> MutexGuard<'_, Option<oneshot::Sender<EngineError>>> {
    failed.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Finishes the units of one merchant.
pub(crate) struct Finisher {
    pub(crate) merchant: MerchantId,
    pub(crate) epoch: Epoch,
    pub(crate) position: Position,
    pub(crate) vault: Arc<Vault>,
    pub(crate) keys: MerchantKeys,
    pub(crate) writer: LogWriter,
    pub(crate) jobs: mpsc::UnboundedSender<Job>,
    pub(crate) load: Arc<Load>,
}

/// What is let go once the append is durable.
struct Release {
    reply: Option<ReplyTo>,
    answer: Option<Answer>,
    rendered: Option<Reply>,
    jobs: Vec<Job>,
    passed: Option<Passed>,
}

impl Finisher {
    /// Runs until the sequencer is gone.
    pub(crate) async fn run(mut self, mut staged: mpsc::Receiver<Staged>) -> Result<(), EngineError> {
        let mut batch = Vec::with_capacity(UNITS);
        while staged.recv_many(&mut batch, UNITS).await > 0 {
            let (append, releases) = self.finish(std::mem::take(&mut batch)).await?;
            let stores = !append.events.is_empty() || !append.inbox.is_empty() || !append.numbers.is_empty();
            if stores {
                self.position = Position(self.position.0 + append.events.len() as u64);
                self.writer.append(append).await?;
            }
            for release in releases {
                self.release(release);
            }
        }
        Ok(())
    }

    async fn finish(&self, mut units: Vec<Staged>) -> Result<(Append, Vec<Release>), EngineError> {
        let subjects: Vec<_> = units.iter_mut().flat_map(|unit| unit.subjects.drain(..)).collect();
        if !subjects.is_empty() {
            self.vault.put_subjects(&self.merchant, &subjects).await.map_err(EngineError::Vault)?;
        }
        for (account, settings) in units.iter_mut().flat_map(|unit| unit.settings.drain(..)) {
            let put = self.vault.put_settings(&self.merchant, &account, settings.expose()).await;
            put.map_err(EngineError::Vault)?;
        }
        let refs: Vec<KeyRef> = units.iter().flat_map(|unit| unit.keys.iter().copied()).collect();
        let opened = if refs.is_empty() {
            Vec::new()
        } else {
            self.vault.open_keys(&self.merchant, &refs).await.map_err(EngineError::Vault)?
        };
        let mut opened = opened.into_iter();
        let mut append = Append {
            merchant: self.merchant.clone(),
            epoch: self.epoch,
            expected_position: self.position,
            events: Vec::new(),
            inbox: Vec::new(),
            numbers: Vec::new(),
        };
        let mut releases = Vec::with_capacity(units.len());
        for unit in units {
            let keys = opened.by_ref().take(unit.keys.len()).collect();
            let rendered = unit.render.map(|render| render(keys));
            if let Some(draft) = unit.inbox {
                let positions =
                    unit.events.first().zip(unit.events.last()).map(|(a, b)| (a.position, b.position));
                append.inbox.push(self.row(draft, rendered.as_ref(), positions)?);
            }
            append.events.extend(unit.events);
            append.numbers.extend(unit.numbers);
            let (reply, answer, jobs, passed) = (unit.reply, unit.answer, unit.jobs, unit.passed);
            releases.push(Release { reply, answer, rendered, jobs, passed });
        }
        Ok((append, releases))
    }

    fn row(
        &self,
        draft: crate::work::InboxDraft,
        answer: Option<&Reply>,
        positions: Option<(Position, Position)>,
    ) -> Result<InboxRow, EngineError> {
        let request = serde_json::to_vec(&*draft.request).map_err(EngineError::Serialise)?;
        let answer = serde_json::to_vec(&answer).map_err(EngineError::Serialise)?;
        Ok(InboxRow {
            sealed_request: self.keys.seal(&format!("{}/request", draft.message), &request),
            sealed_answer: self.keys.seal(&format!("{}/answer", draft.message), &answer),
            message: draft.message,
            account: draft.account,
            dedupe_key: draft.dedupe_key,
            content_hash: draft.content_hash,
            verdict: draft.verdict,
            reason: draft.reason,
            positions,
            received_at: draft.received_at,
        })
    }

    fn release(&self, release: Release) {
        if let (Some(slot), Some(rendered)) = (&release.answer, &release.rendered) {
            slot.send_replace(Some(Arc::new(rendered.clone())));
        }
        if let (Some(reply), Some(rendered)) = (release.reply, release.rendered) {
            // The caller may have hung up.
            let _gone = reply.send(Ok(rendered));
        }
        for job in release.jobs {
            self.load.open.fetch_add(1, Ordering::SeqCst);
            if self.jobs.send(job).is_err() {
                tracing::debug!("an intent came after the effects runner had stopped");
            }
        }
        if let Some(passed) = release.passed {
            passed();
        }
    }
}

#[cfg(test)]
mod tests {
    use event_log::Head;
    use event_log_sqlite::SqliteLog;

    use super::*;

    fn merchant(name: &str) -> MerchantId {
        name.parse().unwrap()
    }

    /// An append of nothing, in an epoch, to a log that ends at a position.
    fn handed(name: &str, epoch: Epoch, at: u64) -> (Handed, oneshot::Receiver<Result<(), LogError>>) {
        let append = Append {
            merchant: merchant(name),
            epoch,
            expected_position: Position(at),
            events: Vec::new(),
            inbox: Vec::new(),
            numbers: Vec::new(),
        };
        let (done, told) = oneshot::channel();
        (Handed { append, done }, told)
    }

    #[tokio::test]
    async fn a_merchant_that_is_refused_is_told_so_and_its_neighbours_are_stored() {
        let dir = tempfile::tempdir().unwrap();
        let log = SqliteLog::open(dir.path()).await.unwrap();
        let Head { epoch: over, .. } = log.claim(&merchant("taken-over")).await.unwrap();
        log.claim(&merchant("taken-over")).await.unwrap();
        let Head { epoch, .. } = log.claim(&merchant("well")).await.unwrap();
        log.claim(&merchant("astray")).await.unwrap();
        let (first, refused) = handed("taken-over", over, 0);
        let (second, stored) = handed("well", epoch, 0);
        let (third, astray) = handed("astray", epoch, 5);
        append_all(&log, vec![first, second, third]).await.unwrap();
        assert!(matches!(refused.await.unwrap(), Err(LogError::Fenced { .. })));
        assert!(matches!(astray.await.unwrap(), Err(LogError::WrongPosition { .. })));
        stored.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_log_that_cannot_be_trusted_ends_every_lane_and_nobody_is_answered() {
        let dir = tempfile::tempdir().unwrap();
        let log = Arc::new(SqliteLog::open(dir.path()).await.unwrap());
        let Head { epoch, .. } = log.claim(&merchant("a")).await.unwrap();
        let (writer, failed) = LogWriter::start(log.clone());
        writer.append(handed("a", epoch, 0).0.append).await.unwrap();
        log.close().await.unwrap();
        let unanswered = writer.append(handed("a", epoch, 0).0.append).await;
        assert!(matches!(unanswered, Err(EngineError::Stopped)));
        assert!(matches!(failed.await.unwrap(), EngineError::Log(_)));
        assert!(matches!(writer.append(handed("a", epoch, 0).0.append).await, Err(EngineError::Stopped)));
    }
}
