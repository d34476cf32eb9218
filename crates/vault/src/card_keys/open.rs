//! Opening keys: one query, then each sealed text in its place.

use std::collections::{HashMap, hash_map::Entry};
use std::sync::atomic::Ordering;

use vocabulary::{CardKey, KeyRef, MerchantId};

use super::{batch_owner, place};
use crate::crypto::SealKey;
use crate::data_keys::Kek;
use crate::store::sql;
use crate::{Vault, VaultError, key_text};

/// Which of the wanted keys it is, its item, its sealed text, and its data key: id and wrapped.
type SealedRow = (i64, String, Vec<u8>, i64, Vec<u8>);

impl Vault {
    /// Opens keys, in the order asked, with one query. All uses of a reusable key open to the same text.
    /// The caller must have recorded why before it lets go of what this returns.
    ///
    /// # Errors
    /// [`VaultError::KeyMissing`] and [`VaultError::NotAuthentic`] name the first key that would not open; then
    /// none is returned.
    pub async fn open_keys(
        &self,
        merchant: &MerchantId,
        keys: &[KeyRef],
    ) -> Result<Vec<CardKey>, VaultError> {
        let wanted: Vec<(u32, u32)> = keys.iter().map(|key| (key.batch.0, key.index)).collect();
        let wanted = &wanted;
        let opened = self.working(|kek| async move {
            let rows = self.sealed_keys(merchant, wanted).await?;
            unseal(merchant, &kek, keys, rows)
        });
        let opened = opened.await?;
        self.inner.opened.fetch_add(keys.len() as u64, Ordering::Relaxed);
        Ok(opened)
    }

    async fn sealed_keys(
        &self,
        merchant: &MerchantId,
        wanted: &[(u32, u32)],
    ) -> Result<Vec<SealedRow>, VaultError> {
        sql(
            "opening keys",
            "SELECT wanted.key, key_batch.sku, card_key.sealed, data_key.id, data_key.wrapped
             FROM json_each($1) AS wanted CROSS JOIN key_batch CROSS JOIN card_key CROSS JOIN data_key
             WHERE key_batch.merchant = $2 AND key_batch.batch = CAST(wanted.value ->> 0 AS bigint)
                 AND card_key.key_batch = key_batch.id
                 AND card_key.place = CAST(wanted.value ->> 1 AS bigint)
                 AND data_key.id = card_key.data_key ORDER BY wanted.key",
        )
        .list(&wanted)?
        .bind(merchant.as_str())
        .all(&self.inner.store)
        .await
    }

    /// How many keys [`Vault::open_keys`] has returned in clear since the vault was opened.
    pub fn opened_count(&self) -> u64 {
        self.inner.opened.load(Ordering::Relaxed)
    }
}

fn unseal(
    merchant: &MerchantId,
    kek: &Kek,
    keys: &[KeyRef],
    rows: Vec<SealedRow>,
) -> Result<Vec<CardKey>, VaultError> {
    let mut seals: HashMap<i64, SealKey> = HashMap::new();
    let mut opened = Vec::with_capacity(keys.len());
    let mut rows = rows.into_iter();
    for (n, key) in keys.iter().enumerate() {
        let row = rows.next().filter(|row| usize::try_from(row.0) == Ok(n));
        let (_, sku, sealed, id, wrapped) = row.ok_or(VaultError::KeyMissing { key: *key })?;
        let seal = match seals.entry(id) {
            Entry::Occupied(seal) => seal.into_mut(),
            Entry::Vacant(slot) => {
                let owner = batch_owner(merchant, key.batch);
                slot.insert(SealKey::new(&*kek.unwrap(owner, id, &wrapped)?)?)
            }
        };
        let place = place(merchant, &sku, key.batch, key.index, id);
        let plain = seal.open(&place, &sealed).and_then(|bytes| key_text::decode(&bytes));
        opened.push(plain.ok_or_else(|| VaultError::NotAuthentic { what: format!("card key {key}") })?);
    }
    Ok(opened)
}
