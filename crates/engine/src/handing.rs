//! What the owner of a merchant says to the worker that makes its calls.

use channel::Adapter;
use events::channel::AttemptOutcome;

use crate::{
    Engine, EngineError,
    effects::{Answer, Job, Outside, Report, Said, Tell, Told, found_in, read, write},
    work::Work,
};

impl Engine {
    /// Answers a message of a worker ([`crate::make_calls`]): hands calls out, as soon as some are due and for at most
    /// two seconds, or takes an outcome in. An outcome is taken in once, and only if it is awaited: of this epoch, of the
    /// latest worker, of this attempt.
    ///
    /// # Errors
    /// [`EngineError::Serialise`] where it is no such message, [`EngineError::Stopped`] where nothing is decided here any
    /// more: nothing was done then.
    pub async fn answer_worker(&self, message: &[u8]) -> Result<Vec<u8>, EngineError> {
        let (said, body) = read::<Said>(message)?;
        let answer = match (&self.outside, said) {
            (None, _) => Answer::Here,
            (Some(outside), Said::Take(take)) => outside.take(&take).await,
            (Some(outside), Said::Tell(tell)) => self.told(outside, tell, body).await?,
        };
        write(&answer, &[])
    }

    /// Hands no call out any more. Outcomes of those that are out are taken in as before.
    pub fn hand_out_no_more(&self) {
        if let Some(outside) = &self.outside {
            outside.close();
        }
    }

    /// Returns when no worker has a call whose outcome it has not told.
    pub async fn calls_told(&self) {
        if let Some(outside) = &self.outside {
            outside.all_told().await;
        }
    }

    async fn told(&self, outside: &Outside, tell: Tell, body: &[u8]) -> Result<Answer, EngineError> {
        if !self.is_running() {
            return Err(EngineError::Stopped);
        }
        let job = match outside.told(&tell) {
            Told::Awaited(job) => *job,
            Told::Refused(answer) => return Ok(answer),
        };
        let adapter = self.adapters.get(&job.account);
        let report = report(adapter.as_deref(), job, tell, body);
        let taken = self.submit(Work::Report(Box::new(report))).await;
        outside.done();
        taken.map(|()| Answer::TakenIn)
    }
}

/// What was told, with what the channel's response says to this process.
fn report(adapter: Option<&dyn Adapter>, job: Job, tell: Tell, body: &[u8]) -> Report {
    let heard = tell.heard.map(|head| head.with(body.to_vec()));
    let was_heard = heard.is_some();
    let found = heard.zip(adapter).and_then(|(heard, adapter)| found_in(adapter, &job.kind, heard));
    let outcome = if was_heard && found.is_none() {
        // The worker reads it otherwise: nothing is settled by what this process does not see.
        AttemptOutcome::RetryAfter { secs: 60, code: "read_otherwise".to_owned() }
    } else {
        tell.outcome
    };
    Report { job, attempt: tell.attempt, outcome, found }
}
