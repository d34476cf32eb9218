//! Card keys at rest: sealed under a key per batch, told apart by a keyed fingerprint.

mod open;
mod put;

use vocabulary::{BatchId, CardKey, MerchantId, Sku};

use crate::crypto::bound;
use crate::data_keys::{Owner, Purpose};
use crate::merchant_keys::{fingerprint, fingerprint_key};
use crate::{Vault, VaultError};

/// The most keys one [`Vault::put_keys`] call may carry. About 5000 at a time is quickest.
pub const KEYS_MAX: usize = 1 << 16;

/// Some keys of a batch, to be stored.
#[derive(Clone, Copy)]
pub struct KeyPut<'a> {
    /// The item the batch is of.
    pub sku: &'a Sku,
    /// The family within which no two keys may be equal: items that redeem at the same place share one.
    pub family: &'a str,
    /// The batch.
    pub batch: BatchId,
    /// The index of the first key that is stored; the batch must hold none at or after it.
    pub first_index: u32,
    /// The keys in clear.
    pub keys: &'a [CardKey],
}

/// What became of one key of a [`KeyPut`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyVerdict {
    /// It is stored, sealed.
    Stored {
        /// Its index in the batch.
        index: u32,
        /// Its fingerprint, 32 hex digits.
        fingerprint: String,
    },
    /// It is in stock or was once, or stands earlier in the same call. Nothing was stored.
    Duplicate {
        /// The batch of the earlier key.
        of_batch: BatchId,
        /// The index of the earlier key.
        of_index: u32,
    },
}

impl Vault {
    /// Removes the keys of a batch from an index on: what an import stored whose events were never appended.
    /// Returns how many. Their codes may be imported again, and a batch left empty may be begun for another item.
    pub async fn discard_keys_from(
        &self,
        merchant: &MerchantId,
        batch: BatchId,
        from_index: u32,
    ) -> Result<u64, VaultError> {
        let store = &self.inner.store;
        let failed = store.failed("discarding keys");
        let mut tx = store.begin().await?;
        let row: Option<i64> =
            sqlx::query_scalar("SELECT id FROM key_batch WHERE merchant = ? AND batch = ?")
                .bind(merchant.as_str())
                .bind(batch.0)
                .fetch_optional(&mut *tx)
                .await
                .map_err(&failed)?;
        let Some(row) = row else { return Ok(0) };
        let discarded = sqlx::query("DELETE FROM card_key WHERE key_batch = ? AND place >= ?")
            .bind(row)
            .bind(from_index)
            .execute(&mut *tx)
            .await
            .map_err(&failed)?
            .rows_affected();
        let emptied = sqlx::query(
            "DELETE FROM key_batch WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM card_key WHERE key_batch = ?1)",
        );
        let emptied = emptied.bind(row).execute(&mut *tx).await.map_err(&failed)?.rows_affected();
        if emptied > 0 {
            sqlx::query("DELETE FROM data_key WHERE merchant = ? AND purpose = 'card_keys' AND batch = ?")
                .bind(merchant.as_str())
                .bind(batch.0)
                .execute(&mut *tx)
                .await
                .map_err(&failed)?;
        }
        store.commit(tx).await?;
        Ok(discarded)
    }

    /// Every batch that holds keys, in order, with its size: one more than its highest index.
    pub async fn batch_sizes(&self, merchant: &MerchantId) -> Result<Vec<(BatchId, u32)>, VaultError> {
        let rows: Vec<(u32, Option<u32>)> = sqlx::query_as(
            "SELECT batch, (SELECT max(place) + 1 FROM card_key WHERE key_batch = key_batch.id)
             FROM key_batch WHERE merchant = ? ORDER BY batch",
        )
        .bind(merchant.as_str())
        .fetch_all(self.inner.store.reader())
        .await
        .map_err(self.inner.store.failed("counting keys"))?;
        Ok(rows.into_iter().filter_map(|(batch, size)| Some((BatchId(batch), size?))).collect())
    }

    /// Finds a key by its code, in one family or in all, whatever its spelling. Opens nothing.
    pub async fn find_key(
        &self,
        merchant: &MerchantId,
        family: Option<&str>,
        text: &str,
    ) -> Result<Option<(BatchId, u32)>, VaultError> {
        let failed = self.inner.store.failed("looking for a key");
        let namespaces: Vec<(i64, String)> = sqlx::query_as(
            "SELECT id, family FROM namespace WHERE merchant = ?1 AND (?2 IS NULL OR family = ?2) ORDER BY id",
        )
        .bind(merchant.as_str())
        .bind(family)
        .fetch_all(self.inner.store.reader())
        .await
        .map_err(&failed)?;
        let print_key = fingerprint_key(&self.inner.pepper, merchant)?;
        let prints: Vec<(i64, String)> = namespaces
            .into_iter()
            .map(|(id, family)| (id, hex::encode(fingerprint(&print_key, &family, text))))
            .collect();
        let found: Option<(u32, u32)> = sqlx::query_as(
            "SELECT key_batch.batch, card_key.place FROM json_each(?) AS wanted
             CROSS JOIN card_key ON card_key.namespace = wanted.value ->> 0
                 AND card_key.fingerprint = unhex(wanted.value ->> 1)
             CROSS JOIN key_batch ON key_batch.id = card_key.key_batch ORDER BY 1, 2 LIMIT 1",
        )
        .bind(sqlx::types::Json(prints))
        .fetch_optional(self.inner.store.reader())
        .await
        .map_err(&failed)?;
        Ok(found.map(|(batch, index)| (BatchId(batch), index)))
    }
}

fn batch_owner(merchant: &MerchantId, batch: BatchId) -> Owner<'_> {
    Owner { batch: batch.0, ..Owner::new(merchant, Purpose::CardKeys) }
}

/// What a sealed key is bound to: it opens for this merchant, item, batch, index and data key alone.
fn place(merchant: &MerchantId, sku: &str, batch: BatchId, index: u32, data_key: i64) -> Vec<u8> {
    let (batch, index, data_key) = (batch.0.to_be_bytes(), index.to_be_bytes(), data_key.to_be_bytes());
    bound("card key", &[merchant.as_str().as_bytes(), sku.as_bytes(), &batch, &index, &data_key])
}
