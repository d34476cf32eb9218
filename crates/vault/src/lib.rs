//! The vault: card keys, people, raw messages and channel secrets, sealed, and the keys that open them.
//!
//! The log holds references and keyed fingerprints; what they stand for lies here, in a database file of the vault's
//! own, or in a schema of its own in PostgreSQL, which several processes may share. Three layers of keys open it: the *key-encryption key*, in a file outside the database; *data keys*, wrapped
//! by it, one or more per batch of card keys and per purpose; and one key per person. Every sealed text is bound to
//! its place (merchant, item, batch, index, data key), so moving it makes it unreadable.
//!
//! The vault knows nothing of events, orders or HTTP. Its texts and errors never hold what it keeps. A caller records
//! why a key is opened before it opens it; [`Vault::opened_count`] lets a checker compare.
//!
//! ```
//! use vault::{KeyPut, Vault, VaultOptions, VaultPlace};
//! use vocabulary::{BatchId, CardKey, Secret};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let options = VaultOptions {
//!     place: VaultPlace::File(folder.path().join("vault.db")),
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
mod copy;
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

use tokio::time::Instant;
use vocabulary::{Epoch, MerchantId};

use crate::crypto::{RawKey, SealKey, random};
use crate::data_keys::{Kek, Owner, Purpose, data_key};
use crate::store::{Scope, Store};
use crate::tokens::Tokens;

pub use backup::copy_of;
pub use card_keys::{KEYS_MAX, KeyPut, KeyVerdict};
pub use copy::{Copied, copy};
pub use error::VaultError;
pub use marks::PollMark;
pub use merchant_keys::MerchantKeys;
pub use subjects::{Subject, SubjectPut};
pub use subscribers::SUBSCRIBERS;
pub use tokens::TokenInfo;

/// Where a vault lies.
#[derive(Clone)]
pub enum VaultPlace {
    /// A database file, for one process; made when absent.
    File(PathBuf),
    /// A PostgreSQL database of this address (`postgres://user@host/database`), for several processes. The tables lie
    /// in a schema of their own, `kami_vault`, made when absent. The address may hold a password.
    Postgres(String),
}

/// How a vault is opened.
#[derive(Clone)]
pub struct VaultOptions {
    /// Where it lies.
    pub place: VaultPlace,
    /// The file with the key-encryption key (64 hex digits, mode 0400). Made when it is absent and
    /// the database is new. Back it up apart from the database: either alone is worthless.
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
    kek: tokio::sync::RwLock<Arc<Kek>>,
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
        let VaultOptions { place, kek_file, seed } = options;
        let store = Store::open(&place).await?;
        let (kek, pepper) = root::unlock(&store, &kek_file, seed.as_ref()).await?;
        let is_shared = store.is_shared();
        let vault = Vault {
            inner: Arc::new(Inner {
                store,
                kek: tokio::sync::RwLock::new(Arc::new(kek)),
                tokens: Tokens::new(&pepper)?,
                pepper,
                merchants: std::sync::RwLock::default(),
                opened: AtomicU64::new(0),
            }),
        };
        vault.reload_tokens().await?;
        if is_shared {
            vault.follow_tokens();
        }
        Ok(vault)
    }

    /// From now on this process writes the merchant's rows under this epoch, which its log gave it: a process that has
    /// them open under an earlier one cannot write them any more, and nothing of it is under way when this returns. Does
    /// nothing to a file, which one process has open.
    ///
    /// # Errors
    /// [`VaultError::Fenced`] when a later epoch was fenced already.
    pub async fn fence(&self, merchant: &MerchantId, epoch: Epoch) -> Result<(), VaultError> {
        let epoch = i64::try_from(epoch.0).map_err(|_| VaultError::Malformed { what: "epoch" })?;
        self.working(|_| self.inner.store.fence(merchant, epoch)).await
    }

    /// Does a piece of work, and does it again where nothing of it is stored: while the database is not reached, for
    /// half a minute; and once another process has moved the vault to another key-encryption key. The key is held
    /// meanwhile, so that what is read is wrapped by the key that unwraps it.
    async fn working<T, W>(&self, work: impl Fn(Arc<Kek>) -> W) -> Result<T, VaultError>
    where
        W: Future<Output = Result<T, VaultError>>,
    {
        let started = Instant::now();
        loop {
            let kek = self.inner.kek.read().await;
            let failure = match work(kek.clone()).await {
                Ok(done) => return Ok(done),
                Err(failure) => failure,
            };
            let version = kek.version;
            drop(kek);
            match failure {
                VaultError::NotAuthentic { .. } if self.follow_rotation(version).await? => {}
                VaultError::Database { doing, source }
                    if self.inner.store.is_shared()
                        && store::is_broken_line(&source)
                        && started.elapsed() < store::PATIENCE =>
                {
                    tracing::warn!(error = %source, doing, "the vault's database was not reached; trying again");
                    tokio::time::sleep(store::PAUSE).await;
                }
                failure => return Err(failure),
            }
        }
    }

    /// Takes over the key-encryption key from its file where another process has moved the vault to it. False where it
    /// is the same as before.
    async fn follow_rotation(&self, version: i64) -> Result<bool, VaultError> {
        let mut kek = self.inner.kek.write().await;
        if kek.version != version {
            return Ok(true);
        }
        let found = root::follow(&self.inner.store, &kek.file, version).await?;
        let has_moved = found.is_some();
        if let Some(found) = found {
            *kek = Arc::new(found);
        }
        Ok(has_moved)
    }

    /// The merchant's keys for the hot path; made at the first call, kept in memory from then on.
    pub async fn ensure_merchant(&self, merchant: &MerchantId) -> Result<MerchantKeys, VaultError> {
        let known =
            self.inner.merchants.read().unwrap_or_else(PoisonError::into_inner).get(merchant).cloned();
        if let Some(keys) = known {
            return Ok(keys);
        }
        let made = self.working(|kek| async move {
            let mut tx = self.inner.store.begin(Scope::Merchant(merchant)).await?;
            // No seals are counted here: each message is sealed under a key derived for it alone.
            let made = data_key(&mut tx, &kek, Owner::new(merchant, Purpose::Messages), 0).await?;
            tx.commit().await?;
            Ok(made)
        });
        let (id, raw) = made.await?;
        let keys = MerchantKeys::new(merchant, id, &raw, &self.inner.pepper)?;
        let mut all = self.inner.merchants.write().unwrap_or_else(PoisonError::into_inner);
        Ok(all.entry(merchant.clone()).or_insert(keys).clone())
    }

    /// Moves the vault to the key-encryption key in `new_kek_file`, which is made when absent. Wraps all data keys
    /// anew, in one transaction, and returns how many; nothing sealed is touched, and work goes on meanwhile. From
    /// then on the vault opens with the new file alone. Keep both files until this has returned: after a crash or
    /// an error, opening tells which one holds. Other processes that share the vault go on as soon as their own file
    /// holds the new key; until then they answer [`VaultError::KekWrong`].
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
        let new = Kek { version: kek.version + 1, key: SealKey::new(&raw)?, file: new_kek_file.into() };
        if root::opens(&self.inner.store, &new.key, kek.version).await? {
            return Err(VaultError::KekUnchanged);
        }
        let count = root::rotate(&self.inner.store, &kek, &new, &self.inner.pepper).await?;
        *kek = Arc::new(new);
        // What the old key wrapped must not outlive it in the write-ahead log.
        self.inner.store.forget().await?;
        Ok(count)
    }

    /// Waits for running work and closes the files. Later calls fail.
    pub async fn close(&self) {
        self.inner.store.close().await;
    }
}
