//! Where what is not the log is kept: the vault, and the read models of analysts.

use std::path::Path;

use anyhow::{Context, bail};
use vault::VaultPlace;

use crate::log::LogUrl;

/// What the settings say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeptAt {
    /// In the data directory.
    Data,
    /// In the database of the log.
    Log,
    /// In a PostgreSQL database.
    Url(LogUrl),
}

impl KeptAt {
    /// Nothing, the word `log`, or an address.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "" => Some(Self::Data),
            "log" => Some(Self::Log),
            _ => LogUrl::parse(text).filter(LogUrl::is_postgres).map(Self::Url),
        }
    }

    /// The address, where it is in PostgreSQL. `setting` is whose word `log` is.
    pub(crate) fn url<'a>(
        &'a self,
        setting: &str,
        log_url: Option<&'a LogUrl>,
    ) -> anyhow::Result<Option<&'a LogUrl>> {
        match self {
            Self::Data => Ok(None),
            Self::Log => {
                let missing = || format!("{setting} is \"log\", and the log is not in PostgreSQL");
                log_url.map(Some).with_context(missing)
            }
            Self::Url(url) => Ok(Some(url)),
        }
    }

    /// The place of the vault. A directory with a vault of its own is not served from elsewhere.
    pub(crate) fn vault(&self, data: &Path, log_url: Option<&LogUrl>) -> anyhow::Result<VaultPlace> {
        let file = data.join("vault.db");
        let Some(url) = self.url("vault_url", log_url)? else { return Ok(VaultPlace::File(file)) };
        if file.exists() {
            bail!(
                "{} holds a vault.db, and the settings name a vault in PostgreSQL: copy it with `kami migrate-vault`, \
                 then move vault.db away",
                data.display()
            );
        }
        Ok(VaultPlace::Postgres(url.expose().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vault_is_in_one_place() {
        let dir = tempfile::tempdir().unwrap();
        let log = LogUrl::parse("postgres://db/kami");
        assert!(matches!(KeptAt::Data.vault(dir.path(), log.as_ref()), Ok(VaultPlace::File(_))));
        let shared = KeptAt::parse("log").unwrap();
        let place = shared.vault(dir.path(), log.as_ref()).unwrap();
        assert!(matches!(place, VaultPlace::Postgres(url) if url == "postgres://db/kami"));
        assert!(shared.vault(dir.path(), None).is_err());
        assert_eq!(KeptAt::parse("vault.db"), None);
        std::fs::write(dir.path().join("vault.db"), "").unwrap();
        let refused = shared.vault(dir.path(), log.as_ref()).err().unwrap();
        assert!(refused.to_string().contains("migrate-vault"));
    }
}
