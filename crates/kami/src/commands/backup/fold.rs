//! Read models of a log at rest, and their digests.

use std::sync::Arc;

use anyhow::Context;
use event_log::EventLog;
use projection::{Follower, Views};
use vocabulary::MerchantId;

use super::manifest::{End, ReadModel};

/// Events read at once.
const BATCH: usize = 8_192;

/// Folds what the read models lack of a merchant's log, and says where it ends and what they are then.
pub(super) async fn fold(
    log: &dyn EventLog,
    merchant: &MerchantId,
    views: &Arc<Views>,
    progress: impl Fn(u64),
) -> anyhow::Result<End> {
    let head = log.head(merchant).await?.with_context(|| format!("{merchant} has no log"))?;
    let mut follower = Follower::new(views.clone(), merchant).await?;
    loop {
        let events = log.read_log(merchant, follower.head(), BATCH).await?;
        if events.is_empty() {
            break;
        }
        follower.apply(events).await?;
        progress(follower.head().0);
    }
    let mut read_models = Vec::new();
    for projection in views.projections() {
        let digest = views.digest(projection.name(), merchant).await?;
        read_models.push(ReadModel {
            name: projection.name().to_owned(),
            version: projection.version(),
            digest,
        });
    }
    Ok(End {
        merchant: merchant.clone(),
        position: head.position.0,
        epoch: head.epoch.0,
        head_hash: hex::encode(head.hash),
        read_models,
    })
}
