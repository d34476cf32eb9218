//! The gateway's statuses and ours, and the two words it understands. Anything unlisted is not paid.

use channel::{Outcome, Reply};

/// Whether a notification's `trade_status` says that the order is paid.
pub(crate) fn is_paid(trade_status: &str) -> bool {
    trade_status == "TRADE_SUCCESS"
}

/// How an order stands in an answer to a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Paid.
    Paid,
    /// Waiting for the buyer.
    Unpaid,
    /// Paid back, frozen or otherwise taken back; only V1 says so.
    TakenBack,
    /// A status that no document of ours lists.
    Unclear,
}

/// Reads the `status` of an answer. Operators number differently: most say 0 unpaid, 1 paid, 2 refunded; some
/// say 1 waiting, 2 paid. The settings name the number that means paid.
pub(crate) fn standing(status: &str, paid_status: &str) -> Standing {
    match (status, paid_status) {
        (status, paid) if status == paid => Standing::Paid,
        ("0", _) | ("1", "2") => Standing::Unpaid,
        ("2", "1") => Standing::TakenBack,
        _ => Standing::Unclear,
    }
}

/// The reply to a notification. A "no" of ours is told as `fail`: the gateway's back office then shows a
/// payment that was not taken up, and its five repeats get the same answer.
pub(crate) fn answer(outcome: &Outcome) -> Reply {
    match outcome {
        Outcome::Rejected(_) => fail(),
        Outcome::Accepted { .. } | Outcome::Parked | Outcome::Order(_) | Outcome::Offers(_) => {
            Reply::text(200, "success")
        }
    }
}

/// The reply to everything else. Gateways look for the word "success" anywhere in the body, so it is kept
/// out.
pub(crate) fn fail() -> Reply {
    Reply::text(400, "fail")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_statuses_count_as_paid() {
        assert!(is_paid("TRADE_SUCCESS"));
        for other in ["", "TRADE_FINISHED", "trade_success", "WAIT_BUYER_PAY", "TRADE_SUCCESS "] {
            assert!(!is_paid(other), "{other}");
        }
        let table = [
            ("1", "1", Standing::Paid),
            ("0", "1", Standing::Unpaid),
            ("2", "1", Standing::TakenBack),
            ("2", "2", Standing::Paid),
            ("1", "2", Standing::Unpaid),
            ("0", "2", Standing::Unpaid),
            ("3", "1", Standing::Unclear),
            ("", "1", Standing::Unclear),
            ("01", "1", Standing::Unclear),
        ];
        for (status, paid, expected) in table {
            assert_eq!(standing(status, paid), expected, "{status} where {paid} is paid");
        }
    }
}
