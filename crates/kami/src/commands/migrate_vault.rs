//! `kami migrate-vault`: copies the vault of a stopped Kami from one place to another.

use std::{fs, path::Path};

use anyhow::{Context, bail};
use serde_json::json;
use vault::{VaultOptions, VaultPlace};

use crate::{
    cli::{MigrateVault, say},
    config::Config,
    log::{LogUrl, lock},
};

pub(super) async fn run(config: &Config, options: MigrateVault) -> anyhow::Result<()> {
    if options.from == options.to {
        bail!("--from and --to name the same place");
    }
    let from = place(&options.from);
    if let VaultPlace::File(path) = &from
        && !path.exists()
    {
        bail!("--from: there is no vault in {}", options.from);
    }
    // A running Kami holds its directory; one in PostgreSQL is noticed when both ends are compared.
    let mut held = Vec::new();
    for directory in [&options.from, &options.to].into_iter().filter(|place| LogUrl::parse(place).is_none()) {
        fs::create_dir_all(directory).with_context(|| format!("{directory} cannot be made"))?;
        held.push(lock(Path::new(directory)).with_context(|| format!("{directory} cannot be locked"))?);
    }
    let source = VaultOptions { place: from, kek_file: config.kek_file.clone(), seed: None };
    let copied = vault::copy(&source, &place(&options.to), options.replace).await;
    let copied = copied.context("the vault cannot be copied")?;
    drop(held);
    if options.json.json {
        say(&json!({ "rows": copied.rows, "found": copied.was_there }).to_string());
        return Ok(());
    }
    let done = if copied.was_there { "were there already" } else { "are copied" };
    say(&format!("{} rows {done}, and open to the same in both places.", copied.rows));
    say(
        "Name the place in the settings (vault_url), and move the old vault away. The key file stays as it is.",
    );
    Ok(())
}

fn place(text: &str) -> VaultPlace {
    match LogUrl::parse(text) {
        Some(url) => VaultPlace::Postgres(url.expose().to_owned()),
        None => VaultPlace::File(Path::new(text).join("vault.db")),
    }
}
