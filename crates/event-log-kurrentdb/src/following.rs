//! How a process learns what others append: it follows the stream that names the merchants, and each merchant's.

use std::{collections::HashSet, sync::Arc, time::Duration};

use event_log::LogError;
use tokio::task::JoinSet;
use vocabulary::MerchantId;

use crate::{Shared, records::Record};

/// Follows every merchant there is, and every one there will be.
pub(crate) async fn follow_all(shared: Arc<Shared>) {
    let (mut followers, mut known) = (JoinSet::new(), HashSet::new());
    let (mut read, mut pause) = (0, Duration::ZERO);
    loop {
        let (used, mut told) = shared.server.follow(&shared.place.merchants(), read).await;
        while let Ok(event) = told.next().await {
            pause = Duration::ZERO;
            let Some(event) = event.event else { continue };
            read = event.revision + 1;
            // A name may be there twice: two processes may have noted it.
            if let Some(merchant) = Record::from(event).merchant().filter(|name| known.insert(name.clone())) {
                followers.spawn(follow(shared.clone(), merchant));
            }
        }
        shared.server.lost(used, &mut pause).await;
    }
}

/// Takes in what comes into a merchant's stream. What this process wrote itself comes too, and is passed over.
async fn follow(shared: Arc<Shared>, merchant: MerchantId) {
    let mut pause = Duration::ZERO;
    loop {
        let used = match follow_once(&shared, &merchant, &mut pause).await {
            Ok(used) => used,
            Err(error) => {
                tracing::error!(%error, %merchant, "the log cannot be followed");
                u64::MAX
            }
        };
        shared.server.lost(used, &mut pause).await;
    }
}

/// Until the line breaks.
async fn follow_once(shared: &Shared, merchant: &MerchantId, pause: &mut Duration) -> Result<u64, LogError> {
    let lane = shared.lane(merchant).await?;
    let (stream, read) = {
        let mut lane = lane.lock().await;
        lane.catch_up(shared).await?;
        (lane.stream().to_owned(), lane.read())
    };
    let (used, mut told) = shared.server.follow(&stream, read).await;
    while let Ok(event) = told.next().await {
        *pause = Duration::ZERO;
        let mut lane = lane.lock().await;
        lane.take_in(shared, event.event.into_iter().collect()).await?;
    }
    Ok(used)
}
