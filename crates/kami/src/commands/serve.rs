//! `kami serve`: runs until it is told to stop, or cannot write its log any more.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path, sync::Arc};

use anyhow::Context;
use engine::{RandomIds, SystemClock};
use http_api::{Api, ApiOptions, Limits};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

use vault::Vault;

use crate::{
    cli::{Serve, say},
    config::Config,
    http_client::HttpClient,
    mirroring::Mirroring,
    nightly::Nightly,
    node::{Node, NodeOptions},
    partners::Telling,
    publishing::Publishing,
};

/// Where the first token is kept.
pub(crate) const TOKEN_FILE: &str = "admin.token";

pub(super) async fn run(config: Config, options: Serve) -> anyhow::Result<()> {
    let listen = options.listen.unwrap_or_else(|| config.listen.clone());
    // The port first: a Kami that cannot be reached must not take the merchant over from one that can.
    let listener =
        TcpListener::bind(&listen).await.with_context(|| format!("{listen} cannot be listened on"))?;
    let metrics = PrometheusBuilder::new().install_recorder().context("metrics cannot be collected")?;
    if let Some(cluster) = &config.cluster {
        return crate::cluster::serve(&config, cluster, listener, metrics).await;
    }
    if config.effects_by_worker {
        anyhow::bail!(
            "cluster.effects is \"worker\": workers are for several nodes, which have cluster.node"
        );
    }
    let mut node = Node::start(NodeOptions {
        data: &config.data,
        log_url: config.log_url.as_ref(),
        vault: config.vault_place()?,
        kek_file: &config.kek_file,
        merchant: config.merchant.clone(),
        policy: config.policy(),
        vault_seed: None,
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
        http: Arc::new(HttpClient::new()?),
    })
    .await?;
    first_token(&node.vault, &config.data).await?;
    let publishing = Publishing::start(&config, &node.engine).await?;
    let (telling, told) = Telling::start(&config, &node.engine).await?;
    let mirroring = Mirroring::start(config.views_url()?, node.projections.views(), &config.merchant);
    let address = listener.local_addr().context("the address")?;
    let api = Arc::new(
        Api::new(
            node.engine.clone(),
            node.projections.clone(),
            ApiOptions {
                metrics: Some(metrics),
                limits: Limits { reveals_per_hour: config.reveals_per_hour, ..Limits::default() },
                imported: Some(config.data.join(super::IMPORTED_DIR)),
            },
        )
        .telling(telling),
    );
    let nightly = Nightly::start(&api, config.nightly_hour);
    let told_to_stop = told_to_stop();
    let (stop, stopping) = oneshot::channel::<()>();
    let router = http_api::router(api).merge(console::router());
    let serving = tokio::spawn(http_api::serve(listener, router, async {
        // A dropped sender stops as well.
        let _dropped = stopping.await;
    }));
    say(&format!("Kami listens on http://{address} for merchant {}", config.merchant));
    say(&format!("The console is at http://{address}/console"));
    say(&format!("The admin token is in {}", config.data.join(TOKEN_FILE).display()));
    let failure = tokio::select! {
        failure = &mut node.failed => failure.ok(),
        () = node.engine.failed() => {
            return Err(node.engine.stop().await.err().map_or_else(|| anyhow::anyhow!("stopping"), anyhow::Error::new));
        }
        () = told_to_stop => None,
    };
    drop(nightly);
    // The server may be gone already.
    let _gone = stop.send(());
    if let Some(error) = failure {
        return Err(anyhow::Error::new(error).context("stopping: the log cannot be written"));
    }
    serving.await.context("the server")?.context("the server")?;
    drop((publishing, told, mirroring));
    node.stop().await
}

/// Ready when this process is told to stop. Whoever is told between this call and the first look at what it gave is heard
/// as well, so call it before anybody can know that the process is there.
pub(crate) fn told_to_stop() -> impl Future<Output = ()> {
    let signals = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
    let [terminated, interrupted] = signals.map(|registered| async {
        match registered {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    });
    async {
        tokio::select! {
            () = terminated => {}
            () = interrupted => {}
        }
    }
}

/// At the first start a token is made and kept in a file that only the owner can read.
pub(crate) async fn first_token(vault: &Vault, data: &Path) -> anyhow::Result<()> {
    if !vault.tokens().is_empty() {
        return Ok(());
    }
    let token = vault.issue_token("admin").await.context("the first token cannot be made")?;
    let path = data.join(TOKEN_FILE);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    file.write_all(token.expose().as_bytes()).context("the first token cannot be kept")?;
    file.write_all(b"\n").context("the first token cannot be kept")
}
