//! The gateway's statuses and ours, and the word it understands. Anything unlisted is not paid.

use channel::{Outcome, Reply};

/// How a trade stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TradeStatus {
    /// Paid, and the chain confirmed it.
    Paid,
    /// Waiting, expired, called off, being confirmed or failed.
    Unpaid,
    /// A status that no source of ours lists.
    Unlisted,
}

/// Reads `status`. An expired trade (3) may still be paid: the gateway goes on looking for its transfer for a while.
pub(crate) fn trade_status(status: &str) -> TradeStatus {
    match status {
        "2" => TradeStatus::Paid,
        "1" | "3" | "4" | "5" | "6" => TradeStatus::Unpaid,
        _ => TradeStatus::Unlisted,
    }
}

/// The reply to a notification. A "no" of ours fails the notification: the gateway repeats it and shows it.
pub(crate) fn answer(outcome: &Outcome) -> Reply {
    match outcome {
        Outcome::Rejected(_) => fail(),
        Outcome::Accepted { .. } | Outcome::Parked | Outcome::Order(_) | Outcome::Offers(_) => {
            Reply::text(200, "ok")
        }
    }
}

/// The reply to everything else. Gateways look for "ok" or "success" in the body, so both are kept out.
pub(crate) fn fail() -> Reply {
    Reply::text(400, "fail")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_means_paid() {
        assert_eq!(trade_status("2"), TradeStatus::Paid);
        for status in ["1", "3", "4", "5", "6"] {
            assert_eq!(trade_status(status), TradeStatus::Unpaid, "{status}");
        }
        for status in ["", "0", "7", "02", "22", "2 "] {
            assert_eq!(trade_status(status), TradeStatus::Unlisted, "{status}");
        }
    }
}
