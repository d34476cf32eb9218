//! The command line.

mod bench;
mod channels;
mod history;
mod operating;
mod trading;
mod views;

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::{Args, Parser, Subcommand};

pub(crate) use self::{
    bench::{Bench, Scenario},
    channels::{Channel, ExplainRequest, ListChannels, NewChannel, TestChannel},
    history::{Events, ExportEvents, Find, ImportHistory, Replay},
    operating::{
        Backup, Doctor, MigrateLog, MigrateVault, Restore, Verify, Worker, WorkerPartners, WorkerProjections,
    },
    trading::{
        BuyKeys, FitModel, Import, ImportKeys, ImportRetail, ListPurchases, Model, Purchases, ShowPurchase,
    },
    views::{Diff, DiffView, Export, Rebuild, RebuildView, View},
};

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
