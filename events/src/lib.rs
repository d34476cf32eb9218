//! The permanent record: what can happen ([`Fact`]), how it is stored ([`RecordedEvent`]), how a log is
//! linked ([`chain`]) and how old shapes are read ([`upcasters`]).
//!
//! This crate knows no decisions, no storage and no channels. A stored type name is a written-out literal.
//! An event is never edited once released: adding an optional field keeps its version, any other change is a
//! new version with an upcaster, and the golden file of the old version stays for ever.
//!
//! ```
//! use events::{Fact, pool::KeysVoided};
//! let fact = Fact::from(KeysVoided { keys: vec!["b1-0".parse().unwrap()], reason: "expired".into() });
//! assert_eq!(fact.type_name(), "KeysVoided");
//! let json = fact.to_json();
//! assert_eq!(Fact::decode("KeysVoided", 1, &json).unwrap(), fact);
//! ```
#![warn(missing_docs)]

pub mod buyer;
pub mod chain;
pub mod channel;
mod envelope;
mod fact;
pub mod journey;
pub mod order;
pub mod policy;
pub mod pool;
pub mod price;
pub mod procurement;
mod reason;
pub mod sentence;
pub mod sku;
pub mod staff;
pub mod upcasters;

pub use envelope::{Actor, ActorKind, Metadata, RecordedEvent};
pub use fact::{DecodeError, Fact, FactType};
