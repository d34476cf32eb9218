//! The directory around the log: left-over write-ahead logs, damaged files, read models, the vault.

use std::fs;

use sqlx::Connection;
use verify::{Invariant, Report, VerifyError};

use crate::support::{
    Log, database,
    facts::{pool, quota},
    shop::Shop,
    write,
};

async fn check(dir: &std::path::Path) -> Report {
    verify::verify_dir(dir, |_| {}).await.unwrap()
}

#[tokio::test]
async fn a_left_over_write_ahead_log_is_read() {
    let (live, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = Shop::busy().log;
    let mut writer = database(&live.path().join("log.db")).await;
    let wal = "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;";
    sqlx::raw_sql(wal).execute(&mut writer).await.unwrap();
    // A connection that has read in this mode keeps the write-ahead log from being removed when others close.
    sqlx::raw_sql("SELECT count(*) FROM sqlite_schema").execute(&mut writer).await.unwrap();
    write(live.path(), &[&log]).await;
    for file in ["log.db", "log.db-wal"] {
        fs::copy(live.path().join(file), copy.path().join(file)).unwrap();
    }
    assert!(fs::metadata(copy.path().join("log.db-wal")).unwrap().len() > 0);
    for dir in [&live, &copy] {
        let report = check(dir.path()).await;
        assert!(report.ok, "{:#?}", report.violations);
        assert_eq!(report.merchants[0].events, log.end());
    }
    writer.close().await.unwrap();
}

#[tokio::test]
async fn a_directory_without_a_log_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let refused = verify::verify_dir(dir.path(), |_| {}).await;
    assert!(matches!(refused, Err(VerifyError::NoLog(_))), "{refused:?}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_a_violation() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("log.db"), [7; 8192]).unwrap();
    let report = check(dir.path()).await;
    assert!(!report.ok);
    assert_eq!(report.violations[0].invariant, Invariant::Store);
}

#[tokio::test]
async fn a_database_without_the_tables_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = database(&dir.path().join("log.db")).await;
    sqlx::raw_sql("CREATE TABLE other (x)").execute(&mut db).await.unwrap();
    let refused = verify::verify_dir(dir.path(), |_| {}).await;
    assert!(matches!(refused, Err(VerifyError::Read { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_scrambled_page_is_found() {
    let source = tempfile::tempdir().unwrap();
    write(source.path(), &[&Shop::busy().log]).await;
    let sound = fs::read(source.path().join("log.db")).unwrap();
    let pages = sound.len() / 4096;
    for page in 1..pages {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = sound.clone();
        bytes[page * 4096..(page + 1) * 4096].fill(0xa5);
        fs::write(dir.path().join("log.db"), bytes).unwrap();
        assert!(!check(dir.path()).await.ok, "page {page} of {pages}");
    }
}

#[tokio::test]
async fn a_row_that_is_not_readable_is_named() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[&Shop::busy().log]).await;
    let mut db = database(&dir.path().join("log.db")).await;
    let spoil = "UPDATE event SET payload = CAST(x'ff00' AS TEXT) WHERE position = 8";
    sqlx::query(spoil).execute(&mut db).await.unwrap();
    let first = &check(dir.path()).await.violations[0];
    assert_eq!((first.invariant, first.position), (Invariant::I3, Some(8)));
}

#[tokio::test]
async fn a_row_that_is_not_readable_hides_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let mut shop = Shop::busy();
    while shop.log.end() < 300 {
        shop.log.unit(vec![pool(quota(0, None))]);
    }
    write(dir.path(), &[&shop.log]).await;
    let mut db = database(&dir.path().join("log.db")).await;
    for spoil in [
        "UPDATE event SET version = -1 WHERE position = 100",
        "UPDATE event SET hash = x'00' WHERE position = 150",
        "UPDATE event SET metadata = metadata || ' ' WHERE position IN (101, 280)",
    ] {
        sqlx::query(spoil).execute(&mut db).await.unwrap();
    }
    let report = check(dir.path()).await;
    assert_eq!(report.merchants[0].events, 300);
    let bad: std::collections::BTreeSet<_> = report.violations.iter().filter_map(|v| v.position).collect();
    assert!(bad.is_superset(&[100, 101, 150, 280].into()), "{bad:?}");
}

#[tokio::test]
async fn a_read_model_ahead_of_the_log_is_a_violation() {
    let dir = tempfile::tempdir().unwrap();
    let log = Shop::busy().log;
    write(dir.path(), &[&log]).await;
    let mut views = database(&dir.path().join("views.db")).await;
    let table =
        "CREATE TABLE sys_projection (name TEXT, merchant TEXT, version INTEGER, head_pos INTEGER) STRICT";
    sqlx::raw_sql(table).execute(&mut views).await.unwrap();
    let insert = "INSERT INTO sys_projection VALUES (?, ?, 1, ?)";
    for (name, merchant, position) in [("orders", "acme", log.end()), ("quotas", "acme", 0)] {
        sqlx::query(insert)
            .bind(name)
            .bind(merchant)
            .bind(position as i64)
            .execute(&mut views)
            .await
            .unwrap();
    }
    assert!(check(dir.path()).await.ok);
    for (merchant, position) in [("acme", log.end() as i64 + 1), ("nobody", 1), ("acme", -1)] {
        sqlx::query("DELETE FROM sys_projection").execute(&mut views).await.unwrap();
        sqlx::query(insert).bind("orders").bind(merchant).bind(position).execute(&mut views).await.unwrap();
        let report = check(dir.path()).await;
        assert_eq!(report.violations[0].invariant, Invariant::I17);
        assert_eq!(report.violations[0].merchant.as_deref(), Some(merchant));
    }
}

#[tokio::test]
async fn a_key_that_is_missing_in_the_vault_is_a_violation_and_one_too_many_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[&Shop::busy().log, &Log::new("empty")]).await;
    let mut vault = database(&dir.path().join("vault.db")).await;
    let tables = "CREATE TABLE key_batch (id INTEGER PRIMARY KEY, merchant TEXT, batch INTEGER) STRICT;
        CREATE TABLE card_key (key_batch INTEGER, place INTEGER) STRICT;
        INSERT INTO key_batch VALUES (5, 'acme', 1);
        WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 19) INSERT INTO card_key SELECT 5, i FROM n";
    sqlx::raw_sql(tables).execute(&mut vault).await.unwrap();
    let report = check(dir.path()).await;
    assert!(report.ok && report.warnings.is_empty(), "{report:#?}");

    sqlx::query("INSERT INTO card_key VALUES (5, 20)").execute(&mut vault).await.unwrap();
    let report = check(dir.path()).await;
    assert!(report.ok, "{report:#?}");
    assert_eq!(report.warnings.len(), 1);

    sqlx::query("DELETE FROM card_key WHERE place = 3").execute(&mut vault).await.unwrap();
    let report = check(dir.path()).await;
    assert_eq!(report.violations[0].invariant, Invariant::Vault);
}
