//! PayPal's words for captures and refunds, and what events are answered.

use channel::{Outcome, Refusal, Rejected, Reply, Step};
use vocabulary::Reason;

/// Whether a capture's money is with the merchant, all of it.
pub(crate) fn is_paid(capture_status: &str) -> bool {
    capture_status == "COMPLETED"
}

/// How a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefundStanding {
    /// The money went back.
    Done,
    /// It will.
    Pending,
    /// It will not.
    Failed,
    /// A word that no document of ours lists.
    Unlisted,
}

pub(crate) fn refund_standing(word: &str) -> RefundStanding {
    match word {
        "COMPLETED" => RefundStanding::Done,
        "PENDING" => RefundStanding::Pending,
        "FAILED" | "CANCELLED" => RefundStanding::Failed,
        _ => RefundStanding::Unlisted,
    }
}

/// The reply to an event. PayPal repeats for three days what is not answered with 2xx: only an order that the own
/// site may yet tell of is worth that.
pub(crate) fn answer(outcome: &Outcome) -> Reply {
    match outcome {
        Outcome::Rejected(Rejected { reason: Reason::UnknownOrder, .. }) => Reply::text(503, "not yet"),
        Outcome::Rejected(_)
        | Outcome::Accepted { .. }
        | Outcome::Parked
        | Outcome::Order(_)
        | Outcome::Offers(_) => Reply::text(200, "taken"),
    }
}

pub(crate) fn refuse(refusal: &Refusal) -> Reply {
    match refusal.step {
        Step::Signature | Step::Time => Reply::text(401, ""),
        Step::Size => Reply::text(413, ""),
        Step::Format | Step::Meaning => Reply::text(400, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_words_count() {
        for other in ["", "completed", "PENDING", "REFUNDED", "PARTIALLY_REFUNDED", "DECLINED", "FAILED"] {
            assert!(!is_paid(other), "{other}");
        }
        assert!(is_paid("COMPLETED"));
        let table = [
            ("COMPLETED", RefundStanding::Done),
            ("PENDING", RefundStanding::Pending),
            ("FAILED", RefundStanding::Failed),
            ("CANCELLED", RefundStanding::Failed),
            ("", RefundStanding::Unlisted),
        ];
        for (word, expected) in table {
            assert_eq!(refund_standing(word), expected, "{word}");
        }
    }

    #[test]
    fn only_an_order_that_may_yet_come_is_asked_for_again() {
        let rejected = |reason| Outcome::Rejected(Rejected { reason, detail: String::new() });
        for reason in Reason::ALL {
            let expected = if *reason == Reason::UnknownOrder { 503 } else { 200 };
            assert_eq!(answer(&rejected(*reason)).status, expected, "{reason}");
        }
    }
}
