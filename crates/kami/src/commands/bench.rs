//! `kami bench`: measures this build on this machine.

use std::{process::ExitCode, time::Duration};

use anyhow::Context;
use indicatif::ProgressBar;

use crate::{
    bench,
    cli::{Bench, Scenario, say},
    log::LogUrl,
};

pub(super) async fn run(options: Bench, log: Option<LogUrl>) -> anyhow::Result<ExitCode> {
    if options.scenario == Scenario::Log {
        return log_alone(&options, log.as_ref()).await;
    }
    let bar = if options.json.json { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
    bar.enable_steady_tick(Duration::from_millis(200));
    let figures = bench::run(&options, &|what| bar.set_message(what.to_owned())).await;
    bar.finish_and_clear();
    let figures = figures?;
    say(&if options.json.json { figures.line()? } else { figures.table() });
    Ok(if figures.kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The log in PostgreSQL, without a server before it.
async fn log_alone(options: &Bench, log: Option<&LogUrl>) -> anyhow::Result<ExitCode> {
    let url = log.context("name an empty PostgreSQL database with --log")?;
    let bar = if options.json.json { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
    bar.enable_steady_tick(Duration::from_millis(200));
    let limit = Duration::from_secs(options.seconds);
    let progress = |what: &str| bar.set_message(what.to_owned());
    let figures = bench::log::run(url.expose(), limit, options.size, &progress).await;
    bar.finish_and_clear();
    let figures = figures?;
    say(&if options.json.json { serde_json::to_string(&figures)? } else { figures.table() });
    Ok(ExitCode::SUCCESS)
}

/// The bare server that `kami bench` holds its figures against.
pub(super) async fn serve_bare() -> anyhow::Result<()> {
    bench::serve_bare(super::serve::told_to_stop()).await
}
