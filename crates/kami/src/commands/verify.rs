//! `kami verify`: the independent check of a data directory.

use std::process::ExitCode;

use anyhow::Context;

use crate::{
    cli::{Verify, say},
    config::Config,
    log::LogUrl,
};

pub(super) async fn run(config: &Config, options: Verify) -> anyhow::Result<ExitCode> {
    let bar = if options.json.json {
        indicatif::ProgressBar::hidden()
    } else {
        indicatif::ProgressBar::new_spinner().with_message("events checked")
    };
    let vault_url = config.vault_at.url("vault_url", config.log_url.as_ref())?.map(LogUrl::expose);
    let report =
        verify::verify(&config.data, config.log_url.as_ref().map(LogUrl::expose), vault_url, |events| {
            bar.set_position(events)
        })
        .await
        .with_context(|| format!("{} cannot be checked", config.data.display()))?;
    bar.finish_and_clear();
    if options.json.json {
        say(&serde_json::to_string(&report)?);
    } else {
        for merchant in &report.merchants {
            say(&format!("{}: {} events, head {}", merchant.merchant, merchant.events, merchant.head_hash));
        }
        for violation in &report.violations {
            say(&violation.to_string());
        }
        say(if report.ok { "No violation was found." } else { "VIOLATIONS were found." });
    }
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
