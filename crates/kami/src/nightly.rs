//! What a running Kami does by itself once a day: fitting its models.

use std::{sync::Arc, time::Duration};

use engine::{Clock, SystemClock};
use http_api::{Api, fit_nightly, next_nightly};

/// How long after a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(600);

/// Fits the models at the hour of each business day, for as long as it is let. The log says whether a day's fits were
/// made, so a start in between makes none twice.
pub(crate) async fn every_day(api: Arc<Api>, hour: u8) {
    let mut last = None;
    loop {
        SystemClock.sleep_until(next_nightly(SystemClock.now(), hour, last)).await;
        let began = SystemClock.now();
        match fit_nightly(&api).await {
            Ok(fitted) => {
                last = Some(began);
                for fit in fitted {
                    let (first_pos, last_pos) = fit.positions.unzip();
                    tracing::info!(
                        model = fit.model,
                        ?first_pos,
                        ?last_pos,
                        "a model was fitted for the day"
                    );
                }
            }
            Err(error) => {
                tracing::error!(%error, "the models of the day are tried again later");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}
