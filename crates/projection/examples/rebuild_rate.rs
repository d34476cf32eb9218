//! How fast all read models are folded from a log: `cargo run --release -p projection --example rebuild_rate`.
//!
//! Tells a plausible story of a million events (or as many as the first argument says), folds it into a fresh
//! database in a temporary directory, then rebuilds it, and prints events per second and digests.

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::{sync::Arc, time::Instant};

use projection::{
    Options, Projection, Projections,
    testkit::{MemoryLog, Story, merchant},
};
use projection_orders::Orders;
use projection_quotas::Quotas;
use projection_sales::Sales;
use projection_timeline::Timeline;
use vocabulary::Position;

/// The allocator of the program itself: rows are made on one thread and dropped on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let count: usize = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let chosen = std::env::args().nth(2);
    let mut story = Story::new(42);
    while story.scribe.events.len() < count {
        story.go_on();
    }
    let head = Position(story.scribe.events.len() as u64);
    let log = Arc::new(MemoryLog::holding(std::mem::take(&mut story.scribe.events)));
    drop(story);

    let directory = tempfile::tempdir()?;
    let path = directory.path().join("views.db");
    let mut all: Vec<Arc<dyn Projection>> =
        vec![Arc::new(Orders), Arc::new(Quotas), Arc::new(Timeline), Arc::new(Sales)];
    all.retain(|projection| chosen.as_deref().is_none_or(|name| projection.name() == name));
    let projections = Projections::open(&path, all, Options::default()).await?;
    let clock = Clock::start();
    projections.spawn(log, &merchant())?;
    projections.wait_for(&merchant(), head).await?;
    clock.report("first fold", head);
    let clock = Clock::start();
    projections.rebuild(None).await?;
    projections.wait_for(&merchant(), head).await?;
    clock.report("rebuild", head);

    println!("views.db has {} MB", std::fs::metadata(&path)?.len() / 1_000_000);
    for projection in projections.views().projections() {
        println!("{}: {}", projection.name(), projections.digest(projection.name(), &merchant()).await?);
    }
    println!("put aside: {}", projections.views().quarantined(&merchant()).await?.len());
    Ok(())
}

/// Wall time, and processor time where the system tells it: on a shared machine the latter is the honest one.
struct Clock {
    began: Instant,
    processor: Option<Vec<(String, f64)>>,
}

impl Clock {
    fn start() -> Self {
        Self { began: Instant::now(), processor: threads() }
    }
    fn report(&self, what: &str, head: Position) {
        let seconds = self.began.elapsed().as_secs_f64();
        println!("{what}: {head} events in {seconds:.2} s, {:.0} events/s", head.0 as f64 / seconds);
        let (Some(before), Some(after)) = (&self.processor, threads()) else { return };
        for (name, seconds) in after {
            let earlier: f64 = before.iter().filter(|(n, _)| *n == name).map(|(_, s)| s).sum();
            println!("  {name}: {:.2} s of processor time", seconds - earlier);
        }
    }
}

/// Processor seconds by thread name, from Linux's process table (a hundred ticks a second).
fn threads() -> Option<Vec<(String, f64)>> {
    let mut sums: Vec<(String, f64)> = Vec::new();
    for task in std::fs::read_dir("/proc/self/task").ok()?.flatten() {
        let stat = std::fs::read_to_string(task.path().join("stat")).ok()?;
        let (name, fields) = stat.split_once('(')?.1.rsplit_once(')')?;
        let ticks: f64 = fields.split_whitespace().skip(11).take(2).flat_map(str::parse::<f64>).sum();
        match sums.iter_mut().find(|(known, _)| known == name) {
            Some((_, sum)) => *sum += ticks / 100.0,
            None => sums.push((name.to_owned(), ticks / 100.0)),
        }
    }
    Some(sums)
}
