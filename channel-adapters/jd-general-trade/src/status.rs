//! JD's states and codes, and our order states, reasons and refusals in its words.

use channel::{OrderState, OrderView, Refusal, Step};
use vocabulary::Reason;

use crate::cards;

/// How JD sees an order (`produceStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Produced {
    /// The cards are there.
    Done = 1,
    /// There will be none: JD refunds the buyer.
    Failed = 2,
    /// At work: JD asks again and waits for the call-back.
    Working = 3,
    /// Something is wrong: JD pauses the order, and its staff start it again.
    Exception = 4,
}

/// What a reply says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) code: &'static str,
    pub(crate) produced: Produced,
}

const fn verdict(code: &'static str, produced: Produced) -> Verdict {
    Verdict { code, produced }
}

pub(crate) const DONE: Verdict = verdict("JDO_200", Produced::Done);
pub(crate) const WORKING: Verdict = verdict("JDO_201", Produced::Working);
/// Nothing that was asked for came back: JD asks again.
pub(crate) const UNCLEAR: Verdict = verdict("JDO_500", Produced::Working);
const NOT_SELLABLE: Verdict = verdict("JDO_305", Produced::Failed);

/// An order counts as done only when every key of it is there.
pub(crate) fn of_order(order: &OrderView) -> Verdict {
    match order.state {
        OrderState::Refunded | OrderState::Cancelled => NOT_SELLABLE,
        OrderState::Fulfilled | OrderState::Delivered if cards::all_there(&order.lines) => DONE,
        OrderState::AwaitingPayment
        | OrderState::Processing
        | OrderState::Fulfilled
        | OrderState::Delivered => WORKING,
    }
}

/// A business "no" to an order. JD is told to refund only where a repeat of the order gets the same "no": where the
/// merchant can mend it, or the number is known and its buyer may hold keys, the order is paused instead.
pub(crate) fn of_reason(reason: Reason) -> Verdict {
    match reason {
        Reason::OutOfStock | Reason::QuotaExhausted => NOT_SELLABLE,
        Reason::InvalidQuantity | Reason::InvalidValue => verdict("JDO_303", Produced::Failed),
        Reason::UnknownItem | Reason::UnknownSku | Reason::UnknownChannel => {
            verdict("JDO_302", Produced::Exception)
        }
        Reason::ChannelSuspended | Reason::NoPrice => verdict("JDO_305", Produced::Exception),
        _ => verdict("JDO_500", Produced::Exception),
    }
}

/// A business "no" to a query. Only that the order is unknown may be final: any other failure would make JD refund
/// a buyer who may hold the keys already.
pub(crate) fn of_query_reason(reason: Reason) -> Verdict {
    if reason == Reason::UnknownOrder { verdict("JDO_303", Produced::Failed) } else { UNCLEAR }
}

/// A request that was not acted on. An earlier one for the same order may have been, so JD must not refund; what
/// cannot be sold at all is told for good.
pub(crate) fn of_refusal(refusal: &Refusal, query: bool) -> Verdict {
    let produced = if query { Produced::Working } else { Produced::Exception };
    match (refusal.step, refusal.code) {
        (Step::Signature | Step::Time, _) => verdict("JDO_304", produced),
        (_, "unsupported_order") if !query => NOT_SELLABLE,
        (Step::Size | Step::Format | Step::Meaning, _) => verdict("JDO_303", produced),
    }
}

/// JD's code for a call-back of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Taken,
    Again,
    No,
}

/// 0 is taken, 500 a fault of JD's system; 2, 3, 10 to 13 and 19 are final, and so is what the document does not
/// list.
pub(crate) fn told(code: &str) -> Told {
    match code {
        "0" => Told::Taken,
        "500" => Told::Again,
        _ => Told::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_unknown_order_ends_a_query_for_good_and_no_reason_reads_as_done() {
        for reason in Reason::ALL {
            let failed = of_query_reason(*reason).produced == Produced::Failed;
            assert_eq!(failed, *reason == Reason::UnknownOrder, "{reason:?}");
            assert_ne!(of_reason(*reason).produced, Produced::Done, "{reason:?}");
        }
    }

    #[test]
    fn what_can_be_mended_or_is_known_already_is_paused_and_not_refunded() {
        use Reason::{MessageIdReused, NoPrice, OrderNumberReused, UnknownItem, WrongState};
        for reason in [OrderNumberReused, MessageIdReused, WrongState, UnknownItem, NoPrice] {
            assert_eq!(of_reason(reason).produced, Produced::Exception, "{reason:?}");
        }
    }
}
