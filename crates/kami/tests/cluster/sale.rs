//! A flash sale through several nodes at once: buyers who ask any of them, and ask again until they are answered.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::{
    kami::{client, paid, send},
    nodes::{Cluster, Node},
};

pub(crate) const ACCOUNTS: [&str; 2] = ["generic/own", "generic/pos"];
const WORKERS: usize = 24;

#[derive(Clone)]
struct Attempt {
    account: &'static str,
    id: String,
    body: String,
}

/// What was acknowledged, by message.
type Journal = Arc<Mutex<HashMap<String, (u16, Vec<u8>)>>>;

/// A sale that is under way.
pub(crate) struct Sale {
    merchant: String,
    journal: Journal,
    answered: Arc<AtomicUsize>,
    again: Arc<AtomicUsize>,
    /// The longest that a buyer waited for an answer, in milliseconds.
    slowest: Arc<AtomicUsize>,
    pub(crate) attempts: usize,
    workers: Vec<JoinHandle<()>>,
}

impl Sale {
    /// Begins a sale of `orders` orders, a third of them sent twice, at these nodes in turn.
    pub(crate) fn begin(merchant: &str, nodes: &[Node], orders: usize, seed: u64) -> Self {
        let queue = queue(merchant, orders, seed);
        let attempts = queue.len();
        let queue = Arc::new(Mutex::new(queue));
        let (journal, answered, again) = (Journal::default(), Arc::default(), Arc::default());
        let slowest = Arc::default();
        let bases: Arc<[String]> = nodes.iter().map(|node| node.url(&format!("/m/{merchant}"))).collect();
        let worker = |at: usize| {
            let worker = Worker {
                bases: bases.clone(),
                at,
                queue: queue.clone(),
                journal: Arc::clone(&journal),
                answered: Arc::clone(&answered),
                again: Arc::clone(&again),
                slowest: Arc::clone(&slowest),
            };
            tokio::spawn(worker.run())
        };
        let workers = (0..WORKERS).map(worker).collect();
        Self { merchant: merchant.to_owned(), journal, answered, again, slowest, attempts, workers }
    }

    /// Waits until so many answers were given, in percent of all.
    pub(crate) async fn reaches(&self, percent: usize) {
        while self.answered.load(Ordering::SeqCst) * 100 < self.attempts * percent
            && !self.workers.iter().all(JoinHandle::is_finished)
        {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub(crate) fn answered(&self) -> usize {
        self.answered.load(Ordering::SeqCst)
    }

    /// Waits until everybody has an answer.
    pub(crate) async fn ends(&mut self) {
        for worker in self.workers.drain(..) {
            worker.await.unwrap();
        }
    }

    /// The longest that one buyer waited for an answer, counted from the first time they asked.
    pub(crate) fn longest_wait(&self) -> Duration {
        Duration::from_millis(self.slowest.load(Ordering::SeqCst) as u64)
    }

    /// How often a buyer had to ask again.
    pub(crate) fn again(&self) -> usize {
        self.again.load(Ordering::SeqCst)
    }

    /// Holds the buyers' journal against the log: exactly the keys there are were sold, each once, and what was
    /// acknowledged is what is recorded.
    pub(crate) fn settle(&self, cluster: &Cluster, data: &std::path::Path, keys: usize) {
        let journal = self.journal.lock().unwrap();
        let (mut sold, mut orders) = (HashSet::new(), HashSet::new());
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
        assert_eq!(sold.len(), keys, "exactly the keys there are");
        let delivered: Vec<String> = cluster
            .events(data, &self.merchant)
            .iter()
            .filter(|event| event["type"] == "OrderDelivered")
            .map(|event| event["stream"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(delivered.len(), keys, "one delivery for each key");
        assert_eq!(
            delivered.into_iter().collect::<HashSet<_>>(),
            orders,
            "what was acknowledged is recorded"
        );
        cluster.verify(data);
    }
}

fn queue(merchant: &str, orders: usize, seed: u64) -> Vec<Attempt> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut queue: Vec<Attempt> = (0..orders)
        .map(|n| {
            let body = paid(&format!("F-{merchant}-{n:06}"), 1, 2888).to_string();
            Attempt { account: ACCOUNTS[n % ACCOUNTS.len()], id: format!("flash-{merchant}-{n}"), body }
        })
        .collect();
    let twice: Vec<Attempt> = queue.iter().filter(|_| rng.random_bool(0.3)).cloned().collect();
    queue.extend(twice);
    queue.shuffle(&mut rng);
    queue
}

struct Worker {
    bases: Arc<[String]>,
    at: usize,
    queue: Arc<Mutex<Vec<Attempt>>>,
    journal: Journal,
    answered: Arc<AtomicUsize>,
    again: Arc<AtomicUsize>,
    slowest: Arc<AtomicUsize>,
}

impl Worker {
    async fn run(mut self) {
        let client = client();
        loop {
            let next = self.queue.lock().unwrap().pop();
            let Some(attempt) = next else { return };
            let begun = Instant::now();
            let answer = loop {
                let url = format!("{}/v1/in/{}", self.bases[self.at % self.bases.len()], attempt.account);
                match send(&client, &url, &attempt.id, &attempt.body).await {
                    Ok((503, _)) | Err(_) => {
                        self.again.fetch_add(1, Ordering::SeqCst);
                        // Another node, as a load balancer would choose.
                        self.at += 1;
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    Ok(answer) => break answer,
                }
            };
            self.at += 1;
            self.slowest.fetch_max(begun.elapsed().as_millis() as usize, Ordering::SeqCst);
            self.answered.fetch_add(1, Ordering::SeqCst);
            let mut journal = self.journal.lock().unwrap();
            let first = journal.entry(attempt.id.clone()).or_insert_with(|| answer.clone());
            assert!(*first == answer, "{} was answered in two ways", attempt.id);
        }
    }
}
