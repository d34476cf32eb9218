//! The suite, on a stub of KurrentDB, or on the server that `KAMI_TEST_KURRENTDB` names.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use event_log::conformance::Backend;
use event_log_kurrentdb::KurrentLog;
use tempfile::TempDir;
use testkit_kurrentdb::Place;

struct InStreams;

impl Backend for InStreams {
    type Log = KurrentLog;
    type Place = (Place, TempDir);

    async fn place(&self) -> (Place, TempDir) {
        (Place::new().await, tempfile::tempdir().unwrap())
    }
    async fn open(&self, (place, index): &(Place, TempDir)) -> KurrentLog {
        KurrentLog::open(place.url(), Some(index.path())).await.unwrap()
    }
    async fn close(&self, log: &KurrentLog) {
        log.close().await.unwrap();
    }
}

event_log::conformance_suite!(InStreams);
