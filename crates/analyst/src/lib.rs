//! What analysts ask read models, whoever carries the question: rows of a table or view by filters and pages, SQL
//! over all of them, files in open formats, and the events behind one cell.
//!
//! This crate reads. It writes neither log nor read models, knows no status codes, and nobody's token.
//!
//! - [`Source`] is a table or view that can be asked for by name, with what its columns mean.
//! - [`page`] reads some of its rows; [`Filter`] says which.
//! - [`Sheet`] is rows with the kinds of their columns; [`SheetWriter`] writes sheets as JSON, NDJSON, CSV or Parquet.
//! - [`export`] writes all rows of a source to one file; [`changes`] tells what differs between two databases.
//! - [`sql::run`] runs one SELECT of somebody who is not trusted.
//! - [`cell::explain`] goes from a cell back to the events that made it.
#![warn(missing_docs)]

pub mod cell;
mod changes;
mod export;
mod filter;
mod format;
mod parquet_file;
mod rows;
mod sheet;
mod source;
pub mod sql;

pub use changes::{CHANGES_MAX, Change, changes};
pub use export::{ExportError, Exported, export};
pub use filter::{Filter, FilterError};
pub use format::{Format, FormatError, SheetWriter};
pub use rows::{Page, page};
pub use sheet::{Heading, Sheet};
pub use source::{Source, sources};
