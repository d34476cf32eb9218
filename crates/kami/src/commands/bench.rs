//! `kami bench`: measures this build on this machine.

use std::{process::ExitCode, time::Duration};

use indicatif::ProgressBar;

use crate::{
    bench,
    cli::{Bench, say},
};

pub(super) async fn run(options: Bench) -> anyhow::Result<ExitCode> {
    let bar = if options.json.json { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
    bar.enable_steady_tick(Duration::from_millis(200));
    let figures = bench::run(&options, &|what| bar.set_message(what.to_owned())).await;
    bar.finish_and_clear();
    let figures = figures?;
    say(&if options.json.json { figures.line()? } else { figures.table() });
    Ok(if figures.kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The bare server that `kami bench` holds its figures against.
pub(super) async fn serve_bare() -> anyhow::Result<()> {
    bench::serve_bare(super::serve::told_to_stop()).await
}
