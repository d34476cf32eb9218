//! Shopify's words for how an order's money stands, and what webhooks are answered.

use channel::{Refusal, Reply, Step};

/// How an order's money stands (`financial_status`, `displayFinancialStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Financial {
    /// Nothing is captured yet.
    Unpaid,
    /// All of it is ours.
    Paid,
    /// Part of it went back.
    PartlyRefunded,
    /// All of it went back.
    Refunded,
    /// It will never be captured.
    Void,
    /// A word that no document of ours lists.
    Unlisted,
}

pub(crate) fn financial(word: &str) -> Financial {
    match word.to_ascii_lowercase().as_str() {
        "pending" | "authorized" | "partially_paid" => Financial::Unpaid,
        "paid" => Financial::Paid,
        "partially_refunded" => Financial::PartlyRefunded,
        "refunded" => Financial::Refunded,
        "voided" | "expired" => Financial::Void,
        _ => Financial::Unlisted,
    }
}

/// What can be done with a fulfilment order now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fulfilment {
    /// It can be fulfilled.
    Open,
    /// The shop wants it to wait.
    Waiting,
    /// It is over.
    Over,
}

pub(crate) fn fulfilment(word: &str) -> Fulfilment {
    match word {
        "OPEN" | "IN_PROGRESS" | "INCOMPLETE" => Fulfilment::Open,
        "CLOSED" | "CANCELLED" => Fulfilment::Over,
        // ON_HOLD, SCHEDULED, and whatever else there may be: keys are not to leave.
        _ => Fulfilment::Waiting,
    }
}

/// Every outcome is acknowledged: no business "no" is mended by a repeat, and eight failures in a row cost the
/// subscription.
pub(crate) fn taken() -> Reply {
    Reply::text(200, "taken")
}

/// A body that is genuine and cannot be used is acknowledged for the same reason; it stays in the inbox, refused.
pub(crate) fn refuse(refusal: &Refusal) -> Reply {
    match refusal.step {
        Step::Signature | Step::Time => Reply::text(401, ""),
        Step::Size => Reply::text(413, ""),
        Step::Meaning if refusal.code == "shop_mismatch" => Reply::text(403, ""),
        Step::Format | Step::Meaning => Reply::text(200, "not taken"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_words_count() {
        let table = [
            ("paid", Financial::Paid),
            ("PAID", Financial::Paid),
            ("PARTIALLY_REFUNDED", Financial::PartlyRefunded),
            ("refunded", Financial::Refunded),
            ("voided", Financial::Void),
            ("EXPIRED", Financial::Void),
            ("pending", Financial::Unpaid),
            ("authorized", Financial::Unpaid),
            ("partially_paid", Financial::Unpaid),
            ("", Financial::Unlisted),
            ("paid ", Financial::Unlisted),
        ];
        for (word, expected) in table {
            assert_eq!(financial(word), expected, "{word}");
        }
        assert_eq!(fulfilment("OPEN"), Fulfilment::Open);
        assert_eq!(fulfilment("CLOSED"), Fulfilment::Over);
        for word in ["ON_HOLD", "SCHEDULED", "", "NEW_WORD"] {
            assert_eq!(fulfilment(word), Fulfilment::Waiting, "{word}");
        }
    }
}
