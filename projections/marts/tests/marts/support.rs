//! What the tests share: all read models, and reading rows as they are.

use std::{collections::BTreeMap, sync::Arc};

use events::RecordedEvent;
use projection::{
    Projection, Views,
    testkit::{fold_all, merchant},
};
use projection_journeys::Journeys;
use projection_marts::Marts;
use projection_orders::Orders;
use projection_people::People;
use projection_quotas::Quotas;
use projection_sales::Sales;
use sqlx::{AssertSqlSafe, Row};

/// The projections that the views read, and the views.
pub(crate) fn all() -> [Arc<dyn Projection>; 6] {
    [
        Arc::new(Journeys),
        Arc::new(Orders),
        Arc::new(People),
        Arc::new(Quotas),
        Arc::new(Sales),
        Arc::new(Marts),
    ]
}

/// Runs a future to its end.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// All read models of a history.
pub(crate) async fn folded(history: &[RecordedEvent]) -> Arc<Views> {
    fold_all(&all(), history).await.unwrap()
}

/// Rows of numbers by keys of text: the first `keys` columns are joined by a space; what is absent is empty or 0.
pub(crate) async fn rows(
    views: &Views,
    view: &str,
    keys: usize,
    columns: &[&str],
    group: Option<&str>,
) -> BTreeMap<String, Vec<i64>> {
    let group = group.map_or_else(String::new, |by| format!(" GROUP BY {by}"));
    let sql = format!("SELECT {} FROM {view} WHERE merchant = ?{group}", columns.join(", "));
    let query = sqlx::query(AssertSqlSafe(sql)).bind(merchant().as_str().to_owned());
    let row = |row: sqlx::sqlite::SqliteRow| {
        let text = |n| row.try_get_unchecked::<Option<String>, _>(n).unwrap().unwrap_or_default();
        let key: Vec<String> = (0..keys).map(text).collect();
        let value = |n| row.try_get_unchecked::<Option<i64>, _>(n).unwrap().unwrap_or(0);
        (key.join(" "), (keys..columns.len()).map(value).collect())
    };
    query.fetch_all(views.reader()).await.unwrap().into_iter().map(row).collect()
}
