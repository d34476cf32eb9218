//! The root row: the canary that tells a right key-encryption key from a wrong one, and the sealed pepper.

use std::path::Path;

use crate::crypto::{RawKey, SealKey, as_key, bound, derive, random};
use crate::data_keys::{Kek, rewrap};
use crate::store::{Scope, Store, Tx, sql};
use crate::{VaultError, kek};

const CANARY: &[u8] = b"the bird sings";

type Row = (i64, Vec<u8>, Vec<u8>);
const READ: &str = "SELECT kek_version, canary, pepper FROM root";

/// The pepper and the key-encryption key, opened; made and stored at the first start, the key file too where there is
/// none.
pub(crate) async fn unlock(
    store: &Store,
    file: &Path,
    seed: Option<&[u8; 32]>,
) -> Result<(Kek, RawKey), VaultError> {
    let mut tx = store.begin(Scope::All).await?;
    let kept = kek::read(file)?;
    let row: Option<Row> = sql("opening the root row", READ).first(&mut tx).await?;
    let raw = match (kept, &row) {
        (Some(raw), _) => raw,
        (None, Some(_)) => return Err(VaultError::KekMissing { path: file.into() }),
        (None, None) => {
            let raw = seed.map_or_else(random, |seed| derive(seed, &["key-encryption key"]))?;
            kek::write(file, &raw)?;
            raw
        }
    };
    if let Some(row) = row {
        return open(&raw, file, &row);
    }
    let kek = Kek { version: 1, key: SealKey::new(&raw)?, file: file.into() };
    let pepper = seed.map_or_else(random, |seed| derive(seed, &["pepper"]))?;
    put(&mut tx, &kek, &pepper).await?;
    tx.commit().await?;
    Ok((kek, pepper))
}

/// The key-encryption key of the file, where another process has moved the vault to it since `version`; `None` where
/// none has.
pub(crate) async fn follow(store: &Store, file: &Path, version: i64) -> Result<Option<Kek>, VaultError> {
    let row: Row = sql("reading the root row", READ).one(store).await?;
    if row.0 == version {
        return Ok(None);
    }
    let raw = kek::read(file)?.ok_or_else(|| VaultError::KekMissing { path: file.into() })?;
    Ok(Some(open(&raw, file, &row)?.0))
}

fn open(raw: &RawKey, file: &Path, (version, canary, sealed): &Row) -> Result<(Kek, RawKey), VaultError> {
    let (key, version) = (SealKey::new(raw)?, *version);
    if !sings(&key, version, canary) {
        return Err(VaultError::KekWrong { path: file.into() });
    }
    let pepper = key.open(&place("pepper", version), sealed).and_then(|opened| as_key(&opened));
    let pepper = pepper.ok_or_else(|| VaultError::NotAuthentic { what: "pepper".into() })?;
    Ok((Kek { version, key, file: file.into() }, pepper))
}

/// Whether `key` is the present key-encryption key.
pub(crate) async fn opens(store: &Store, key: &SealKey, version: i64) -> Result<bool, VaultError> {
    let (canary,): (Vec<u8>,) = sql("reading the canary", "SELECT canary FROM root").one(store).await?;
    Ok(sings(key, version, &canary))
}

/// Moves everything the old key-encryption key wrapped to the new one, in one transaction.
pub(crate) async fn rotate(store: &Store, old: &Kek, new: &Kek, pepper: &RawKey) -> Result<u64, VaultError> {
    let mut tx = store.begin(Scope::All).await?;
    let count = rewrap(&mut tx, old, new).await?;
    put(&mut tx, new, pepper).await?;
    tx.commit().await?;
    Ok(count)
}

fn sings(key: &SealKey, version: i64, canary: &[u8]) -> bool {
    key.open(&place("canary", version), canary).is_some_and(|text| text.as_slice() == CANARY)
}

async fn put(tx: &mut Tx<'_>, kek: &Kek, pepper: &RawKey) -> Result<(), VaultError> {
    sql(
        "writing the root row",
        "INSERT INTO root (id, kek_version, canary, pepper) VALUES (1, $1, $2, $3) ON CONFLICT (id) DO UPDATE
         SET kek_version = excluded.kek_version, canary = excluded.canary, pepper = excluded.pepper",
    )
    .bind(kek.version)
    .bind(kek.key.seal(&place("canary", kek.version), CANARY)?)
    .bind(kek.key.seal(&place("pepper", kek.version), pepper.as_slice())?)
    .run(tx)
    .await
    .map(drop)
}

fn place(what: &str, version: i64) -> Vec<u8> {
    bound(what, &[&version.to_be_bytes()])
}
