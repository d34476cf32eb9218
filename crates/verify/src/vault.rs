//! The cross-check with the vault: every key that the log names lies there, sealed. Its content is not opened.

use std::{collections::BTreeMap, path::Path};

use crate::{
    error::VerifyError,
    open, postgres,
    report::{At, Findings, Invariant},
};

/// The number of keys of each batch in the log, by merchant.
type Batches = BTreeMap<String, BTreeMap<u32, u64>>;

/// Keys of a batch are numbered from 0, so those that the log knows are the ones below its count.
const COUNT: &str = "SELECT count(*) FILTER (WHERE k.place < $1), count(*) FROM key_batch b \
                     JOIN card_key k ON k.key_batch = b.id WHERE b.merchant = $2 AND b.batch = $3";

/// Compares the vault in a file, if there is one, with the number of keys per batch in the log.
pub(crate) async fn check_file(
    path: &Path,
    merchants: &Batches,
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    let Some(mut database) = open::open(path).await? else { return Ok(()) };
    for (merchant, batch, logged) in each(merchants) {
        let count = sqlx::query_as(COUNT).bind(below(logged)).bind(merchant).bind(i64::from(batch));
        let counted = count.fetch_one(&mut database.connection).await;
        compare(merchant, batch, logged, counted.map_err(failed)?, findings);
    }
    findings.concern(None);
    Ok(())
}

/// Compares the vault in a PostgreSQL database as [`check_file`] does.
pub(crate) async fn check_database(
    url: &str,
    merchants: &Batches,
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    let mut database = postgres::open(url).await?;
    sqlx::raw_sql("SET LOCAL search_path = kami_vault").execute(&mut database).await.map_err(failed)?;
    for (merchant, batch, logged) in each(merchants) {
        let count = sqlx::query_as(COUNT).bind(below(logged)).bind(merchant).bind(i64::from(batch));
        let counted = count.fetch_one(&mut database).await;
        compare(merchant, batch, logged, counted.map_err(failed)?, findings);
    }
    findings.concern(None);
    Ok(())
}

fn each(merchants: &Batches) -> impl Iterator<Item = (&str, u32, u64)> {
    merchants.iter().flat_map(|(merchant, batches)| {
        batches.iter().map(move |(batch, logged)| (merchant.as_str(), *batch, *logged))
    })
}

fn below(logged: u64) -> i64 {
    i64::try_from(logged).unwrap_or(i64::MAX)
}

fn failed(source: sqlx::Error) -> VerifyError {
    VerifyError::read("the vault's card keys")(source)
}

/// Keys beyond the log's count come from an import that was cut off and are no violation.
fn compare(merchant: &str, batch: u32, logged: u64, (known, all): (i64, i64), findings: &mut Findings) {
    findings.concern(Some(merchant));
    let (known, all) = (known.unsigned_abs(), all.unsigned_abs());
    if known < logged {
        let message = format!("{} of the {logged} keys of batch b{batch} are missing", logged - known);
        findings.violation(Invariant::Vault, At::default(), message);
    }
    if all > known {
        findings.warn(format!(
            "batch b{batch} has {} keys in the vault that the log never imported",
            all - known
        ));
    }
}
