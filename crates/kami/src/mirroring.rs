//! Carrying read models to PostgreSQL, in the background. Nobody waits for it.

use std::{sync::Arc, time::Duration};

use projection::Views;
use tokio::{task::JoinHandle, time::sleep};
use views_postgres::{Mirror, MirrorError};
use vocabulary::MerchantId;

use crate::log::LogUrl;

/// What changed meanwhile is carried together.
const PACE: Duration = Duration::from_secs(1);
/// The wait after a failure.
const RETRY: Duration = Duration::from_secs(5);

/// The carrying of a merchant's read models, until it is dropped. What is not carried then is after the next start.
pub(crate) struct Mirroring(JoinHandle<()>);

impl Mirroring {
    /// Starts it where an address is given. That the server is away is no failure.
    pub(crate) fn start(url: Option<&LogUrl>, views: &Arc<Views>, merchant: &MerchantId) -> Option<Self> {
        let (url, views, merchant) = (url?.clone(), views.clone(), merchant.clone());
        tracing::info!(%merchant, "read models are going to be carried to PostgreSQL");
        Some(Self(tokio::spawn(async move {
            loop {
                // It never ends but by failing.
                if let Err(error) = carry(&url, &views, &merchant).await {
                    let why = anyhow::Error::new(error);
                    tracing::warn!(
                        error = format!("{why:#}"),
                        "read models were not carried to PostgreSQL; trying again"
                    );
                }
                sleep(RETRY).await;
            }
        })))
    }
}

impl Drop for Mirroring {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn carry(url: &LogUrl, views: &Views, merchant: &MerchantId) -> Result<(), MirrorError> {
    let mut mirror = open(url, views, merchant).await?;
    loop {
        mirror.ship().await?;
        sleep(PACE).await;
    }
}

/// Opens the way to PostgreSQL for the read models that are kept there.
pub(crate) async fn open(url: &LogUrl, views: &Views, merchant: &MerchantId) -> Result<Mirror, MirrorError> {
    Mirror::open(url.expose(), views.path(), views.projections().to_vec(), merchant).await
}
