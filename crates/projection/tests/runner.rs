//! The runner's promises, with a projection that counts.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use events::RecordedEvent;
use projection::{
    Afresh, ApplyError, Column, Event, Fold, Follower, Kind, Options, Projection, Projections, Rows, Table,
    Value, Views, ViewsError, fold_as_of_instant,
    testkit::{MemoryLog, merchant, plausible_history},
};
use sqlx::SqliteConnection;
use vocabulary::{MerchantId, Position};

const COLUMNS: &[Column] = &[
    Column::new("kind", Kind::Text, "The kind of stream.", "流的类别。"),
    Column::new("events_count", Kind::Int, "Its events.", "事件数。"),
];
static TALLY: Table =
    Table { name: "fct_tally", en: "", zh: "", key: 1, columns: COLUMNS, indexes: &[], clustered: true };
static OTHER: Table =
    Table { name: "fct_other", en: "", zh: "", key: 1, columns: COLUMNS, indexes: &[], clustered: true };

static TALLIES: [&Table; 1] = [&TALLY];
static OTHERS: [&Table; 1] = [&OTHER];

/// Counts events by kind of stream. Can be told to fail.
#[derive(Clone)]
struct Tally {
    name: &'static str,
    version: u32,
    tables: &'static [&'static Table],
    /// Cannot take in facts of this type.
    refuses: &'static str,
    /// Fails after its rows were written.
    breaks: Arc<AtomicBool>,
}

impl Tally {
    fn new() -> Self {
        Self { name: "tally", version: 1, tables: &TALLIES, refuses: "", breaks: Arc::default() }
    }
    fn other(refuses: &'static str) -> Self {
        Self { name: "other", tables: &OTHERS, refuses, ..Self::new() }
    }
}

impl Projection for Tally {
    fn name(&self) -> &'static str {
        self.name
    }
    fn version(&self) -> u32 {
        self.version
    }
    fn tables(&self) -> &'static [&'static Table] {
        self.tables
    }
    fn start(&self, merchant: &MerchantId) -> Box<dyn Fold> {
        Box::new(Counting {
            of: self.clone(),
            merchant: merchant.clone(),
            counts: None,
            last: BTreeMap::new(),
        })
    }
}

struct Counting {
    of: Tally,
    merchant: MerchantId,
    counts: Option<BTreeMap<String, i64>>,
    last: BTreeMap<String, Position>,
}

#[async_trait]
impl Fold for Counting {
    async fn load(&mut self, _: &[Event], conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        if self.counts.is_none() {
            let sql = format!("SELECT kind, events_count FROM {} WHERE merchant = ?", self.of.tables[0].name);
            let rows: Vec<(String, i64)> =
                sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(self.merchant.as_str()).fetch_all(conn).await?;
            self.counts = Some(rows.into_iter().collect());
        }
        Ok(())
    }
    fn fold(&mut self, events: &[Event]) -> Result<(), ApplyError> {
        for event in events {
            if event.fact.type_name() == self.of.refuses {
                return Err(ApplyError::event(event.position, "refused"));
            }
            let kind = event.stream.kind().to_owned();
            *self.counts.get_or_insert_default().entry(kind.clone()).or_default() += 1;
            self.last.insert(kind, event.position);
        }
        Ok(())
    }
    async fn write(&mut self, conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        let mut rows = Rows::new(self.of.tables[0], &self.merchant);
        for (kind, position) in std::mem::take(&mut self.last) {
            let count = self.counts.as_ref().map_or(0, |counts| counts[&kind]);
            rows.push(position, [Value::text(kind), count.into()]);
        }
        rows.write(conn).await?;
        if self.of.breaks.load(Ordering::Relaxed) {
            return Err(ApplyError::Damaged("told to fail".into()));
        }
        Ok(())
    }
}

fn quick() -> Options {
    Options { batch: 64, pace: Duration::ZERO, retry: Duration::ZERO, ..Options::default() }
}

fn history(events: usize) -> Vec<RecordedEvent> {
    let mut history = plausible_history(7, events);
    history.truncate(events);
    history
}

async fn total(views: &Views, table: &str) -> i64 {
    let sql = format!("SELECT COALESCE(SUM(events_count), 0) FROM {table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(views.reader()).await.unwrap()
}

async fn head(views: &Views) -> Position {
    views.checkpoints(&merchant()).await.unwrap()[0].head
}

#[tokio::test]
async fn rows_and_checkpoint_commit_together_or_not_at_all() {
    let tally = Tally::new();
    let views = Arc::new(Views::temporary(vec![Arc::new(tally.clone())]).await.unwrap());
    let mut follower = Follower::new(views.clone(), &merchant()).await.unwrap();
    let history = history(90);
    follower.apply(history[..40].to_vec()).await.unwrap();
    tally.breaks.store(true, Ordering::Relaxed);
    let failed = follower.apply(history[40..].to_vec()).await;
    assert!(matches!(failed, Err(ViewsError::Fold { name: "tally", .. })));
    assert_eq!((total(&views, "fct_tally").await, head(&views).await), (40, Position(40)));
    tally.breaks.store(false, Ordering::Relaxed);
    follower.apply(history[40..].to_vec()).await.unwrap();
    assert_eq!((total(&views, "fct_tally").await, head(&views).await), (90, Position(90)));
}

#[tokio::test]
async fn a_batch_that_comes_twice_counts_once_and_one_that_comes_too_early_waits() {
    let views = Arc::new(Views::temporary(vec![Arc::new(Tally::new())]).await.unwrap());
    let mut follower = Follower::new(views.clone(), &merchant()).await.unwrap();
    let history = history(90);
    let early = follower.apply(history[40..].to_vec()).await.unwrap();
    assert_eq!((early.head, total(&views, "fct_tally").await), (Position(0), 0));
    for _ in 0..2 {
        follower.apply(history[..60].to_vec()).await.unwrap();
        Follower::new(views.clone(), &merchant()).await.unwrap().apply(history[..60].to_vec()).await.unwrap();
    }
    assert_eq!(total(&views, "fct_tally").await, 60);
    // The first follower's memory is behind what the second one wrote.
    Follower::new(views.clone(), &merchant()).await.unwrap().apply(history[60..80].to_vec()).await.unwrap();
    follower.apply(history[50..].to_vec()).await.unwrap();
    assert_eq!(total(&views, "fct_tally").await, 90);
}

#[tokio::test]
async fn events_that_cannot_be_read_or_folded_are_put_aside_and_the_others_flow_on() {
    let projections: Vec<Arc<dyn Projection>> =
        vec![Arc::new(Tally::new()), Arc::new(Tally::other("KeysImported"))];
    let views = Arc::new(Views::temporary(projections).await.unwrap());
    let mut history = history(90);
    history[20].type_name = "NeverHeardOf".into();
    let refused = history.iter().filter(|event| event.type_name == "KeysImported").count();
    let mut follower = Follower::new(views.clone(), &merchant()).await.unwrap();
    let applied = follower.apply(history).await.unwrap();
    assert_eq!((applied.head, applied.quarantined), (Position(90), refused + 2));
    assert_eq!(total(&views, "fct_tally").await, 89);
    assert_eq!(total(&views, "fct_other").await, 89 - refused as i64);
    let aside = views.quarantined(&merchant()).await.unwrap();
    let unread: Vec<&str> =
        aside.iter().filter(|q| q.position == Position(21)).map(|q| q.error.as_str()).collect();
    assert_eq!(unread, ["event type NeverHeardOf is unknown to this build"; 2]);
    assert!(aside.iter().filter(|q| q.error == "refused").all(|q| q.name == "other"));
}

#[tokio::test]
async fn a_log_is_followed_as_it_grows_and_lag_is_known() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("views.db");
    let history = history(300);
    let log = Arc::new(MemoryLog::holding(history[..100].to_vec()));
    let projections = Projections::open(&path, vec![Arc::new(Tally::new())], quick()).await.unwrap();
    let unknown = projections.wait_for(&merchant(), Position(1)).await;
    assert!(matches!(unknown, Err(ViewsError::NotFollowed(_))));
    projections.spawn(log.clone(), &merchant()).unwrap();
    projections.wait_for(&merchant(), Position(100)).await.unwrap();
    log.add(history[100..].to_vec());
    projections.wait_for(&merchant(), Position(300)).await.unwrap();
    assert_eq!(total(projections.views(), "fct_tally").await, 300);
    let lag = projections.lag(&merchant()).await.unwrap().remove(0);
    assert_eq!(
        (lag.name.as_str(), lag.head, lag.log_head, lag.events),
        ("tally", Position(300), Position(300), 0)
    );
    projections.forget(&merchant());
    assert!(projections.lag(&merchant()).await.is_err());
}

#[tokio::test]
async fn one_projection_is_rebuilt_while_the_others_stay() {
    let history = history(300);
    let log = Arc::new(MemoryLog::holding(history[..200].to_vec()));
    let all: Vec<Arc<dyn Projection>> = vec![Arc::new(Tally::new()), Arc::new(Tally::other(""))];
    let directory = tempfile::tempdir().unwrap();
    let projections = Projections::open(&directory.path().join("views.db"), all, quick()).await.unwrap();
    projections.spawn(log.clone(), &merchant()).unwrap();
    projections.wait_for(&merchant(), Position(200)).await.unwrap();
    let before = projections.digest("tally", &merchant()).await.unwrap();
    sqlx::query("UPDATE fct_tally SET events_count = 0").execute(&writable(&directory).await).await.unwrap();
    projections.rebuild(Some("tally")).await.unwrap();
    projections.wait_for(&merchant(), Position(200)).await.unwrap();
    assert_eq!(projections.digest("tally", &merchant()).await.unwrap(), before);
    log.add(history[200..].to_vec());
    projections.wait_for(&merchant(), Position(300)).await.unwrap();
    assert_eq!(
        (total(projections.views(), "fct_tally").await, total(projections.views(), "fct_other").await),
        (300, 300)
    );
    let unknown = projections.rebuild(Some("nothing")).await;
    assert!(matches!(unknown, Err(ViewsError::UnknownProjection(_))));
}

async fn writable(directory: &tempfile::TempDir) -> sqlx::SqlitePool {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(directory.path().join("views.db"));
    sqlx::SqlitePool::connect_with(options).await.unwrap()
}

#[tokio::test]
async fn another_version_or_shape_starts_anew_and_the_same_one_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("views.db");
    let open = async |tally: Tally| Arc::new(Views::open(&path, vec![Arc::new(tally)]).await.unwrap());
    let views = open(Tally::new()).await;
    Follower::new(views.clone(), &merchant()).await.unwrap().apply(history(50)).await.unwrap();
    drop(views);
    let same = open(Tally::new()).await;
    assert_eq!((total(&same, "fct_tally").await, head(&same).await), (50, Position(50)));
    drop(same);
    let newer = open(Tally { version: 2, ..Tally::new() }).await;
    assert_eq!((total(&newer, "fct_tally").await, head(&newer).await), (0, Position(0)));
    Follower::new(newer.clone(), &merchant()).await.unwrap().apply(history(50)).await.unwrap();
    drop(newer);
    let reshaped = open(Tally { version: 2, tables: &OTHERS, ..Tally::new() }).await;
    assert_eq!((total(&reshaped, "fct_other").await, head(&reshaped).await), (0, Position(0)));
    let gone = sqlx::query("SELECT * FROM fct_tally").fetch_all(reshaped.reader()).await;
    assert!(gone.is_err(), "tables of the earlier shape are dropped");
}

#[tokio::test]
async fn rows_of_another_log_are_not_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("views.db");
    let follow = async |history: Vec<RecordedEvent>| {
        let head = Position(history.len() as u64);
        let projections = Projections::open(&path, vec![Arc::new(Tally::new())], quick()).await.unwrap();
        projections.spawn(Arc::new(MemoryLog::holding(history)), &merchant()).unwrap();
        projections.wait_for(&merchant(), head).await.unwrap();
        projections.digest("tally", &merchant()).await.unwrap()
    };
    let first = follow(history(120)).await;
    let mut other = plausible_history(8, 100);
    other.truncate(100);
    let second = follow(other).await;
    assert_ne!(second, first, "the log was restored to an earlier state and went on otherwise");
    assert_eq!(follow(history(120)).await, first);
}

#[tokio::test]
async fn merchants_share_a_database_and_nothing_else() {
    let (ours, theirs): (MerchantId, MerchantId) = (merchant(), "other-shop".parse().unwrap());
    let history = history(120);
    let others: Vec<RecordedEvent> = history[..70]
        .iter()
        .cloned()
        .map(|event| RecordedEvent { merchant: theirs.clone(), ..event })
        .collect();
    let log = Arc::new(MemoryLog::holding(history.into_iter().chain(others).collect()));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("views.db");
    let projections = Projections::open(&path, vec![Arc::new(Tally::new())], quick()).await.unwrap();
    for (merchant, position) in [(&ours, 120), (&theirs, 70)] {
        projections.spawn(log.clone(), merchant).unwrap();
        projections.wait_for(merchant, Position(position)).await.unwrap();
    }
    assert_eq!(total(projections.views(), "fct_tally").await, 190);
    projections.rebuild(None).await.unwrap();
    for (merchant, position) in [(&ours, 120), (&theirs, 70)] {
        projections.wait_for(merchant, Position(position)).await.unwrap();
    }
    assert_eq!(total(projections.views(), "fct_tally").await, 190);
}

#[tokio::test]
async fn rows_as_of_an_instant_are_those_of_the_events_recorded_by_then() {
    let history = history(120);
    let at = history[59].recorded_at;
    let by_then = history.iter().filter(|event| event.recorded_at <= at).count();
    let log = MemoryLog::holding(history);
    let projections: Vec<Arc<dyn Projection>> = vec![Arc::new(Tally::new())];
    let (position, views) = fold_as_of_instant(&log, &merchant(), projections, at).await.unwrap();
    assert_eq!(position, Position(by_then as u64));
    assert_eq!(total(&views, "fct_tally").await, by_then as i64);
}

#[tokio::test]
async fn the_database_says_what_its_columns_mean() {
    let views = Views::temporary(vec![Arc::new(Tally::new())]).await.unwrap();
    let meaning: (String, String) = sqlx::query_as(
        "SELECT meaning_en, meaning_zh FROM sys_column WHERE table_name = ? AND column_name = ?",
    )
    .bind("fct_tally")
    .bind("events_count")
    .fetch_one(views.reader())
    .await
    .unwrap();
    assert_eq!(meaning, ("Its events.".into(), "事件数。".into()));
}

#[tokio::test]
async fn a_rebuild_beside_the_live_rows_finds_and_replaces_what_is_wrong() {
    let history = history(300);
    let log = Arc::new(MemoryLog::holding(history[..200].to_vec()));
    let views = Arc::new(Views::temporary(vec![Arc::new(Tally::new())]).await.unwrap());
    let mut follower = Follower::new(views.clone(), &merchant()).await.unwrap();
    follower.apply(history[..200].to_vec()).await.unwrap();
    let right = views.digest("tally", &merchant()).await.unwrap();
    let sound = views.rebuild_beside(log.as_ref(), &merchant(), "tally").await.unwrap();
    assert_eq!((sound.head, &sound.before, &sound.after), (Position(200), &right, &right));
    sqlx::query("UPDATE fct_tally SET events_count = 7").execute(views.reader()).await.unwrap();
    let wrong = views.digest("tally", &merchant()).await.unwrap();
    let repaired = views.rebuild_beside(log.as_ref(), &merchant(), "tally").await.unwrap();
    assert_eq!((repaired.before, repaired.after), (wrong, right.clone()));
    assert_eq!(views.digest("tally", &merchant()).await.unwrap(), right);
    let told = views.last_rebuilds(&merchant()).await.unwrap();
    assert_eq!((told[0].pos, &told[0].digest), (Position(200), &right));
    // Whoever follows goes on from the rows that are there now, not from what it had in memory.
    sqlx::query("UPDATE fct_tally SET events_count = 0").execute(views.reader()).await.unwrap();
    let mut emptied = Follower::new(views.clone(), &merchant()).await.unwrap();
    emptied.apply(history[200..210].to_vec()).await.unwrap();
    log.add(history[200..].to_vec());
    views.rebuild_beside(log.as_ref(), &merchant(), "tally").await.unwrap();
    emptied.apply(history[210..].to_vec()).await.unwrap();
    assert_eq!(total(&views, "fct_tally").await, 300);
    let unknown = views.rebuild_beside(log.as_ref(), &merchant(), "none").await;
    assert!(matches!(unknown, Err(ViewsError::UnknownProjection(_))));
}

#[tokio::test]
async fn queries_go_on_while_rows_are_rebuilt_beside_and_see_old_rows_or_new_ones() {
    let dir = tempfile::tempdir().unwrap();
    let history = history(2_000);
    let log = Arc::new(MemoryLog::holding(history.clone()));
    let projections =
        Projections::open(&dir.path().join("views.db"), vec![Arc::new(Tally::new())], quick()).await.unwrap();
    projections.spawn(log.clone(), &merchant()).unwrap();
    projections.wait_for(&merchant(), Position(2_000)).await.unwrap();
    let views = projections.views().clone();
    let rebuild = async {
        for _ in 0..5 {
            views.rebuild_beside(log.as_ref(), &merchant(), "tally").await.unwrap();
        }
    };
    let done = AtomicBool::new(false);
    let rebuild = async {
        rebuild.await;
        done.store(true, Ordering::Relaxed);
    };
    let ask = async {
        let mut asked = 0;
        while !done.load(Ordering::Relaxed) {
            assert_eq!(total(&views, "fct_tally").await, 2_000);
            asked += 1;
        }
        asked
    };
    let ((), asked) = tokio::join!(rebuild, ask);
    assert!(asked > 0);
    assert_eq!(projections.lag(&merchant()).await.unwrap()[0].events, 0);
}

#[tokio::test]
async fn rows_folded_afresh_take_the_place_of_the_old_ones_only_when_they_are_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("views.db");
    let projections = || -> Vec<Arc<dyn Projection>> { vec![Arc::new(Tally::new())] };
    let log = Arc::new(MemoryLog::holding(history(300)));
    let end = history(300).last().unwrap().position;
    let old = Views::open(&path, projections()).await.unwrap();
    let mut follower = Follower::new(Arc::new(old), &merchant()).await.unwrap();
    follower.apply(history(300)).await.unwrap();
    drop(follower);
    let digest = {
        let views = Views::open(&path, projections()).await.unwrap();
        sqlx::query("UPDATE fct_tally SET events_count = 7")
            .execute(&writable(&directory).await)
            .await
            .unwrap();
        views.digest("tally", &merchant()).await.unwrap()
    };

    let left = Afresh::begin(&path, projections()).await.unwrap();
    drop(left);
    let views = Views::open(&path, projections()).await.unwrap();
    assert_eq!(views.digest("tally", &merchant()).await.unwrap(), digest, "the old rows stay until then");
    drop(views);

    let afresh = Afresh::begin(&path, projections()).await.unwrap();
    let folding = Projections::new(afresh.views().clone(), quick());
    folding.spawn(log, &merchant()).unwrap();
    folding.wait_for(&merchant(), end).await.unwrap();
    folding.forget(&merchant());
    // What a process that was killed leaves behind.
    std::fs::write(directory.path().join("views.db-wal"), "not a log of the new file").unwrap();
    afresh.put_in_place().await.unwrap();
    assert!(!directory.path().join("views.db-wal").exists(), "it is not of the new file");
    let views = Views::open(&path, projections()).await.unwrap();
    assert_eq!(total(&views, "fct_tally").await, 300);
    assert_eq!(head(&views).await, end);
    assert_ne!(views.digest("tally", &merchant()).await.unwrap(), digest);
    assert!(!directory.path().join("views.db.new").exists());
}
