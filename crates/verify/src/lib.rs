//! The offline checker behind `kami verify`: opens a data directory for reading only, recomputes the hash
//! chain and checks every invariant from the log alone.
//!
//! It shares no code with the writer: of this workspace it uses the shapes of the facts (`events`) and the
//! value types (`vocabulary`), and nothing that decides, appends or stores. Each family of invariants has a
//! module that says exactly what it checks and what a log cannot show. Meant for a copy or a stopped
//! directory; beside a running writer it sees the log as it stood when the check began.
//!
//! A log that was rolled back as a whole (events, merchant row and all) looks like a shorter log: compare the
//! reported head hash with one that was kept elsewhere.
//!
//! ```no_run
//! # async fn check() -> Result<(), verify::VerifyError> {
//! let report = verify::verify_dir("data".as_ref(), |events| tracing_progress(events)).await?;
//! assert!(report.ok, "{:?}", report.violations.first());
//! # Ok(()) }
//! # fn tracing_progress(_: u64) {}
//! ```
#![warn(missing_docs)]

mod chain;
mod error;
mod fingerprints;
mod history;
mod inbox;
mod keys;
#[cfg(feature = "kurrentdb")]
mod kurrent;
mod life;
mod lines;
mod log;
mod money;
mod numbers;
mod open;
mod orders;
mod pages;
mod pass;
mod payment;
mod postgres;
mod procurements;
mod report;
mod rows;
mod source;
mod stock;
mod vault;
mod views;

use std::path::Path;

pub use error::VerifyError;
pub use report::{Invariant, LISTED_MAX, MerchantReport, Report, Violation, Warning};

use crate::{
    inbox::Inbox,
    numbers::Numbers,
    pass::{Checked, Pass},
    report::{At, Findings},
    source::Source,
};

/// `progress` is called once for so many events.
const PROGRESS_STEP: u64 = 1000;

/// Checks the data directory `dir`: `log.db`, and `views.db` and `vault.db` where they are present.
///
/// `progress` is told now and then, and at the end, how many events were read so far, over all merchants. A
/// damaged file is a violation; an error means that the directory could not be checked at all.
pub async fn verify_dir(dir: &Path, progress: impl Fn(u64)) -> Result<Report, VerifyError> {
    verify(dir, None, None, progress).await
}

/// Checks as [`verify_dir`] does, with the log in the PostgreSQL database or the KurrentDB of a URL where one is given
/// (the latter only with the feature `kurrentdb`), and the vault in the PostgreSQL database of another.
pub async fn verify(
    dir: &Path,
    log_url: Option<&str>,
    vault_url: Option<&str>,
    progress: impl Fn(u64),
) -> Result<Report, VerifyError> {
    let mut findings = Findings::default();
    let mut checked = Vec::new();
    // Read models first and the vault last: beside a running writer they are then not ahead, nor behind.
    let checkpoints = sound(views::read(&dir.join("views.db")).await, "views.db", &mut findings)?;
    let log = match log_url {
        None => check_file(&dir.join("log.db"), &progress, &mut checked, &mut findings).await,
        Some(url) if !url.starts_with("postgres") => {
            check_kurrent(url, &progress, &mut checked, &mut findings).await
        }
        Some(url) => check_database(url, &progress, &mut checked, &mut findings).await,
    };
    sound(log, if log_url.is_some() { "the log on the server" } else { "log.db" }, &mut findings)?;

    let ends = checked.iter().map(|c| (c.report.merchant.clone(), c.last_position)).collect();
    views::check(&checkpoints.unwrap_or_default(), &ends, &mut findings);
    let batches = checked.iter().map(|c| (c.report.merchant.clone(), c.batch_sizes.clone())).collect();
    let vault = match vault_url {
        None => vault::check_file(&dir.join("vault.db"), &batches, &mut findings).await,
        Some(url) => vault::check_database(url, &batches, &mut findings).await,
    };
    sound(vault, if vault_url.is_some() { "the vault in PostgreSQL" } else { "vault.db" }, &mut findings)?;
    Ok(findings.into_report(checked.into_iter().map(|c| c.report).collect()))
}

/// Turns a damaged file from an error into a violation.
fn sound<T>(
    result: Result<T, VerifyError>,
    file: &str,
    findings: &mut Findings,
) -> Result<Option<T>, VerifyError> {
    let error = match result {
        Ok(value) => return Ok(Some(value)),
        Err(error) => error,
    };
    let Some(damage) = error.damage() else { return Err(error) };
    findings.concern(None);
    findings.violation(Invariant::Store, At::default(), format!("{file} is damaged: {damage}"));
    Ok(None)
}

async fn check_database(
    url: &str,
    progress: &impl Fn(u64),
    checked: &mut Vec<Checked>,
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    let mut log = postgres::open(url).await?;
    check_log(Source::Postgres(&mut log), progress, checked, findings).await
}

#[cfg(feature = "kurrentdb")]
async fn check_kurrent(
    url: &str,
    progress: &impl Fn(u64),
    checked: &mut Vec<Checked>,
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    let mut log = kurrent::open(url).await?;
    for (merchant, invariant, what) in log.faults {
        findings.concern(Some(&merchant));
        findings.violation(invariant, At::default(), what);
    }
    check_log(Source::File(&mut log.connection), progress, checked, findings).await
}

#[cfg(not(feature = "kurrentdb"))]
async fn check_kurrent(
    _: &str,
    _: &impl Fn(u64),
    _: &mut Vec<Checked>,
    _: &mut Findings,
) -> Result<(), VerifyError> {
    Err(VerifyError::Server("this build was made without the feature `kurrentdb`".to_owned()))
}

async fn check_file(
    path: &Path,
    progress: &impl Fn(u64),
    checked: &mut Vec<Checked>,
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    let Some(mut log) = open::open(path).await? else { return Err(VerifyError::NoLog(path.to_owned())) };
    let log = &mut log.connection;
    let failed = VerifyError::read("log.db");
    // One transaction, so that all tables are seen as they stood at one moment.
    sqlx::query("BEGIN").execute(&mut *log).await.map_err(&failed)?;
    let faults: Vec<String> =
        sqlx::query_scalar("PRAGMA quick_check(10)").fetch_all(&mut *log).await.map_err(&failed)?;
    for fault in faults.iter().filter(|fault| *fault != "ok") {
        findings.violation(Invariant::Store, At::default(), format!("log.db is damaged: {fault}"));
    }
    check_log(Source::File(log), progress, checked, findings).await
}

async fn check_log(
    mut log: Source<'_>,
    progress: &impl Fn(u64),
    checked: &mut Vec<Checked>,
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    let mut before = 0;
    for merchant in log.merchants().await? {
        findings.concern(Some(&merchant));
        let done = check_merchant(&mut log, &merchant, |events| progress(before + events), findings).await?;
        before += done.report.events;
        checked.push(done);
    }
    findings.concern(None);
    progress(before);
    Ok(())
}

async fn check_merchant(
    log: &mut Source<'_>,
    merchant: &str,
    progress: impl Fn(u64),
    findings: &mut Findings,
) -> Result<Checked, VerifyError> {
    let mut inbox = Inbox::default();
    log.inbox(merchant, |row| inbox.add(&row, findings)).await?;
    inbox.ready(findings);
    let mut numbers = Numbers::default();
    log.numbers(merchant, |row| numbers.add(&row, findings)).await?;
    let head = log.head(merchant).await?;

    let mut pass = Pass::new(merchant, inbox, numbers, findings);
    let mut count = 0;
    log.events(merchant, |row| {
        match row {
            Ok(event) => pass.event(&event),
            Err(row) => pass.unreadable(&row),
        }
        count += 1;
        if count % PROGRESS_STEP == 0 {
            progress(count);
        }
    })
    .await?;
    Ok(pass.finish(head.as_ref()))
}
