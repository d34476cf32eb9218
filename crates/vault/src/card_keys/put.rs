//! Storing keys: tell the duplicates, seal the rest, one transaction.

use std::collections::{HashMap, hash_map::Entry};

use vocabulary::{BatchId, MerchantId};

use super::{KEYS_MAX, KeyPut, KeyVerdict, batch_owner, place};
use crate::crypto::SealKey;
use crate::data_keys::{Kek, data_key};
use crate::merchant_keys::{fingerprint, fingerprint_key};
use crate::store::{Store, Writing};
use crate::{Vault, VaultError, key_text};

type Print = [u8; 16];
type Place = (BatchId, u32);

/// A batch as the database knows it, opened for sealing.
struct Sealer {
    key_batch: i64,
    namespace: i64,
    data_key: i64,
    seal: SealKey,
}

impl Vault {
    /// Stores keys, sealed; all of them durable when this returns, or none. Verdicts are in the order of the keys.
    /// Stored keys take consecutive indices from `first_index`; a key whose code was ever stored in the family
    /// (a pair's secret does not make it another key) is a duplicate and takes none.
    ///
    /// # Errors
    /// [`VaultError::TooManyKeys`], [`VaultError::EmptyKey`], [`VaultError::IndexTaken`] and
    /// [`VaultError::BatchMismatch`] say what is wrong with the call; the others that storing failed.
    pub async fn put_keys(
        &self,
        merchant: &MerchantId,
        put: KeyPut<'_>,
    ) -> Result<Vec<KeyVerdict>, VaultError> {
        let count = u32::try_from(put.keys.len()).ok().filter(|_| put.keys.len() <= KEYS_MAX);
        let count = count.filter(|count| put.first_index.checked_add(*count).is_some());
        let count = count.ok_or(VaultError::TooManyKeys { max: KEYS_MAX })?;
        if let Some(place) = put.keys.iter().position(|key| key.code.expose().trim().is_empty()) {
            return Err(VaultError::EmptyKey { place });
        }
        if count == 0 {
            return Ok(Vec::new());
        }
        let print_key = fingerprint_key(&self.inner.pepper, merchant)?;
        let prints: Vec<Print> =
            put.keys.iter().map(|key| fingerprint(&print_key, put.family, key.code.expose())).collect();

        let store = &self.inner.store;
        let kek = self.inner.kek.read().await;
        let mut tx = store.begin().await?;
        let sealer = open_batch(&mut tx, store, &kek, merchant, &put, count).await?;
        let known = known_prints(&mut tx, store, sealer.namespace, &prints).await?;
        let (verdicts, rows) = judge(merchant, &put, &sealer, &prints, known)?;
        if rows.is_empty() {
            return Ok(verdicts);
        }
        insert(&mut tx, store, &sealer, put.first_index, rows).await?;
        store.commit(tx).await?;
        Ok(verdicts)
    }
}

/// Finds or begins the batch, its namespace and its data key, and makes sure its indices are free.
async fn open_batch(
    tx: Writing<'_>,
    store: &Store,
    kek: &Kek,
    merchant: &MerchantId,
    put: &KeyPut<'_>,
    count: u32,
) -> Result<Sealer, VaultError> {
    let failed = store.failed("beginning a batch");
    // An update that changes nothing makes RETURNING give the row that was there.
    let namespace: i64 = sqlx::query_scalar(
        "INSERT INTO namespace (merchant, family) VALUES (?, ?)
         ON CONFLICT DO UPDATE SET family = excluded.family RETURNING id",
    )
    .bind(merchant.as_str())
    .bind(put.family)
    .fetch_one(&mut *tx)
    .await
    .map_err(&failed)?;
    let (key_batch, sku, of): (i64, String, i64) = sqlx::query_as(
        "INSERT INTO key_batch (merchant, batch, sku, namespace) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET batch = excluded.batch RETURNING id, sku, namespace",
    )
    .bind(merchant.as_str())
    .bind(put.batch.0)
    .bind(put.sku.as_str())
    .bind(namespace)
    .fetch_one(&mut *tx)
    .await
    .map_err(&failed)?;
    if sku != put.sku.as_str() || of != namespace {
        return Err(VaultError::BatchMismatch { batch: put.batch });
    }
    let taken: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM card_key WHERE key_batch = ? AND place >= ?)")
            .bind(key_batch)
            .bind(put.first_index)
            .fetch_one(&mut *tx)
            .await
            .map_err(&failed)?;
    if taken {
        return Err(VaultError::IndexTaken { batch: put.batch, index: put.first_index });
    }
    let (data_key, raw) = data_key(tx, store, kek, batch_owner(merchant, put.batch), count).await?;
    Ok(Sealer { key_batch, namespace, data_key, seal: SealKey::new(&raw)? })
}

/// Which of the fingerprints are stored in the namespace, and where.
async fn known_prints(
    tx: Writing<'_>,
    store: &Store,
    namespace: i64,
    prints: &[Print],
) -> Result<HashMap<Print, Place>, VaultError> {
    let wanted: Vec<String> = prints.iter().map(hex::encode).collect();
    let rows: Vec<(Vec<u8>, u32, u32)> = sqlx::query_as(
        "SELECT card_key.fingerprint, key_batch.batch, card_key.place FROM json_each(?1) AS wanted
         CROSS JOIN card_key ON card_key.namespace = ?2 AND card_key.fingerprint = unhex(wanted.value)
         CROSS JOIN key_batch ON key_batch.id = card_key.key_batch",
    )
    .bind(sqlx::types::Json(wanted))
    .bind(namespace)
    .fetch_all(tx)
    .await
    .map_err(store.failed("looking for duplicates"))?;
    rows.into_iter()
        .map(|(print, batch, index)| {
            let print = print.try_into().map_err(|_| VaultError::Malformed { what: "fingerprint" })?;
            Ok((print, (BatchId(batch), index)))
        })
        .collect()
}

/// Gives each key its verdict. A row is the hex of a stored key's fingerprint followed by that of its sealed text.
fn judge(
    merchant: &MerchantId,
    put: &KeyPut<'_>,
    sealer: &Sealer,
    prints: &[Print],
    mut known: HashMap<Print, Place>,
) -> Result<(Vec<KeyVerdict>, Vec<String>), VaultError> {
    let mut verdicts = Vec::with_capacity(prints.len());
    let mut rows = Vec::with_capacity(prints.len());
    let mut index = put.first_index;
    for (key, print) in put.keys.iter().zip(prints) {
        let slot = match known.entry(*print) {
            Entry::Occupied(earlier) => {
                let (of_batch, of_index) = *earlier.get();
                verdicts.push(KeyVerdict::Duplicate { of_batch, of_index });
                continue;
            }
            Entry::Vacant(slot) => slot,
        };
        slot.insert((put.batch, index));
        let plain = key_text::encode(key).ok_or(VaultError::Crypto { doing: "encoding a key" })?;
        let place = place(merchant, put.sku.as_str(), put.batch, index, sealer.data_key);
        let sealed = sealer.seal.seal(&place, &plain)?;
        let fingerprint = hex::encode(print);
        rows.push(format!("{fingerprint}{}", hex::encode(sealed)));
        verdicts.push(KeyVerdict::Stored { index, fingerprint });
        index += 1;
    }
    Ok((verdicts, rows))
}

/// Stores all rows with one statement: row by row would cost a thread switch each.
async fn insert(
    tx: Writing<'_>,
    store: &Store,
    sealer: &Sealer,
    first_index: u32,
    rows: Vec<String>,
) -> Result<(), VaultError> {
    sqlx::query(
        "INSERT INTO card_key (key_batch, place, namespace, fingerprint, data_key, sealed)
         SELECT ?2, ?3 + key, ?4, unhex(substr(value, 1, 32)), ?5, unhex(substr(value, 33)) FROM json_each(?1)",
    )
    .bind(sqlx::types::Json(rows))
    .bind(sealer.key_batch)
    .bind(first_index)
    .bind(sealer.namespace)
    .bind(sealer.data_key)
    .execute(tx)
    .await
    .map_err(store.failed("storing keys"))?;
    Ok(())
}
