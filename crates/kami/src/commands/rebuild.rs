//! `kami rebuild`: read models from nothing, with the rate and the digests.

use std::time::Instant;

use anyhow::Context;
use projection::{Afresh, Options, Projections};
use serde_json::json;

use super::open;
use crate::{
    channels,
    cli::{Rebuild, say},
    config::Config,
    log::lock,
};

pub(super) async fn run(config: &Config, options: Rebuild) -> anyhow::Result<()> {
    let log = open::log(config).await?;
    let merchant = open::merchant(config, &*log).await?;
    let head = log.head(&merchant).await?.context("the merchant has no log")?;
    let _lock = lock(&config.data).with_context(|| {
        format!("{}: stop the Kami that runs there, or use `kami view rebuild`", config.data.display())
    })?;
    let path = config.data.join("views.db");
    let started = Instant::now();
    // One read model is folded anew among the others; all of them get a file of their own, which is faster.
    let afresh = match &options.name {
        Some(_) => None,
        None => Some(Afresh::begin(&path, channels::projections()).await?),
    };
    let projections = match &afresh {
        Some(afresh) => Projections::new(afresh.views().clone(), Options::default()),
        None => Projections::open(&path, channels::projections(), Options::default())
            .await
            .context("the read models cannot be opened")?,
    };
    if let Some(name) = &options.name {
        projections.rebuild(Some(name)).await.context("the read model cannot be rebuilt")?;
    }
    projections.spawn(log.shared(), &merchant)?;
    projections.wait_for(&merchant, head.position).await?;
    projections.views().tally(&*log, &merchant, None).await.context("counting messages")?;
    let secs = started.elapsed().as_secs_f64();
    let mut digests = serde_json::Map::new();
    for projection in projections.views().projections() {
        let name = projection.name();
        digests.insert(name.to_owned(), json!(projections.digest(name, &merchant).await?));
    }
    projections.forget(&merchant);
    if let Some(afresh) = afresh {
        afresh.put_in_place().await.context("the read models cannot be put in place")?;
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
