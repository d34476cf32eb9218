//! What a refund's or dispute's event leaves to be read back: the payment, and for a dispute how it stands.
//!
//! Neither names our order. The payment's session does, so a hint goes out as the number of the payment, followed by
//! what the signed event said of the dispute.

use vocabulary::Money;

use crate::{session::money, settings::is_id};

/// How a dispute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DisputeStanding {
    /// The bank decides yet.
    Open,
    /// The money stays with us.
    Won,
    /// The money is gone.
    Lost,
}

impl DisputeStanding {
    const ALL: [(Self, &'static str); 3] = [(Self::Open, "open"), (Self::Won, "won"), (Self::Lost, "lost")];

    /// Reads a dispute's `status`; `None` for one that no document lists.
    pub(crate) fn of(status: &str) -> Option<Self> {
        match status {
            "needs_response" | "under_review" | "warning_needs_response" | "warning_under_review" => {
                Some(Self::Open)
            }
            "won" | "warning_closed" => Some(Self::Won),
            "lost" => Some(Self::Lost),
            _ => None,
        }
    }
    /// Its word in hints and message ids.
    pub(crate) fn word(self) -> &'static str {
        Self::ALL.iter().find(|(standing, _)| *standing == self).map_or("", |(_, word)| word)
    }
}

/// A dispute, as its event tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dispute {
    pub(crate) id: String,
    pub(crate) standing: DisputeStanding,
    pub(crate) amount: Money,
}

/// What is to be read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hint {
    /// The payment intent.
    pub(crate) intent: String,
    pub(crate) dispute: Option<Dispute>,
}

impl Hint {
    /// As text: `pi_1`, or `pi_1/dp_1/lost/999/usd`.
    pub(crate) fn write(&self) -> String {
        let Some(dispute) = &self.dispute else { return self.intent.clone() };
        let currency = dispute.amount.currency.as_str().to_ascii_lowercase();
        let (id, word, minor) = (&dispute.id, dispute.standing.word(), dispute.amount.minor);
        format!("{}/{id}/{word}/{minor}/{currency}", self.intent)
    }

    /// Reads what [`Hint::write`] wrote.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        let (intent, dispute) = match parts.as_slice() {
            [intent] => (intent, None),
            [intent, id, word, minor, currency] => {
                let (standing, _) = DisputeStanding::ALL.into_iter().find(|(_, known)| known == word)?;
                let amount = money(minor.parse().ok(), Some(currency)).ok()?;
                (intent, Some(Dispute { id: (*id).to_owned(), standing, amount }))
            }
            _ => return None,
        };
        let sound = is_id(intent) && dispute.as_ref().is_none_or(|dispute| is_id(&dispute.id));
        sound.then(|| Self { intent: (*intent).to_owned(), dispute })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_reads_back_as_it_was_written() {
        for text in
            ["pi_3Test", "pi_3Test/dp_1/open/999/usd", "pi_3/dp_2/lost/500/jpy", "pi_3/dp_2/won/1/eur"]
        {
            assert_eq!(Hint::read(text).unwrap().write(), text);
        }
        for text in
            ["", "pi-3", "pi_3/dp_1", "pi_3/dp_1/maybe/1/usd", "pi_3/dp_1/lost/1/xxx", "pi_3//lost/1/usd"]
        {
            assert_eq!(Hint::read(text), None, "{text}");
        }
    }
}
