//! The toy as a supplier. How a purchase stands is one line: `accepted T-1`, `keys T-1 CODE CODE`, `failed why`.

use channel::{CallOutcome, OutboundRequest, Procure, ProcureJob, ProcureState, Procured, Response, Unable};
use vocabulary::{CardKey, Currency, Money, Secret, Timestamp};

use crate::toy::{Toy, call, read};

/// How a purchase stands, from its line.
pub(crate) fn procured(our_no: &str, line: &str) -> Procured {
    let mut words = line.split_whitespace();
    let (state, second) = (words.next().unwrap_or("accepted"), words.next().map(str::to_owned));
    let key = |code: &str| CardKey { code: Secret::new(code.to_owned()), pin: None, expires_on: None };
    let (reference, state) = match state {
        "keys" => (second, ProcureState::Keys(words.map(key).collect())),
        "failed" => (None, ProcureState::Failed { code: second.unwrap_or_default() }),
        _ => (second, ProcureState::Accepted),
    };
    Procured { our_no: our_no.to_owned(), reference, state }
}

impl Procure for Toy {
    fn quote(&self, job: &ProcureJob, step: u32, _: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        let path = format!("price/{}/{}/{step}", job.item, job.quantity);
        self.settings.charges.then(|| call(&path, String::new()))
    }
    /// A line in fen; an empty one asks for the next step.
    fn interpret_quote(&self, _: &ProcureJob, _: u32, response: Response<'_>) -> CallOutcome<Option<Money>> {
        read(response, |line| Some(Money::new(line.trim().parse().ok()?, Currency::CNY)))
    }
    fn request(&self, job: &ProcureJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        if job.item == "nameless" {
            return Err(Unable("item_is_no_id"));
        }
        let path = format!("buy/{}/{}/{}", job.item, job.quantity, job.our_no);
        call(&path, job.callback_url.clone().unwrap_or_default())
    }
    fn interpret(&self, job: &ProcureJob, response: Response<'_>) -> CallOutcome<Procured> {
        read(response, |line| procured(&job.our_no, line))
    }
    fn repeat_is_safe(&self) -> bool {
        self.settings.repeat_is_safe
    }
    fn ask(
        &self,
        job: &ProcureJob,
        reference: Option<&str>,
        _: Timestamp,
    ) -> Option<Result<OutboundRequest, Unable>> {
        let path = format!("bought/{}/{}", job.our_no, reference.unwrap_or("none"));
        self.settings.asks.then(|| call(&path, String::new()))
    }
    fn interpret_ask(&self, job: &ProcureJob, response: Response<'_>) -> CallOutcome<Procured> {
        self.interpret(job, response)
    }
}
