//! The list of all facts: type name, schema version and payload type, in one place.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    buyer, channel, journey, order, policy, pool, price, procurement, sku, staff,
    upcasters::{self, Upcasters},
};

/// Why stored bytes are not a fact this build understands.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The type name is not in the catalogue.
    #[error("event type {0} is unknown to this build")]
    UnknownType(String),
    /// The schema version is newer than this build's, or 0, which no build writes.
    #[error("event type {type_name} has schema version {found}, this build knows up to {known}")]
    NewerVersion {
        /// The event's type.
        type_name: String,
        /// The stored schema version.
        found: u16,
        /// The newest version this build reads.
        known: u16,
    },
    /// The payload does not have the shape of its type.
    #[error("payload of event type {type_name} is malformed")]
    Malformed {
        /// The event's type.
        type_name: String,
        /// What the parser found.
        source: serde_json::Error,
    },
}

/// A payload type: what the macro below knows of it.
pub trait FactType: Serialize + DeserializeOwned + JsonSchema {
    /// The stored type name, a literal that never changes.
    const TYPE: &'static str;
    /// The newest schema version.
    const VERSION: u16;
}

macro_rules! facts {
    ($( $module:ident :: $name:ident = $version:literal ),* $(,)?) => {
        /// Everything that can be recorded. One variant per event type.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[allow(missing_docs, reason = "each variant is documented at its payload type")]
        pub enum Fact { $( $name($module::$name) ),* }

        $(
            impl FactType for $module::$name {
                const TYPE: &'static str = stringify!($name);
                const VERSION: u16 = $version;
            }
            impl From<$module::$name> for Fact {
                fn from(fact: $module::$name) -> Self { Self::$name(fact) }
            }
        )*

        impl Fact {
            /// The stored type name.
            pub fn type_name(&self) -> &'static str {
                match self { $( Self::$name(_) => <$module::$name as FactType>::TYPE ),* }
            }
            /// The schema version this build writes for the type.
            pub fn schema_version(&self) -> u16 {
                match self { $( Self::$name(_) => <$module::$name as FactType>::VERSION ),* }
            }
            /// The payload as JSON text.
            pub fn to_json(&self) -> String {
                let written = match self { $( Self::$name(fact) => serde_json::to_string(fact) ),* };
                written.unwrap_or_else(|error| unreachable!("payloads have string keys and no failing serializer: {error}"))
            }
            /// Reads a stored payload, lifting old schema versions through [`upcasters`]. Fields that the
            /// type does not know are ignored, so that a payload with a newer optional field still reads.
            pub fn decode(type_name: &str, version: u16, payload: &str) -> Result<Self, DecodeError> {
                match type_name {
                    $(
                        stringify!($name) => {
                            decode_with::<$module::$name>(upcasters::shipped(), version, payload)
                                .map(Self::$name)
                        }
                    )*
                    other => Err(DecodeError::UnknownType(other.to_owned())),
                }
            }
            /// Name, newest version and JSON Schema of every event type, in the order of the catalogue.
            pub fn catalogue() -> Vec<(&'static str, u16, schemars::Schema)> {
                vec![ $( (stringify!($name), $version, schemars::schema_for!($module::$name)) ),* ]
            }
            /// The kind of stream an event type belongs to, as [`vocabulary::StreamId::kind`] names it
            /// (`order`, `pool`, …); none for a type this build does not know.
            pub fn stream_kind(type_name: &str) -> Option<&'static str> {
                match type_name {
                    $( stringify!($name) => Some(stringify!($module)), )*
                    _ => None,
                }
            }
        }
    };
}

facts! {
    sku::SkuDefined = 1,
    channel::ChannelConnected = 1,
    channel::ChannelSuspended = 1,
    channel::ChannelResumed = 1,
    channel::ListingMapped = 1,
    channel::ListingRemoved = 1,
    channel::ReadBackRequested = 1,
    channel::ReadBackSettled = 1,
    channel::StockPushRequested = 1,
    channel::StockPushSettled = 1,
    channel::ChannelAccessRenewed = 1,
    channel::ChannelAccessLost = 1,
    channel::ChannelTermsSet = 1,
    channel::AttemptRefused = 1,
    price::PriceSet = 1,
    price::PriceWithdrawn = 1,
    pool::BatchOpened = 1,
    pool::KeysImported = 1,
    pool::QuotaSet = 1,
    pool::KeysReserved = 1,
    pool::KeysAllocated = 1,
    pool::KeysReleased = 1,
    pool::AllocationWaitlisted = 1,
    pool::WaitlistLeft = 1,
    pool::KeysQuarantined = 1,
    pool::QuarantineLifted = 1,
    pool::KeysRevoked = 1,
    pool::KeysVoided = 1,
    order::OrderPlaced = 1,
    order::OrderReserved = 1,
    order::ReservationExpired = 1,
    order::OrderCancelled = 1,
    order::PaymentConfirmed = 1,
    order::PaymentDisputed = 1,
    order::PaymentCheckRequested = 1,
    order::PaymentCheckSettled = 1,
    order::OrderBackordered = 1,
    order::LineAllocated = 1,
    order::OrderFulfilled = 1,
    order::DeliveryRequested = 1,
    order::DeliveryAttempted = 1,
    order::OrderDelivered = 1,
    order::KeysRevealed = 1,
    order::KeyReplaced = 1,
    order::RefundRequested = 1,
    order::RefundRefused = 1,
    order::RefundDue = 1,
    order::RefundAttempted = 1,
    order::RefundSettled = 1,
    order::LossRecorded = 1,
    order::OrderHeld = 1,
    order::OrderReleased = 1,
    order::OrderNoted = 1,
    order::OrderClosed = 1,
    order::ClaimAttempted = 1,
    order::PastOrderRecorded = 1,
    order::PastRefundRecorded = 1,
    buyer::BuyerRegistered = 1,
    buyer::BuyerErased = 1,
    buyer::IdentityLinked = 1,
    buyer::IdentityUnlinked = 1,
    procurement::ProcurementRequested = 1,
    procurement::ProcurementAccepted = 1,
    procurement::ProcurementSettled = 1,
    journey::TouchRecorded = 1,
    journey::JourneyOrdered = 1,
    policy::SubscriptionSet = 1,
    policy::SubscriptionEnded = 1,
    policy::ModelFitted = 1,
    policy::ForecastIssued = 1,
    policy::ForecastScored = 1,
    policy::SalesLost = 1,
    staff::QueryRun = 1,
    staff::SearchRun = 1,
    staff::ExportMade = 1,
}

/// Reads a payload of type `T` as it was stored at `version`, lifting it through `upcasters`.
pub(crate) fn decode_with<T: FactType>(
    upcasters: &Upcasters,
    version: u16,
    payload: &str,
) -> Result<T, DecodeError> {
    let malformed = |source| DecodeError::Malformed { type_name: T::TYPE.to_owned(), source };
    if version == T::VERSION {
        return serde_json::from_str(payload).map_err(malformed);
    }
    if version > T::VERSION || version == 0 {
        return Err(DecodeError::NewerVersion {
            type_name: T::TYPE.to_owned(),
            found: version,
            known: T::VERSION,
        });
    }
    let old = serde_json::from_str(payload).map_err(malformed)?;
    let lifted = upcasters.lift(T::TYPE, version, T::VERSION, old);
    serde_json::from_value(lifted).map_err(malformed)
}
