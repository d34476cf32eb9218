//! What each fact says, as one human sentence in English and in Chinese.
//!
//! Every screen, export and command prints these same sentences, so one event reads alike everywhere. A sentence
//! names keys by reference (`b3-17`), never by content, and nobody by name.
//!
//! ```
//! use events::{Fact, pool::KeysVoided, sentence::sentence};
//! let fact = Fact::from(KeysVoided { keys: vec!["b1-0".parse().unwrap()], reason: "expired".into() });
//! assert_eq!(sentence(&fact).en, "Key b1-0 was taken out of stock for good: expired.");
//! ```

mod insight;
mod order;
mod people;
mod pool;
mod procurement;
mod setup;
mod words;

use crate::Fact;

/// One sentence in two languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

/// A payload that can say what happened.
trait Say {
    fn say(&self) -> Sentence;
}

/// Writes the sentences of a family of payloads as a table: type, then English, then Chinese.
macro_rules! sentences {
    ($( $type:ident($e:ident): $en:expr, $zh:expr; )*) => {
        $(
            impl crate::sentence::Say for $type {
                fn say(&self) -> crate::sentence::Sentence {
                    let $e = self;
                    crate::sentence::Sentence { en: $en.into(), zh: $zh.into() }
                }
            }
        )*
    };
}
use sentences;

/// What `fact` says.
pub fn sentence(fact: &Fact) -> Sentence {
    said(fact).say()
}

fn said(fact: &Fact) -> &dyn Say {
    match fact {
        Fact::SkuDefined(e) => e,
        Fact::ChannelConnected(e) => e,
        Fact::ChannelSuspended(e) => e,
        Fact::ChannelResumed(e) => e,
        Fact::ListingMapped(e) => e,
        Fact::ListingRemoved(e) => e,
        Fact::ReadBackRequested(e) => e,
        Fact::ReadBackSettled(e) => e,
        Fact::StockPushRequested(e) => e,
        Fact::StockPushSettled(e) => e,
        Fact::ChannelAccessRenewed(e) => e,
        Fact::ChannelAccessLost(e) => e,
        Fact::ChannelTermsSet(e) => e,
        Fact::AttemptRefused(e) => e,
        Fact::PriceSet(e) => e,
        Fact::PriceWithdrawn(e) => e,
        Fact::BatchOpened(e) => e,
        Fact::KeysImported(e) => e,
        Fact::QuotaSet(e) => e,
        Fact::KeysReserved(e) => e,
        Fact::KeysAllocated(e) => e,
        Fact::KeysReleased(e) => e,
        Fact::AllocationWaitlisted(e) => e,
        Fact::WaitlistLeft(e) => e,
        Fact::KeysQuarantined(e) => e,
        Fact::QuarantineLifted(e) => e,
        Fact::KeysRevoked(e) => e,
        Fact::KeysVoided(e) => e,
        Fact::OrderPlaced(e) => e,
        Fact::OrderReserved(e) => e,
        Fact::ReservationExpired(e) => e,
        Fact::OrderCancelled(e) => e,
        Fact::PaymentConfirmed(e) => e,
        Fact::PaymentDisputed(e) => e,
        Fact::PaymentCheckRequested(e) => e,
        Fact::PaymentCheckSettled(e) => e,
        Fact::OrderBackordered(e) => e,
        Fact::LineAllocated(e) => e,
        Fact::OrderFulfilled(e) => e,
        Fact::DeliveryRequested(e) => e,
        Fact::DeliveryAttempted(e) => e,
        Fact::OrderDelivered(e) => e,
        Fact::KeysRevealed(e) => e,
        Fact::KeyReplaced(e) => e,
        Fact::RefundRequested(e) => e,
        Fact::RefundRefused(e) => e,
        Fact::RefundDue(e) => e,
        Fact::RefundAttempted(e) => e,
        Fact::RefundSettled(e) => e,
        Fact::LossRecorded(e) => e,
        Fact::OrderHeld(e) => e,
        Fact::OrderReleased(e) => e,
        Fact::OrderNoted(e) => e,
        Fact::OrderClosed(e) => e,
        Fact::ClaimAttempted(e) => e,
        Fact::PastOrderRecorded(e) => e,
        Fact::PastRefundRecorded(e) => e,
        Fact::BuyerRegistered(e) => e,
        Fact::BuyerErased(e) => e,
        Fact::IdentityLinked(e) => e,
        Fact::IdentityUnlinked(e) => e,
        Fact::ProcurementRequested(e) => e,
        Fact::ProcurementAccepted(e) => e,
        Fact::ProcurementSettled(e) => e,
        Fact::TouchRecorded(e) => e,
        Fact::JourneyOrdered(e) => e,
        Fact::SubscriptionSet(e) => e,
        Fact::SubscriptionEnded(e) => e,
        Fact::ModelFitted(e) => e,
        Fact::ForecastIssued(e) => e,
        Fact::ForecastScored(e) => e,
        Fact::SalesLost(e) => e,
        Fact::QueryRun(e) => e,
        Fact::SearchRun(e) => e,
        Fact::ExportMade(e) => e,
    }
}

#[cfg(test)]
mod tests;
