//! Read models.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Json, Server};

/// Options of `rebuild`.
#[derive(Debug, Args)]
pub(crate) struct Rebuild {
    /// The read model; all of them where not given.
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// Options of `export`.
#[derive(Debug, Args)]
#[group(id = "format", required = true, multiple = false, args = ["parquet", "csv", "ndjson"])]
pub(crate) struct Export {
    /// Write Parquet files into this directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) parquet: Option<PathBuf>,
    /// Write CSV files into this directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) csv: Option<PathBuf>,
    /// Write NDJSON files into this directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) ndjson: Option<PathBuf>,
    /// A table or view; may be repeated. All of them where not given.
    #[arg(long, value_name = "NAME")]
    pub(crate) view: Vec<String>,
    /// The rows as they were at a log position or an instant (RFC 3339) by our clock.
    #[arg(long, value_name = "POSITION|TIME")]
    pub(crate) as_of: Option<String>,
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// What to do with tables and views.
#[derive(Debug, Subcommand)]
pub(crate) enum View {
    /// List them, with the columns that tell their rows apart.
    List(Json),
    /// Fold one anew beside the live rows, compare digests, and put the new rows in place where they differ.
    #[command(after_help = "Examples:\n  kami view rebuild fct_order\n  kami view rebuild sales --as-of 250")]
    Rebuild(RebuildView),
    /// Hold the live rows of one against a fold of the log, and show the rows that differ. Fails where any do.
    #[command(after_help = "Example:\n  kami view diff mart_sales_hour")]
    Diff(DiffView),
}

/// Options of `view rebuild`.
#[derive(Debug, Args)]
pub(crate) struct RebuildView {
    /// A table, a view or a read model.
    pub(crate) name: String,
    /// Only fold it up to this position and print the digest; nothing is put in place.
    #[arg(long, value_name = "POSITION")]
    pub(crate) as_of: Option<u64>,
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// Options of `view diff`.
#[derive(Debug, Args)]
pub(crate) struct DiffView {
    /// A table or view.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// Options of `diff`.
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The earlier position.
    pub(crate) from: u64,
    /// The later position.
    pub(crate) to: u64,
    /// The table or view.
    #[arg(long, value_name = "NAME")]
    pub(crate) view: String,
    #[command(flatten)]
    pub(crate) json: Json,
}
