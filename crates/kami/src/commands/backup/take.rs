//! Taking a backup.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use engine::{Clock, SystemClock};
use event_log::EventLog;
use event_log_postgres::PostgresLog;
use event_log_sqlite::SqliteLog;
use indicatif::ProgressBar;
use projection::Views;
use serde_json::json;

use super::{
    LOG, VAULT,
    check::check,
    files,
    fold::fold,
    manifest::{End, Manifest},
};
use crate::{
    channels,
    cli::{Backup, say},
    commands::IMPORTED_DIR,
    config::Config,
    kept_at::KeptAt,
    log::{Log, LogUrl},
};

/// Where a log from a database lies until it is whole.
const UNFINISHED: &str = "unfinished";

pub(crate) async fn run(config: &Config, file: Option<&Path>, options: Backup) -> anyhow::Result<()> {
    let dir = &options.dir;
    if let Some(kek) = &options.kek_to {
        refuse_inside(dir, kek)?;
    }
    if config.vault_at != KeptAt::Data {
        bail!(
            "the vault lies in PostgreSQL: back it up with the server's own tools, together with the log (pg_basebackup, or \
             pg_dump of the schemas kami_log and kami_vault at one moment)"
        );
    }
    files::make_empty(dir)?;
    let bar = if options.json.json { ProgressBar::hidden() } else { ProgressBar::new_spinner() };

    bar.set_message("events of the log copied");
    let made_at = SystemClock.now();
    match &config.log_url {
        None => copy_file(config, dir).await?,
        Some(url) => copy_database(url, dir, |at| bar.set_position(at)).await?,
    }
    // After the log: what it names is in the vault by now.
    copy_vault(config, dir).await?;
    let settings = Config::without_secrets(file)?;
    write_settings(&dir.join("settings.json"), &settings)?;
    copy_histories(&config.data.join(IMPORTED_DIR), &dir.join(IMPORTED_DIR))?;
    if let Some(kek) = &options.kek_to {
        copy_key(&config.kek_file, kek)?;
    }

    bar.set_message("events of the copy checked");
    check(dir, None, |events| bar.set_position(events)).await.context(
        "the copy was made, but it is no backup: something is wrong with it, or with the original",
    )?;
    bar.set_message("events of the copy folded");
    let ends = ends(dir, |at| bar.set_position(at)).await?;
    for name in files::below(dir)? {
        files::keep(&dir.join(name), 0o600)?;
    }
    files::keep_names(dir)?;
    let manifest = Manifest::new(dir, made_at, ends, options.kek_to.is_some())?;
    let hash = manifest.write(dir)?;
    bar.finish_and_clear();
    report(&options, &manifest, &hash);
    Ok(())
}

fn refuse_inside(dir: &Path, kek: &Path) -> anyhow::Result<()> {
    let absolute = |path: &Path| std::path::absolute(path).context("the current directory");
    let folder = kek.parent().map(Path::to_owned).unwrap_or_default();
    // Where it exists, what it really is; a symbolic link must not lead inside.
    let real = |path: PathBuf| path.canonicalize().unwrap_or(path);
    if real(absolute(&folder)?).starts_with(real(absolute(dir)?)) {
        bail!("--kek-to lies inside the backup: who has both can open every card key");
    }
    if kek.exists() {
        bail!("{} is there already", kek.display());
    }
    Ok(())
}

async fn copy_file(config: &Config, dir: &Path) -> anyhow::Result<()> {
    if !config.data.join(LOG).exists() {
        bail!("there is no log in {}", config.data.display());
    }
    let copied = event_log_sqlite::copy_of(&config.data, &dir.join(LOG)).await;
    copied.with_context(|| format!("the log in {} cannot be copied", config.data.display()))
}

/// Through the contract of a log, so that the copy may go back to any backend.
async fn copy_database(url: &LogUrl, dir: &Path, progress: impl Fn(u64)) -> anyhow::Result<()> {
    if !url.is_postgres() {
        bail!(
            "a log in KurrentDB is not backed up from here: copy it with `kami migrate-log`, or use the server's own backup"
        );
    }
    let source = PostgresLog::open_moment(url.expose()).await.context("the log in PostgreSQL")?;
    let unfinished = dir.join(UNFINISHED);
    let target = SqliteLog::open(&unfinished).await.context("the copy of the log")?;
    for merchant in source.merchants().await? {
        let copied = event_log::copy(&source, &target, &merchant, &progress).await;
        copied.with_context(|| format!("the log of {merchant}"))?;
    }
    source.close().await?;
    target.close().await?;
    event_log_sqlite::copy_of(&unfinished, &dir.join(LOG)).await.context("the copy of the log")?;
    std::fs::remove_dir_all(&unfinished).with_context(|| format!("{}", unfinished.display()))
}

async fn copy_vault(config: &Config, dir: &Path) -> anyhow::Result<()> {
    let vault = config.data.join(VAULT);
    if !vault.exists() {
        bail!("there is no vault in {}", config.data.display());
    }
    vault::copy_of(&vault, &dir.join(VAULT)).await.context("the vault cannot be copied")
}

fn write_settings(path: &Path, settings: &BTreeMap<String, String>) -> anyhow::Result<()> {
    files::write(path, &(serde_json::to_string_pretty(settings)? + "\n"))
}

/// Histories from elsewhere are checked at each reading, so that plain copies will do.
fn copy_histories(from: &Path, to: &Path) -> anyhow::Result<()> {
    if !from.exists() {
        return Ok(());
    }
    for name in files::below(from)? {
        files::copy(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

fn copy_key(from: &Path, to: &Path) -> anyhow::Result<()> {
    files::copy(from, to)?;
    files::keep(to, 0o400)
}

async fn ends(dir: &Path, progress: impl Fn(u64)) -> anyhow::Result<Vec<End>> {
    let log = Log::read(dir, None).await?;
    let views = Arc::new(Views::temporary(channels::projections()).await?);
    let mut ends = Vec::new();
    for merchant in log.merchants().await? {
        ends.push(fold(&*log, &merchant, &views, &progress).await?);
    }
    log.close().await?;
    Ok(ends)
}

fn report(options: &Backup, manifest: &Manifest, hash: &str) {
    if options.json.json {
        let merchants: Vec<_> = manifest.merchants.iter().map(|end| json!(end)).collect();
        say(&json!({
            "dir": options.dir, "made_at": manifest.made_at, "merchants": merchants,
            "manifest_sha256": hash, "key_copied_to": options.kek_to,
        })
        .to_string());
        return;
    }
    for end in &manifest.merchants {
        say(&format!("{}: {} events, head {}", end.merchant, end.position, end.head_hash));
    }
    say(&format!("The copy in {} is whole, and every invariant holds in it.", options.dir.display()));
    say(&format!("Its manifest is {hash}: keep this line elsewhere."));
    say(&match &options.kek_to {
        Some(path) => format!("The key-encryption key is in {}: keep it apart.", path.display()),
        None => {
            "The key-encryption key is NOT in it: without it no card key can be opened. Keep a copy apart."
                .to_owned()
        }
    });
}
