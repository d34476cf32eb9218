//! Channels and their adapters.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use vocabulary::Account;

use super::{Json, Server};

/// What to do with channels.
#[derive(Debug, Subcommand)]
pub(crate) enum Channel {
    /// List the protocols with what they can do and example settings.
    #[command(after_help = "Examples:\n  kami channel list\n  kami channel list --json")]
    List(ListChannels),
    /// Tell what a connected account makes of a pasted request, step by step, through a running Kami.
    #[command(after_help = "Example:\n  kami channel explain request.json --account generic/own")]
    Explain(ExplainRequest),
    /// Judge test vectors, or requests that an account received, by a protocol's adapter.
    #[command(
        after_help = "Examples:\n  kami channel test epay-v1 --vectors vectors.json\n  kami channel test generic --account generic/own --record calls.json\n  kami channel test generic --settings own.json --replay calls.json"
    )]
    Test(TestChannel),
    /// Start a new adapter, which compiles and passes the suite from the first minute.
    #[command(after_help = "Example:\n  kami channel new acme")]
    New(NewChannel),
}

/// Options of `channel list`.
#[derive(Debug, Args)]
pub(crate) struct ListChannels {
    /// Print the table of docs/channels.md.
    #[arg(long, conflicts_with = "json")]
    pub(crate) markdown: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// Options of `channel explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainRequest {
    /// The request as JSON, as the inbox shows it; `-` for standard input.
    pub(crate) file: String,
    /// The account, `channel/shop`.
    #[arg(long)]
    pub(crate) account: Account,
    /// The instant to judge its time by (RFC 3339); when it came in where the file says so, else now.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// Options of `channel test`.
#[derive(Debug, Args)]
pub(crate) struct TestChannel {
    /// The protocol's code; without its version (`epay`), the vectors of all versions are judged.
    pub(crate) name: String,
    /// The vectors; those beside the adapters of the workspace we stand in where not given.
    #[arg(long, value_name = "FILE")]
    pub(crate) vectors: Option<PathBuf>,
    /// Only vectors of this scheme; those that the protocol lists where not given.
    #[arg(long)]
    pub(crate) scheme: Vec<String>,
    /// The account's settings as JSON; the protocol's example where not given.
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    /// Write the requests that a running account received into this file, without secrets.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["vectors", "replay"])]
    pub(crate) record: Option<PathBuf>,
    /// Judge the requests of this file again.
    #[arg(long, value_name = "FILE", conflicts_with = "vectors")]
    pub(crate) replay: Option<PathBuf>,
    /// The account to record, `channel/shop`.
    #[arg(long)]
    pub(crate) account: Option<Account>,
    /// How many requests are recorded at most, the newest.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub(crate) limit: u16,
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// Options of `channel new`.
#[derive(Debug, Args)]
pub(crate) struct NewChannel {
    /// The channel's code: small letters, digits and dashes.
    pub(crate) name: String,
    /// The workspace.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
}
