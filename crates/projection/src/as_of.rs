//! Read models as they were: the same projections, folded up to an earlier position.

use std::sync::Arc;

use event_log::EventLog;
use vocabulary::{MerchantId, Position, Timestamp};

use crate::{Follower, Projection, Views, ViewsError};

/// Events read at once.
const BATCH: usize = 8_192;

/// The rows as they were when the log ended at `position` (or at its end, where it is shorter), in a temporary
/// database. Costs a fold from the beginning of the log, so keep the result while it is being looked at.
pub async fn fold_as_of(
    log: &dyn EventLog,
    merchant: &MerchantId,
    projections: Vec<Arc<dyn Projection>>,
    position: Position,
) -> Result<Arc<Views>, ViewsError> {
    let views = Arc::new(Views::temporary(projections).await?);
    let mut follower = Follower::new(views.clone(), merchant).await?;
    while follower.head() < position {
        let left = usize::try_from(position.0 - follower.head().0).unwrap_or(usize::MAX);
        let events = log.read_log(merchant, follower.head(), left.min(BATCH)).await?;
        if events.is_empty() {
            break;
        }
        follower.apply(events).await?;
    }
    Ok(views)
}

/// The rows as we knew them at an instant, by our own clock, and the position that was.
pub async fn fold_as_of_instant(
    log: &dyn EventLog,
    merchant: &MerchantId,
    projections: Vec<Arc<dyn Projection>>,
    at: Timestamp,
) -> Result<(Position, Arc<Views>), ViewsError> {
    let position = log.position_at(merchant, at).await?;
    Ok((position, fold_as_of(log, merchant, projections, position).await?))
}
