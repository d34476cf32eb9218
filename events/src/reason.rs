//! The reason of a fact as a code, for programs that count and filter.

use crate::{Fact, channel::AttemptOutcome, pool::AllocationReason};

/// The longest word that is taken for a code, in bytes.
const CODE_MAX: usize = 64;

impl Fact {
    /// Why it happened, as a code such as `backorder_expired` or `rate_limited`; none where the fact has no reason
    /// or somebody gave it in their own words.
    pub fn reason_code(&self) -> Option<&str> {
        self.reason().filter(|reason| is_code(reason))
    }

    /// Why it happened, as it is stored: a code, or somebody's words.
    fn reason(&self) -> Option<&str> {
        match self {
            Self::ChannelSuspended(e) => Some(&e.reason),
            Self::ChannelResumed(e) => Some(&e.reason),
            Self::AttemptRefused(e) => Some(&e.reason),
            Self::QuotaSet(e) => Some(&e.reason),
            Self::KeysReleased(e) => Some(&e.reason),
            Self::KeysQuarantined(e) => Some(&e.reason),
            Self::QuarantineLifted(e) => Some(&e.reason),
            Self::KeysRevoked(e) => Some(&e.reason),
            Self::KeysVoided(e) => Some(&e.reason),
            Self::KeysAllocated(e) => Some(chosen(e.chosen)),
            Self::OrderCancelled(e) => Some(&e.reason),
            Self::PaymentDisputed(e) => Some(&e.reason),
            Self::DeliveryRequested(e) => e.reason.as_deref(),
            Self::KeysRevealed(e) => Some(&e.reason),
            Self::KeyReplaced(e) => Some(&e.reason),
            Self::RefundRequested(e) => Some(&e.reason),
            Self::RefundRefused(e) => Some(&e.reason),
            Self::RefundDue(e) => Some(&e.reason),
            Self::LossRecorded(e) => Some(&e.reason),
            Self::OrderHeld(e) => Some(&e.reason),
            Self::OrderReleased(e) => Some(&e.reason),
            Self::OrderClosed(e) => Some(&e.reason),
            Self::BuyerErased(e) => Some(&e.reason),
            Self::IdentityUnlinked(e) => Some(&e.reason),
            Self::DeliveryAttempted(e) => code(&e.outcome),
            Self::RefundAttempted(e) => code(&e.outcome),
            Self::PaymentCheckSettled(e) => code(&e.outcome),
            Self::StockPushSettled(e) => code(&e.outcome),
            _ => None,
        }
    }
}

fn chosen(reason: AllocationReason) -> &'static str {
    match reason {
        AllocationReason::Reserved => "reserved",
        AllocationReason::Stock => "stock",
        AllocationReason::Waitlist => "waitlist",
        AllocationReason::Replacement => "replacement",
    }
}

fn code(outcome: &AttemptOutcome) -> Option<&str> {
    match outcome {
        AttemptOutcome::Done => None,
        AttemptOutcome::Refused { code }
        | AttemptOutcome::RetryAfter { code, .. }
        | AttemptOutcome::Unknown { code }
        | AttemptOutcome::Abandoned { code } => Some(code),
    }
}

/// One word of letters, digits and what channels join them with.
fn is_code(text: &str) -> bool {
    let joins = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':');
    (1..=CODE_MAX).contains(&text.len()) && text.bytes().all(joins)
}

#[cfg(test)]
mod tests {
    use crate::{Fact, order::OrderHeld};

    #[test]
    fn a_code_is_told_and_a_persons_words_are_not() {
        let of = |reason: &str| {
            let fact = Fact::from(OrderHeld { reason: reason.to_owned() });
            fact.reason_code().map(str::to_owned)
        };
        assert_eq!(of("refund_agreed").as_deref(), Some("refund_agreed"));
        assert_eq!(of("JDI_00003").as_deref(), Some("JDI_00003"));
        assert_eq!(of("looks odd"), None);
        assert_eq!(of("已核实"), None);
    }
}
