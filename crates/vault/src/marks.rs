//! Until when each poll of an account has fetched.

use vocabulary::{Account, MerchantId, Timestamp};

use crate::{Vault, VaultError};

/// One poll's mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollMark {
    /// The account.
    pub account: Account,
    /// The poll's name.
    pub poll: String,
    /// It has fetched everything before this instant.
    pub until: Timestamp,
}

impl Vault {
    /// Keeps a mark, replacing the one before it. Durable when this returns.
    pub async fn put_poll_mark(&self, merchant: &MerchantId, mark: &PollMark) -> Result<(), VaultError> {
        let store = &self.inner.store;
        let mut tx = store.begin().await?;
        sqlx::query(
            "INSERT INTO poll_mark (merchant, account, poll, until_us) VALUES (?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET until_us = excluded.until_us",
        )
        .bind(merchant.as_str())
        .bind(mark.account.as_str())
        .bind(&mark.poll)
        .bind(mark.until.micros())
        .execute(&mut *tx)
        .await
        .map_err(store.failed("keeping a poll's mark"))?;
        store.commit(tx).await
    }

    /// The marks of all of a merchant's polls.
    pub async fn poll_marks(&self, merchant: &MerchantId) -> Result<Vec<PollMark>, VaultError> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT account, poll, until_us FROM poll_mark WHERE merchant = ? ORDER BY account, poll",
        )
        .bind(merchant.as_str())
        .fetch_all(self.inner.store.reader())
        .await
        .map_err(self.inner.store.failed("reading the polls' marks"))?;
        rows.into_iter()
            .map(|(account, poll, until)| {
                let account = account.parse().map_err(|_| VaultError::Malformed { what: "poll mark" })?;
                Ok(PollMark { account, poll, until: Timestamp::from_micros(until) })
            })
            .collect()
    }
}
