//! Card keys at rest: sealed under a key per batch, told apart by a keyed fingerprint.

mod open;
mod put;

use std::sync::Arc;

use vocabulary::{BatchId, CardKey, MerchantId, Sku};

use crate::crypto::bound;
use crate::data_keys::{Kek, Owner, Purpose, narrow};
use crate::merchant_keys::{fingerprint, fingerprint_key};
use crate::store::{Scope, sql};
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
        self.working(|_| async move {
            let doing = "discarding keys";
            let mut tx = self.inner.store.begin(Scope::Merchant(merchant)).await?;
            let row: Option<(i64,)> =
                sql(doing, "SELECT id FROM key_batch WHERE merchant = $1 AND batch = $2")
                    .bind(merchant.as_str())
                    .bind(batch.0)
                    .first(&mut tx)
                    .await?;
            let Some((row,)) = row else { return Ok(0) };
            let discarded = sql(doing, "DELETE FROM card_key WHERE key_batch = $1 AND place >= $2");
            let discarded = discarded.bind(row).bind(from_index).run(&mut tx).await?;
            let emptied = sql(
                doing,
                "DELETE FROM key_batch WHERE id = $1 AND NOT EXISTS
                 (SELECT 1 FROM card_key WHERE key_batch = $1)",
            );
            if emptied.bind(row).run(&mut tx).await? > 0 {
                let text =
                    "DELETE FROM data_key WHERE merchant = $1 AND purpose = 'card_keys' AND batch = $2";
                sql(doing, text).bind(merchant.as_str()).bind(batch.0).run(&mut tx).await?;
            }
            tx.commit().await?;
            Ok(discarded)
        })
        .await
    }

    /// Every batch that holds keys, in order, with its size: one more than its highest index.
    pub async fn batch_sizes(&self, merchant: &MerchantId) -> Result<Vec<(BatchId, u32)>, VaultError> {
        let text =
            "SELECT batch, (SELECT max(place) + 1 FROM card_key WHERE card_key.key_batch = key_batch.id)
                    FROM key_batch WHERE merchant = $1 ORDER BY batch";
        let read = |_: Arc<Kek>| async move {
            sql("counting keys", text).bind(merchant.as_str()).all(&self.inner.store).await
        };
        let rows: Vec<(i64, Option<i64>)> = self.working(read).await?;
        rows.into_iter()
            .filter_map(|(batch, size)| Some((batch, size?)))
            .map(|(batch, size)| Ok((BatchId(narrow(batch)?), narrow(size)?)))
            .collect()
    }

    /// Finds a key by its code, in one family or in all, whatever its spelling. Opens nothing.
    pub async fn find_key(
        &self,
        merchant: &MerchantId,
        family: Option<&str>,
        text: &str,
    ) -> Result<Option<(BatchId, u32)>, VaultError> {
        let (store, doing) = (&self.inner.store, "looking for a key");
        let print_key = &fingerprint_key(&self.inner.pepper, merchant)?;
        self.working(|_| async move {
            let namespaces: Vec<(i64, String)> = sql(
                doing,
                "SELECT id, family FROM namespace WHERE merchant = $1 AND ($2 IS NULL OR family = $2)
                 ORDER BY id",
            )
            .bind(merchant.as_str())
            .bind(family)
            .all(store)
            .await?;
            let prints: Vec<(i64, String)> = namespaces
                .into_iter()
                .map(|(id, family)| (id, hex::encode(fingerprint(print_key, &family, text))))
                .collect();
            let found: Option<(i64, i64)> = sql(
                doing,
                "SELECT key_batch.batch, card_key.place FROM json_each($1) AS wanted
                 CROSS JOIN card_key CROSS JOIN key_batch
                 WHERE card_key.namespace = CAST(wanted.value ->> 0 AS bigint)
                     AND card_key.fingerprint = unhex(wanted.value ->> 1)
                     AND key_batch.id = card_key.key_batch ORDER BY 1, 2 LIMIT 1",
            )
            .list(&prints)?
            .first(store)
            .await?;
            found.map(|(batch, index)| Ok((BatchId(narrow(batch)?), narrow(index)?))).transpose()
        })
        .await
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
