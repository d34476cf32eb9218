//! `kami worker`: a part of the work in a process of its own, for nodes or from the events on NATS.

use std::sync::Arc;

use anyhow::Context;
use event_relay::{Client, Follow, FollowOptions, Place, RelayError};
use projection::{Follower, Views};
use serde_json::json;
use vocabulary::{MerchantId, Position};

use super::{open, serve::told_to_stop};
use crate::{
    channels,
    cli::{Worker, WorkerPartners, WorkerProjections, say},
    cluster,
    config::Config,
    log::LogUrl,
    mirroring::{self, Mirroring},
    partners, publishing,
};

pub(super) async fn run(config: &Config, what: Worker) -> anyhow::Result<()> {
    match what {
        Worker::Projections(options) => projections(config, options).await,
        Worker::Partners(options) => partners(config, options).await,
        Worker::Effects => effects(config).await,
    }
}

/// Makes calls to channels.
async fn effects(config: &Config) -> anyhow::Result<()> {
    let cluster =
        config.cluster.as_ref().context("a worker needs the nodes' settings, and a name in cluster.node")?;
    if !config.effects_by_worker {
        anyhow::bail!("cluster.effects is \"node\": the nodes make the calls themselves");
    }
    cluster::make_calls(config, cluster).await
}

/// Tells partners of what comes.
async fn partners(config: &Config, options: WorkerPartners) -> anyhow::Result<()> {
    let servers = options.nats.or_else(|| config.nats_url.clone());
    let servers = servers.context("name the NATS server with --nats, or as nats_url in the configuration")?;
    let merchant = &config.merchant;
    // Not the directory itself: the node keeps its own there.
    let place = options.place.unwrap_or_else(|| config.data.join("partner-worker"));
    std::fs::create_dir_all(&place).with_context(|| format!("{} cannot be made", place.display()))?;
    let vault = open::vault(config).await?;
    let name = format!("kami worker {merchant} {}", options.name);
    let client = publishing::connect(&servers, &name, config.nats_credentials_file.as_deref()).await?;
    say(&format!("Partners of {merchant} are told of events on {servers}"));
    tokio::select! {
        done = partners::from_nats(config, &place, vault, client, &options.name) => done,
        () = told_to_stop() => Ok(()),
    }
}

async fn projections(config: &Config, options: WorkerProjections) -> anyhow::Result<()> {
    let servers = options.nats.clone().or_else(|| config.nats_url.clone());
    let servers = servers.context("name the NATS server with --nats, or as nats_url in the configuration")?;
    let (data, merchant) = (&config.data, &config.merchant);
    std::fs::create_dir_all(data).with_context(|| format!("{} cannot be made", data.display()))?;
    let path = data.join("views.db");
    // Only events are on the bus: who counts messages needs the log.
    let of_events = channels::projections().into_iter().filter(|it| it.tallies().is_none()).collect();
    let views = Views::open(&path, of_events)
        .await
        .with_context(|| format!("the read models in {} cannot be opened", path.display()))?;
    let name = format!("kami worker {merchant} {}", options.name);
    let client = publishing::connect(&servers, &name, config.nats_credentials_file.as_deref()).await?;
    let views_url = match options.views.as_deref() {
        None => config.views_url()?.cloned(),
        Some(text) => {
            Some(LogUrl::parse(text).context("--views: is not an address such as postgres://kami@db/kami")?)
        }
    };
    let views = Arc::new(views);
    // Where there is an end, everything is carried then.
    let goes_on = views_url.as_ref().filter(|_| options.until.is_none());
    let _mirroring = Mirroring::start(goes_on, &views, merchant);
    let worker = ReadModels { views, views_url, merchant: merchant.clone(), client, options };
    if !worker.options.json.json {
        say(&format!("Events of {merchant} on {servers} are folded into {}", path.display()));
    }
    tokio::select! {
        done = worker.run() => done,
        () = told_to_stop() => Ok(()),
    }
}

/// Read models of one merchant, folded from its stream.
struct ReadModels {
    views: Arc<Views>,
    /// Where they are carried to.
    views_url: Option<LogUrl>,
    merchant: MerchantId,
    client: Client,
    options: WorkerProjections,
}

impl ReadModels {
    async fn run(&self) -> anyhow::Result<()> {
        loop {
            match self.follow().await {
                // The log was restored from a backup, and goes on otherwise than the one the rows were folded from.
                Err(Trouble::Relay(error @ RelayError::AnotherLog { .. })) if self.head().await?.0 > 0 => {
                    tracing::warn!(%error, "rows are of another log, folding anew");
                    self.views.rebuild(None).await?;
                }
                done => return Ok(done?),
            }
        }
    }

    /// Takes in what comes, until the position that was asked for.
    async fn follow(&self) -> Result<(), Trouble> {
        let mut follower = Follower::new(self.views.clone(), &self.merchant).await?;
        let place = self.place(follower.head()).await?;
        let mut follow = Follow::new(
            self.client.clone(),
            &self.merchant,
            &self.options.name,
            place,
            FollowOptions::default(),
        );
        let mut head = place.position;
        while self.options.until.is_none_or(|until| head.0 < until) {
            let events = follow.next().await?;
            head = follower.apply(events).await?.head;
            follow.applied(head).await;
        }
        self.report(head).await
    }

    /// The last position that all read models contain.
    async fn head(&self) -> anyhow::Result<Position> {
        let checkpoints = self.views.checkpoints(&self.merchant).await?;
        Ok(checkpoints.iter().map(|at| at.head).min().unwrap_or_default())
    }

    /// The place of the read models that are furthest behind: the others drop what they have.
    async fn place(&self, head: Position) -> Result<Place, Trouble> {
        let checkpoints = self.views.checkpoints(&self.merchant).await?;
        let Some(at) = checkpoints.iter().find(|at| at.head == head && head.0 > 0) else {
            return Ok(Place::START);
        };
        let mut hash = [0; 32];
        hex::decode_to_slice(&at.head_hash, &mut hash).map_err(|_| Trouble::Hash(at.name.clone()))?;
        Ok(Place { position: head, hash })
    }

    /// What the read models are now.
    async fn report(&self, head: Position) -> Result<(), Trouble> {
        let mut digests = serde_json::Map::new();
        for projection in self.views.projections() {
            let name = projection.name();
            digests.insert(name.to_owned(), json!(self.views.digest(name, &self.merchant).await?));
        }
        let mut carried = serde_json::Map::new();
        if let Some(url) = &self.views_url {
            let mut mirror = mirroring::open(url, &self.views, &self.merchant).await?;
            mirror.ship().await?;
            for name in digests.keys() {
                carried.insert(name.clone(), json!(mirror.digest(name).await?));
            }
        }
        if self.options.json.json {
            let mut told = json!({"head_pos": head, "digests": digests});
            if !carried.is_empty() {
                told["digests_in_postgres"] = json!(carried);
            }
            say(&told.to_string());
        } else {
            say(&format!("The read models contain every event up to {head}"));
            for (name, digest) in digests {
                say(&format!("{name}: {}", digest.as_str().unwrap_or_default()));
            }
        }
        Ok(())
    }
}

/// Why a worker ends.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("events cannot be followed")]
    Relay(#[from] RelayError),
    #[error("read models cannot be kept")]
    Views(#[from] projection::ViewsError),
    #[error("read models cannot be carried")]
    Carried(#[from] views_postgres::MirrorError),
    #[error("checkpoint of read model {0} has no hash; delete views.db, and it is folded anew")]
    Hash(String),
}
