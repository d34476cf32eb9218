//! What all merchants of a node stand on.

use std::{collections::BTreeSet, sync::Arc};

use anyhow::Context;
use engine::{EngineError, Http, LogWriter, Policy, RandomIds, SystemClock};
use event_relay::Client;
use http_api::{ApiOptions, Limits};
use metrics_exporter_prometheus::PrometheusHandle;
use projection::Projections;
use tokio::sync::oneshot;
use vault::Vault;
use vocabulary::MerchantId;

use crate::{
    channels, commands::IMPORTED_DIR, config::Config, http_client::HttpClient, log::Log, node::open_vault,
};

pub(super) struct Ground {
    pub(super) config: Config,
    pub(super) log: Log,
    pub(super) writer: LogWriter,
    pub(super) vault: Arc<Vault>,
    pub(super) projections: Arc<Projections>,
    pub(super) clock: Arc<SystemClock>,
    pub(super) ids: Arc<RandomIds>,
    pub(super) http: Arc<dyn Http>,
    pub(super) policy: Policy,
    pub(super) api: ApiOptions,
    /// The connection that events are published over.
    pub(super) nats: Client,
}

impl Ground {
    /// Opens log, vault and read models. The read models of every merchant are kept here, also of those that others
    /// serve: whoever takes a merchant over answers questions at once. The other value tells when the log cannot be
    /// written.
    pub(super) async fn open(
        config: &Config,
        nats: Client,
        metrics: PrometheusHandle,
    ) -> anyhow::Result<(Self, oneshot::Receiver<EngineError>)> {
        let data = &config.data;
        let log = Log::open(data, config.log_url.as_ref()).await?;
        let vault = open_vault(config.vault_place()?, &config.kek_file, None).await?;
        let (writer, failed) = LogWriter::start(log.shared());
        let views = data.join("views.db");
        let projections = Projections::open(&views, channels::projections(), projection::Options::default())
            .await
            .with_context(|| format!("the read models in {} cannot be opened", data.display()))?;
        for merchant in &config.merchants {
            projections.spawn(log.shared(), merchant).context("the read models cannot be followed")?;
        }
        let limits = Limits { reveals_per_hour: config.reveals_per_hour, ..Limits::default() };
        let ground = Self {
            config: config.clone(),
            log,
            writer,
            vault,
            projections: Arc::new(projections),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            http: Arc::new(HttpClient::new()?),
            policy: config.policy(),
            api: ApiOptions { metrics: Some(metrics), limits, imported: Some(data.join(IMPORTED_DIR)) },
            nats,
        };
        Ok((ground, failed))
    }

    /// Keeps the read models of merchants that another node named.
    pub(super) fn follow<'a>(&self, merchants: impl IntoIterator<Item = &'a MerchantId>) {
        for merchant in merchants.into_iter().collect::<BTreeSet<_>>() {
            if let Err(error) = self.projections.spawn(self.log.shared(), merchant) {
                tracing::warn!(%merchant, %error, "the read models cannot be followed");
            }
        }
    }

    /// Closes the files and the sessions.
    pub(super) async fn close(&self) -> anyhow::Result<()> {
        self.vault.close().await;
        self.log.close().await
    }
}
