//! Channel set-up at rest. It holds app secrets and tokens, so the whole text is sealed.

use vocabulary::{Account, MerchantId, Secret};

use crate::crypto::{SealKey, bound};
use crate::data_keys::{Kek, Owner, Purpose, data_key};
use crate::store::{Scope, sql};
use crate::{Vault, VaultError};

impl Vault {
    /// Keeps an account's set-up, replacing what was kept. Durable when this returns.
    pub async fn put_settings(
        &self,
        merchant: &MerchantId,
        account: &Account,
        json: &str,
    ) -> Result<(), VaultError> {
        self.working(|kek| async move {
            let mut tx = self.inner.store.begin(Scope::Merchant(merchant)).await?;
            let (id, raw) = data_key(&mut tx, &kek, Owner::new(merchant, Purpose::Settings), 1).await?;
            let sealed = SealKey::new(&raw)?.seal(&place(merchant, account, id), json.as_bytes())?;
            sql(
                "keeping a channel's set-up",
                "INSERT INTO setting (merchant, account, data_key, sealed) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (merchant, account) DO UPDATE
                 SET data_key = excluded.data_key, sealed = excluded.sealed",
            )
            .bind(merchant.as_str())
            .bind(account.as_str())
            .bind(id)
            .bind(sealed)
            .run(&mut tx)
            .await?;
            tx.commit().await
        })
        .await
    }

    /// The set-up of all of a merchant's accounts, in the order of their names.
    pub async fn settings(
        &self,
        merchant: &MerchantId,
    ) -> Result<Vec<(Account, Secret<String>)>, VaultError> {
        self.working(|kek| async move {
            let rows: Vec<(String, i64, Vec<u8>, Vec<u8>)> = sql(
                "reading the channels' set-up",
                "SELECT account, data_key.id, data_key.wrapped, setting.sealed FROM setting
                 JOIN data_key ON data_key.id = setting.data_key WHERE setting.merchant = $1 ORDER BY account",
            )
            .bind(merchant.as_str())
            .all(&self.inner.store)
            .await?;
            rows.into_iter().map(|row| open(merchant, &kek, row)).collect()
        })
        .await
    }
}

fn open(
    merchant: &MerchantId,
    kek: &Kek,
    (account, id, wrapped, sealed): (String, i64, Vec<u8>, Vec<u8>),
) -> Result<(Account, Secret<String>), VaultError> {
    let raw = kek.unwrap(Owner::new(merchant, Purpose::Settings), id, &wrapped)?;
    let failed = || VaultError::NotAuthentic { what: format!("set-up of {account}") };
    let named: Account = account.parse().map_err(|_| VaultError::Malformed { what: "set-up" })?;
    let json = SealKey::new(&raw)?.open(&place(merchant, &named, id), &sealed).ok_or_else(failed)?;
    let json = std::str::from_utf8(&json).map_err(|_| failed())?;
    Ok((named, Secret::new(json.to_owned())))
}

fn place(merchant: &MerchantId, account: &Account, data_key: i64) -> Vec<u8> {
    let (merchant, account) = (merchant.as_str().as_bytes(), account.as_str().as_bytes());
    bound("set-up", &[merchant, account, &data_key.to_be_bytes()])
}
