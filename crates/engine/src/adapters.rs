//! The adapters of the connected accounts, and how one is made from settings.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use channel::{Adapter, Protocol};
use ring::digest;
use vocabulary::{Account, Secret};

use crate::EngineError;

/// The adapters of the connected accounts.
#[derive(Default)]
pub(crate) struct Adapters {
    by_account: RwLock<HashMap<Account, Made>>,
    changes: AtomicU64,
}

/// An adapter, and the digest of the settings it was made of.
struct Made {
    adapter: Arc<dyn Adapter>,
    settings_digest: String,
}

impl Adapters {
    pub(crate) fn get(&self, account: &Account) -> Option<Arc<dyn Adapter>> {
        self.by_account
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(account)
            .map(|made| made.adapter.clone())
    }
    /// The digest of the settings that an account's adapter was made of; empty where there is none.
    pub(crate) fn settings_digest(&self, account: &Account) -> String {
        let made = self.by_account.read().unwrap_or_else(PoisonError::into_inner);
        made.get(account).map(|made| made.settings_digest.clone()).unwrap_or_default()
    }
    /// Whether an account's adapter was made of these settings.
    pub(crate) fn is_made_of(&self, account: &Account, settings: &Secret<String>) -> bool {
        self.settings_digest(account) == settings_digest(settings)
    }
    pub(crate) fn put(&self, adapter: Arc<dyn Adapter>, settings: &Secret<String>) {
        let account = adapter.account().clone();
        let made = Made { adapter, settings_digest: settings_digest(settings) };
        self.by_account.write().unwrap_or_else(PoisonError::into_inner).insert(account, made);
        self.changes.fetch_add(1, Ordering::SeqCst);
    }
    pub(crate) fn all(&self) -> Vec<Arc<dyn Adapter>> {
        self.by_account
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .map(|made| made.adapter.clone())
            .collect()
    }
    /// Grows with every adapter that is put in.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }
}

/// An account's adapter from its settings.
pub(crate) fn make_adapter(
    protocols: &[Protocol],
    account: &Account,
    settings: &str,
) -> Result<Arc<dyn Adapter>, EngineError> {
    let protocol = protocols.iter().find(|p| p.manifest.code == account.channel());
    let protocol = protocol.ok_or_else(|| EngineError::UnknownProtocol(account.channel().to_owned()))?;
    Ok((protocol.connect)(account.clone(), settings)?)
}

/// What the log says of settings: SHA-256 (hex) of their text.
pub(crate) fn settings_digest(settings: &Secret<String>) -> String {
    hex::encode(digest::digest(&digest::SHA256, settings.expose().as_bytes()))
}
