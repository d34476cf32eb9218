//! Cases about snapshots.

use vocabulary::Position;

use super::{Backend, merchant};
use crate::{EventLog, Snapshot};

fn snapshot(position: u64, state: Vec<u8>) -> Snapshot {
    Snapshot { position: Position(position), hash: [9; 32], shape: "state-1 形".to_owned(), state }
}

/// One per merchant.
pub async fn a_snapshot_replaces_the_one_before<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = backend.open(&place).await;
    let (acme, zeta) = (merchant("acme"), merchant("zeta"));
    log.claim(&acme).await.unwrap();
    log.claim(&zeta).await.unwrap();
    assert_eq!(log.load_snapshot(&acme).await.unwrap(), None);
    for kept in [snapshot(5, vec![1, 2, 3]), snapshot(9, Vec::new()), snapshot(2, vec![0, 255])] {
        log.save_snapshot(&acme, &kept).await.unwrap();
        assert_eq!(log.load_snapshot(&acme).await.unwrap(), Some(kept));
    }
    assert_eq!(log.load_snapshot(&zeta).await.unwrap(), None);
}

/// A million orders are some hundred megabytes; three show the way.
pub async fn a_large_snapshot_reads_back_as_it_was_saved<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let log = backend.open(&place).await;
    log.claim(&merchant("acme")).await.unwrap();
    let kept = snapshot(1, (0..=255).cycle().take(3_000_000).collect());
    log.save_snapshot(&merchant("acme"), &kept).await.unwrap();
    assert!(log.load_snapshot(&merchant("acme")).await.unwrap() == Some(kept), "the snapshot was changed");
}
