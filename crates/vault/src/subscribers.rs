//! The secrets that sign what partners are told. They lie among the channels' set-up, as accounts of a channel that
//! there is not.

use vocabulary::{Account, ChannelCode, MerchantId, Secret, ShopId};

use crate::{Vault, VaultError};

/// The channel under which they lie in [`Vault::settings`]; no protocol has this code.
pub const SUBSCRIBERS: &str = "subscriber";

impl Vault {
    /// Keeps a subscriber's secrets, the newest first, in place of those before. Durable when this returns.
    pub async fn put_subscriber(
        &self,
        merchant: &MerchantId,
        name: &ShopId,
        secrets: &[Secret<String>],
    ) -> Result<(), VaultError> {
        let texts: Vec<&str> = secrets.iter().map(|secret| secret.expose().as_str()).collect();
        // A secret is one word, so a line each needs no more syntax.
        self.put_settings(merchant, &account(name)?, &texts.join("\n")).await
    }

    /// A subscriber's secrets, the newest first; none where there are none.
    pub async fn subscriber(
        &self,
        merchant: &MerchantId,
        name: &ShopId,
    ) -> Result<Vec<Secret<String>>, VaultError> {
        let account = account(name)?;
        let found = self.settings(merchant).await?.into_iter().find(|(kept, _)| *kept == account);
        let Some((_, text)) = found else { return Ok(Vec::new()) };
        Ok(text.expose().lines().map(|line| Secret::new(line.to_owned())).collect())
    }
}

fn account(name: &ShopId) -> Result<Account, VaultError> {
    let channel: ChannelCode =
        SUBSCRIBERS.parse().map_err(|_| VaultError::Malformed { what: "name of a subscriber" })?;
    Ok(Account::new(&channel, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VaultOptions;

    #[tokio::test]
    async fn secrets_read_back_in_order_and_are_each_subscribers_own() {
        let folder = tempfile::tempdir().unwrap();
        let (db, kek_file) = (folder.path().join("vault.db"), folder.path().join("kek"));
        let vault = Vault::open(VaultOptions { place: crate::VaultPlace::File(db), kek_file, seed: None })
            .await
            .unwrap();
        let merchant = "acme".parse().unwrap();
        let (erp, pos) = ("erp".parse().unwrap(), "pos".parse().unwrap());
        let secrets = ["whsec_bmV3", "whsec_b2xk"].map(|text| Secret::new(text.to_owned()));
        vault.put_subscriber(&merchant, &erp, &secrets).await.unwrap();
        let kept = vault.subscriber(&merchant, &erp).await.unwrap();
        assert!(kept.iter().map(Secret::expose).eq(secrets.iter().map(Secret::expose)));
        assert!(vault.subscriber(&merchant, &pos).await.unwrap().is_empty());
        vault.put_subscriber(&merchant, &erp, &[]).await.unwrap();
        assert!(vault.subscriber(&merchant, &erp).await.unwrap().is_empty());
    }
}
