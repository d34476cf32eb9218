//! `kami migrate-log`: copies the log of a stopped Kami from one backend to another.

use std::path::Path;

use anyhow::{Context, bail};
use indicatif::ProgressBar;
use serde_json::json;

use crate::{
    cli::{MigrateLog, say},
    log::{Log, LogUrl},
};

pub(super) async fn run(options: MigrateLog) -> anyhow::Result<()> {
    if options.from == options.to {
        bail!("--from and --to name the same place");
    }
    let source = read(&options.from).await.context("--from")?;
    let target = write(&options.to).await.context("--to")?;
    let merchants = source.merchants().await.context("the merchants of the log")?;
    let mut done = Vec::new();
    for merchant in &merchants {
        let bar = if options.json.json { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        bar.set_message(format!("events of {merchant} copied"));
        let copied = event_log::copy(source.whole(), &*target, merchant, |at| bar.set_position(at));
        let copied = copied.await.with_context(|| format!("the log of {merchant}"))?;
        bar.finish_and_clear();
        let head = target.head(merchant).await?.context("the copy has no head")?;
        let hash = hex::encode(head.hash);
        if !options.json.json {
            let (events, messages, numbers) = (copied.events, copied.messages, copied.numbers);
            say(&format!("{merchant}: {events} events, {messages} messages, {numbers} numbers, head {hash}"));
        }
        done.push(json!({
            "merchant": merchant, "events": copied.events, "messages": copied.messages,
            "numbers": copied.numbers, "found": copied.found, "head_hash": hash,
        }));
    }
    source.close().await?;
    target.close().await?;
    if options.json.json {
        say(&json!({ "merchants": done }).to_string());
    } else {
        say("The copy is whole, and its chain holds. Name it in the settings, and move the old log away.");
    }
    Ok(())
}

async fn read(place: &str) -> anyhow::Result<Log> {
    match LogUrl::parse(place) {
        // A claim would fence a running owner; whether one writes is seen when the copy ends.
        Some(url) => Log::read(Path::new(""), Some(&url)).await,
        None if Path::new(place).join("log.db").exists() => Log::open(Path::new(place), None).await,
        None => bail!("there is no log in {place}"),
    }
}

async fn write(place: &str) -> anyhow::Result<Log> {
    match LogUrl::parse(place) {
        Some(url) => Log::copy_to(&url).await,
        None => Log::open(Path::new(place), None).await,
    }
}
