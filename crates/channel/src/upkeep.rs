//! What an adapter does without being asked by anybody: it fetches what webhooks lost, and renews its access.

use serde::{Deserialize, Serialize};
use vocabulary::{Secret, Timestamp};

use crate::{CallOutcome, Inbound, OutboundRequest, Response, Unable};

/// What a poll asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// From when on, inclusive. It overlaps the window before.
    pub since: Timestamp,
    /// Until when, exclusive: not later than now.
    pub until: Timestamp,
    /// Where the last page ended; `None` for the first.
    pub cursor: Option<String>,
}

/// A page of what was found.
pub struct Page {
    /// What was found, with ids of their own (made from the order's state, so that the same state read twice is a
    /// repeat). An order that the list does not show in full is an [`crate::Ask::ReadBack`].
    pub messages: Vec<Inbound>,
    /// Where the next page begins; `None` when this was the last.
    pub next: Option<String>,
    /// What [`Poll::confirm`] needs once the messages are kept; `None` where nothing is to be confirmed.
    pub confirm: Option<String>,
}

/// Lists a channel's orders, or takes messages out of a queue that the channel keeps for us.
pub trait Poll: Send + Sync {
    /// What it is called in the account's settings and in the log, for example `orders`.
    fn name(&self) -> &'static str;
    /// How often, in seconds; at least 5.
    fn every_secs(&self) -> u32;
    /// The longest window the channel allows, in seconds. A longer gap is fetched in several.
    fn window_max_secs(&self) -> u32;
    /// How far a window reaches back into the one before it, in seconds: the channel's clock and ours differ, and
    /// its list may lag.
    fn overlap_secs(&self) -> u32 {
        300
    }
    /// The call for a page.
    fn request(&self, window: &Window, now: Timestamp) -> Result<OutboundRequest, Unable>;
    /// What the channel said.
    fn interpret(&self, window: &Window, response: Response<'_>, now: Timestamp) -> CallOutcome<Page>;
    /// The call that takes what was kept out of the channel's queue.
    fn confirm(&self, state: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let _ = (state, now);
        Err(Unable("nothing_to_confirm"))
    }
    /// How [`Poll::confirm`] ended. What is not confirmed comes again and is a repeat.
    fn interpret_confirm(&self, state: &str, response: Response<'_>) -> CallOutcome<()> {
        let _ = state;
        CallOutcome::from_transport(response).unwrap_or(CallOutcome::Done(()))
    }
}

/// Renews an access token before it runs out. The settings hold the token and when it ends.
pub trait Renew: Send + Sync {
    /// When to renew next, judged by the settings; at once if it is past. `None` where there is nothing to renew.
    fn due_at(&self) -> Option<Timestamp>;
    /// The call.
    fn request(&self, now: Timestamp) -> Result<OutboundRequest, Unable>;
    /// The account's whole new settings (JSON text), which the engine keeps sealed and connects anew with. A refusal
    /// for good suspends nothing but is shown as a problem of the account: a person must authorise again.
    fn interpret(&self, response: Response<'_>, now: Timestamp) -> CallOutcome<Secret<String>>;
}
