//! Operator tokens: `kami_<public id>_<secret>_<checksum>`. The secret is shown once and kept as a keyed digest.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use ring::hmac;
use vocabulary::Secret;
use zeroize::Zeroizing;

use crate::crypto::{RawKey, bound, derive, random};
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

/// The tokens in memory, so that a check touches no disk.
pub(crate) struct Tokens {
    key: hmac::Key,
    known: RwLock<HashMap<String, Known>>,
}

struct Known {
    name: String,
    digest: Vec<u8>,
}

impl Tokens {
    pub(crate) fn new(pepper: &RawKey) -> Result<Self, VaultError> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, derive(pepper, &["token"])?.as_slice());
        Ok(Self { key, known: RwLock::default() })
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
        let store = &self.inner.store;
        let mut tx = store.begin().await?;
        sqlx::query("INSERT INTO token (public_id, name, digest) VALUES (?, ?, ?)")
            .bind(&public_id)
            .bind(name)
            .bind(&digest)
            .execute(&mut *tx)
            .await
            .map_err(store.failed("issuing a token"))?;
        store.commit(tx).await?;
        let mut known = self.inner.tokens.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(public_id, Known { name: name.to_owned(), digest });
        Ok(Secret::new(format!("{}_{:08x}", body.as_str(), checksum(body.as_bytes()))))
    }

    /// The name a token was issued to, or `None` when it is mistyped, unknown or revoked. Looked up by its public
    /// id, then compared in constant time; touches no disk.
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
        let store = &self.inner.store;
        // From memory first: a token must not be honoured because its row could not be deleted.
        self.inner.tokens.known.write().unwrap_or_else(PoisonError::into_inner).remove(public_id);
        let mut tx = store.begin().await?;
        let revoked = sqlx::query("DELETE FROM token WHERE public_id = ?")
            .bind(public_id)
            .execute(&mut *tx)
            .await
            .map_err(store.failed("revoking a token"))?
            .rows_affected();
        store.commit(tx).await?;
        Ok(revoked > 0)
    }

    /// Reads the tokens anew, after another process may have issued or revoked some. Done once by `open`.
    pub async fn reload_tokens(&self) -> Result<(), VaultError> {
        let rows: Vec<(String, String, Vec<u8>)> =
            sqlx::query_as("SELECT public_id, name, digest FROM token")
                .fetch_all(self.inner.store.reader())
                .await
                .map_err(self.inner.store.failed("reading the tokens"))?;
        let all = rows.into_iter().map(|(id, name, digest)| (id, Known { name, digest })).collect();
        *self.inner.tokens.known.write().unwrap_or_else(PoisonError::into_inner) = all;
        Ok(())
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
