//! Bringing a backup back, and proving that it is what was backed up.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context, bail};
use engine::{Clock, SystemClock};
use indicatif::ProgressBar;
use projection::Views;
use serde_json::json;
use vault::{Vault, VaultOptions, VaultPlace};

use super::{
    LOG, READ_MODELS, VAULT,
    check::check,
    files,
    fold::fold,
    manifest::{End, Manifest},
    mark::{Mark, State},
};
use crate::{
    channels,
    cli::{Restore, say},
    commands::IMPORTED_DIR,
    config::Config,
    log::{Log, LogUrl},
};

pub(crate) async fn run(config: &Config, options: Restore) -> anyhow::Result<()> {
    match &options.dir {
        Some(dir) => bring_back(config, dir, &options).await,
        None => accept(config, &options),
    }
}

/// What was shown to be as it was.
struct Proof {
    ends: Vec<End>,
    /// Read models of another version than those of the backup, which cannot be compared.
    incomparable: Vec<String>,
    /// Whether the key-encryption key opens the vault; `None` where it is not here.
    key_fits: Option<bool>,
}

async fn bring_back(config: &Config, dir: &Path, options: &Restore) -> anyhow::Result<()> {
    let bar = if options.json.json { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
    let (manifest, hash) = Manifest::read(dir)?;
    refuse_occupied(config).await?;
    bar.set_message("events of the backup checked");
    check(dir, None, |events| bar.set_position(events)).await.context("the backup")?;

    let mut mark = Mark::new(&manifest, &hash);
    fs::create_dir_all(&config.data).with_context(|| format!("{} cannot be made", config.data.display()))?;
    mark.write(&config.data)?;
    copy(config, dir, &manifest, |at| bar.set_position(at)).await?;
    bar.set_message("events of the restored log checked");
    check(&config.data, config.log_url.as_ref(), |events| bar.set_position(events))
        .await
        .context("what was restored")?;
    bar.set_message("events folded anew");
    let proof = prove(config, &manifest, |at| bar.set_position(at)).await?;
    mark.state = State::Restored;
    mark.write(&config.data)?;
    bar.finish_and_clear();
    report(config, options, &manifest, &proof);
    Ok(())
}

/// Nothing that is there is written over. The key-encryption key may be there already.
async fn refuse_occupied(config: &Config) -> anyhow::Result<()> {
    let data = &config.data;
    if data.exists() {
        let kek = config.kek_file.strip_prefix(data).ok().and_then(Path::to_str).map(str::to_owned);
        let there = files::below(data)?.into_iter().find(|name| Some(name) != kek.as_ref());
        if let Some(name) = there {
            bail!("{} is not empty: it holds {name}", data.display());
        }
    }
    if let Some(url) = &config.log_url {
        let log = Log::copy_to(url).await?;
        let found = log.merchants().await?;
        log.close().await?;
        if let Some(merchant) = found.first() {
            bail!("the database is not empty: it holds the log of {merchant}");
        }
    }
    Ok(())
}

async fn copy(
    config: &Config,
    dir: &Path,
    manifest: &Manifest,
    progress: impl Fn(u64),
) -> anyhow::Result<()> {
    match &config.log_url {
        None => files::copy(&dir.join(LOG), &config.data.join(LOG))?,
        Some(url) => copy_to_database(dir, url, progress).await?,
    }
    files::copy(&dir.join(VAULT), &config.data.join(VAULT))?;
    for file in manifest.files.iter().filter(|file| Path::new(&file.name).starts_with(IMPORTED_DIR)) {
        files::copy(&dir.join(&file.name), &config.data.join(&file.name))?;
    }
    files::keep_names(&config.data)
}

async fn copy_to_database(dir: &Path, url: &LogUrl, progress: impl Fn(u64)) -> anyhow::Result<()> {
    let (source, target) = (Log::read(dir, None).await?, Log::copy_to(url).await?);
    for merchant in source.merchants().await? {
        let copied = event_log::copy(source.whole(), &*target, &merchant, &progress).await;
        copied.with_context(|| format!("the log of {merchant}"))?;
    }
    source.close().await?;
    target.close().await
}

/// Folds the read models anew, and holds them and the ends of the chains against the manifest.
async fn prove(config: &Config, manifest: &Manifest, progress: impl Fn(u64)) -> anyhow::Result<Proof> {
    let log = Log::read(&config.data, config.log_url.as_ref()).await?;
    let views = Views::open(&config.data.join(READ_MODELS), channels::projections()).await?;
    let views = Arc::new(views);
    let found = log.merchants().await?;
    let named: Vec<_> = manifest.merchants.iter().map(|end| &end.merchant).collect();
    if found.iter().collect::<Vec<_>>() != named {
        bail!("the log has the merchants {found:?}, the manifest {named:?}");
    }
    let (mut ends, mut incomparable) = (Vec::new(), Vec::new());
    for wanted in &manifest.merchants {
        let end = fold(&*log, &wanted.merchant, &views, &progress).await?;
        if (end.position, &end.head_hash) != (wanted.position, &wanted.head_hash) {
            bail!("the log of {} does not end where the manifest says", wanted.merchant);
        }
        incomparable.extend(compare(wanted, &end)?);
        ends.push(end);
    }
    log.close().await?;
    let key_fits = open_vault(config).await?;
    Ok(Proof { ends, incomparable, key_fits })
}

/// The read models whose digests say nothing, because this Kami makes other rows. Where they should be equal and are
/// not, the restore has failed.
fn compare(wanted: &End, found: &End) -> anyhow::Result<Vec<String>> {
    let mut incomparable = Vec::new();
    for before in &wanted.read_models {
        match found.read_models.iter().find(|after| after.name == before.name) {
            Some(after) if after.version == before.version && after.digest == before.digest => {}
            Some(after) if after.version == before.version => {
                bail!(
                    "read model {} of {} has other rows than when it was backed up",
                    before.name,
                    wanted.merchant
                )
            }
            _ => incomparable.push(before.name.clone()),
        }
    }
    Ok(incomparable)
}

/// Whether the key that is here opens the vault that was restored.
async fn open_vault(config: &Config) -> anyhow::Result<Option<bool>> {
    let db = config.data.join(VAULT);
    match Vault::open(VaultOptions {
        place: VaultPlace::File(db),
        kek_file: config.kek_file.clone(),
        seed: None,
    })
    .await
    {
        Ok(vault) => {
            vault.close().await;
            Ok(Some(true))
        }
        Err(vault::VaultError::KekMissing { .. }) => Ok(None),
        Err(vault::VaultError::KekWrong { .. }) => Ok(Some(false)),
        Err(error) => Err(error).context("the restored vault cannot be opened"),
    }
}

fn report(config: &Config, options: &Restore, manifest: &Manifest, proof: &Proof) {
    if options.json.json {
        say(&json!({
            "data": config.data, "made_at": manifest.made_at, "merchants": proof.ends,
            "incomparable": proof.incomparable, "key_fits": proof.key_fits, "accepted": false,
        })
        .to_string());
        return;
    }
    for end in &proof.ends {
        let equal = end.read_models.len() - proof.incomparable.len().min(end.read_models.len());
        say(&format!("{}: {} events, head {}", end.merchant, end.position, end.head_hash));
        say(&format!("  The chain ends as in the manifest; {equal} read models have the same digests."));
    }
    for name in &proof.incomparable {
        say(&format!("Read model {name} has another version in this Kami: its rows cannot be compared."));
    }
    say("Every file has its hash, and `kami verify` found no violation.");
    say(match proof.key_fits {
        Some(true) => "The key-encryption key opens the vault.",
        Some(false) => {
            "The key-encryption key that is here does NOT open the vault: put the right one there."
        }
        None => "The key-encryption key is not here, so that nobody knows whether it fits: put it there.",
    });
    say(&format!(
        "What was decided after {} is not in it. Say what is missing with `kami restore --accept`; until then it is \
         not served.",
        manifest.made_at
    ));
}

fn accept(config: &Config, options: &Restore) -> anyhow::Result<()> {
    let data = &config.data;
    let mut mark =
        Mark::read(data)?.with_context(|| format!("{} was not restored from a backup", data.display()))?;
    if matches!(mark.state, State::Unfinished) {
        bail!("{} is a restore that was broken off: empty it, and restore again", data.display());
    }
    if matches!(mark.state, State::Accepted { .. }) {
        bail!("{} is accepted already", data.display());
    }
    let outside = mark.outside(&options.accept)?;
    let reason = options.reason.clone().context("--reason says why it was restored")?;
    mark.state = State::Accepted { at: SystemClock.now(), reason, outside: outside.clone() };
    mark.write(data)?;
    if options.json.json {
        say(&json!({ "accepted": outside }).to_string());
        return Ok(());
    }
    for known in &outside {
        say(&match known.lost {
            0 => format!("{}: nothing is lost.", known.merchant),
            lost => format!(
                "{}: {lost} events are lost. Keys that were handed out in them are in stock again: quarantine every \
                 batch before channels come back.",
                known.merchant
            ),
        });
    }
    Ok(())
}
