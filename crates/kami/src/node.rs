//! Builds everything a running Kami consists of, in the order it depends on each other, and takes it down again.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use engine::{Clock, Engine, EngineError, EngineOptions, Http, Ids, LogWriter, Policy};
use projection::Projections;
use tokio::sync::oneshot;
use vault::{Vault, VaultOptions, VaultPlace};
use vocabulary::MerchantId;

use crate::{
    channels,
    log::{Log, LogUrl},
};

/// Opens a vault.
pub(crate) async fn open_vault(
    place: VaultPlace,
    kek_file: &Path,
    seed: Option<[u8; 32]>,
) -> anyhow::Result<Arc<Vault>> {
    let name = match &place {
        VaultPlace::File(path) => path.display().to_string(),
        VaultPlace::Postgres(_) => "in PostgreSQL".to_owned(),
    };
    let opened = Vault::open(VaultOptions { place, kek_file: kek_file.to_owned(), seed }).await;
    Ok(Arc::new(opened.with_context(|| format!("the vault {name} cannot be opened"))?))
}

/// What a node is started with.
pub(crate) struct NodeOptions<'a> {
    pub(crate) data: &'a Path,
    /// `None` for a log in the data directory.
    pub(crate) log_url: Option<&'a LogUrl>,
    pub(crate) vault: VaultPlace,
    pub(crate) kek_file: &'a Path,
    pub(crate) merchant: MerchantId,
    pub(crate) policy: Policy,
    /// Fixes the vault's keys, for worlds that are built from a seed.
    pub(crate) vault_seed: Option<[u8; 32]>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) http: Arc<dyn Http>,
}

/// A running Kami.
pub(crate) struct Node {
    pub(crate) engine: Arc<Engine>,
    pub(crate) projections: Arc<Projections>,
    pub(crate) vault: Arc<Vault>,
    log: Log,
    /// Told why, if the log cannot be written any more.
    pub(crate) failed: oneshot::Receiver<EngineError>,
}

impl Node {
    /// Opens the data directory and starts.
    pub(crate) async fn start(options: NodeOptions<'_>) -> anyhow::Result<Self> {
        let data = options.data;
        let log = Log::open(data, options.log_url).await?;
        let vault = open_vault(options.vault, options.kek_file, options.vault_seed).await?;
        let (writer, failed) = LogWriter::start(log.shared());
        let engine = Engine::open(EngineOptions {
            merchant: options.merchant.clone(),
            log: log.shared(),
            writer,
            vault: vault.clone(),
            clock: options.clock,
            ids: options.ids,
            http: options.http,
            protocols: channels::PROTOCOLS,
            policy: options.policy,
        })
        .await
        .context("the engine cannot be started")?;
        let projections = Projections::open(
            &data.join("views.db"),
            channels::projections(),
            projection::Options::default(),
        )
        .await
        .with_context(|| format!("the read models in {} cannot be opened", data.display()))?;
        projections.spawn(log.shared(), &options.merchant).context("the read models cannot be followed")?;
        Ok(Self { engine, projections: Arc::new(projections), vault, log, failed })
    }

    /// Finishes what was taken in, keeps a snapshot, closes the files.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        let stopped = self.engine.stop().await;
        self.projections.forget(self.engine.merchant());
        self.vault.close().await;
        let closed = self.log.close().await;
        stopped.context("the engine did not stop cleanly")?;
        closed
    }
}
