//! What keeps an installation going.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Json;

/// Options of `backup`.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// Where to: a directory that does not exist yet, or is empty.
    pub(crate) dir: PathBuf,
    /// Copy the key-encryption key into this file as well, which must lie outside of the directory: who has both can
    /// open every card key. Without it the key must be kept in another way.
    #[arg(long, value_name = "FILE")]
    pub(crate) kek_to: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// Options of `restore`.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup.
    #[arg(required_unless_present = "accept", conflicts_with_all = ["accept", "reason"])]
    pub(crate) dir: Option<PathBuf>,
    /// Accept where a restored log ends, so that it is served: the last position that anybody outside knows of
    /// (`position`, or `merchant=position` for each of several), or `nothing-lost`.
    #[arg(long, value_name = "POSITION", value_delimiter = ',', requires = "reason")]
    pub(crate) accept: Vec<String>,
    /// Why it was restored. It is kept with the data.
    #[arg(long, value_name = "TEXT", requires = "accept")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// Options of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Where the NATS server can be monitored (its setting `http`): a client cannot ask how often it flushes.
    #[arg(long, value_name = "URL")]
    pub(crate) nats_monitor: Option<String>,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// Options of `verify`.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) json: Json,
}

/// Options of `migrate-log`.
#[derive(Debug, Args)]
pub(crate) struct MigrateLog {
    /// The log to copy: a data directory, or the URL of a PostgreSQL database or of KurrentDB.
    #[arg(long, value_name = "DIR|URL")]
    pub(crate) from: String,
    /// Where to: a data directory, or the URL of a PostgreSQL database or of KurrentDB.
    #[arg(long, value_name = "DIR|URL")]
    pub(crate) to: String,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// Options of `migrate-vault`. The key-encryption key is the configured one.
#[derive(Debug, Args)]
pub(crate) struct MigrateVault {
    /// The vault to copy: a data directory or the URL of a PostgreSQL database.
    #[arg(long, value_name = "DIR|URL")]
    pub(crate) from: String,
    /// Where to: a data directory or the URL of a PostgreSQL database.
    #[arg(long, value_name = "DIR|URL")]
    pub(crate) to: String,
    /// Replace what the target holds, where that is another vault or another state of this one.
    #[arg(long)]
    pub(crate) replace: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// What a worker does.
#[derive(Debug, Subcommand)]
pub(crate) enum Worker {
    /// Keep read models in a views.db of its own, from the events on NATS alone.
    #[command(
        after_help = "Examples:\n  kami worker projections --nats nats://10.0.0.5:4222 --data ./views\n  kami worker projections --data ./views --until 5000 --json"
    )]
    Projections(WorkerProjections),
    /// Tell partners of events by signed webhooks, from the events on NATS alone. One such worker per merchant.
    #[command(
        after_help = "Example:\n  kami worker partners --nats nats://10.0.0.5:4222 --data ./shop --place ./partners"
    )]
    Partners(WorkerPartners),
    /// Make the calls to channels of merchants that nodes serve: deliveries, stock figures, refunds, questions. The nodes
    /// hand them out where `cluster.effects` is "worker". It takes the nodes' configuration, `cluster.node` being its name.
    #[command(after_help = "Example:\n  kami worker effects --config /etc/kami/worker.toml")]
    Effects,
}

/// Options of `worker partners`.
#[derive(Debug, Args)]
pub(crate) struct WorkerPartners {
    /// The NATS server, instead of the configured one.
    #[arg(long, value_name = "URL")]
    pub(crate) nats: Option<event_relay::Servers>,
    /// The name of its consumer on the server.
    #[arg(long, default_value = "partners", value_parser = consumer_name)]
    pub(crate) name: String,
    /// Where it keeps what is due; `partner-worker` in the data directory where not given.
    #[arg(long, value_name = "DIR")]
    pub(crate) place: Option<PathBuf>,
}

/// Options of `worker projections`.
#[derive(Debug, Args)]
pub(crate) struct WorkerProjections {
    /// The NATS server, instead of the configured one.
    #[arg(long, value_name = "URL")]
    pub(crate) nats: Option<event_relay::Servers>,
    /// The name of its consumer on the server. Each worker needs one of its own.
    #[arg(long, default_value = "projections", value_parser = consumer_name)]
    pub(crate) name: String,
    /// End when the read models contain this position, and print their digests.
    #[arg(long, value_name = "POSITION")]
    pub(crate) until: Option<u64>,
    /// Carry the rows on to this PostgreSQL database, instead of the configured one. Others may see it: a password is
    /// better kept in PGPASSWORD or a password file.
    #[arg(long, value_name = "URL")]
    pub(crate) views: Option<String>,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// NATS puts the name into subjects and files.
fn consumer_name(text: &str) -> Result<String, String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let is_name = (1..=64).contains(&text.len()) && text.bytes().all(fits);
    is_name.then(|| text.to_owned()).ok_or_else(|| "1 to 64 letters, digits, - and _".to_owned())
}
