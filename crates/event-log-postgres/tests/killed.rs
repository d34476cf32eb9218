//! Servers and owners that die or stand still between any two steps: nothing acknowledged is lost, nothing is stored
//! twice, and no former owner writes on.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use event_log::{
    EventLog, LogError,
    conformance::{Scribe, contents, merchant, message},
};
use event_log_postgres::PostgresLog;
use events::{RecordedEvent, chain};
use testkit_postgres::{Database, Server};
use tokio::{sync::Notify, task::JoinSet};
use vocabulary::{Epoch, Position};

const MERCHANTS: [&str; 3] = ["acme", "m-2", "zeta"];
const SIZES: [usize; 4] = [1, 4, 40, 400];
/// Where a process that this test starts finds the database.
const URL: &str = "KAMI_TEST_LOG_OF_THE_KILLED";

fn assert_chain(events: &[RecordedEvent]) {
    let mut hash = chain::GENESIS;
    for event in events {
        assert_eq!(chain::link(&hash, event), event.hash, "the chain breaks at {}", event.position);
        hash = event.hash;
    }
}

/// The owners live on: each of their appends waits until the server is back, and is stored once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_loses_no_acknowledged_append_and_doubles_none() {
    let server = Server::start(&[]);
    let database = server.database().await;
    let log = Arc::new(PostgresLog::open_with(database.url(), Duration::from_secs(300)).await.unwrap());
    let follower = PostgresLog::open(database.url()).await.unwrap();
    let (done, some) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let mut owners = JoinSet::new();
    for name in MERCHANTS {
        let mut scribe = Scribe::claim(&*log, name).await;
        let (log, done, some) = (log.clone(), done.clone(), some.clone());
        owners.spawn(async move {
            let mut acknowledged = Vec::new();
            for n in 0..150 {
                let mut part = scribe.part(&[(&format!("order-{n}"), SIZES[n % SIZES.len()])]);
                part.inbox.push(message(&n.to_string(), 1));
                log.append(std::slice::from_ref(&part)).await.unwrap();
                acknowledged.extend(part.events);
                done.fetch_add(1, Ordering::SeqCst);
                some.notify_waiters();
            }
            acknowledged
        });
    }
    for kills in 1..=4 {
        loop {
            let next = some.notified();
            if done.load(Ordering::SeqCst) >= kills * 60 {
                break;
            }
            next.await;
        }
        tokio::task::block_in_place(|| {
            server.kill();
            server.start_again();
        });
    }
    let mut followed = MERCHANTS.map(|name| follower.watch(&merchant(name)));
    for acknowledged in owners.join_all().await {
        let of = acknowledged[0].merchant.clone();
        let stored = contents(&*log, &of).await;
        assert!(stored.events == acknowledged, "{of}: what is stored is not what was acknowledged");
        assert_eq!(stored.inbox.len(), 150);
        assert_chain(&stored.events);
        let told = MERCHANTS.iter().position(|name| *name == of.as_str()).unwrap();
        let last = stored.head.unwrap().position;
        followed[told].wait_for(|position| *position == last).await.unwrap();
    }
}

/// The server lives on: whoever takes over finds whole appends, and all that were acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_owner_leaves_whole_appends_and_all_that_it_acknowledged() {
    if let Ok(url) = std::env::var(URL) {
        return append_until_killed(url).await;
    }
    let database = Database::new().await;
    for life in 1..=3 {
        let mut owner =
            start_owner("a_killed_owner_leaves_whole_appends_and_all_that_it_acknowledged", &database);
        let mut said = String::new();
        owner.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(!owner.wait().unwrap().success(), "the process was to die");
        let mut acknowledged = HashMap::new();
        for line in said.lines() {
            let words = line.strip_prefix("acknowledged ").and_then(|rest| rest.split_once(' '));
            acknowledged.extend(words.map(|(name, position)| (name, position.parse::<u64>().unwrap())));
        }
        assert!(!acknowledged.is_empty(), "nothing was acknowledged");

        let log = PostgresLog::open(database.url()).await.unwrap();
        for name in MERCHANTS {
            // A statement of the dead may still run: the claim comes after it.
            log.claim(&merchant(name)).await.unwrap();
            let stored = contents(&log, &merchant(name)).await;
            let head = stored.head.unwrap().position;
            let promised = acknowledged.get(name).copied().unwrap_or(0);
            assert!(head.0 >= promised, "life {life}: {name} ends at {head}, {promised} was promised");
            assert_chain(&stored.events);
            assert_eq!(stored.events.len() as u64, head.0);
            let last = stored.inbox.iter().filter_map(|row| row.positions).map(|(_, last)| last).max();
            assert_eq!(last.unwrap_or_default(), head, "an append was stored in part");
        }
        log.close().await.unwrap();
    }
}

fn start_owner(test: &str, database: &Database) -> Child {
    let mut owner = Command::new(std::env::current_exe().unwrap());
    owner.args([test, "--exact", "--nocapture"]).env(URL, database.url());
    owner.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Each merchant appends in a task of its own, so that others are on their way when one brings the end.
async fn append_until_killed(url: String) {
    let log = Arc::new(PostgresLog::open(&url).await.unwrap());
    let left = Arc::new(AtomicU32::new(60));
    let mut tasks = JoinSet::new();
    for name in MERCHANTS {
        let (log, left) = (log.clone(), left.clone());
        tasks.spawn(async move {
            let mut scribe = Scribe::claim(&*log, name).await;
            for n in 0.. {
                let (stream, id) = (format!("order-{}x{n}", scribe.epoch), format!("{}x{n}", scribe.epoch));
                let first = Position(scribe.position.0 + 1);
                let mut part = scribe.part(&[(&stream, SIZES[n % SIZES.len()])]);
                part.inbox.push(message(&id, 1));
                part.inbox[0].positions = Some((first, scribe.position));
                log.append(&[part]).await.unwrap();
                say(&format!("acknowledged {name} {}", scribe.position));
                if left.fetch_sub(1, Ordering::SeqCst) == 1 {
                    std::process::abort();
                }
            }
        });
    }
    tasks.join_all().await;
}

/// An owner that stands still (SIGSTOP, as in a machine that is moved) does not know that it was replaced.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_owner_that_wakes_up_after_a_takeover_is_fenced() {
    if let Ok(url) = std::env::var(URL) {
        return append_until_fenced(url).await;
    }
    let database = Database::new().await;
    let mut owner = start_owner("a_stopped_owner_that_wakes_up_after_a_takeover_is_fenced", &database);
    let mut lines = BufReader::new(owner.stdout.take().unwrap()).lines().map(Result::unwrap);
    let acknowledged =
        |line: &String| line.strip_prefix("acknowledged ").map(|at| at.parse::<u64>().unwrap());
    let mut promised = lines.by_ref().filter_map(|line| acknowledged(&line)).nth(30).unwrap();
    let signal = |which: &str| {
        assert!(Command::new("kill").args([which, &owner.id().to_string()]).status().unwrap().success())
    };
    signal("-STOP");

    let log = PostgresLog::open(database.url()).await.unwrap();
    let mut later = Scribe::claim(&log, "acme").await;
    assert_eq!(later.epoch, Epoch(2));
    for n in 0..10 {
        later.write(&log, &[(&format!("pool-{n}"), 3)]).await;
    }
    signal("-CONT");
    let mut last = String::new();
    for line in lines {
        promised = promised.max(acknowledged(&line).unwrap_or(0));
        if line.starts_with("fenced") {
            last = line;
        }
    }
    assert!(owner.wait().unwrap().success());
    assert_eq!(last, "fenced 2");

    later.write(&log, &[("pool-x", 1)]).await;
    let events = contents(&log, &later.merchant).await.events;
    assert_chain(&events);
    let epochs: Vec<_> = events.iter().map(|event| event.meta().unwrap().epoch).collect();
    assert!(epochs.is_sorted(), "a former owner wrote after the takeover");
    let of_the_first = epochs.iter().filter(|epoch| **epoch == Epoch(1)).count() as u64;
    assert!(
        of_the_first >= promised,
        "{of_the_first} events of the first owner are stored, {promised} were promised"
    );
    assert_eq!(events.len() as u64, of_the_first + 31);
}

async fn append_until_fenced(url: String) {
    let log = PostgresLog::open(&url).await.unwrap();
    let mut scribe = Scribe::claim(&log, "acme").await;
    for n in 0.. {
        let part = scribe.part(&[(&format!("order-{n}"), 2)]);
        match log.append(&[part]).await {
            Ok(()) => say(&format!("acknowledged {}", scribe.position)),
            Err(LogError::Fenced { current, .. }) => return say(&format!("fenced {current}")),
            Err(error) => panic!("{error:?}"),
        }
    }
}
