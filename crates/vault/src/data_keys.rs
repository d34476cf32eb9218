//! Data keys: random keys that seal texts, themselves wrapped by the key-encryption key.

use std::path::PathBuf;

use vocabulary::MerchantId;

use crate::VaultError;
use crate::crypto::{RawKey, SEALS_MAX, SealKey, as_key, bound, random};
use crate::store::{Tx, sql};

/// What a data key seals. One key never serves two purposes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    CardKeys,
    Messages,
    Subjects,
    Settings,
}

impl Purpose {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::CardKeys => "card_keys",
            Self::Messages => "messages",
            Self::Subjects => "subjects",
            Self::Settings => "settings",
        }
    }
}

/// Whose data key it is. Bound into the wrapping, so a wrapped key cannot be given to another owner.
#[derive(Clone, Copy)]
pub(crate) struct Owner<'a> {
    pub(crate) merchant: &'a str,
    pub(crate) purpose: &'a str,
    /// The batch of card keys; 0 for the other purposes.
    pub(crate) batch: u32,
}

impl<'a> Owner<'a> {
    pub(crate) fn new(merchant: &'a MerchantId, purpose: Purpose) -> Self {
        Self { merchant: merchant.as_str(), purpose: purpose.as_str(), batch: 0 }
    }

    fn place(&self, id: i64) -> Vec<u8> {
        let (merchant, purpose) = (self.merchant.as_bytes(), self.purpose.as_bytes());
        bound("data key", &[&id.to_be_bytes(), merchant, purpose, &self.batch.to_be_bytes()])
    }
}

/// The key-encryption key in memory, and which one it is.
pub(crate) struct Kek {
    pub(crate) version: i64,
    pub(crate) key: SealKey,
    /// Where it was read.
    pub(crate) file: PathBuf,
}

impl Kek {
    pub(crate) fn wrap(&self, owner: Owner<'_>, id: i64, raw: &RawKey) -> Result<Vec<u8>, VaultError> {
        self.key.seal(&owner.place(id), raw.as_slice())
    }

    pub(crate) fn unwrap(&self, owner: Owner<'_>, id: i64, wrapped: &[u8]) -> Result<RawKey, VaultError> {
        let raw = self.key.open(&owner.place(id), wrapped).and_then(|opened| as_key(&opened));
        raw.ok_or_else(|| VaultError::NotAuthentic { what: format!("data key {id}") })
    }
}

/// The owner's newest data key with room for `seals` more texts, made if there is none; counts them.
pub(crate) async fn data_key(
    tx: &mut Tx<'_>,
    kek: &Kek,
    owner: Owner<'_>,
    seals: u32,
) -> Result<(i64, RawKey), VaultError> {
    let doing = "finding a data key";
    let newest: Option<(i64, Vec<u8>)> = sql(
        doing,
        "UPDATE data_key SET seals = seals + $4 WHERE seals + $4 <= $5 AND id = (SELECT max(id) FROM data_key
         WHERE merchant = $1 AND purpose = $2 AND batch = $3) RETURNING id, wrapped",
    )
    .bind(owner.merchant)
    .bind(owner.purpose)
    .bind(owner.batch)
    .bind(seals)
    .bind(SEALS_MAX)
    .first(&mut *tx)
    .await?;
    if let Some((id, wrapped)) = newest {
        return Ok((id, kek.unwrap(owner, id, &wrapped)?));
    }
    let (version,): (i64,) = sql(doing, "SELECT kek_version FROM root").one(&mut *tx).await?;
    if version != kek.version {
        // Wrapped by the earlier key it could not be opened again.
        return Err(VaultError::NotAuthentic { what: "root row".into() });
    }
    let next = tx.store().next_data_key();
    let (id,): (i64,) = sql(doing, next).one(&mut *tx).await?;
    let raw = random()?;
    sql(
        doing,
        "INSERT INTO data_key (id, merchant, purpose, batch, seals, wrapped) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(id)
    .bind(owner.merchant)
    .bind(owner.purpose)
    .bind(owner.batch)
    .bind(seals)
    .bind(kek.wrap(owner, id, &raw)?)
    .run(tx)
    .await?;
    Ok((id, raw))
}

/// Wraps every data key anew, from `old` to `new`. Returns how many there are.
pub(crate) async fn rewrap(tx: &mut Tx<'_>, old: &Kek, new: &Kek) -> Result<u64, VaultError> {
    let doing = "wrapping the data keys anew";
    let rows: Vec<(i64, String, String, i64, Vec<u8>)> =
        sql(doing, "SELECT id, merchant, purpose, batch, wrapped FROM data_key").all(&mut *tx).await?;
    let mut anew = Vec::with_capacity(rows.len());
    for (id, merchant, purpose, batch, wrapped) in &rows {
        let owner = Owner { merchant, purpose, batch: narrow(*batch)? };
        anew.push((id, hex::encode(new.wrap(owner, *id, &old.unwrap(owner, *id, wrapped)?)?)));
    }
    sql(
        doing,
        "UPDATE data_key SET wrapped = unhex(item.value ->> 1) FROM json_each($1) AS item
         WHERE data_key.id = CAST(item.value ->> 0 AS bigint)",
    )
    .list(&anew)?
    .run(tx)
    .await?;
    Ok(rows.len() as u64)
}

/// The number of a batch, or an index, as it is stored.
pub(crate) fn narrow(stored: i64) -> Result<u32, VaultError> {
    u32::try_from(stored).map_err(|_| VaultError::Malformed { what: "number" })
}
