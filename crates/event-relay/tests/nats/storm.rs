//! Everything at once: a server that is killed, emptied and set back, relays that come and go, and a follower that is
//! started again, in an order that a seed decides. `KAMI_TEST_STORMS` sets how many blows there are.

use std::sync::Arc;

use event_relay::Place;
use events::RecordedEvent;
use projection::testkit::MemoryLog;
use vocabulary::Position;

use crate::world::{Running, follow, history, in_time, server, stored};

/// SplitMix64: the same seed, the same storm.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }
}

#[tokio::test]
async fn whatever_happens_the_stream_is_the_log_and_whoever_follows_has_it_all() {
    let blows = std::env::var("KAMI_TEST_STORMS").ok().and_then(|text| text.parse().ok()).unwrap_or(24);
    let step = 40;
    let history = history(51, (blows + 1) * step);
    let mut dice = Dice(51);
    let mut server = server();
    let log = Arc::new(MemoryLog::holding(history[..step].to_vec()));
    let mut relays = vec![Running::start(&log, &server.url()).await];
    relays[0].reaches(step).await;
    let mut read: Vec<RecordedEvent> = Vec::new();
    let mut following = follow(&server.url(), Place::START).await;
    let (mut told, mut is_kept) = (step, false);
    for _ in 0..blows {
        log.add(history[told..told + step].to_vec());
        told += step;
        // Something of it may be on its way when the blow falls.
        for _ in 0..dice.below(200) {
            tokio::task::yield_now().await;
        }
        match dice.below(7) {
            0 => server.restart().unwrap(),
            1 => {
                server.kill();
                server.erase().unwrap();
                server.restart().unwrap();
            }
            2 => {
                server.kill();
                server.keep().unwrap();
                is_kept = true;
                server.restart().unwrap();
            }
            3 if is_kept => {
                server.kill();
                server.go_back().unwrap();
                server.restart().unwrap();
            }
            4 => relays = vec![Running::start(&log, &server.url()).await],
            5 if relays.len() < 3 => relays.push(Running::start(&log, &server.url()).await),
            _ => {
                let place = read
                    .last()
                    .map_or(Place::START, |last| Place { position: last.position, hash: last.hash });
                following = follow(&server.url(), place).await;
            }
        }
        // It reads some, not all; what it has read it keeps.
        let wanted = Position((told - dice.below(step)) as u64);
        while read.last().is_none_or(|last| last.position < wanted) {
            let events = in_time(following.next()).await.unwrap();
            following.applied(events.last().unwrap().position).await;
            read.extend(events);
        }
    }
    while read.len() < told {
        let events = in_time(following.next()).await.unwrap();
        following.applied(events.last().unwrap().position).await;
        read.extend(events);
    }
    assert_eq!(read, history);
    // A relay that began anew looks at the stream as it is now.
    Running::start(&log, &server.url()).await.reaches(told).await;
    assert_eq!(stored(&server.url()).await, history);
}
