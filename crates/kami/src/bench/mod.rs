//! `kami bench`: starts this very binary as a server on a fresh directory, drives it over HTTP from this process with
//! calls that were signed beforehand, and holds the figures against what the machine can do at all.
//!
//! Nothing here looks inside the server: what counts is what the client was answered, and what is in the log after.

mod ceiling;
mod figures;
mod ledger;
mod load;
pub(crate) mod log;
mod machine;
mod read;
mod scenarios;
mod server;
mod shop;
mod stand;
mod times;
mod wire;

pub(crate) use ceiling::serve_bare;
pub(crate) use figures::Figures;

use stand::Stand;

use crate::cli::{Bench, Scenario};

/// Runs a scenario. The data is gone when this returns.
pub(crate) async fn run(options: &Bench, progress: &dyn Fn(&str)) -> anyhow::Result<Figures> {
    match options.scenario {
        Scenario::Steady => scenarios::steady(options, progress).await,
        Scenario::Flash => scenarios::flash(options, progress).await,
        Scenario::Import => scenarios::import(options, progress).await,
        Scenario::Replay => scenarios::replay(options, progress).await,
        Scenario::Start => scenarios::start(options, progress).await,
        Scenario::Read => read::read(options, progress).await,
        Scenario::Log => anyhow::bail!("the log alone is measured by its own figures"),
    }
}
