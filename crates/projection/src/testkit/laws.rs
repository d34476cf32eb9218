//! The laws every read model obeys.

use std::sync::Arc;

use events::RecordedEvent;
use vocabulary::Position;

use super::MemoryLog;
use crate::{Follower, Projection, Views, ViewsError, fold_as_of};

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
    let views = Arc::new(Views::temporary(vec![projection]).await?);
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
    let Some(first) = history.first() else { return Ok(()) };
    let (name, merchant) = (projection.name(), &first.merchant);
    let whole = fold(projection.clone(), history).await?.digest(name, merchant).await?;
    let equal = |law, found: String, wanted: &str| {
        if found == wanted { Ok(()) } else { Err(Law::Broken(law, found, wanted.to_owned())) }
    };

    let views = Arc::new(Views::temporary(vec![projection.clone()]).await?);
    let mut kept = Follower::new(views.clone(), merchant).await?;
    for batch in batches(history, cuts) {
        kept.apply(batch.to_vec()).await?;
    }
    equal("batches change nothing", views.digest(name, merchant).await?, &whole)?;

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
    equal("restarts, repeats and rebuilds change nothing", views.digest(name, merchant).await?, &whole)?;

    let middle = history.len() / 2;
    let log = MemoryLog::holding(history.to_vec());
    let past = fold_as_of(&log, merchant, vec![projection.clone()], Position(middle as u64)).await?;
    let prefix = fold(projection, &history[..middle]).await?;
    let wanted = prefix.digest(name, merchant).await?;
    equal("as of a position is the fold of the prefix", past.digest(name, merchant).await?, &wanted)
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
