//! What came in, counted: now, up to an instant, and again.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use event_log::{Append, EventLog, InboxRow, Verdict};
use events::{RecordedEvent, channel::ChannelSuspended};
use projection::{
    Cut, Projection, Views, fold_as_of, fold_as_of_instant,
    testkit::{MemoryLog, Scribe, merchant},
};
use projection_inbox::Inbox;
use vocabulary::{Account, Position, Timestamp};

fn models() -> Vec<Arc<dyn Projection>> {
    vec![Arc::new(Inbox)]
}

fn start() -> Timestamp {
    Timestamp::parse_rfc3339("2026-01-02T03:00:00Z").unwrap()
}

/// A log and whoever writes it.
struct World {
    log: MemoryLog,
    scribe: Scribe,
    written: usize,
    messages: usize,
}

impl World {
    async fn new() -> Self {
        let log = MemoryLog::holding(Vec::new());
        log.claim(&merchant()).await.unwrap();
        Self { log, scribe: Scribe::new(merchant(), start()), written: 0, messages: 0 }
    }

    /// A message, received so many seconds after the start; an accepted one causes an event two seconds later.
    async fn receive(&mut self, secs: i64, account: &str, verdict: Verdict) {
        self.messages += 1;
        let account: Account = account.parse().unwrap();
        let expected_position = Position(self.written as u64);
        let mut positions = None;
        if verdict == Verdict::Accepted {
            self.scribe.now = start().plus_secs(secs + 2);
            let fact = ChannelSuspended { account: account.clone(), reason: "test".into() };
            let at = self.scribe.record(account.stream(), Some(&account), fact);
            positions = Some((at, at));
        }
        let events: Vec<RecordedEvent> = self.scribe.events[self.written..].to_vec();
        self.written = self.scribe.events.len();
        let row = InboxRow {
            message: format!("msg-{:04}", self.messages).parse().unwrap(),
            account,
            dedupe_key: None,
            content_hash: [1; 32],
            verdict,
            reason: String::new(),
            sealed_request: Vec::new(),
            sealed_answer: Vec::new(),
            positions,
            received_at: start().plus_secs(secs),
        };
        let epoch = self.log.head(&merchant()).await.unwrap().unwrap().epoch;
        let part = Append {
            merchant: merchant(),
            epoch,
            expected_position,
            events,
            inbox: vec![row],
            numbers: vec![],
        };
        self.log.append(&[part]).await.unwrap();
    }

    /// Some messages of two accounts and of a token holder.
    async fn busy() -> Self {
        let mut world = Self::new().await;
        world.receive(10, "taobao/main", Verdict::Accepted).await;
        world.receive(20, "taobao/main", Verdict::Refused).await;
        world.receive(25, "api/admin", Verdict::Accepted).await;
        world.receive(60, "douyin/live", Verdict::Parked).await;
        world.receive(299, "taobao/main", Verdict::Accepted).await;
        world.receive(700, "taobao/main", Verdict::Conflict).await;
        world.receive(701, "taobao/main", Verdict::Rejected).await;
        world
    }

    async fn counted(&self, until: Option<Timestamp>) -> Views {
        let views = Views::temporary(models()).await.unwrap();
        views.tally(&self.log, &merchant(), until).await.unwrap();
        views
    }
}

/// Account, minute, received, verified, accepted, failed, parked, mean lag and silence.
type Told = (String, i64, i64, i64, i64, i64, i64, Option<f64>, Option<i64>);

async fn told(views: &Views) -> Vec<Told> {
    let sql = "SELECT channel_id, (from_epoch - unixepoch('2026-01-02T03:00:00Z')) / 60, received, verified, accepted,
               failed, parked, handle_lag_ms, silence_s FROM mart_webhook_health ORDER BY 1, 2";
    sqlx::query_as(sql).fetch_all(views.reader()).await.unwrap()
}

fn of(
    account: &str,
    minute: i64,
    [received, verified, accepted, failed, parked]: [i64; 5],
    lag: Option<f64>,
    silence: Option<i64>,
) -> Told {
    (account.into(), minute, received, verified, accepted, failed, parked, lag, silence)
}

#[tokio::test]
async fn messages_are_counted_by_what_became_of_them_with_lag_and_silence() {
    let views = World::busy().await.counted(None).await;
    let expected = [
        of("douyin/live", 0, [1, 1, 0, 0, 1], None, None),
        of("taobao/main", 0, [3, 2, 2, 1, 0], Some(2_000.0), None),
        of("taobao/main", 10, [2, 2, 0, 0, 0], None, Some(401)),
    ];
    assert_eq!(told(&views).await, expected);
    let sql = "SELECT messages_count FROM fct_inbox_span WHERE channel_id = 'api/admin'";
    let calls: Vec<i64> = sqlx::query_scalar(sql).fetch_all(views.reader()).await.unwrap();
    assert_eq!(calls, [1], "calls of token holders are counted, and are no channel's");
}

#[tokio::test]
async fn counting_again_and_counting_from_the_beginning_give_the_same() {
    let mut world = World::new().await;
    let views = Views::temporary(models()).await.unwrap();
    for (secs, verdict) in
        [(1, Verdict::Accepted), (290, Verdict::Refused), (310, Verdict::Accepted), (311, Verdict::Parked)]
    {
        world.receive(secs, "taobao/main", verdict).await;
        views.tally(&world.log, &merchant(), None).await.unwrap();
        views.tally(&world.log, &merchant(), None).await.unwrap();
        let anew = world.counted(None).await;
        let digest = async |views: &Views| views.digest("inbox", &merchant()).await.unwrap();
        assert_eq!(digest(&views).await, digest(&anew).await, "after {secs} s");
    }
    world.receive(40_000, "taobao/main", Verdict::Accepted).await;
    views.tally(&world.log, &merchant(), None).await.unwrap();
    assert_eq!(told(&views).await, told(&world.counted(None).await).await);
}

#[tokio::test]
async fn as_of_a_moment_is_what_had_come_in_by_then() {
    let world = World::busy().await;
    let (_, then) =
        fold_as_of_instant(&world.log, &merchant(), models(), start().plus_secs(700)).await.unwrap();
    assert_eq!(told(&then).await.last(), Some(&of("taobao/main", 10, [1, 1, 0, 0, 0], None, Some(401))));
    // The first event was recorded twelve seconds after the start.
    let first = fold_as_of(&world.log, &merchant(), models(), Cut::from(Position(1))).await.unwrap();
    assert_eq!(told(&first).await, [of("taobao/main", 0, [1, 1, 1, 0, 0], Some(2_000.0), None)]);
}

#[tokio::test]
async fn a_rebuild_beside_the_live_rows_finds_them_right() {
    let world = World::busy().await;
    let dir = tempfile::tempdir().unwrap();
    let views = Views::open(&dir.path().join("views.db"), models()).await.unwrap();
    let rebuilt = views.rebuild_beside(&world.log, &merchant(), "inbox").await.unwrap();
    assert_eq!(rebuilt.before, rebuilt.after);
    assert_eq!(told(&views).await.len(), 3);
}
