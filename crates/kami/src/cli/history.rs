//! Events, and orders as they were.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Json, Server};

/// Options of `replay`.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// What to replay; only `order` so far.
    #[arg(value_parser = ["order"], required_unless_present = "file")]
    pub(crate) what: Option<String>,
    /// Our order id, `channel/shop:number`, `channel:number`, or a number alone.
    #[arg(required_unless_present = "file")]
    pub(crate) reference: Option<String>,
    /// Replay the history in this file, which `kami events export --order` wrote, instead of one of the log.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["what", "bodies"])]
    pub(crate) file: Option<PathBuf>,
    /// What led to what, from the messages that came in to the calls that went out, instead of the whole history.
    #[arg(long, conflicts_with = "at")]
    pub(crate) causes: bool,
    /// The state at a log position or an instant (RFC 3339), instead of the whole history.
    #[arg(long, value_name = "POSITION|TIME")]
    pub(crate) at: Option<String>,
    /// Also the raw inbound messages (needs the key-encryption key). Of the answers only status and length are shown:
    /// they may hold card keys, which a running Kami shows on the record (GET /v1/inbox/{id}?reveal=REASON).
    #[arg(long, value_name = "REASON")]
    pub(crate) bodies: Option<String>,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// Options of `find`.
#[derive(Debug, Args)]
pub(crate) struct Find {
    /// What to look for.
    #[arg(required_unless_present = "key")]
    pub(crate) text: Option<String>,
    /// Look for a card key, read from standard input so that it appears in no list of processes.
    #[arg(long)]
    pub(crate) key: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// What to do with events.
#[derive(Debug, Subcommand)]
pub(crate) enum Events {
    /// Follow the log.
    #[command(after_help = "Example:\n  kami events tail --after 100 --limit 20")]
    Tail {
        /// Start behind this position.
        #[arg(long, default_value_t = 0)]
        after: u64,
        /// Stop after so many events; without it, follow for ever.
        #[arg(long)]
        limit: Option<u64>,
        #[command(flatten)]
        json: Json,
    },
    /// Show one event.
    Show {
        /// Its position.
        position: u64,
        #[command(flatten)]
        json: Json,
    },
    /// Show what led to an event: its causes back to the inbound message.
    Why {
        /// Its position.
        position: u64,
        #[command(flatten)]
        json: Json,
    },
    /// Write events as NDJSON to standard output, or the history of one order into a file.
    #[command(
        after_help = "Examples:\n  kami events export --after 100\n  kami events export --order A-1001 --out A-1001.json"
    )]
    Export(ExportEvents),
    /// Take in the history of an order that another Kami exported: to be looked at, never acted on.
    #[command(after_help = "Example:\n  kami events import A-1001.json")]
    Import(ImportHistory),
}

/// Options of `events export`.
#[derive(Debug, Args)]
pub(crate) struct ExportEvents {
    /// Start behind this position.
    #[arg(long, default_value_t = 0, conflicts_with = "order")]
    pub(crate) after: u64,
    /// The order whose history is written, through a running Kami, which records it.
    #[arg(long, value_name = "REFERENCE")]
    pub(crate) order: Option<String>,
    /// The file for an order's history; one named after the order where not given.
    #[arg(long, value_name = "FILE", requires = "order")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) server: Server,
}

/// Options of `events import`.
#[derive(Debug, Args)]
pub(crate) struct ImportHistory {
    /// The file.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) json: Json,
}
