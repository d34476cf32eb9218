//! Decides once, appends, answers. The engine owns one merchant's sequencer: it loads state, hosts the pure
//! deciders as `cqrs_es::Aggregate`s, runs process managers in the same atomic unit, commits units in groups,
//! performs intents and takes their outcomes back as commands.
//!
//! This is the only crate that names cqrs-es. It knows no SQL, no status codes and no particular channel.
//!
//! ```text
//! request ─▶ intake ─▶ sequencer (decide, one at a time) ─▶ writer (keys, seal, append, fsync) ─▶ reply
//!                          ▲                                     │
//!                          └───────── outcomes ◀── effects ◀─────┘ intents, once durable
//! ```
#![warn(missing_docs)]

mod adapters;
mod effects;
mod engine;
mod handing;
mod history;
mod host;
mod hot;
mod identity;
mod import;
mod intake;
mod operator;
mod ports;
mod sequencer;
mod start;
mod unit;
mod upkeep;
mod work;
mod writer;

pub use effects::{EffectPolicy, Owner, Unreached, WorkEnded, WorkerOptions, make_calls};
pub use engine::{Connection, Engine, EngineError, EngineOptions, Policy};
pub use history::{HistoryStep, OrderHistory};
pub use identity::Digests;
pub use import::{ImportBatch, ImportReport};
pub use operator::{OperatorAnswer, OperatorCommand, PAST_ORDERS_MAX, PastOrder, TakenOver};
pub use ports::{Clock, Http, Ids, ManualClock, RandomIds, SeededIds, SystemClock};
pub use upkeep::UpkeepStatus;
pub use work::{OperatorCall, OperatorRender, OrderRef};
pub use writer::LogWriter;
