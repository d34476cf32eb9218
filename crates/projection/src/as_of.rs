//! Read models as they were: the same projections, folded up to an earlier moment.

use std::sync::Arc;

use event_log::EventLog;
use vocabulary::{MerchantId, Position, Timestamp};

use crate::{Follower, Projection, Views, ViewsError};

/// Events read at once.
const BATCH: usize = 8_192;

/// Which events of a log are folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cut {
    /// What we knew: nothing recorded after this position.
    pub position: Position,
    /// How the world was: nothing that happened after this instant, by the clock of whoever reported it. Reports
    /// that came late are in.
    pub effective: Option<Timestamp>,
    /// What had come in: no message after this instant is counted; where none is given, none that came in after the
    /// event at the position was recorded.
    pub received: Option<Timestamp>,
}

impl From<Position> for Cut {
    fn from(position: Position) -> Self {
        Self { position, effective: None, received: None }
    }
}

/// The rows as they were when the log ended at `cut` (or at its end, where it is shorter), in a temporary
/// database. Costs a fold from the beginning of the log, so keep the result while it is being looked at.
///
/// Cut by what had happened, an order may lack events that others of its events follow from. Those that a read
/// model cannot take in then are in its quarantine, as ever.
pub async fn fold_as_of(
    log: &dyn EventLog,
    merchant: &MerchantId,
    projections: Vec<Arc<dyn Projection>>,
    cut: impl Into<Cut>,
) -> Result<Arc<Views>, ViewsError> {
    let cut: Cut = cut.into();
    let views = Arc::new(Views::temporary(projections).await?);
    let mut follower = Follower::new(views.clone(), merchant).await?;
    while follower.head() < cut.position {
        let left = usize::try_from(cut.position.0 - follower.head().0).unwrap_or(usize::MAX);
        let events = log.read_log(merchant, follower.head(), left.min(BATCH)).await?;
        if events.is_empty() {
            break;
        }
        let happened = |at: Timestamp| cut.effective.is_none_or(|until| at <= until);
        follower.apply_those(events, |event| happened(event.occurred_at)).await?;
    }
    // Several may be kept for a while: what folding needed of the cache, asking does not.
    sqlx::query("PRAGMA shrink_memory").execute(&views.writer).await?;
    if views.projections().iter().any(|projection| projection.tallies().is_some()) {
        let until = received(log, merchant, cut).await?;
        views.tally(log, merchant, Some(until)).await?;
    }
    Ok(views)
}

/// The last instant whose messages count.
async fn received(log: &dyn EventLog, merchant: &MerchantId, cut: Cut) -> Result<Timestamp, ViewsError> {
    if let Some(at) = cut.received.or(cut.effective) {
        return Ok(at);
    }
    let last = log.read_log(merchant, Position(cut.position.0.saturating_sub(1)), 1).await?;
    let head = log.head(merchant).await?.map(|head| head.recorded_at);
    // A position beyond the log's end is its end.
    Ok(last.first().map(|event| event.recorded_at).or(head).unwrap_or(Timestamp::from_micros(0)))
}

/// The rows as we knew them at an instant, by our own clock, and the position that was.
pub async fn fold_as_of_instant(
    log: &dyn EventLog,
    merchant: &MerchantId,
    projections: Vec<Arc<dyn Projection>>,
    at: Timestamp,
) -> Result<(Position, Arc<Views>), ViewsError> {
    let position = log.position_at(merchant, at).await?;
    let cut = Cut { position, effective: None, received: Some(at) };
    Ok((position, fold_as_of(log, merchant, projections, cut).await?))
}

/// The rows that come of some events of a log alone, one after the other, in a temporary database.
pub struct Pick {
    views: Arc<Views>,
    follower: Follower,
}

impl Pick {
    /// No event yet.
    pub async fn new(
        merchant: &MerchantId,
        projections: Vec<Arc<dyn Projection>>,
    ) -> Result<Self, ViewsError> {
        let views = Arc::new(Views::temporary(projections).await?);
        let follower = Follower::new(views.clone(), merchant).await?;
        Ok(Self { views, follower })
    }

    /// Takes in one more event, which must stand later in the log than those before.
    pub async fn take(&mut self, event: events::RecordedEvent) -> Result<(), ViewsError> {
        self.follower.apply_alone(event).await
    }

    /// The rows so far.
    pub fn views(&self) -> &Arc<Views> {
        &self.views
    }
}
