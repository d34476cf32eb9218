//! Storing keys: tell the duplicates, seal the rest, one transaction.

use std::collections::{HashMap, hash_map::Entry};

use vocabulary::{BatchId, MerchantId};

use super::{KEYS_MAX, KeyPut, KeyVerdict, batch_owner, place};
use crate::crypto::SealKey;
use crate::data_keys::{Kek, data_key, narrow};
use crate::merchant_keys::{fingerprint, fingerprint_key};
use crate::store::{Scope, Tx, sql};
use crate::{Vault, VaultError, key_text};

type Print = [u8; 16];
type Place = (BatchId, u32);
type Row = (String, String);

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

        let prints = &prints;
        self.working(|kek| async move {
            let mut tx = self.inner.store.begin(Scope::Merchant(merchant)).await?;
            let sealer = open_batch(&mut tx, &kek, merchant, &put, count).await?;
            let known = known_prints(&mut tx, sealer.namespace, prints).await?;
            let (verdicts, rows) = judge(merchant, &put, &sealer, prints, known)?;
            if rows.is_empty() {
                return Ok(verdicts);
            }
            insert(&mut tx, &sealer, put.first_index, rows).await?;
            tx.commit().await?;
            Ok(verdicts)
        })
        .await
    }
}

/// Finds or begins the batch, its namespace and its data key, and makes sure its indices are free.
async fn open_batch(
    tx: &mut Tx<'_>,
    kek: &Kek,
    merchant: &MerchantId,
    put: &KeyPut<'_>,
    count: u32,
) -> Result<Sealer, VaultError> {
    let doing = "beginning a batch";
    // An update that changes nothing makes RETURNING give the row that was there.
    let (namespace,): (i64,) = sql(
        doing,
        "INSERT INTO namespace (merchant, family) VALUES ($1, $2)
         ON CONFLICT (merchant, family) DO UPDATE SET family = excluded.family RETURNING id",
    )
    .bind(merchant.as_str())
    .bind(put.family)
    .one(&mut *tx)
    .await?;
    let (key_batch, sku, of): (i64, String, i64) = sql(
        doing,
        "INSERT INTO key_batch (merchant, batch, sku, namespace) VALUES ($1, $2, $3, $4)
         ON CONFLICT (merchant, batch) DO UPDATE SET batch = excluded.batch RETURNING id, sku, namespace",
    )
    .bind(merchant.as_str())
    .bind(put.batch.0)
    .bind(put.sku.as_str())
    .bind(namespace)
    .one(&mut *tx)
    .await?;
    if sku != put.sku.as_str() || of != namespace {
        return Err(VaultError::BatchMismatch { batch: put.batch });
    }
    let taken = "SELECT EXISTS (SELECT 1 FROM card_key WHERE key_batch = $1 AND place >= $2)";
    let (taken,): (bool,) = sql(doing, taken).bind(key_batch).bind(put.first_index).one(&mut *tx).await?;
    if taken {
        return Err(VaultError::IndexTaken { batch: put.batch, index: put.first_index });
    }
    let (data_key, raw) = data_key(tx, kek, batch_owner(merchant, put.batch), count).await?;
    Ok(Sealer { key_batch, namespace, data_key, seal: SealKey::new(&raw)? })
}

/// Which of the fingerprints are stored in the namespace, and where.
async fn known_prints(
    tx: &mut Tx<'_>,
    namespace: i64,
    prints: &[Print],
) -> Result<HashMap<Print, Place>, VaultError> {
    let wanted: Vec<[String; 1]> = prints.iter().map(|print| [hex::encode(print)]).collect();
    let rows: Vec<(Vec<u8>, i64, i64)> = sql(
        "looking for duplicates",
        "SELECT card_key.fingerprint, key_batch.batch, card_key.place FROM json_each($1) AS wanted
         CROSS JOIN card_key CROSS JOIN key_batch
         WHERE card_key.namespace = $2 AND card_key.fingerprint = unhex(wanted.value ->> 0)
             AND key_batch.id = card_key.key_batch",
    )
    .list(&wanted)?
    .bind(namespace)
    .all(tx)
    .await?;
    rows.into_iter()
        .map(|(print, batch, index)| {
            let print = print.try_into().map_err(|_| VaultError::Malformed { what: "fingerprint" })?;
            Ok((print, (BatchId(narrow(batch)?), narrow(index)?)))
        })
        .collect()
}

/// Gives each key its verdict. A row is a stored key's fingerprint and its sealed text, both in hex.
fn judge(
    merchant: &MerchantId,
    put: &KeyPut<'_>,
    sealer: &Sealer,
    prints: &[Print],
    mut known: HashMap<Print, Place>,
) -> Result<(Vec<KeyVerdict>, Vec<Row>), VaultError> {
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
        rows.push((fingerprint.clone(), hex::encode(sealed)));
        verdicts.push(KeyVerdict::Stored { index, fingerprint });
        index += 1;
    }
    Ok((verdicts, rows))
}

/// Stores all rows with one statement: row by row would cost a thread switch each.
async fn insert(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    first_index: u32,
    rows: Vec<Row>,
) -> Result<(), VaultError> {
    sql(
        "storing keys",
        "INSERT INTO card_key (key_batch, place, namespace, fingerprint, data_key, sealed)
         SELECT $2, $3 + key, $4, unhex(value ->> 0), $5, unhex(value ->> 1) FROM json_each($1)",
    )
    .list(&rows)?
    .bind(sealer.key_batch)
    .bind(first_index)
    .bind(sealer.namespace)
    .bind(sealer.data_key)
    .run(tx)
    .await
    .map(drop)
}
