//! The command line.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::{Args, Parser, Subcommand};
use vocabulary::Account;

/// Sell card keys on every channel from one log of events.
#[derive(Debug, Parser)]
#[command(name = "kami", version, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Cli {
    /// The configuration file. Without it `kami.toml` is read where it exists.
    #[arg(long, global = true, env = "KAMI_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The data directory, instead of the configured one.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The PostgreSQL database or KurrentDB of the log, instead of the configured place. Others may see it: a password is
    /// better kept in PGPASSWORD or a password file, or in KAMI_LOG_URL.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) log: Option<String>,
    /// The PostgreSQL database of the vault, instead of the configured place; `log` for that of the log.
    #[arg(long, global = true, value_name = "URL|log")]
    pub(crate) vault: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run: take requests from channels and people.
    #[command(after_help = "Example:\n  kami serve --data ./shop --listen 127.0.0.1:7300")]
    Serve(Serve),
    /// Play a shop on several platforms from a seed: build thirty days, check them, and live on.
    #[command(
        after_help = "Examples:\n  kami demo\n  kami demo --profile small --seed 7 --exit --json\n  kami demo --data ./demo --listen 127.0.0.1:7300"
    )]
    Demo(Demo),
    /// Put card keys on stock, through a running Kami.
    #[command(
        name = "import-keys",
        after_help = "Examples:\n  kami import-keys --sku steam-50 keys.txt\n  cat keys.csv | kami import-keys --sku steam-50 --format csv -"
    )]
    ImportKeys(ImportKeys),
    /// Take over what happened elsewhere, through a running Kami.
    #[command(subcommand)]
    Import(Import),
    /// Keys bought from suppliers, through a running Kami: list the purchases, show one, buy.
    #[command(subcommand)]
    Purchases(Purchases),
    /// Show an order's history: who did what, when and why, and the state after it.
    #[command(
        after_help = "Examples:\n  kami replay order generic/own:A-1001\n  kami replay order order-0198c1f0a7e07b3a9d1c2e4f5a6b7c8d --at 42 --json\n  kami replay order A-1001 --causes\n  kami replay --file A-1001.json"
    )]
    Replay(Replay),
    /// Find an order by our id, a channel's number or a card key (read from standard input).
    #[command(after_help = "Examples:\n  kami find A-1001\n  echo ABCD-EFGH-0001 | kami find --key")]
    Find(Find),
    /// Read events of the log.
    #[command(subcommand)]
    Events(Events),
    /// Check a data directory, stopped or a copy, without any code of the writer.
    #[command(after_help = "Example:\n  kami verify --data ./copy --json")]
    Verify(Verify),
    /// Copy the log of a stopped Kami between a data directory, PostgreSQL and KurrentDB; a copy that was broken off is
    /// taken up.
    #[command(
        name = "migrate-log",
        after_help = "Examples:\n  kami migrate-log --from kami-data --to postgres://kami@db.example/kami\n  kami migrate-log --from postgres://kami@db.example/kami --to kami-data --json"
    )]
    MigrateLog(MigrateLog),
    /// Copy an installation, running or stopped, into a directory of its own: log, vault, settings, and a manifest.
    #[command(
        after_help = "Examples:\n  kami backup /backup/2026-03-01\n  kami backup /backup/2026-03-01 --kek-to /safe/kek --json"
    )]
    Backup(Backup),
    /// Bring a backup back into an empty data directory (and, with --log, an empty database), and prove that it is what
    /// was backed up. It is served only after its end was accepted.
    #[command(
        after_help = "Examples:\n  kami restore /backup/2026-03-01 --data ./shop\n  kami restore --accept 5210 --reason \"disk lost on Sunday\" --data ./shop\n  kami restore --accept nothing-lost --reason \"moved while stopped\" --data ./shop"
    )]
    Restore(Restore),
    /// Copy the vault of a stopped Kami from a data directory to PostgreSQL, or back, and compare what both hold.
    #[command(
        name = "migrate-vault",
        after_help = "Examples:\n  kami migrate-vault --from kami-data --to postgres://kami@db.example/kami\n  kami migrate-vault --from postgres://kami@db.example/kami --to kami-data --json"
    )]
    MigrateVault(MigrateVault),
    /// Delete read models and fold them anew from the log (of a stopped Kami).
    #[command(after_help = "Example:\n  kami rebuild orders")]
    Rebuild(Rebuild),
    /// Write read models to files: Parquet, CSV or NDJSON, one per table or view.
    #[command(
        after_help = "Examples:\n  kami export --parquet ./export\n  kami export --csv ./export --view mart_sales_day --as-of 2026-03-01T00:00:00+08:00"
    )]
    Export(Export),
    /// The tables and views: list them, rebuild one beside the live rows, hold one against the log.
    #[command(subcommand)]
    View(View),
    /// Show what changed in a table or view between two positions of the log.
    #[command(after_help = "Example:\n  kami diff 100 250 --view fct_order")]
    Diff(Diff),
    /// Forecasts, buyers' worth, attribution, lost sales: fit one now, list what was fitted last.
    #[command(subcommand)]
    Model(Model),
    /// Do a part of the work in a process of its own, from the events on NATS.
    #[command(subcommand)]
    Worker(Worker),
    /// The channel protocols: list, try and start them.
    #[command(subcommand)]
    Channel(Channel),
    /// Measure this build on this machine: a server on a fresh directory, driven over HTTP.
    #[command(
        after_help = "Examples:\n  kami bench\n  kami bench flash --connections 256 --json\n  kami bench log --log postgres://localhost/empty"
    )]
    Bench(Bench),
    /// The bare server that `bench` holds its figures against.
    #[command(name = "bench-http", hide = true)]
    BenchHttp,
    /// Print the configuration with every default, commented.
    Config,
    /// Check the surroundings: settings, files, disk, clock, servers. Fails where something could lose data.
    #[command(
        after_help = "Examples:\n  kami doctor\n  kami doctor --nats-monitor http://127.0.0.1:8222 --json"
    )]
    Doctor(Doctor),
}

/// Options of `serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address and port, instead of the configured ones. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
}

/// Options of `demo`. Without `--data` its directory is a fresh one, which is removed when the demo ends.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// How large the world is.
    #[arg(long, value_enum, default_value_t = crate::demo::Profile::Small)]
    pub(crate) profile: crate::demo::Profile,
    /// What the world follows from: the same seed gives the same log, event by event.
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// How many days are played; a flash sale takes three hours.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=365))]
    pub(crate) days: u16,
    /// End when the world is built and checked.
    #[arg(long)]
    pub(crate) exit: bool,
    /// Address and port of the living world. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7300")]
    pub(crate) listen: String,
    #[command(flatten)]
    pub(crate) json: Json,
}

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

/// How to reach a running Kami.
#[derive(Debug, Args, Clone)]
pub(crate) struct Server {
    /// The address of the running Kami; the configured one where not given.
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// The token; read from `admin.token` in the data directory where not given.
    #[arg(long, env = "KAMI_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
}

/// Options of `import-keys`.
#[derive(Debug, Args)]
pub(crate) struct ImportKeys {
    /// The SKU.
    #[arg(long)]
    pub(crate) sku: String,
    /// `text`, `csv` or `ndjson`; from the file's name where not given.
    #[arg(long)]
    pub(crate) format: Option<String>,
    /// Who supplied the keys.
    #[arg(long)]
    pub(crate) supplier: Option<String>,
    /// What one key cost, in minor units of CNY.
    #[arg(long, value_name = "MINOR")]
    pub(crate) unit_cost_minor: Option<i64>,
    /// The file; `-` for standard input.
    pub(crate) file: String,
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// What to do with purchases.
#[derive(Debug, Subcommand)]
pub(crate) enum Purchases {
    /// List them, the newest first, each with what came of it.
    #[command(
        after_help = "Examples:\n  kami purchases list\n  kami purchases list --sku steam-50 --state for_a_person --json"
    )]
    List(ListPurchases),
    /// Show one with all that is known of it.
    #[command(after_help = "Example:\n  kami purchases show 01a204962aa471c4964fcc0eff671c62")]
    Show(ShowPurchase),
    /// Buy keys of a SKU from a supplier. Answers as soon as the wish is on record, before the supplier is called.
    #[command(
        after_help = "Example:\n  kami purchases buy --sku steam-50 --account dujiao-next/wholesale --item 7 --quantity 10 \\\n    --max-price-minor 48000 --reason \"low stock\" --idempotency-key buy-2026-01-02"
    )]
    Buy(BuyKeys),
}

/// Options of `purchases list`.
#[derive(Debug, Args)]
pub(crate) struct ListPurchases {
    /// Only for this SKU.
    #[arg(long)]
    pub(crate) sku: Option<String>,
    /// Only at this account, `channel/shop`.
    #[arg(long)]
    pub(crate) account: Option<Account>,
    /// Only those that stand like this.
    #[arg(long, value_parser = ["requested", "accepted", "keys", "failed", "for_a_person"])]
    pub(crate) state: Option<String>,
    /// At most so many, the newest.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub(crate) limit: u16,
    /// Behind this place: the `next` of the page before.
    #[arg(long, value_name = "NEXT")]
    pub(crate) cursor: Option<u64>,
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// Options of `purchases show`.
#[derive(Debug, Args)]
pub(crate) struct ShowPurchase {
    /// Our number of it, which the supplier has too.
    pub(crate) purchase: String,
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// Options of `purchases buy`.
#[derive(Debug, Args)]
pub(crate) struct BuyKeys {
    /// The SKU that the keys are for.
    #[arg(long)]
    pub(crate) sku: String,
    /// The account at the supplier, `channel/shop`.
    #[arg(long)]
    pub(crate) account: Account,
    /// The supplier's item id.
    #[arg(long)]
    pub(crate) item: String,
    /// How many keys.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) quantity: u32,
    /// What all of them may cost at most, in minor units.
    #[arg(long, value_name = "MINOR", value_parser = clap::value_parser!(i64).range(1..))]
    pub(crate) max_price_minor: i64,
    /// The currency of that.
    #[arg(long, default_value = "CNY")]
    pub(crate) currency: String,
    /// Why. It is kept with the purchase.
    #[arg(long)]
    pub(crate) reason: String,
    /// The same key buys once, however often the command is run; without one, each run buys.
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// What to do with models.
#[derive(Debug, Subcommand)]
pub(crate) enum Model {
    /// Fit one through a running Kami, and record what came of it.
    #[command(after_help = "Example:\n  kami model fit ltv")]
    Fit(FitModel),
    /// The newest fit of each.
    #[command(after_help = "Example:\n  kami model list --json")]
    List(Json),
}

/// Options of `model fit`.
#[derive(Debug, Args)]
pub(crate) struct FitModel {
    /// Which.
    #[arg(value_parser = ["forecast", "ltv", "attribution", "lost_sales"])]
    pub(crate) model: String,
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// What to take over.
#[derive(Debug, Subcommand)]
pub(crate) enum Import {
    /// The invoices of the data set "Online Retail", from its Parquet file, as orders and refunds of the past.
    #[command(after_help = "Example:\n  kami import retail online-retail.parquet")]
    Retail(ImportRetail),
}

/// Options of `import retail`.
#[derive(Debug, Args)]
pub(crate) struct ImportRetail {
    /// The file.
    pub(crate) file: String,
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) json: Json,
}

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

/// Options of `bench`.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// What to do to the server.
    #[arg(value_enum, default_value_t = Scenario::Steady)]
    pub(crate) scenario: Scenario,
    /// How many connections are open at once, each with one call under way.
    #[arg(long, default_value_t = 128, value_parser = connections)]
    pub(crate) connections: usize,
    /// For how long the rate of orders is measured (of `flash`: until the keys are sold).
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=120))]
    pub(crate) seconds: u64,
    /// How many SKUs share the orders of `steady`, `replay` and `start`.
    #[arg(long, default_value_t = 100, hide = true, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) skus: u32,
    /// The keys of `flash` and `import`, the events of `replay` and `start`, the orders of `read`, the longest log of
    /// `log`, the most orders of a warm-up.
    #[arg(long, hide = true, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) size: Option<u64>,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// The scenarios of `bench`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Scenario {
    /// Orders for many SKUs that are never out of stock; then the same at half the rate.
    Steady,
    /// One SKU, more buyers than keys, three calls in ten repeated.
    Flash,
    /// A file of a million keys, then orders for them.
    Import,
    /// The rebuild of all read models from a log of half a million events.
    Replay,
    /// How soon a server is ready on a log of a million events.
    Start,
    /// How soon an order is found, sales summed up and read models made anew, over a million orders.
    Read,
    /// The log alone in an empty PostgreSQL database (`--log`): of raw inserts, by clients, merchants and length.
    Log,
}

impl Scenario {
    /// The word on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Flash => "flash",
            Self::Import => "import",
            Self::Replay => "replay",
            Self::Start => "start",
            Self::Read => "read",
            Self::Log => "log",
        }
    }
}

/// The server takes 4,096 connections; others would wait unseen.
fn connections(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| (1..=4_000).contains(n)).ok_or_else(|| "1 to 4000".to_owned())
}

/// NATS puts the name into subjects and files.
fn consumer_name(text: &str) -> Result<String, String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let is_name = (1..=64).contains(&text.len()) && text.bytes().all(fits);
    is_name.then(|| text.to_owned()).ok_or_else(|| "1 to 64 letters, digits, - and _".to_owned())
}

/// Whether a program reads the output.
#[derive(Debug, Args, Clone, Copy)]
pub(crate) struct Json {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Prints a line for people or programs. A reader that went away, such as `head`, ends the program without a word;
/// one that cannot be written to ends it as a failure.
pub(crate) fn say(line: &str) {
    if let Err(error) = writeln!(io::stdout().lock(), "{line}") {
        let gone = error.kind() == io::ErrorKind::BrokenPipe;
        if !gone {
            complain(&anyhow::Error::new(error).context("the output cannot be written"));
        }
        std::process::exit(i32::from(!gone));
    }
}

/// Prints an error and its causes.
#[expect(clippy::print_stderr, reason = "the command line's own output")]
pub(crate) fn complain(error: &anyhow::Error) {
    eprintln!("kami: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {cause}");
    }
}
