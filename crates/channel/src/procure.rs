//! Buying keys from another shop or a wholesaler, where the channel is our supplier.

use serde::{Deserialize, Serialize};
use vocabulary::{CardKey, Money, Timestamp};

use crate::{CallOutcome, OutboundRequest, Response, Unable};

/// Keys to be bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcureJob {
    /// Our number of the purchase: equal on every retry, never used for two purchases. At most 32 letters and digits.
    pub our_no: String,
    /// The supplier's item id.
    pub item: String,
    /// How many; at least 1.
    pub quantity: u32,
    /// What all of them may cost at most.
    pub max_price: Money,
    /// Where the supplier may report to: the account's own inbound address.
    pub callback_url: Option<String>,
}

/// How a purchase stands.
pub struct Procured {
    /// Our number of the purchase.
    pub our_no: String,
    /// The supplier's number, where it gave one.
    pub reference: Option<String>,
    /// How it stands.
    pub state: ProcureState,
}

/// How a purchase stands.
pub enum ProcureState {
    /// Taken; the keys come later.
    Accepted,
    /// All the keys that were bought.
    Keys(Vec<CardKey>),
    /// There will be none, and nothing was charged (or it was given back).
    Failed {
        /// The supplier's code.
        code: String,
    },
}

/// Buys keys.
pub trait Procure: Send + Sync {
    /// The call that asks what the keys cost now. It is made before every call that buys, and nothing is bought for more
    /// than [`ProcureJob::max_price`]. `step` is 0 at first and one more after each answer without a price. `None` only
    /// where the supplier charges nothing.
    fn quote(&self, job: &ProcureJob, step: u32, now: Timestamp) -> Option<Result<OutboundRequest, Unable>>;
    /// What all the keys together cost; `Done(None)` where the next step must be asked.
    fn interpret_quote(
        &self,
        job: &ProcureJob,
        step: u32,
        response: Response<'_>,
    ) -> CallOutcome<Option<Money>> {
        let _ = (job, step, response);
        CallOutcome::Unknown { code: "cannot_quote".into() }
    }
    /// The call that buys.
    fn request(&self, job: &ProcureJob, now: Timestamp) -> Result<OutboundRequest, Unable>;
    /// How it ended. `Refused` means that nothing was bought.
    fn interpret(&self, job: &ProcureJob, response: Response<'_>) -> CallOutcome<Procured>;
    /// Whether the supplier answers a repeated purchase with the first one, so that an unknown outcome may be
    /// retried. Where not, an unknown outcome is left to a person.
    fn repeat_is_safe(&self) -> bool;
    /// The call that asks how a purchase stands, by our number or the supplier's; `None` where the supplier offers
    /// none.
    fn ask(
        &self,
        job: &ProcureJob,
        reference: Option<&str>,
        now: Timestamp,
    ) -> Option<Result<OutboundRequest, Unable>> {
        let _ = (job, reference, now);
        None
    }
    /// What the supplier said.
    fn interpret_ask(&self, job: &ProcureJob, response: Response<'_>) -> CallOutcome<Procured> {
        let _ = (job, response);
        CallOutcome::Unknown { code: "cannot_ask".into() }
    }
}
