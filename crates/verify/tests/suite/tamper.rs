//! A file changed behind the writer's back, at random: every change is found, and the first bad position
//! named.

use std::path::Path;

use rand::{Rng, SeedableRng, rngs::StdRng};
use sqlx::{Row, SqliteConnection};

use crate::support::{Log, database, facts::*, shop::Shop, write};

/// How many times a busy shop is tampered with.
const TRIALS: u64 = 500;

/// What was done, and the first position that is bad now.
struct Tampered {
    how: &'static str,
    first_bad: u64,
}

#[tokio::test]
async fn every_random_change_is_found_and_its_first_position_named() {
    let source = tempfile::tempdir().unwrap();
    let log = long_log();
    write(source.path(), &[&log, &foreign_log()]).await;
    for seed in 0..TRIALS {
        let dir = tempfile::tempdir().unwrap();
        std::fs::copy(source.path().join("log.db"), dir.path().join("log.db")).unwrap();
        let done = tamper(dir.path(), log.end(), &mut StdRng::seed_from_u64(seed)).await;
        let report = verify::verify_dir(dir.path(), |_| {}).await.unwrap();
        let how = done.how;
        assert!(!report.ok, "seed {seed}: {how} at {} was not found", done.first_bad);
        let first = report.violations.iter().find(|v| v.merchant.as_deref() == Some("acme"));
        let found = first.and_then(|v| v.position);
        assert_eq!(found, Some(done.first_bad), "seed {seed}: {how}: {:#?}", report.violations);
    }
}

fn long_log() -> Log {
    let mut shop = Shop::busy();
    for batch in 2..6 {
        let first = batch * 100;
        shop.log.unit(vec![pool(opened(batch)), pool(imported(batch, 0, fingerprints(first..first + 50)))]);
        let waiting = shop.backorder();
        shop.serve(waiting);
        let (id, keys) = shop.buy(1);
        shop.refund(id, keys);
    }
    shop.log
}

/// Another merchant's events, to splice in.
fn foreign_log() -> Log {
    let mut log = Log::new("other");
    log.unit(vec![connected(), defined(&sku())]);
    log
}

async fn tamper(dir: &Path, end: u64, random: &mut StdRng) -> Tampered {
    let mut db = database(&dir.join("log.db")).await;
    let at = random.random_range(1..=end);
    match random.random_range(0..10) {
        0 => flip(&mut db, "payload", at, random).await,
        1 => flip(&mut db, "metadata", at, random).await,
        2 => flip(&mut db, "hash", at, random).await,
        3 => flip(&mut db, "stream", at, random).await,
        4 => shift_time(&mut db, at, random).await,
        5 => {
            run(
                &mut db,
                "an event was dropped",
                at,
                "DELETE FROM event WHERE merchant = 'acme' AND position = ?",
            )
            .await
        }
        6 => {
            let cut = "DELETE FROM event WHERE merchant = 'acme' AND position >= ?";
            run(&mut db, "the tail was cut off", at, cut).await
        }
        7 => swap(&mut db, at.min(end - 1), random.random_range(1..=end - at.min(end - 1))).await,
        8 => splice(&mut db, at).await,
        _ => {
            let shift = "UPDATE event SET position = position + 1 WHERE merchant = 'acme' AND position >= ?";
            run(&mut db, "events were renumbered", at, shift).await
        }
    }
}

async fn run(db: &mut SqliteConnection, how: &'static str, at: u64, statement: &'static str) -> Tampered {
    let done = sqlx::query(statement).bind(at as i64).execute(db).await.unwrap();
    assert!(done.rows_affected() > 0, "{how}");
    Tampered { how, first_bad: at }
}

/// Flips one bit of a byte of a column, keeping it text where it is.
async fn flip(db: &mut SqliteConnection, column: &'static str, at: u64, random: &mut StdRng) -> Tampered {
    let (read, written, how) = match column {
        "payload" => ("CAST(payload AS BLOB)", "payload = CAST(? AS TEXT)", "the payload was flipped"),
        "metadata" => ("CAST(metadata AS BLOB)", "metadata = CAST(? AS TEXT)", "the metadata was flipped"),
        "stream" => ("CAST(stream AS BLOB)", "stream = CAST(? AS TEXT)", "the stream was flipped"),
        _ => ("hash", "hash = ?", "the hash was flipped"),
    };
    let select = format!("SELECT {read} FROM event WHERE merchant = 'acme' AND position = ?");
    let row = sqlx::query(sqlx::AssertSqlSafe(select)).bind(at as i64).fetch_one(&mut *db).await.unwrap();
    let mut bytes: Vec<u8> = row.get(0);
    let place = random.random_range(0..bytes.len());
    bytes[place] ^= 1 << random.random_range(0..8);
    let update = format!("UPDATE event SET {written} WHERE merchant = 'acme' AND position = ?");
    let update = sqlx::query(sqlx::AssertSqlSafe(update)).bind(bytes).bind(at as i64);
    update.execute(db).await.unwrap();
    Tampered { how, first_bad: at }
}

async fn shift_time(db: &mut SqliteConnection, at: u64, random: &mut StdRng) -> Tampered {
    let later = "UPDATE event SET recorded_at = recorded_at + 1 WHERE merchant = 'acme' AND position = ?";
    let earlier = "UPDATE event SET occurred_at = occurred_at - 1 WHERE merchant = 'acme' AND position = ?";
    run(db, "a time was changed", at, if random.random() { later } else { earlier }).await
}

/// Two events change places.
async fn swap(db: &mut SqliteConnection, at: u64, distance: u64) -> Tampered {
    let other = (at + distance) as i64;
    for (from, to) in [(at as i64, -1), (other, at as i64), (-1, other)] {
        let statement = "UPDATE event SET position = ? WHERE merchant = 'acme' AND position = ?";
        sqlx::query(statement).bind(to).bind(from).execute(&mut *db).await.unwrap();
    }
    Tampered { how: "two events were swapped", first_bad: at }
}

/// An event of another log is put in, and all that follow move up; the merchant's row is made to agree.
async fn splice(db: &mut SqliteConnection, at: u64) -> Tampered {
    let move_up = "UPDATE event SET position = position + 1 WHERE merchant = 'acme' AND position >= ?";
    let put_in = "INSERT INTO event SELECT 'acme', ?, stream, version, type, schema_version, payload, metadata, \
                  occurred_at, recorded_at, hash FROM event WHERE merchant = 'other' AND position = 1";
    for statement in [move_up, put_in] {
        sqlx::query(statement).bind(at as i64).execute(&mut *db).await.unwrap();
    }
    sqlx::query("UPDATE merchant SET position = position + 1 WHERE merchant = 'acme'")
        .execute(db)
        .await
        .unwrap();
    Tampered { how: "a foreign event was spliced in", first_bad: at }
}

#[tokio::test]
async fn a_change_of_the_merchants_row_is_found() {
    for (change, wanted) in [
        ("UPDATE merchant SET position = position + 1", verify::Invariant::I1),
        ("UPDATE merchant SET position = position - 1", verify::Invariant::I1),
        ("UPDATE merchant SET hash = zeroblob(32)", verify::Invariant::I3),
        ("UPDATE merchant SET recorded_at = 1", verify::Invariant::I2),
        ("UPDATE merchant SET epoch = 0", verify::Invariant::I5),
        ("DELETE FROM merchant", verify::Invariant::I1),
    ] {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &[&Shop::busy().log]).await;
        let mut db = database(&dir.path().join("log.db")).await;
        sqlx::query(change).execute(&mut db).await.unwrap();
        let report = verify::verify_dir(dir.path(), |_| {}).await.unwrap();
        assert!(
            report.violations.iter().any(|v| v.invariant == wanted),
            "{change}: {:#?}",
            report.violations
        );
    }
}

#[tokio::test]
async fn an_event_that_is_stored_twice_is_found() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[&Shop::busy().log]).await;
    let mut db = database(&dir.path().join("log.db")).await;
    let twice = "INSERT INTO event SELECT * FROM event WHERE position = 7";
    sqlx::query(twice).execute(&mut db).await.unwrap();
    let report = verify::verify_dir(dir.path(), |_| {}).await.unwrap();
    assert_eq!(report.violations[0].invariant, verify::Invariant::I1);
    assert_eq!(report.violations[0].position, Some(7));
}
