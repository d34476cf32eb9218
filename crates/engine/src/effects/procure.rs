//! Buying keys from a supplier. Money is spent by the first call, so nothing is sent twice blindly.

use channel::{Inbound, Kind, Procure, ProcureState, Procured, Response};
use events::channel::AttemptOutcome;

use super::{
    Found, Heard, ProcureDraft,
    call::{Call, no_next, refused},
};

type Tried = (AttemptOutcome, Option<Found>);

impl Call<'_> {
    /// Buys, or where that may have happened before, asks how it stands. What the supplier says of the purchase comes
    /// back as a message; `Abandoned` means that only a person can find out.
    pub(crate) async fn procure(&self, draft: &ProcureDraft, unknown: bool) -> Tried {
        let asking = unknown || draft.accepted;
        let Some(procure) = self.adapter.procure() else {
            let outcome = if asking { abandoned("cannot_procure") } else { refused("cannot_procure") };
            return (outcome, None);
        };
        if !asking {
            return self.buy(procure, draft).await;
        }
        match procure.ask(&draft.job, draft.reference.as_deref(), self.now()) {
            Some(Ok(request)) => {
                let interpret = |response: Response<'_>| procure.interpret_ask(&draft.job, response);
                let (said, outcome) = self.steps(Ok(request), interpret, no_next).await;
                let outcome = match outcome {
                    // While the question itself is not answered, it stays open.
                    AttemptOutcome::Refused { code } => AttemptOutcome::Unknown { code },
                    other => other,
                };
                let said = said.map(|(procured, heard)| (procured, Heard { asked: true, ..heard }));
                told(draft, said, outcome)
            }
            Some(Err(unable)) => (abandoned(unable.0), None),
            None if procure.repeat_is_safe() => {
                let (outcome, found) = self.buy(procure, draft).await;
                match outcome {
                    // A no to the repeat says nothing of the call before it.
                    AttemptOutcome::Refused { code } => (AttemptOutcome::Abandoned { code }, found),
                    other => (other, found),
                }
            }
            None if draft.accepted && draft.job.callback_url.is_some() => {
                (AttemptOutcome::RetryAfter { secs: 0, code: "called_back_later".to_owned() }, None)
            }
            None => (abandoned("unknown_outcome"), None),
        }
    }

    async fn buy(&self, procure: &dyn Procure, draft: &ProcureDraft) -> Tried {
        if let Err(outcome) = self.affordable(procure, draft).await {
            return (outcome, None);
        }
        let first = procure.request(&draft.job, self.now());
        let interpret = |response: Response<'_>| procure.interpret(&draft.job, response);
        let (said, outcome) = self.steps(first, interpret, no_next).await;
        told(draft, said, outcome)
    }
}

impl Call<'_> {
    /// Asks what the keys cost, where the supplier charges for them. Nothing was bought where they cost too much, or
    /// where nobody says: an unanswered question is asked again later.
    async fn affordable(&self, procure: &dyn Procure, draft: &ProcureDraft) -> Result<(), AttemptOutcome> {
        let most = draft.job.max_price;
        for step in 0_u32.. {
            let Some(request) = procure.quote(&draft.job, step, self.now()) else { return Ok(()) };
            let interpret = |response: Response<'_>| procure.interpret_quote(&draft.job, step, response);
            let (price, outcome) = self.steps(request, interpret, no_next).await;
            let Some((price, _)) = price else {
                return Err(match outcome {
                    AttemptOutcome::Unknown { code } => AttemptOutcome::RetryAfter { secs: 0, code },
                    other => other,
                });
            };
            match price {
                Some(price) if price.currency == most.currency && price.minor <= most.minor => return Ok(()),
                Some(price) => return Err(refused(&format!("costs_more_than_allowed:{price}"))),
                None => {}
            }
        }
        Ok(())
    }
}

fn told(draft: &ProcureDraft, said: Option<(Procured, Heard)>, outcome: AttemptOutcome) -> Tried {
    let Some((procured, heard)) = said else { return (outcome, None) };
    let outcome = match procured.state {
        ProcureState::Accepted => AttemptOutcome::RetryAfter { secs: 0, code: "accepted".to_owned() },
        ProcureState::Keys(_) | ProcureState::Failed { .. } => outcome,
    };
    (outcome, Some(said_of(draft, procured, heard)))
}

/// What a supplier says of a purchase, as a message under our number of it.
pub(super) fn said_of(draft: &ProcureDraft, procured: Procured, heard: Heard) -> Found {
    let messages = vec![message(Procured { our_no: draft.job.our_no.clone(), ..procured })];
    Found { messages, ..Found::in_response(heard) }
}

/// The message has an id made of the state, so that the same state read twice is a repeat. No digest of keys is part
/// of it: ids are kept in clear.
fn message(procured: Procured) -> Inbound {
    let reference = procured.reference.as_deref().unwrap_or_default();
    let state = match &procured.state {
        ProcureState::Accepted => format!("accepted:{reference}"),
        ProcureState::Keys(_) => "keys".to_owned(),
        ProcureState::Failed { code } => format!("failed:{code}"),
    };
    let id = format!("procured:{}:{state}", procured.our_no);
    let content = id.clone().into_bytes();
    let ask = channel::Ask::Procured(procured);
    Inbound { id: Some(id), content, kind: Kind::Notice, occurred_at: None, ask }
}

fn abandoned(code: &str) -> AttemptOutcome {
    AttemptOutcome::Abandoned { code: code.to_owned() }
}
