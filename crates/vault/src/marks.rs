//! Until when each poll of an account has fetched.

use std::sync::Arc;

use vocabulary::{Account, MerchantId, Timestamp};

use crate::data_keys::Kek;
use crate::store::{Scope, sql};
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
        self.working(|_| async move {
            let mut tx = self.inner.store.begin(Scope::Merchant(merchant)).await?;
            sql(
                "keeping a poll's mark",
                "INSERT INTO poll_mark (merchant, account, poll, until_us) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (merchant, account, poll) DO UPDATE SET until_us = excluded.until_us",
            )
            .bind(merchant.as_str())
            .bind(mark.account.as_str())
            .bind(mark.poll.as_str())
            .bind(mark.until.micros())
            .run(&mut tx)
            .await?;
            tx.commit().await
        })
        .await
    }

    /// The marks of all of a merchant's polls.
    pub async fn poll_marks(&self, merchant: &MerchantId) -> Result<Vec<PollMark>, VaultError> {
        let text = "SELECT account, poll, until_us FROM poll_mark WHERE merchant = $1 ORDER BY account, poll";
        let read = |_: Arc<Kek>| async move {
            sql("reading the polls' marks", text).bind(merchant.as_str()).all(&self.inner.store).await
        };
        let rows: Vec<(String, String, i64)> = self.working(read).await?;
        rows.into_iter()
            .map(|(account, poll, until)| {
                let account = account.parse().map_err(|_| VaultError::Malformed { what: "poll mark" })?;
                Ok(PollMark { account, poll, until: Timestamp::from_micros(until) })
            })
            .collect()
    }
}
