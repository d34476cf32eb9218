//! The root row: the canary that tells a right key-encryption key from a wrong one, and the sealed pepper.

use std::path::Path;

use crate::VaultError;
use crate::crypto::{RawKey, SealKey, as_key, bound, derive, random};
use crate::data_keys::{Kek, rewrap};
use crate::store::{Store, Writing};

const CANARY: &[u8] = b"the bird sings";

/// The pepper and the key-encryption key, opened; made and stored at the first start.
pub(crate) async fn unlock(
    store: &Store,
    raw: &RawKey,
    file: &Path,
    seed: Option<&[u8; 32]>,
) -> Result<(Kek, RawKey), VaultError> {
    let failed = store.failed("opening the root row");
    let key = SealKey::new(raw)?;
    let mut tx = store.begin().await?;
    let row: Option<(i64, Vec<u8>, Vec<u8>)> = sqlx::query_as("SELECT kek_version, canary, pepper FROM root")
        .fetch_optional(&mut *tx)
        .await
        .map_err(&failed)?;
    let Some((version, canary, sealed)) = row else {
        let kek = Kek { version: 1, key };
        let pepper = seed.map_or_else(random, |seed| derive(seed, &["pepper"]))?;
        sqlx::query("INSERT INTO root (id, kek_version, canary, pepper) VALUES (1, 0, x'', x'')")
            .execute(&mut *tx)
            .await
            .map_err(&failed)?;
        put(&mut tx, store, &kek, &pepper).await?;
        store.commit(tx).await?;
        return Ok((kek, pepper));
    };
    if !sings(&key, version, &canary) {
        return Err(VaultError::KekWrong { path: file.into() });
    }
    let pepper = key.open(&place("pepper", version), &sealed).and_then(|opened| as_key(&opened));
    let pepper = pepper.ok_or_else(|| VaultError::NotAuthentic { what: "pepper".into() })?;
    Ok((Kek { version, key }, pepper))
}

/// Whether `key` is the present key-encryption key.
pub(crate) async fn opens(store: &Store, key: &SealKey, version: i64) -> Result<bool, VaultError> {
    let canary: Vec<u8> = sqlx::query_scalar("SELECT canary FROM root")
        .fetch_one(store.reader())
        .await
        .map_err(store.failed("reading the canary"))?;
    Ok(sings(key, version, &canary))
}

/// Moves everything the old key-encryption key wrapped to the new one, in one transaction.
pub(crate) async fn rotate(store: &Store, old: &Kek, new: &Kek, pepper: &RawKey) -> Result<u64, VaultError> {
    let mut tx = store.begin().await?;
    let count = rewrap(&mut tx, store, old, new).await?;
    put(&mut tx, store, new, pepper).await?;
    store.commit(tx).await?;
    Ok(count)
}

fn sings(key: &SealKey, version: i64, canary: &[u8]) -> bool {
    key.open(&place("canary", version), canary).is_some_and(|text| text.as_slice() == CANARY)
}

async fn put(tx: Writing<'_>, store: &Store, kek: &Kek, pepper: &RawKey) -> Result<(), VaultError> {
    sqlx::query("UPDATE root SET kek_version = ?, canary = ?, pepper = ?")
        .bind(kek.version)
        .bind(kek.key.seal(&place("canary", kek.version), CANARY)?)
        .bind(kek.key.seal(&place("pepper", kek.version), pepper.as_slice())?)
        .execute(tx)
        .await
        .map_err(store.failed("writing the root row"))?;
    Ok(())
}

fn place(what: &str, version: i64) -> Vec<u8> {
    bound(what, &[&version.to_be_bytes()])
}
