//! One of several nodes. They share the log in PostgreSQL and the vault; each serves some of the merchants, and passes on
//! what concerns the others'.
//!
//! `member` decides whom this node serves and tells PostgreSQL that it lives, `seats` takes and hands over; `held` is one merchant that it serves;
//! `front` takes every request and knows where it belongs; `passing` hands it to another node and takes in what others
//! hand over; `effects` hands calls to channels out to workers, and `worker` is one. Nothing here keeps two nodes from both writing: that is the epoch in each append.

mod calls;
mod desk;
mod effects;
mod front;
mod ground;
mod held;
mod member;
mod passing;
mod sealed;
mod seats;
mod seen;
mod tenure;
mod worker;

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use cluster::{Bus, wire};
use event_log_postgres::leases::{Leases, Node};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{
    net::TcpListener,
    sync::oneshot,
    time::{Instant, sleep},
};
use uuid::Uuid;

use crate::{
    cli::say,
    commands::{TOKEN_FILE, first_token, told_to_stop},
    config::{ClusterConfig, Config},
    publishing,
};
use front::Front;
use ground::Ground;
use member::Member;
use passing::Passing;
pub(crate) use worker::make_calls;

/// Announces another build than this one, for tests of builds that run side by side.
const ANNOUNCED: &str = "KAMI_TEST_ANNOUNCED_VERSION";

/// How much longer than a lease a node waits for its name.
const JOINING: Duration = Duration::from_secs(1);

/// Serves as one of several nodes until told to stop, or until the log cannot be written any more.
pub(crate) async fn serve(
    config: &Config,
    cluster: &ClusterConfig,
    listener: TcpListener,
    metrics: PrometheusHandle,
) -> anyhow::Result<()> {
    let (Some(log_url), Some(servers)) = (&config.log_url, &config.nats_url) else {
        anyhow::bail!("cluster.node: several nodes need log_url and nats_url");
    };
    let name = format!("kami {}", cluster.node);
    let client = publishing::connect(servers, &name, config.nats_credentials_file.as_deref()).await?;
    let (ground, mut failed) = Ground::open(config, client.clone(), metrics.clone()).await?;
    let ground = Arc::new(ground);
    first_token(&ground.vault, &config.data).await?;
    let leases = Leases::open(log_url.expose(), cluster.lease).await.context("the leases cannot be kept")?;
    let node = node(config, cluster);
    join(&leases, &node).await?;
    let bus = Bus::new(client, &cluster.node);
    let (member, desk) = Member::new(ground.clone(), Arc::new(leases), bus.clone(), node);
    let handing_out = tokio::spawn(effects::hand_out(bus.clone(), ground.vault.clone(), desk.clone()));
    let passing = Passing::new(bus, ground.vault.clone(), &cluster.node)?;
    let front = Front::new(config.merchant.clone(), &cluster.node, desk.clone(), passing.clone(), metrics);
    let taking_in = tokio::spawn(passing.take_in(desk.clone()));
    let mut membership = tokio::spawn(member.run());

    let address = listener.local_addr().context("the address")?;
    let (stop, stopping) = oneshot::channel::<()>();
    let told_to_stop = told_to_stop();
    let serving = tokio::spawn(http_api::serve(listener, front.router(), async {
        // A dropped sender stops as well.
        let _dropped = stopping.await;
    }));
    say(&format!("Kami listens on http://{address} as node {}", cluster.node));
    say(&format!(
        "The admin token, where this node made it, is in {}",
        config.data.join(TOKEN_FILE).display()
    ));
    let ended = tokio::select! {
        // Nobody knows what the log holds: whatever is decided here from now on may be wrong.
        failure = &mut failed => match failure {
            Ok(error) => return Err(anyhow::Error::new(error).context("stopping: the log cannot be written")),
            Err(_) => Ok(()),
        },
        ended = &mut membership => return ended.context("the membership")?,
        () = told_to_stop => Ok(()),
    };
    // Others take over while this node still listens, so that whoever asks it meanwhile is passed on.
    desk.leave().await;
    let _gone = stop.send(());
    serving.await.context("the server")?.context("the server")?;
    desk.end();
    membership.await.context("the membership")??;
    taking_in.abort();
    handing_out.abort();
    ground.close().await?;
    ended
}

/// Makes the node known. The process before may have been killed: then its sign of life ends with the time of a lease.
async fn join(leases: &Leases, node: &Node) -> anyhow::Result<()> {
    let deadline = Instant::now() + leases.lasts() + JOINING;
    while !leases.live(node).await.context("the node cannot be made known")? {
        if Instant::now() > deadline {
            anyhow::bail!(
                "another process is node {}: give this one another name in cluster.node",
                node.name
            );
        }
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// What this process says of itself.
fn node(config: &Config, cluster: &ClusterConfig) -> Node {
    Node {
        name: cluster.node.clone(),
        process: Uuid::now_v7().to_string(),
        advertise: cluster.advertise.clone(),
        version: std::env::var(ANNOUNCED).unwrap_or_else(|_| env!("CARGO_PKG_VERSION").to_owned()),
        protocol: wire::PROTOCOL,
        merchants: config.merchants.clone(),
        at_most: cluster.merchants_max,
        takes: true,
    }
}
