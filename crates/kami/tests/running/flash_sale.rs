//! More buyers than keys, on several channels at once, with duplicates and in any order; with and without kills.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::Value;
use tokio::sync::RwLock;

use crate::kami::{Kami, client, events, paid, send, verify};

const ACCOUNTS: [&str; 3] = ["generic/own", "generic/pos", "generic/partner"];
const WORKERS: usize = 24;

/// One message to send, as often as it is in the queue.
#[derive(Clone)]
struct Attempt {
    account: &'static str,
    id: String,
    number: String,
    body: String,
}

/// What was acknowledged, by message.
type Journal = Arc<Mutex<HashMap<String, (u16, Vec<u8>)>>>;

/// `attempts` orders; about three in ten are sent twice; all shuffled.
fn queue(attempts: usize, seed: u64) -> Vec<Attempt> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut queue: Vec<Attempt> = (0..attempts)
        .map(|n| {
            let number = format!("F-{n:06}");
            let body = paid(&number, 1, 2888).to_string();
            Attempt { account: ACCOUNTS[n % ACCOUNTS.len()], id: format!("flash-{n}"), number, body }
        })
        .collect();
    let again: Vec<Attempt> = queue.iter().filter(|_| rng.random_bool(0.3)).cloned().collect();
    queue.extend(again);
    queue.shuffle(&mut rng);
    queue
}

/// Sends everything from many workers; a message without an answer is sent again until it has one.
async fn sell(base: String, queue: Vec<Attempt>, journal: Journal, answered: Arc<AtomicUsize>) {
    let queue = Arc::new(Mutex::new(queue));
    let workers: Vec<_> = (0..WORKERS)
        .map(|_| tokio::spawn(work(base.clone(), queue.clone(), journal.clone(), answered.clone())))
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
}

async fn work(base: String, queue: Arc<Mutex<Vec<Attempt>>>, journal: Journal, answered: Arc<AtomicUsize>) {
    let client = client();
    loop {
        let next = queue.lock().unwrap().pop();
        let Some(attempt) = next else { return };
        let url = format!("{base}/v1/in/{}", attempt.account);
        let (status, body) = loop {
            match send(&client, &url, &attempt.id, &attempt.body).await {
                Ok((503, _)) | Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                Ok(answer) => break answer,
            }
        };
        answered.fetch_add(1, Ordering::SeqCst);
        let mut journal = journal.lock().unwrap();
        let first = journal.entry(attempt.id.clone()).or_insert_with(|| (status, body.clone()));
        assert!(*first == (status, body), "{} was answered in two ways", attempt.number);
    }
}

/// The journal of acknowledgements against the log: exactly the keys there were are sold, each once.
fn settle(data: &Path, journal: &Journal, keys: usize) {
    let journal = journal.lock().unwrap();
    let mut sold = HashSet::new();
    let mut orders = HashSet::new();
    for (status, body) in journal.values() {
        let answer: Value = serde_json::from_slice(body).unwrap();
        if *status == 200 {
            let code = answer["keys"][0]["code"].as_str().unwrap().to_owned();
            assert!(sold.insert(code), "a key was sold twice");
            orders.insert(answer["order_id"].as_str().unwrap().to_owned());
        } else {
            assert_eq!((*status, answer["code"].as_str()), (422, Some("out_of_stock")), "{answer}");
        }
    }
    assert_eq!(sold.len(), keys);
    let delivered: Vec<String> = events(data)
        .iter()
        .filter(|event| event["type"] == "OrderDelivered")
        .map(|event| event["stream"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(delivered.len(), keys, "one delivery for each key");
    assert_eq!(
        delivered.into_iter().collect::<HashSet<_>>(),
        orders,
        "what was acknowledged is what is recorded"
    );
    let report = verify(data);
    assert_eq!(report["violations"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_the_keys_there_are_get_sold_and_duplicates_get_the_first_answer() {
    let dir = tempfile::tempdir().unwrap();
    let kami = Kami::start(dir.path());
    kami.set_up(&ACCOUNTS, 500).await;
    let journal = Journal::default();
    let base = kami.url("");
    sell(base, queue(2_000, 7), journal.clone(), Arc::default()).await;
    assert!(kami.stop());
    settle(dir.path(), &journal, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_in_a_flash_sale_lose_nothing_acknowledged_and_double_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let kami = Kami::start(dir.path());
    kami.set_up(&ACCOUNTS, 500).await;
    let (address, base) = (kami.address, kami.url(""));
    let (journal, answered) = (Journal::default(), Arc::new(AtomicUsize::new(0)));
    let all = queue(2_000, 11);
    let total = all.len();
    let selling = tokio::spawn(sell(base, all, journal.clone(), answered.clone()));
    let kami = Arc::new(RwLock::new(kami));
    let mut rng = StdRng::seed_from_u64(13);
    let over = AtomicBool::new(false);
    for kill in 1..=20 {
        // Somewhere in the kill's own twentieth of the sale, a few milliseconds on.
        let from = total * (kill - 1) / 20;
        while answered.load(Ordering::SeqCst) <= from && !over.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(2)).await;
            over.store(selling.is_finished(), Ordering::SeqCst);
        }
        tokio::time::sleep(Duration::from_micros(rng.random_range(0..15_000))).await;
        let mut running = kami.write().await;
        running.kill();
        let data = running.data.clone();
        *running = tokio::task::spawn_blocking(move || Kami::start_at(&data, address)).await.unwrap();
    }
    selling.await.unwrap();
    let Some(kami) = Arc::into_inner(kami) else { panic!("nobody else holds it") };
    assert!(kami.into_inner().stop());
    settle(dir.path(), &journal, 500);
}
