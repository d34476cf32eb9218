//! Opens the data directory for reading, also beside a running Kami.

use anyhow::{Context, bail};
use event_log::EventLog;
use event_log_sqlite::SqliteLog;
use vault::{Vault, VaultOptions};
use vocabulary::MerchantId;

use crate::config::Config;

/// The log, to be read only.
pub(super) async fn log(config: &Config) -> anyhow::Result<SqliteLog> {
    if !config.data.join("log.db").exists() {
        bail!(
            "there is no log in {}; start one with `kami serve` or name another with --data",
            config.data.display()
        );
    }
    SqliteLog::open_read_only(&config.data)
        .await
        .with_context(|| format!("the log in {} cannot be opened", config.data.display()))
}

/// The merchant to read: the configured one where it has a log, else the only one there is.
pub(super) async fn merchant(config: &Config, log: &dyn EventLog) -> anyhow::Result<MerchantId> {
    let merchants = log.merchants().await.context("the merchants of the log")?;
    if merchants.contains(&config.merchant) {
        return Ok(config.merchant.clone());
    }
    match merchants.as_slice() {
        [only] => Ok(only.clone()),
        [] => bail!("the log is empty"),
        _ => bail!("the log has no merchant {}", config.merchant),
    }
}

/// The vault, for what is sealed.
pub(super) async fn vault(config: &Config) -> anyhow::Result<Vault> {
    Vault::open(VaultOptions {
        db: config.data.join("vault.db"),
        kek_file: config.kek_file.clone(),
        seed: None,
    })
    .await
    .with_context(|| format!("the vault in {} cannot be opened", config.data.display()))
}
