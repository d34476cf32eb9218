//! A process that dies between any two steps loses nothing it has acknowledged, and leaves no half append.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::{
    collections::HashMap,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use event_log::{
    EventLog,
    conformance::{Scribe, contents, merchant, message},
};
use event_log_sqlite::SqliteLog;
use events::chain;
use tempfile::tempdir;

const DIRECTORY: &str = "KAMI_TEST_LOG_OF_THE_KILLED";
const MERCHANTS: [&str; 3] = ["acme", "m-2", "zeta"];
const SIZES: [usize; 4] = [1, 4, 40, 400];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_no_acknowledged_append() {
    if let Some(dir) = std::env::var_os(DIRECTORY) {
        return append_until_killed(PathBuf::from(dir)).await;
    }
    let dir = tempdir().unwrap();
    for life in 1..=4 {
        let acknowledged = live_and_die(dir.path());
        let log = SqliteLog::open(dir.path()).await.unwrap();
        for name in MERCHANTS {
            let stored = contents(&log, &merchant(name)).await;
            let head = stored.head.unwrap();
            let promised = acknowledged.get(name).copied().unwrap_or(0);
            assert!(
                head.position.0 >= promised,
                "life {life}: {name} ends at {}, {promised} was promised",
                head.position
            );

            let mut hash = chain::GENESIS;
            for event in &stored.events {
                assert_eq!(chain::link(&hash, event), event.hash, "{name} breaks at {}", event.position);
                hash = event.hash;
            }
            assert_eq!((stored.events.len() as u64, hash), (head.position.0, head.hash));
            let ends: Vec<_> =
                stored.inbox.iter().filter_map(|row| row.positions).map(|(_, last)| last).collect();
            assert_eq!(ends.iter().max(), Some(&head.position), "an append was stored in part");
        }
        log.close().await.unwrap();
    }
}

/// Runs this test again in a process that aborts itself, and returns the last position it acknowledged of
/// each merchant.
fn live_and_die(dir: &Path) -> HashMap<String, u64> {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["a_killed_process_loses_no_acknowledged_append", "--exact", "--nocapture"])
        .env(DIRECTORY, dir)
        .stderr(Stdio::null())
        .output()
        .unwrap();
    assert!(!output.status.success(), "the process was to die");
    let mut acknowledged = HashMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        if let Some((name, position)) =
            line.strip_prefix("acknowledged ").and_then(|rest| rest.split_once(' '))
        {
            acknowledged.insert(name.to_owned(), position.parse().unwrap());
        }
    }
    assert!(!acknowledged.is_empty(), "nothing was acknowledged");
    acknowledged
}

/// Each merchant appends in a task of its own, so that others are on their way when one brings the end.
async fn append_until_killed(dir: PathBuf) {
    let log = Arc::new(SqliteLog::open(&dir).await.unwrap());
    let left = Arc::new(AtomicU32::new(60));
    let mut tasks = tokio::task::JoinSet::new();
    for name in MERCHANTS {
        let (log, left) = (Arc::clone(&log), Arc::clone(&left));
        tasks.spawn(async move {
            let mut scribe = Scribe::claim(&*log, name).await;
            for n in 0.. {
                let (stream, id) = (format!("order-{}x{n}", scribe.epoch), format!("{}x{n}", scribe.epoch));
                let first = vocabulary::Position(scribe.position.0 + 1);
                let mut part = scribe.part(&[(&stream, SIZES[n % SIZES.len()])]);
                part.inbox.push(message(&id, 1));
                part.inbox[0].positions = Some((first, scribe.position));
                log.append(&[part]).await.unwrap();
                let line = format!("acknowledged {name} {}\n", scribe.position);
                std::io::stdout().write_all(line.as_bytes()).unwrap();
                if left.fetch_sub(1, Ordering::SeqCst) == 1 {
                    std::process::abort();
                }
            }
        });
    }
    tasks.join_all().await;
}
