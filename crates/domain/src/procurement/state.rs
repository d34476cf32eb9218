//! What decisions on a purchase read.

use events::procurement::{ProcurementEnd, ProcurementRequested};
use serde::{Deserialize, Serialize};

/// A purchase: not asked for yet, under way, or ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub(super) requested: Option<ProcurementRequested>,
    pub(super) accepted: bool,
    pub(super) reference: Option<String>,
    pub(super) end: Option<ProcurementEnd>,
}

impl State {
    /// What was asked for.
    pub fn requested(&self) -> Option<&ProcurementRequested> {
        self.requested.as_ref()
    }
    /// Whether the supplier took it.
    pub fn accepted(&self) -> bool {
        self.accepted
    }
    /// The supplier's number.
    pub fn reference(&self) -> Option<&str> {
        self.reference.as_deref()
    }
    /// How it ended, as far as is known.
    pub fn end(&self) -> Option<&ProcurementEnd> {
        self.end.as_ref()
    }
    /// Whether the supplier is still to be called about it.
    pub fn is_open(&self) -> bool {
        self.requested.is_some() && self.end.is_none()
    }
    /// Whether keys that come now are to be taken in.
    pub fn takes_keys(&self) -> bool {
        self.requested.is_some() && !matches!(self.end, Some(ProcurementEnd::Keys { .. }))
    }
}
