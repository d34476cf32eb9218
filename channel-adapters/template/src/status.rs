//! The platform's words and ours, in one place. Anything unlisted is not paid.

use channel::{Outcome, Reply};

/// Whether an order's status says that it is paid.
pub(crate) fn is_paid(status: &str) -> bool {
    status == "paid"
}

/// The reply to a message that was read. A "no" of ours is told, so that the platform shows it.
pub(crate) fn answer(outcome: &Outcome) -> Reply {
    match outcome {
        Outcome::Rejected(no) => {
            Reply::json(200, format!(r#"{{"ok":false,"reason":"{}"}}"#, no.reason.code()))
        }
        Outcome::Accepted { .. } | Outcome::Parked | Outcome::Order(_) | Outcome::Offers(_) => {
            Reply::json(200, r#"{"ok":true}"#.to_owned())
        }
    }
}

/// The reply to a request that was refused: not a word about why.
pub(crate) fn refused() -> Reply {
    Reply::json(400, r#"{"ok":false}"#.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_statuses_count_as_paid() {
        assert!(is_paid("paid"));
        for other in ["", "PAID", "created", "refunded", "paid "] {
            assert!(!is_paid(other), "{other}");
        }
    }
}
