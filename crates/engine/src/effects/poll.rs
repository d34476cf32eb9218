//! The calls that an account makes by itself: polls, and the renewal of its access.

use channel::{Poll, Response, Window};
use events::channel::AttemptOutcome;
use vault::PollMark;
use vocabulary::Timestamp;

use super::{
    Found, PollJob, PollStep,
    call::{Call, asked_again, no_next, refused},
};

impl Call<'_> {
    pub(crate) async fn poll(&self, job: &PollJob) -> (AttemptOutcome, Option<Found>) {
        let polls = self.adapter.polls();
        let Some(poll) = polls.into_iter().find(|poll| poll.name() == job.name) else {
            return (refused("cannot_poll"), None);
        };
        match &job.step {
            PollStep::Fetch(window) => self.page(poll, window).await,
            PollStep::Keep { confirm, mark, .. } => (self.keep(poll, confirm.as_deref(), *mark).await, None),
        }
    }

    /// The account's new settings. A renewal that was not answered is asked for again.
    pub(crate) async fn renew(&self) -> (AttemptOutcome, Option<Found>) {
        let Some(renew) = self.adapter.renew() else { return (refused("cannot_renew"), None) };
        let first = renew.request(self.now());
        let interpret = |response: Response<'_>| renew.interpret(response, self.now());
        match self.steps(first, interpret, no_next).await {
            (Some((settings, heard)), done) => {
                (done, Some(Found { settings: Some(settings), ..Found::in_response(heard) }))
            }
            (None, outcome) => (asked_again(outcome), None),
        }
    }

    async fn page(&self, poll: &dyn Poll, window: &Window) -> (AttemptOutcome, Option<Found>) {
        let first = poll.request(window, self.now());
        let interpret = |response: Response<'_>| poll.interpret(window, response, self.now());
        match self.steps(first, interpret, no_next).await {
            (Some((page, heard)), done) => {
                let channel::Page { messages, next, confirm } = page;
                (done, Some(Found { messages, next, confirm, ..Found::in_response(heard) }))
            }
            (None, outcome) => (asked_again(outcome), None),
        }
    }

    /// What is not confirmed comes again, and a mark that is not kept costs repeats: neither loses anything.
    async fn keep(&self, poll: &dyn Poll, confirm: Option<&str>, mark: Option<Timestamp>) -> AttemptOutcome {
        if let Some(state) = confirm {
            let first = poll.confirm(state, self.now());
            let interpret = |response: Response<'_>| poll.interpret_confirm(state, response);
            let outcome = asked_again(self.steps(first, interpret, no_next).await.1);
            if outcome != AttemptOutcome::Done {
                return outcome;
            }
        }
        if let Some(until) = mark {
            let (account, poll) = (self.adapter.account().clone(), poll.name().to_owned());
            let mark = PollMark { account, poll, until };
            if let Err(error) = self.runner.vault.put_poll_mark(&self.runner.merchant, &mark).await {
                tracing::warn!(%error, poll = mark.poll, "until when was fetched could not be kept");
            }
        }
        AttemptOutcome::Done
    }
}
