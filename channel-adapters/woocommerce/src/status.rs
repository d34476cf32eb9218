//! The shop's words for how an order stands, and what webhooks are answered.

use channel::{Refusal, Reply, Step};

/// How an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// No money yet, or a payment that failed and may be tried again.
    Open,
    /// Paid, to be done.
    Processing,
    /// Paid and done.
    Completed,
    /// Called off.
    Cancelled,
    /// All the money went back.
    Refunded,
    /// A word of a plugin's, or the bin.
    Unlisted,
}

pub(crate) fn standing(word: &str) -> Standing {
    match word {
        "pending" | "on-hold" | "failed" | "checkout-draft" | "auto-draft" => Standing::Open,
        "processing" => Standing::Processing,
        "completed" => Standing::Completed,
        "cancelled" => Standing::Cancelled,
        "refunded" => Standing::Refunded,
        _ => Standing::Unlisted,
    }
}

/// Every outcome is acknowledged: the shop repeats nothing, and after six failures it switches the webhook off.
pub(crate) fn taken() -> Reply {
    Reply::text(200, "taken")
}

/// A body that is genuine and cannot be used is acknowledged for the same reason; it stays in the inbox, refused.
pub(crate) fn refuse(refusal: &Refusal) -> Reply {
    match refusal.step {
        Step::Signature | Step::Time => Reply::text(401, ""),
        Step::Size => Reply::text(413, ""),
        Step::Format | Step::Meaning => Reply::text(200, "not taken"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_words_count() {
        let table = [
            ("pending", Standing::Open),
            ("failed", Standing::Open),
            ("processing", Standing::Processing),
            ("completed", Standing::Completed),
            ("cancelled", Standing::Cancelled),
            ("refunded", Standing::Refunded),
            ("trash", Standing::Unlisted),
            ("wc-processing", Standing::Unlisted),
            ("Processing", Standing::Unlisted),
            ("", Standing::Unlisted),
        ];
        for (word, expected) in table {
            assert_eq!(standing(word), expected, "{word}");
        }
    }
}
