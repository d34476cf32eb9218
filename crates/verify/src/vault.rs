//! The cross-check with `vault.db`: every key that the log names lies there, sealed. Its content is not
//! opened.

use std::{collections::BTreeMap, path::Path};

use sqlx::Row;

use crate::{
    error::VerifyError,
    open::open,
    report::{At, Findings, Invariant},
};

/// Compares the vault with the number of keys per batch in the log. Keys beyond the log's count come from an
/// import that was cut off and are no violation.
pub(crate) async fn check(
    path: &Path,
    merchants: &BTreeMap<String, BTreeMap<u32, u64>>,
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    let failed = VerifyError::read("the vault's card keys");
    let Some(mut database) = open(path).await? else { return Ok(()) };
    // Keys of a batch are numbered from 0, so those that the log knows are the ones below its count.
    let query = "SELECT count(*) FILTER (WHERE k.place < ?), count(*) FROM key_batch b \
                 JOIN card_key k ON k.key_batch = b.id WHERE b.merchant = ? AND b.batch = ?";
    for (merchant, batches) in merchants {
        findings.concern(Some(merchant));
        for (batch, logged) in batches {
            let row = sqlx::query(query)
                .bind(i64::try_from(*logged).unwrap_or(i64::MAX))
                .bind(merchant)
                .bind(i64::from(*batch))
                .fetch_one(&mut database.connection)
                .await
                .map_err(&failed)?;
            let known = u64::try_from(row.try_get::<i64, _>(0).map_err(&failed)?).unwrap_or_default();
            let all = u64::try_from(row.try_get::<i64, _>(1).map_err(&failed)?).unwrap_or_default();
            if known < *logged {
                let message =
                    format!("{} of the {logged} keys of batch b{batch} are missing", logged - known);
                findings.violation(Invariant::Vault, At::default(), message);
            }
            if all > known {
                findings.warn(format!(
                    "batch b{batch} has {} keys in the vault that the log never imported",
                    all - known
                ));
            }
        }
    }
    findings.concern(None);
    Ok(())
}
