//! The vault: card keys, people, raw messages and channel secrets, sealed, and the keys that open them.
//!
//! The log holds references and keyed fingerprints; what they stand for lies here, in a database file of the vault's
//! own. Three layers of keys open it: the *key-encryption key*, in a file outside the database; *data keys*, wrapped
//! by it, one or more per batch of card keys and per purpose; and one key per person. Every sealed text is bound to
//! its place (merchant, item, batch, index, data key), so moving it makes it unreadable.
//!
//! The vault knows nothing of events, orders or HTTP. Its texts and errors never hold what it keeps. A caller records
//! why a key is opened before it opens it; [`Vault::opened_count`] lets a checker compare.
//!
//! ```
//! use vault::{KeyPut, Vault, VaultOptions};
//! use vocabulary::{BatchId, CardKey, Secret};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let options = VaultOptions {
//!     db: folder.path().join("vault.db"),
//!     kek_file: folder.path().join("kek"),
//!     seed: None,
//! };
//! let vault = Vault::open(options).await?;
//! let merchant = "acme".parse()?;
//! let sku = "steam-50".parse()?;
//! let keys = [CardKey { code: Secret::new("AAAA-BBBB".into()), pin: None, expires_on: None }];
//! let put = KeyPut { sku: &sku, family: "steam", batch: BatchId(1), first_index: 0, keys: &keys };
//! vault.put_keys(&merchant, put).await?;
//!
//! let opened = vault.open_keys(&merchant, &["b1-0".parse()?]).await?;
//! assert_eq!(opened[0].code.expose(), "AAAA-BBBB");
//! vault.close().await;
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

mod backup;
mod card_keys;
mod crypto;
mod data_keys;
mod error;
mod kek;
pub mod key_file;
mod key_text;
mod marks;
mod merchant_keys;
mod root;
mod settings;
mod store;
mod subjects;
mod subscribers;
mod tokens;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError};

use vocabulary::MerchantId;

use crate::crypto::{RawKey, SealKey, derive, random};
use crate::data_keys::{Kek, Owner, Purpose, data_key};
use crate::store::Store;
use crate::tokens::Tokens;

pub use backup::copy_of;
pub use card_keys::{KEYS_MAX, KeyPut, KeyVerdict};
pub use error::VaultError;
pub use marks::PollMark;
pub use merchant_keys::MerchantKeys;
pub use subjects::{Subject, SubjectPut};
pub use subscribers::SUBSCRIBERS;
pub use tokens::TokenInfo;

/// Where a vault lies.
#[derive(Clone)]
pub struct VaultOptions {
    /// The database file; made when absent.
    pub db: PathBuf,
    /// The file with the key-encryption key (64 hex digits, mode 0400). Made when both it and the database are
    /// absent. Back it up apart from the database: either alone is worthless.
    pub kek_file: PathBuf,
    /// Fixes pepper and key-encryption key of a vault that is made now, for reproducible demos and tests. Whoever
    /// knows the seed can open the vault. Not read when the vault exists; a key file that exists goes first.
    pub seed: Option<[u8; 32]>,
}

/// An open vault. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Vault {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    /// Held for reading while anything is wrapped or unwrapped, and for writing while the key is rotated.
    kek: tokio::sync::RwLock<Kek>,
    pepper: RawKey,
    merchants: std::sync::RwLock<HashMap<MerchantId, MerchantKeys>>,
    tokens: Tokens,
    opened: AtomicU64,
}

impl Vault {
    /// Opens the vault, making it at the first start.
    ///
    /// # Errors
    /// [`VaultError::KekMissing`] and [`VaultError::KekWrong`] when the key file is not the one this database was
    /// sealed under, [`VaultError::NewerSchema`] when a newer program wrote it.
    pub async fn open(options: VaultOptions) -> Result<Vault, VaultError> {
        let VaultOptions { db, kek_file, seed } = options;
        let fresh = !db.exists();
        let raw = match kek::read(&kek_file)? {
            Some(raw) => raw,
            None if fresh => {
                let raw = seed.as_ref().map_or_else(random, |seed| derive(seed, &["key-encryption key"]))?;
                kek::write(&kek_file, &raw)?;
                raw
            }
            None => return Err(VaultError::KekMissing { path: kek_file }),
        };
        if fresh {
            kek::create_private(&db)?;
        }
        let store = Store::open(&db).await?;
        let (kek, pepper) = root::unlock(&store, &raw, &kek_file, seed.as_ref()).await?;
        let vault = Vault {
            inner: Arc::new(Inner {
                store,
                kek: tokio::sync::RwLock::new(kek),
                tokens: Tokens::new(&pepper)?,
                pepper,
                merchants: std::sync::RwLock::default(),
                opened: AtomicU64::new(0),
            }),
        };
        vault.reload_tokens().await?;
        Ok(vault)
    }

    /// The merchant's keys for the hot path; made at the first call, kept in memory from then on.
    pub async fn ensure_merchant(&self, merchant: &MerchantId) -> Result<MerchantKeys, VaultError> {
        let known =
            self.inner.merchants.read().unwrap_or_else(PoisonError::into_inner).get(merchant).cloned();
        if let Some(keys) = known {
            return Ok(keys);
        }
        let store = &self.inner.store;
        let kek = self.inner.kek.read().await;
        let mut tx = store.begin().await?;
        // No seals are counted here: each message is sealed under a key derived for it alone.
        let (id, raw) = data_key(&mut tx, store, &kek, Owner::new(merchant, Purpose::Messages), 0).await?;
        store.commit(tx).await?;
        let keys = MerchantKeys::new(merchant, id, &raw, &self.inner.pepper)?;
        let mut all = self.inner.merchants.write().unwrap_or_else(PoisonError::into_inner);
        Ok(all.entry(merchant.clone()).or_insert(keys).clone())
    }

    /// Moves the vault to the key-encryption key in `new_kek_file`, which is made when absent. Wraps all data keys
    /// anew, in one transaction, and returns how many; nothing sealed is touched, and work goes on meanwhile. From
    /// then on the vault opens with the new file alone. Keep both files until this has returned: after a crash or
    /// an error, opening tells which one holds.
    ///
    /// # Errors
    /// [`VaultError::KekUnchanged`] when the new key is the present one.
    pub async fn rotate_kek(&self, new_kek_file: &Path) -> Result<u64, VaultError> {
        let raw = match kek::read(new_kek_file)? {
            Some(raw) => raw,
            None => {
                let raw = random()?;
                kek::write(new_kek_file, &raw)?;
                raw
            }
        };
        let mut kek = self.inner.kek.write().await;
        let new = Kek { version: kek.version + 1, key: SealKey::new(&raw)? };
        if root::opens(&self.inner.store, &new.key, kek.version).await? {
            return Err(VaultError::KekUnchanged);
        }
        let count = root::rotate(&self.inner.store, &kek, &new, &self.inner.pepper).await?;
        *kek = new;
        // What the old key wrapped must not outlive it in the write-ahead log.
        self.inner.store.forget().await?;
        Ok(count)
    }

    /// Waits for running work and closes the files. Later calls fail.
    pub async fn close(&self) {
        self.inner.store.close().await;
    }
}
