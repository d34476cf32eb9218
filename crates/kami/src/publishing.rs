//! Publishing committed events to NATS, in the background of a running node. Selling never waits for it.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use engine::Engine;
use event_relay::{Client, Relay, RelayOptions, RelayProgress, Servers};
use metrics::Label;
use tokio::{sync::watch, task::JoinHandle};
use vocabulary::Position;

use crate::{config::Config, http_client};

/// The relay of a node, until it is dropped. What it has not published then is published after the next start.
pub(crate) struct Publishing(Vec<JoinHandle<()>>);

impl Publishing {
    /// Starts it where a server is configured. That the server is away is no failure.
    pub(crate) async fn start(config: &Config, engine: &Arc<Engine>) -> anyhow::Result<Option<Self>> {
        let Some(servers) = &config.nats_url else { return Ok(None) };
        let name = format!("kami {}", config.merchant);
        let client = connect(servers, &name, config.nats_credentials_file.as_deref()).await?;
        tracing::info!(%servers, merchant = %config.merchant, "events are going to be published");
        Ok(Some(Self::over(client, engine, Vec::new())))
    }

    /// Starts it over a connection. Its figures have these labels.
    pub(crate) fn over(client: Client, engine: &Arc<Engine>, labels: Vec<Label>) -> Self {
        let (log, merchant) = (engine.log().clone(), engine.merchant());
        let head = log.watch(merchant);
        let relay = Relay::new(log, merchant, client, RelayOptions::default());
        let progress = relay.progress();
        Self(vec![
            tokio::spawn(show(progress, head, labels)),
            tokio::spawn(async move {
                // It has said why in the log and in the figures; the node goes on without it.
                let _stopped = relay.run().await;
            }),
        ])
    }
}

impl Drop for Publishing {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// A connection to NATS, made in the background.
pub(crate) async fn connect(
    servers: &Servers,
    name: &str,
    credentials: Option<&Path>,
) -> anyhow::Result<Client> {
    event_relay::connect(servers, name, credentials, http_client::tls()?)
        .await
        .with_context(|| format!("NATS at {servers} cannot be used"))
}

/// Keeps the figures of `/metrics` up to date.
async fn show(
    mut progress: watch::Receiver<RelayProgress>,
    mut head: watch::Receiver<Position>,
    labels: Vec<Label>,
) {
    let mut is_relaying = true;
    loop {
        let at = progress.borrow_and_update().clone();
        let end = *head.borrow_and_update();
        metrics::gauge!("kami_nats_position", labels.clone()).set(at.position.0 as f64);
        metrics::gauge!("kami_nats_lag_events", labels.clone())
            .set(end.0.saturating_sub(at.position.0) as f64);
        metrics::counter!("kami_nats_failures_total", labels.clone()).absolute(at.failures);
        metrics::gauge!("kami_nats_ok", labels.clone()).set(if at.error.is_none() && !at.stopped {
            1.0
        } else {
            0.0
        });
        tokio::select! {
            // A relay that gave up says nothing more; the log goes on without it, and so does the lag.
            heard = progress.changed(), if is_relaying => is_relaying = heard.is_ok(),
            heard = head.changed() => if heard.is_err() { return },
        }
    }
}
