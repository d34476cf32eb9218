//! The waiting line: paid lines that found no keys, first come first served.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use vocabulary::{Account, OrderId};

/// An order line by its order and number.
pub(super) type LineId = (OrderId, u16);

/// A paid line that waits for keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The order.
    pub order: OrderId,
    /// Its line.
    pub line: u16,
    /// The account it sells on.
    pub account: Account,
    /// How many units it waits for; it takes them all at once or none.
    pub quantity: u32,
}

/// Who waits, in order of arrival, found by line without a walk. Written as a list.
#[derive(Debug, Clone, Default)]
pub(super) struct WaitingLine {
    by_ticket: BTreeMap<u64, Waiting>,
    tickets: BTreeMap<LineId, u64>,
    next_ticket: u64,
}

impl WaitingLine {
    /// Puts a line at the end, unless it waits already.
    pub(super) fn join(&mut self, waiting: Waiting) {
        let id = (waiting.order, waiting.line);
        if !self.contains(id) {
            self.tickets.insert(id, self.next_ticket);
            self.by_ticket.insert(self.next_ticket, waiting);
            self.next_ticket += 1;
        }
    }

    pub(super) fn leave(&mut self, line: LineId) {
        if let Some(ticket) = self.tickets.remove(&line) {
            self.by_ticket.remove(&ticket);
        }
    }

    pub(super) fn contains(&self, line: LineId) -> bool {
        self.tickets.contains_key(&line)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.by_ticket.values()
    }
}

impl PartialEq for WaitingLine {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Serialize for WaitingLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for WaitingLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut line = Self::default();
        for waiting in Vec::<Waiting>::deserialize(deserializer)? {
            line.join(waiting);
        }
        Ok(line)
    }
}
