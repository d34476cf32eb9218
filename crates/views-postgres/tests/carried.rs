//! Rows in PostgreSQL are the rows in SQLite, whatever happened in between; and so are the declared views.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::sync::Arc;

use events::RecordedEvent;
use projection::testkit::{merchant, plausible_history};
use projection::{Follower, Projection, Views};
use proptest::prelude::*;
use sqlx::{AssertSqlSafe, Connection};
use testkit_postgres::Database;
use views_postgres::{Mirror, MirrorError, testkit::compare};

fn projections() -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(projection_journeys::Journeys),
        Arc::new(projection_quotas::Quotas),
        Arc::new(projection_insight::Insight),
        Arc::new(projection_sales::Sales),
        Arc::new(projection_people::People),
        Arc::new(projection_timeline::Timeline),
        Arc::new(projection_orders::Orders),
        Arc::new(projection_marts::Marts),
    ]
}

/// Read models in a file, and where they are carried to.
struct Scene {
    dir: tempfile::TempDir,
    database: Database,
}

impl Scene {
    async fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), database: Database::new().await }
    }
    fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("views.db")
    }
    async fn views(&self) -> Arc<Views> {
        Arc::new(Views::open(&self.path(), projections()).await.unwrap())
    }
    async fn mirror(&self) -> Mirror {
        Mirror::open(self.database.url(), &self.path(), projections(), &merchant()).await.unwrap()
    }
}

async fn fold(views: &Arc<Views>, events: &[RecordedEvent]) {
    let mut follower = Follower::new(views.clone(), &merchant()).await.unwrap();
    follower.apply(events.to_vec()).await.unwrap();
}

/// Every read model has the same digest on both sides.
async fn assert_same(views: &Views, mirror: &mut Mirror) {
    for projection in projections() {
        let (here, there) =
            (views.digest(projection.name(), &merchant()).await, mirror.digest(projection.name()).await);
        assert_eq!(here.unwrap(), there.unwrap(), "{}", projection.name());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5))]

    /// Carried piece by piece, carried whole, and folded anew before: the digests are those of the fold.
    #[test]
    fn rows_in_postgresql_depend_on_the_log_alone(
        seed in any::<u64>(), events in 1..400_usize, cuts in proptest::collection::vec(1..120_usize, 1..5)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let history = plausible_history(seed, events);
            let scene = Scene::new().await;
            let (views, mut mirror) = (scene.views().await, scene.mirror().await);
            let mut rest = &history[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                fold(&views, now).await;
                let shipped = mirror.ship().await.unwrap();
                assert_eq!(shipped.head, now.last().unwrap().position);
                rest = later;
            }
            assert_same(&views, &mut mirror).await;
            // Folded anew, and carried whole.
            views.rebuild(None).await.unwrap();
            fold(&views, &history).await;
            let shipped = mirror.ship().await.unwrap();
            assert!(shipped.whole >= projections().len() - 1, "{shipped:?}");
            assert_same(&views, &mut mirror).await;
            // Nothing new, nothing carried.
            assert_eq!(mirror.ship().await.unwrap().rows, 0);
        });
    }
}

#[tokio::test]
async fn rows_that_are_deleted_are_gone_there_and_rows_of_another_log_are_replaced() {
    let scene = Scene::new().await;
    let (views, mut mirror) = (scene.views().await, scene.mirror().await);
    fold(&views, &plausible_history(3, 200)).await;
    mirror.ship().await.unwrap();
    let mut sqlite = sqlite(&scene.path()).await;
    sqlx::raw_sql("DELETE FROM order_row WHERE rowid % 3 = 0").execute(&mut sqlite).await.unwrap();
    mirror.ship().await.unwrap();
    assert_same(&views, &mut mirror).await;

    // The file is lost, and folded from a log that went on otherwise.
    mirror.close().await.unwrap();
    views.rebuild(None).await.unwrap();
    fold(&views, &plausible_history(4, 300)).await;
    let mut mirror = scene.mirror().await;
    mirror.ship().await.unwrap();
    assert_same(&views, &mut mirror).await;

    // PostgreSQL was restored to an earlier state.
    scene
        .database
        .run("UPDATE kami_rows.sys_projection SET head_pos = 7; DELETE FROM kami_rows.order_row")
        .await;
    let shipped = mirror.ship().await.unwrap();
    assert!(shipped.whole > 0);
    assert_same(&views, &mut mirror).await;
}

#[tokio::test]
async fn one_process_at_a_time_carries_a_merchant_and_another_shape_is_made_beside_and_swapped_in() {
    let scene = Scene::new().await;
    let views = scene.views().await;
    fold(&views, &plausible_history(5, 100)).await;
    let mut mirror = scene.mirror().await;
    mirror.ship().await.unwrap();
    let second = Mirror::open(scene.database.url(), &scene.path(), projections(), &merchant()).await.err();
    assert!(matches!(second, Some(MirrorError::Taken(_))));
    mirror.close().await.unwrap();
    scene.database.run("UPDATE kami_rows.sys_shape SET ddl = 'of an earlier build'").await;
    let mut mirror = scene.mirror().await;
    assert!(mirror.ship().await.unwrap().rows > 0);
    assert_same(&views, &mut mirror).await;
    let error =
        Mirror::open("postgres://kami:hunter2@[", &scene.path(), projections(), &merchant()).await.err();
    assert!(matches!(error, Some(MirrorError::BadAddress)));
}

#[tokio::test]
async fn every_table_and_declared_view_shows_the_same_cells_in_postgresql() {
    let scene = Scene::new().await;
    let (views, mut mirror) = (scene.views().await, scene.mirror().await);
    fold(&views, &plausible_history(11, 1_200)).await;
    mirror.ship().await.unwrap();
    let compared = compare(&scene.path(), scene.database.url(), &projections()).await.unwrap();
    assert_eq!(compared.differences, Vec::<String>::new());
    assert!(compared.cells > 5_000, "{} cells are no comparison", compared.cells);
    assert!(compared.full * 3 > compared.all * 2, "{} of {} have rows", compared.full, compared.all);
}

async fn sqlite(path: &std::path::Path) -> sqlx::SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    sqlx::SqliteConnection::connect_with(&options).await.unwrap()
}

#[tokio::test]
async fn an_analyst_reads_what_is_for_analysts_and_writes_nothing_and_sees_no_other_schema() {
    let scene = Scene::new().await;
    scene
        .database
        .run("CREATE SCHEMA kami_log; CREATE TABLE kami_log.event (); CREATE SCHEMA kami_vault; CREATE TABLE kami_vault.root ()")
        .await;
    let (views, mut mirror) = (scene.views().await, scene.mirror().await);
    fold(&views, &plausible_history(9, 300)).await;
    mirror.ship().await.unwrap();
    let mut analyst = scene.database.connect().await;
    let settings: Vec<String> =
        sqlx::query_scalar("SELECT unnest(rolconfig) FROM pg_roles WHERE rolname = 'kami_analyst'")
            .fetch_all(&mut analyst)
            .await
            .unwrap();
    assert!(settings.contains(&"statement_timeout=30s".to_owned()), "{settings:?}");
    assert!(settings.contains(&"default_transaction_read_only=on".to_owned()), "{settings:?}");
    sqlx::raw_sql("SET ROLE kami_analyst").execute(&mut analyst).await.unwrap();
    for projection in projections() {
        let names =
            projection.tables().iter().map(|t| t.name).chain(projection.views().iter().map(|v| v.name));
        for name in names {
            // Every cell, so that what computes it runs as the analyst.
            let sql = AssertSqlSafe(format!("SELECT string_agg(t::text, '') FROM kami_views.{name} AS t"));
            let read: Option<String> = sqlx::query_scalar(sql).fetch_one(&mut analyst).await.unwrap();
            assert!(read.is_some() || name != "order_row");
        }
    }
    for (sql, refused) in [
        ("SELECT * FROM kami_rows.order_row", "permission denied for schema kami_rows"),
        ("SELECT * FROM kami_log.event", "permission denied for schema kami_log"),
        ("SELECT * FROM kami_vault.root", "permission denied for schema kami_vault"),
        ("DELETE FROM kami_views.order_row", "permission denied for view order_row"),
        ("INSERT INTO kami_views.sys_projection DEFAULT VALUES", "permission denied for view sys_projection"),
        ("CREATE TABLE kami_views.mine ()", "permission denied for schema kami_views"),
        ("CREATE TABLE public.mine ()", "permission denied for schema public"),
        ("DROP VIEW kami_views.order_row", "must be owner of view order_row"),
    ] {
        let error = sqlx::raw_sql(sql).execute(&mut analyst).await.unwrap_err().to_string();
        assert!(error.contains(refused), "{sql}: {error}");
    }
}
