//! The laws every read model obeys.

use std::sync::Arc;

use events::RecordedEvent;
use sqlx::AssertSqlSafe;
use vocabulary::{MerchantId, Position};

use super::MemoryLog;
use crate::{Column, Follower, Projection, View, Views, ViewsError, fold_as_of};

/// A law that a projection broke.
#[derive(Debug, thiserror::Error)]
pub enum Law {
    /// The projection failed altogether.
    #[error(transparent)]
    Failed(#[from] ViewsError),
    /// An event of a plausible history was put aside.
    #[error("event put aside: {0:?}")]
    PutAside(crate::Quarantined),
    /// Rows differ where they must not.
    #[error("{0}: {1} is not {2}")]
    Broken(&'static str, String, String),
}

/// Folds a history in one batch into a temporary database.
pub async fn fold(projection: Arc<dyn Projection>, history: &[RecordedEvent]) -> Result<Arc<Views>, Law> {
    fold_all(&[projection], history).await
}

/// Folds a history into several projections, in one batch, into one temporary database.
pub async fn fold_all(
    projections: &[Arc<dyn Projection>],
    history: &[RecordedEvent],
) -> Result<Arc<Views>, Law> {
    let views = Arc::new(Views::temporary(projections.to_vec()).await?);
    if let Some(first) = history.first() {
        Follower::new(views.clone(), &first.merchant).await?.apply(history.to_vec()).await?;
        if let Some(event) = views.quarantined(&first.merchant).await?.into_iter().next() {
            return Err(Law::PutAside(event));
        }
    }
    Ok(views)
}

/// Checks that the rows do not depend on how the history was cut into batches (`cuts` are their lengths, repeated
/// as often as needed), on restarts in between, on batches that come twice, or on a rebuild; and that rows as of a
/// position are the fold of the history up to it.
pub async fn check_laws(
    projection: Arc<dyn Projection>,
    history: &[RecordedEvent],
    cuts: &[usize],
) -> Result<(), Law> {
    check_laws_of_all(&[projection], history, cuts).await
}

/// [`check_laws`] of several projections together, the rows of their views included: those have the columns that are
/// declared, nothing where nothing may be absent, and keys that tell rows apart.
pub async fn check_laws_of_all(
    projections: &[Arc<dyn Projection>],
    history: &[RecordedEvent],
    cuts: &[usize],
) -> Result<(), Law> {
    let Some(first) = history.first() else { return Ok(()) };
    let merchant = &first.merchant;
    let folded = fold_all(projections, history).await?;
    for view in projections.iter().flat_map(|projection| projection.views()) {
        check_shape(&folded, view, merchant).await?;
    }
    let whole = digests(&folded, merchant).await?;

    let views = Arc::new(Views::temporary(projections.to_vec()).await?);
    let mut kept = Follower::new(views.clone(), merchant).await?;
    for batch in batches(history, cuts) {
        kept.apply(batch.to_vec()).await?;
    }
    equal("batches change nothing", digests(&views, merchant).await?, &whole)?;

    views.rebuild(None).await?;
    let mut start = 0;
    for batch in batches(history, cuts) {
        // A new follower has nothing in memory; and it is told the batch before once more.
        let mut restarted = Follower::new(views.clone(), merchant).await?;
        let end = start + batch.len();
        restarted.apply(history[start.saturating_sub(3)..end].to_vec()).await?;
        restarted.apply(batch.to_vec()).await?;
        start = end;
    }
    equal("restarts, repeats and rebuilds change nothing", digests(&views, merchant).await?, &whole)?;

    let middle = history.len() / 2;
    let log = MemoryLog::holding(history.to_vec());
    let past = fold_as_of(&log, merchant, projections.to_vec(), Position(middle as u64)).await?;
    let wanted = digests(&*fold_all(projections, &history[..middle]).await?, merchant).await?;
    equal("as of a position is the fold of the prefix", digests(&past, merchant).await?, &wanted)
}

/// The digests of all tables, by projection, and of all views.
type Digests = Vec<(&'static str, String)>;

async fn digests(views: &Views, merchant: &MerchantId) -> Result<Digests, Law> {
    let mut digests = Vec::new();
    for projection in views.projections() {
        digests.push((projection.name(), views.digest(projection.name(), merchant).await?));
        for view in projection.views() {
            digests.push((view.name, views.view_digest(view, merchant).await?));
        }
    }
    Ok(digests)
}

fn equal(law: &'static str, found: Digests, wanted: &Digests) -> Result<(), Law> {
    match found.iter().zip(wanted).find(|(found, wanted)| found != wanted) {
        Some((found, wanted)) => Err(Law::Broken(law, format!("{found:?}"), format!("{wanted:?}"))),
        None => Ok(()),
    }
}

/// Whether a view's rows are what it declares.
async fn check_shape(views: &Views, view: &View, merchant: &MerchantId) -> Result<(), Law> {
    let names = |columns: &[Column]| columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
    let absent: Vec<String> = view
        .columns
        .iter()
        .filter(|column| !column.nullable)
        .map(|column| column.name)
        .chain(["last_pos", "projector_version"])
        .map(|name| format!("{name} IS NULL"))
        .collect();
    for (law, sql) in [
        (
            "what may not be absent is there",
            format!("SELECT COUNT(*) FROM {} WHERE merchant = ? AND ({})", view.name, absent.join(" OR ")),
        ),
        (
            "a key tells rows apart",
            format!(
                "SELECT COUNT(*) FROM (SELECT 1 FROM {} WHERE merchant = ? GROUP BY {} HAVING COUNT(*) > 1)",
                view.name,
                names(&view.columns[..view.key])
            ),
        ),
    ] {
        let broken: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(merchant.as_str())
            .fetch_one(views.reader())
            .await
            .map_err(ViewsError::from)?;
        if broken > 0 {
            return Err(Law::Broken(law, format!("{broken} rows of {}", view.name), "0".to_owned()));
        }
    }
    Ok(())
}

fn batches<'h>(mut rest: &'h [RecordedEvent], cuts: &[usize]) -> Vec<&'h [RecordedEvent]> {
    let mut lengths = cuts.iter().cycle();
    let mut batches = Vec::new();
    while !rest.is_empty() {
        let length = lengths.next().copied().unwrap_or(rest.len()).clamp(1, rest.len());
        let (batch, after) = rest.split_at(length);
        batches.push(batch);
        rest = after;
    }
    batches
}
