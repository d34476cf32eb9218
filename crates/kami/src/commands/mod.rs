//! The commands, a file each.

mod backup;
mod bench;
mod carry;
mod channel;
mod demo;
mod doctor;
mod events;
mod export;
mod find;
mod import_keys;
mod import_retail;
mod migrate_log;
mod migrate_vault;
mod model;
mod open;
mod purchases;
mod rebuild;
mod replay;
mod serve;
mod verify;
mod view;
mod worker;

pub(crate) use backup::refuse_unaccepted;
pub(crate) use serve::{TOKEN_FILE, first_token, told_to_stop};

use std::process::ExitCode;

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::{
    cli::{Cli, Command, Import, say},
    config::{Config, DEFAULTS},
    kept_at::KeptAt,
    log::LogUrl,
};

/// The directory beside the data where histories from elsewhere are kept.
pub(crate) const IMPORTED_DIR: &str = "imported";

/// Runs a command.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    if matches!(cli.command, Command::Config) {
        say(DEFAULTS.trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    let mut config = Config::load(cli.config.as_deref())?;
    let given = cli.data.clone();
    if let Some(data) = cli.data {
        if config.kek_file == config.data.join("kek") {
            config.kek_file = data.join("kek");
        }
        config.data = data;
    }
    let given_log = match cli.log.as_deref() {
        None => None,
        Some(text) => {
            Some(LogUrl::parse(text).context("--log: is not an address such as postgres://kami@db/kami")?)
        }
    };
    if let Some(url) = &given_log {
        config.log_url = Some(url.clone());
    }
    if let Some(text) = cli.vault.as_deref() {
        config.vault_at = KeptAt::parse(text)
            .context("--vault: is neither `log` nor an address such as postgres://kami@db/kami")?;
    }
    let vault_at = if cli.vault.is_some() { config.vault_at.clone() } else { KeptAt::Data };
    if matches!(cli.command, Command::Demo(_)) {
        // The demo commits faults on purpose: warnings of them would only be in the way.
        config.log_level = "error".to_owned();
    }
    log_to_stderr(&config)?;
    let done = match cli.command {
        Command::Serve(options) => serve::run(config, options).await,
        Command::ImportKeys(options) => import_keys::run(&config, options).await,
        Command::Import(Import::Retail(options)) => import_retail::run(&config, options).await,
        Command::Purchases(what) => purchases::run(&config, what).await,
        Command::Replay(options) => replay::run(&config, options).await,
        Command::Find(options) => find::run(&config, options).await,
        Command::Events(options) => events::run(&config, options).await,
        Command::Verify(options) => return verify::run(&config, options).await,
        Command::MigrateLog(options) => migrate_log::run(options).await,
        Command::Backup(options) => backup::run(&config, cli.config.as_deref(), options).await,
        Command::Restore(options) => backup::restore(&config, options).await,
        Command::MigrateVault(options) => migrate_vault::run(&config, options).await,
        Command::Rebuild(options) => rebuild::run(&config, options).await,
        Command::Export(options) => export::run(&config, options).await,
        Command::View(what) => return view::run(&config, what).await,
        Command::Diff(options) => return view::between(&config, options).await,
        Command::Model(what) => model::run(&config, what).await,
        Command::Worker(what) => worker::run(&config, what).await,
        Command::Channel(what) => return channel::run(&config, what).await,
        Command::Demo(options) => return demo::run(given, given_log, vault_at, options).await,
        Command::Bench(options) => return bench::run(options, given_log).await,
        Command::BenchHttp => bench::serve_bare().await,
        Command::Doctor(options) => return doctor::run(&config, options).await,
        Command::Config => Ok(()),
    };
    done.map(|()| ExitCode::SUCCESS)
}

fn log_to_stderr(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.log_level)
        .map_err(|error| anyhow::anyhow!("log.level is not a filter: {error}"))?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let set = if config.log_format == "json" {
        tracing::subscriber::set_global_default(logs.json().finish())
    } else {
        tracing::subscriber::set_global_default(logs.finish())
    };
    set.map_err(|error| anyhow::anyhow!("logging cannot be set up: {error}"))
}
