//! Random orders against the real deciders: whatever is wished for, in whatever order, the log they lead to
//! passes the checker, no step of the purchase process is turned down half-way, and orders and pools tell the
//! same story after every unit.
//!
//! A seed is one merchant and one run; the same seed is the same run. `RANDOM_ORDERS=300..5000 cargo test
//! --release -p verify --test random_orders` tries other seeds, and `RANDOM_ORDERS=17..18` one of them again.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod story;
#[expect(dead_code, reason = "the suite of logs made by hand uses the rest")]
#[path = "../suite/support/mod.rs"]
mod support;
mod wishes;
mod world;

use std::{collections::BTreeSet, ops::Range};

use events::Fact;
use wishes::Dice;
use world::World;

const SEEDS: Range<u64> = 0..300;
const WISHES: u32 = 120;
/// So many merchants share a data directory: most of the time goes into making and opening one.
const MERCHANTS: usize = 50;
/// So many steps are shown of a run that failed.
const SHOWN: usize = 12;

fn seeds() -> Range<u64> {
    let Ok(wanted) = std::env::var("RANDOM_ORDERS") else { return SEEDS };
    let (from, to) = wanted.split_once("..").expect("RANDOM_ORDERS is of the form 300..5000");
    from.parse().unwrap()..to.parse().unwrap()
}

fn run(seed: u64) -> World {
    let mut dice = Dice::new(seed);
    let mut world = World::open(&format!("seed-{seed}"));
    for _ in 0..WISHES {
        world.pass(dice.secs());
        let wish = dice.wish(&world);
        if let Err(trouble) = world.grant(wish) {
            panic!("seed {seed}: {trouble}\n{}", world.story(world.log.end(), SHOWN));
        }
    }
    world
}

async fn check(worlds: &[World]) {
    let dir = tempfile::tempdir().unwrap();
    let logs: Vec<_> = worlds.iter().map(|world| &world.log).collect();
    support::write(dir.path(), &logs).await;
    let report = verify::verify_dir(dir.path(), |_| {}).await.unwrap();
    assert_eq!(report.merchants.len(), worlds.len());
    assert_eq!(report.warnings, []);
    let Some(first) = report.violations.first() else { return assert!(report.ok) };
    let bad = worlds.iter().find(|world| Some(world.log.merchant.as_str()) == first.merchant.as_deref());
    let story = bad.map(|world| world.story(first.position.unwrap_or(u64::MAX), SHOWN)).unwrap_or_default();
    panic!("{first}, stream {:?}\n{story}", first.stream);
}

#[tokio::test]
async fn whatever_is_wished_for_the_log_passes_the_checker() {
    let seeds: Vec<u64> = seeds().collect();
    for seeds in seeds.chunks(MERCHANTS) {
        let worlds: Vec<World> = seeds.iter().map(|seed| run(*seed)).collect();
        check(&worlds).await;
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    assert_eq!(run(7).log.events, run(7).log.events);
}

#[test]
fn every_kind_of_fact_about_orders_and_pools_comes_up() {
    let events = (0..30).flat_map(|seed| run(seed).log.events);
    let seen: BTreeSet<String> = events.map(|event| event.type_name).collect();
    let names = Fact::catalogue().into_iter().map(|(name, ..)| name);
    let about = names.filter(|name| matches!(Fact::stream_kind(name), Some("order" | "pool")));
    let missing: Vec<_> = about.filter(|name| !seen.contains(*name)).collect();
    assert!(missing.is_empty(), "never seen: {missing:?}");
}
