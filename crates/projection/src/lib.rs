//! The contract of a read model, and the runner that keeps read models up to date.
//!
//! A [`Projection`] names its [`Table`]s and starts a [`Fold`] per merchant; a fold turns batches of [`Event`]s
//! into rows. [`Views`] keeps the rows of all projections in one SQLite database, each with its checkpoint:
//! rows and checkpoint commit together, so a batch that comes twice changes nothing the second time.
//! [`Projections`] follows logs and hands every event, decoded once, to all folds. Read models are disposable:
//! deleting the database and starting again gives the same rows. [`fold_as_of`] folds the same projections up to
//! an earlier position, and the same queries work on the result.
//!
//! This crate knows no read model and no HTTP; projections know no log and no other projection.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # async fn example(log: Arc<dyn event_log::EventLog>, orders: Arc<dyn projection::Projection>)
//! # -> Result<(), projection::ViewsError> {
//! use projection::{Options, Projections};
//! let merchant: vocabulary::MerchantId = "demo".parse().expect("a slug");
//! let projections = Projections::open("views.db".as_ref(), vec![orders], Options::default()).await?;
//! projections.spawn(log, &merchant)?;
//! projections.wait_for(&merchant, vocabulary::Position(42)).await?;
//! let lag = projections.lag(&merchant).await?;
//! # Ok(()) }
//! ```
#![warn(missing_docs)]

mod afresh;
mod as_of;
mod beside;
mod cache;
mod contract;
mod digest;
mod event;
mod follower;
mod runner;
mod schema;
mod table;
mod tally;
#[cfg(feature = "testkit")]
pub mod testkit;
mod text;
mod trace;
mod views;
mod write;

pub use afresh::Afresh;
pub use as_of::{Cut, Pick, fold_as_of, fold_as_of_instant};
pub use beside::{LastRebuild, Rebuilt};
pub use cache::Cache;
pub use contract::{ApplyError, Fold, Projection};
pub use event::Event;
pub use event_log::InboxTally;
pub use follower::{Applied, Follower};
pub use runner::{Lag, Options, Projections};
pub use table::{Column, Kind, Table, View};
pub use tally::Tallies;
pub use text::iso;
pub use trace::{Gives, Trace};
pub use views::{Checkpoint, Quarantined, Views, ViewsError};
pub use write::{Rows, Value, Words, keys_json};
