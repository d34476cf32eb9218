//! Sends calls over many connections and keeps what came back, with the time each took.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context;
use tokio::task::JoinSet;

use super::wire::{Answer, Wire};

/// One rendered call.
#[derive(Clone)]
pub(crate) struct Call {
    /// Which order it is about; a repeat names the same.
    pub(crate) order: u32,
    /// What is sent.
    pub(crate) bytes: Arc<[u8]>,
}

/// A call that was answered.
pub(crate) struct Answered {
    /// The order of the call.
    pub(crate) order: u32,
    /// How long the answer took; of a paced call, from when the call was due.
    pub(crate) took: Duration,
    /// When the answer was there, from the start of the run.
    pub(crate) at: Duration,
    pub(crate) answer: Answer,
}

/// How calls follow each other.
#[derive(Clone, Copy)]
pub(crate) enum Pace {
    /// Each connection sends its next call when the last is answered.
    Closed,
    /// So many calls a second are due, whether or not earlier ones are answered.
    PerSecond(f64),
    /// Like `Closed`, beginning anew with the first call after the last.
    Cycle,
}

/// A load.
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) calls: Arc<[Call]>,
    pub(crate) connections: usize,
    pub(crate) pace: Pace,
    /// Nothing is sent after this; what is under way is waited for.
    pub(crate) limit: Duration,
}

/// What a load led to.
pub(crate) struct Run {
    pub(crate) answered: Vec<Answered>,
    /// From the first call to the last answer.
    pub(crate) took: Duration,
}

impl Run {
    /// Answers per second.
    pub(crate) fn per_s(&self) -> f64 {
        self.answered.len() as f64 / self.took.as_secs_f64().max(1e-9)
    }
}

/// Runs a load to its end. The connections are shared out over half of the cores: the other half is the server's.
pub(crate) async fn run(load: Load) -> anyhow::Result<Run> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = (cores / 2).clamp(1, load.connections);
    let shared = Arc::new(Shared { load, threads, next: AtomicUsize::new(0), ready: Barrier::new(threads) });
    let tasks: Vec<_> = (0..threads)
        .map(|thread| {
            let shared = shared.clone();
            tokio::task::spawn_blocking(move || on_one_thread(thread, shared))
        })
        .collect();
    let mut answered = Vec::new();
    for task in tasks {
        answered.extend(task.await.context("a thread of the load")??);
    }
    let took = answered.iter().map(|one: &Answered| one.at).max().unwrap_or_default();
    Ok(Run { answered, took })
}

/// Sends one call on a connection of its own.
pub(crate) async fn once(address: SocketAddr, call: &Call) -> anyhow::Result<Answer> {
    let mut wire = Wire::connect(address).await?;
    wire.send(&call.bytes).await?;
    wire.receive().await
}

struct Shared {
    load: Load,
    threads: usize,
    next: AtomicUsize,
    ready: Barrier,
}

/// Every `threads`-th connection, on a runtime of its own: nothing moves between threads while time is taken.
fn on_one_thread(thread: usize, shared: Arc<Shared>) -> anyhow::Result<Vec<Answered>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("a runtime for the load")?;
    runtime.block_on(async {
        let mut wires = Ok(Vec::new());
        for n in (thread..shared.load.connections).step_by(shared.threads) {
            wires = connected(wires, n, shared.load.address).await;
        }
        shared.ready.wait();
        let started = Instant::now();
        let mut tasks = JoinSet::new();
        for (n, wire) in wires? {
            tasks.spawn(one_connection(n, wire, shared.clone(), started));
        }
        let mut answered = Vec::new();
        while let Some(ended) = tasks.join_next().await {
            answered.extend(ended.context("a connection of the load")??);
        }
        Ok(answered)
    })
}

type Wires = anyhow::Result<Vec<(usize, Wire)>>;

async fn connected(wires: Wires, n: usize, address: SocketAddr) -> Wires {
    let mut wires = wires?;
    wires.push((n, Wire::connect(address).await?));
    Ok(wires)
}

async fn one_connection(
    n: usize,
    mut wire: Wire,
    shared: Arc<Shared>,
    started: Instant,
) -> anyhow::Result<Vec<Answered>> {
    let load = &shared.load;
    let mut answered = Vec::new();
    let mut turn = n;
    loop {
        let (index, due) = match load.pace {
            Pace::PerSecond(per_s) => (turn, Some(started + Duration::from_secs_f64(turn as f64 / per_s))),
            Pace::Closed | Pace::Cycle => (shared.next.fetch_add(1, Ordering::Relaxed), None),
        };
        turn += load.connections;
        let call = match load.pace {
            Pace::Cycle => load.calls.get(index % load.calls.len().max(1)),
            _ => load.calls.get(index),
        };
        let Some(call) = call else { break };
        if let Some(due) = due {
            if due.duration_since(started) >= load.limit {
                break;
            }
            tokio::time::sleep_until(due.into()).await;
        } else if started.elapsed() >= load.limit {
            break;
        }
        let from = due.unwrap_or_else(Instant::now);
        wire.send(&call.bytes).await?;
        let answer = wire.receive().await?;
        let now = Instant::now();
        answered.push(Answered {
            order: call.order,
            took: now.saturating_duration_since(from),
            at: now.duration_since(started),
            answer,
        });
    }
    Ok(answered)
}
