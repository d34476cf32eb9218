//! Opens the log and the vault for reading, also beside a running Kami.

use std::sync::Arc;

use anyhow::{Context, bail};
use event_log::EventLog;
use vault::Vault;
use vocabulary::MerchantId;

use crate::{config::Config, log::Log, node::open_vault};

/// The log, to be read only.
pub(super) async fn log(config: &Config) -> anyhow::Result<Log> {
    Log::read(&config.data, config.log_url.as_ref()).await
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
pub(super) async fn vault(config: &Config) -> anyhow::Result<Arc<Vault>> {
    open_vault(config.vault_place()?, &config.kek_file, None).await
}
