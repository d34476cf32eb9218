//! `kami rebuild`: read models from nothing, with the rate and the digests.

use std::time::Instant;

use anyhow::Context;
use projection::{Options, Projections};
use serde_json::json;

use super::open;
use crate::{
    channels,
    cli::{Rebuild, say},
    config::Config,
};

pub(super) async fn run(config: &Config, options: Rebuild) -> anyhow::Result<()> {
    let log = open::log(config).await?;
    let merchant = open::merchant(config, &*log).await?;
    let head = log.head(&merchant).await?.context("the merchant has no log")?;
    let path = config.data.join("views.db");
    let projections = Projections::open(&path, channels::projections(), Options::default())
        .await
        .context("the read models cannot be opened")?;
    let started = Instant::now();
    projections.rebuild(options.name.as_deref()).await.context("the read models cannot be rebuilt")?;
    projections.spawn(log.shared(), &merchant)?;
    projections.wait_for(&merchant, head.position).await?;
    projections.views().tally(&*log, &merchant, None).await.context("counting messages")?;
    let secs = started.elapsed().as_secs_f64();
    let mut digests = serde_json::Map::new();
    for projection in projections.views().projections() {
        let name = projection.name();
        digests.insert(name.to_owned(), json!(projections.digest(name, &merchant).await?));
    }
    let per_s = head.position.0 as f64 / secs.max(1e-9);
    if options.json.json {
        say(&json!({"events": head.position.0, "seconds": secs, "events_per_s": per_s, "digests": digests})
            .to_string());
    } else {
        say(&format!("{} events in {secs:.2} s ({per_s:.0} events/s)", head.position));
        for (name, digest) in digests {
            say(&format!("{name}: {}", digest.as_str().unwrap_or_default()));
        }
    }
    Ok(())
}
