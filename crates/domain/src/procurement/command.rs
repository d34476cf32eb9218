//! What can be asked of a purchase.

use events::procurement::{ProcurementEnd, ProcurementRequested};

/// What can be asked of a purchase. All but `Request` need one that was asked for (`WrongState`).
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Buy keys: an item and a reason of 1 to 200 and 1 to 500 characters, and a price that is more than nothing. No
    /// fact when the same was asked for before; rejected (`AlreadyExists`) where the number is another purchase's.
    Request(ProcurementRequested),
    /// The supplier took it. No fact where that, or how it ended, is known.
    Accept {
        /// The supplier's number, where it gave one.
        reference: Option<String>,
    },
    /// It ended. After keys came nothing changes any more; until then keys replace every other end, and the supplier's
    /// word that there will be none replaces doubt.
    Settle {
        /// How.
        end: ProcurementEnd,
        /// The supplier's number; the one that is known where not given.
        reference: Option<String>,
    },
}
