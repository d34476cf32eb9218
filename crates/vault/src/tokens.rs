//! Operator tokens: `kami_<public id>_<secret>_<checksum>`. The secret is shown once and kept as a keyed digest.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use ring::hmac;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use vocabulary::Secret;
use zeroize::Zeroizing;

use crate::crypto::{RawKey, bound, derive, random};
use crate::store::{Scope, sql};
use crate::{Vault, VaultError};

const NAME_BYTES_MAX: usize = 64;

/// A token as it may be shown: without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    /// The second part of the token, by which it is revoked.
    pub public_id: String,
    /// Who or what it was issued to.
    pub name: String,
}

/// How old what is known of the tokens may be where other processes issue and revoke some too.
const REREAD_EVERY: Duration = Duration::from_secs(1);
const REREAD_WITHIN: Duration = Duration::from_secs(10);

/// The tokens in memory, so that a check touches no disk.
pub(crate) struct Tokens {
    key: hmac::Key,
    known: RwLock<HashMap<String, Known>>,
    /// Those that this process revoked.
    revoked: Mutex<HashSet<String>>,
    /// How often they were read.
    reread: watch::Sender<u64>,
}

struct Known {
    name: String,
    digest: Vec<u8>,
}

impl Tokens {
    pub(crate) fn new(pepper: &RawKey) -> Result<Self, VaultError> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, derive(pepper, &["token"])?.as_slice());
        let (known, revoked, reread) = (RwLock::default(), Mutex::default(), watch::Sender::new(0));
        Ok(Self { key, known, revoked, reread })
    }

    fn revoke(&self, public_id: &str) {
        let mut revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        self.known.write().unwrap_or_else(PoisonError::into_inner).remove(public_id);
        revoked.insert(public_id.to_owned());
    }

    fn replace(&self, rows: Vec<(String, String, Vec<u8>)>) {
        let revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = rows.into_iter().filter(|(id, ..)| !revoked.contains(id));
        let all = rows.map(|(id, name, digest)| (id, Known { name, digest })).collect();
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = all;
        self.reread.send_modify(|times| *times += 1);
    }
}

impl Vault {
    /// Issues a token to `name` (1 to 64 bytes, no control characters; several tokens may share a name). The text
    /// is returned this once; it cannot be read again.
    ///
    /// # Errors
    /// [`VaultError::BadTokenName`], or what kept it from being stored.
    pub async fn issue_token(&self, name: &str) -> Result<Secret<String>, VaultError> {
        if name.trim().is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
            return Err(VaultError::BadTokenName);
        }
        let public_id = hex::encode(random::<8>()?.as_slice());
        let secret = Zeroizing::new(hex::encode(random::<32>()?.as_slice()));
        let body = Zeroizing::new(format!("kami_{public_id}_{}", secret.as_str()));
        let digest = hmac::sign(&self.inner.tokens.key, &proof(&public_id, name, &secret)).as_ref().to_vec();
        let text = "INSERT INTO token (public_id, name, digest) VALUES ($1, $2, $3)";
        let (id, kept) = (public_id.as_str(), &digest);
        self.working(|_| async move {
            let mut tx = self.inner.store.begin(Scope::All).await?;
            let insert = sql("issuing a token", text).bind(id).bind(name);
            insert.bind(kept.clone()).run(&mut tx).await?;
            tx.commit().await
        })
        .await?;
        let mut known = self.inner.tokens.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(public_id, Known { name: name.to_owned(), digest });
        Ok(Secret::new(format!("{}_{:08x}", body.as_str(), checksum(body.as_bytes()))))
    }

    /// The name a token was issued to, or `None` when it is mistyped, unknown or revoked. Looked up by its public
    /// id, then compared in constant time; touches no disk. Where several processes share the vault, what another one
    /// issued or revoked counts here a second later.
    pub fn check_token(&self, text: &str) -> Option<String> {
        let (body, sum) = text.rsplit_once('_')?;
        let (public_id, secret) = body.strip_prefix("kami_")?.split_once('_')?;
        // The checksum is no secret: it spares a mistyped token the lookup and lets scanners find leaked ones.
        if sum != format!("{:08x}", checksum(body.as_bytes())) {
            return None;
        }
        let known = self.inner.tokens.known.read().unwrap_or_else(PoisonError::into_inner);
        let token = known.get(public_id)?;
        hmac::verify(&self.inner.tokens.key, &proof(public_id, &token.name, secret), &token.digest).ok()?;
        Some(token.name.clone())
    }

    /// Tells each time when the tokens were read anew.
    pub fn tokens_reread(&self) -> watch::Receiver<u64> {
        self.inner.tokens.reread.subscribe()
    }

    /// All tokens that are in force, in the order of their names.
    pub fn tokens(&self) -> Vec<TokenInfo> {
        let known = self.inner.tokens.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<TokenInfo> = known
            .iter()
            .map(|(id, token)| TokenInfo { public_id: id.clone(), name: token.name.clone() })
            .collect();
        all.sort_by(|a, b| (&a.name, &a.public_id).cmp(&(&b.name, &b.public_id)));
        all
    }

    /// Revokes a token by its public id; false when there is none.
    pub async fn revoke_token(&self, public_id: &str) -> Result<bool, VaultError> {
        // In memory first: a token must not be honoured because its row could not be deleted.
        self.inner.tokens.revoke(public_id);
        self.working(|_| async move {
            let mut tx = self.inner.store.begin(Scope::All).await?;
            let delete = sql("revoking a token", "DELETE FROM token WHERE public_id = $1");
            let revoked = delete.bind(public_id).run(&mut tx).await?;
            tx.commit().await?;
            Ok(revoked > 0)
        })
        .await
    }

    /// Reads the tokens anew. Done by `open`, and every second where other processes may issue and revoke some.
    pub async fn reload_tokens(&self) -> Result<(), VaultError> {
        let text = "SELECT public_id, name, digest FROM token";
        let rows: Vec<(String, String, Vec<u8>)> =
            sql("reading the tokens", text).all(&self.inner.store).await?;
        self.inner.tokens.replace(rows);
        Ok(())
    }

    /// Reads the tokens anew every second, until the vault is gone. Where that fails for ten seconds, none is honoured
    /// any more until it succeeds again: one of them may have been revoked.
    pub(crate) fn follow_tokens(&self) {
        let inner = Arc::downgrade(&self.inner);
        tokio::spawn(async move {
            let mut read_at = Instant::now();
            loop {
                sleep(REREAD_EVERY).await;
                let Some(vault) = inner.upgrade().map(|inner| Self { inner }) else { return };
                if vault.inner.store.is_closed() {
                    return;
                }
                match timeout(REREAD_WITHIN, vault.reload_tokens()).await {
                    Ok(Ok(())) => read_at = Instant::now(),
                    Ok(Err(error)) => tracing::warn!(%error, "the tokens cannot be read anew"),
                    Err(_elapsed) => tracing::warn!("the tokens cannot be read anew in time"),
                }
                if read_at.elapsed() >= REREAD_WITHIN {
                    vault.inner.tokens.replace(Vec::new());
                }
            }
        });
    }
}

/// What is digested: the secret with the id and the name it goes with, so that two rows cannot swap names.
fn proof(public_id: &str, name: &str, secret: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(bound("token", &[public_id.as_bytes(), name.as_bytes(), secret.as_bytes()]))
}

/// CRC-32 (ISO-HDLC), as in zip files.
fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_checksum_has_its_published_check_value() {
        assert_eq!(super::checksum(b"123456789"), 0xcbf4_3926);
    }
}
