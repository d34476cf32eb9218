//! What a running Kami does by itself: fitting its models once a day, counting messages every few minutes.

use std::{sync::Arc, time::Duration};

use engine::{Clock, SystemClock};
use http_api::{Api, count_messages, fit_nightly, next_nightly};
use tokio::task::JoinHandle;

/// How long after a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(600);

/// How long a start is left alone with what it has to do, before what was missed is made up for.
const SETTLE: Duration = Duration::from_secs(60);

/// How often messages are counted.
const COUNT_EVERY: Duration = Duration::from_secs(300);

/// What a Kami does by itself for one merchant, until this is dropped. What was not recorded or counted then is so at
/// the next start.
pub(crate) struct Nightly(Vec<JoinHandle<()>>);

impl Nightly {
    /// Starts it; models are fitted where an hour is given.
    pub(crate) fn start(api: &Arc<Api>, hour: Option<u8>) -> Self {
        let counting = tokio::spawn(every_five_minutes(api.clone()));
        let fitting = hour.map(|hour| tokio::spawn(every_day(api.clone(), hour)));
        Self(std::iter::once(counting).chain(fitting).collect())
    }
}

impl Drop for Nightly {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// Counts messages for as long as it is let.
async fn every_five_minutes(api: Arc<Api>) {
    loop {
        tokio::time::sleep(COUNT_EVERY).await;
        if let Err(error) = count_messages(&api).await {
            tracing::warn!(%error, "messages are counted again later");
        }
    }
}

/// Fits the models at the hour of each business day, for as long as it is let. The log says whether a day's fits were
/// made, so a start in between makes none twice.
async fn every_day(api: Arc<Api>, hour: u8) {
    tokio::time::sleep(SETTLE).await;
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
