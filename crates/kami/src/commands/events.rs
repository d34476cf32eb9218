//! `kami events`: the log, read with the eyes of a person or a program.

use std::time::Duration;

use anyhow::{Context, bail};
use event_log::EventLog;
use events::{Fact, RecordedEvent, sentence::sentence};
use serde_json::{Value, json, value::RawValue};
use vocabulary::{MerchantId, Position};

use super::{carry, open};
use crate::{
    cli::{Events, say},
    config::Config,
};

const PAGE: usize = 1_000;

pub(super) async fn run(config: &Config, options: Events) -> anyhow::Result<()> {
    match options {
        Events::Import(options) => carry::import(config, &options),
        Events::Export(options) if options.order.is_some() => carry::export(config, &options).await,
        options => read(config, options).await,
    }
}

async fn read(config: &Config, options: Events) -> anyhow::Result<()> {
    let log = open::log(config).await?;
    let merchant = open::merchant(config, &*log).await?;
    match options {
        Events::Tail { after, limit, json } => tail(&*log, &merchant, after, limit, json.json).await,
        Events::Show { position, json } => {
            let event = at(&*log, &merchant, position).await?;
            print(&event, json.json)
        }
        Events::Why { position, json } => why(&*log, &merchant, position, json.json).await,
        Events::Export(options) => export(&*log, &merchant, options.after).await,
        Events::Import(_) => Ok(()),
    }
}

async fn at(log: &dyn EventLog, merchant: &MerchantId, position: u64) -> anyhow::Result<RecordedEvent> {
    let before = Position(position.saturating_sub(1));
    let found = log.read_log(merchant, before, 1).await.context("the log")?.into_iter().next();
    found
        .filter(|event| event.position.0 == position)
        .with_context(|| format!("there is no event {position}"))
}

async fn tail(
    log: &dyn EventLog,
    merchant: &MerchantId,
    after: u64,
    limit: Option<u64>,
    json: bool,
) -> anyhow::Result<()> {
    let (mut after, mut left) = (Position(after), limit.unwrap_or(u64::MAX));
    while left > 0 {
        let wanted = usize::try_from(left).unwrap_or(PAGE).min(PAGE);
        let page = log.read_log(merchant, after, wanted).await.context("the log")?;
        if page.is_empty() {
            // Another process writes: it can only be looked at again.
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        for event in &page {
            print(event, json)?;
            after = event.position;
            left -= 1;
        }
    }
    Ok(())
}

/// From an event back to what caused it, as far as the log tells.
async fn why(log: &dyn EventLog, merchant: &MerchantId, position: u64, json: bool) -> anyhow::Result<()> {
    let mut chain = vec![at(log, merchant, position).await?];
    while let Some(cause) = chain.last().map(RecordedEvent::meta).transpose()?.and_then(|meta| meta.causation)
    {
        if chain.last().is_some_and(|event| cause >= event.position) {
            bail!("event {} names a later event as its cause", chain.last().map_or(0, |e| e.position.0));
        }
        chain.push(at(log, merchant, cause.0).await?);
    }
    let message = chain.last().map(RecordedEvent::meta).transpose()?.and_then(|meta| meta.correlation);
    for event in chain.iter().rev() {
        print(event, json)?;
    }
    if let (Some(message), false) = (message, json) {
        say(&format!("began with inbound message {message}"));
    }
    Ok(())
}

async fn export(log: &dyn EventLog, merchant: &MerchantId, after: u64) -> anyhow::Result<()> {
    let mut after = Position(after);
    loop {
        let page = log.read_log(merchant, after, PAGE).await.context("the log")?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.position;
        for event in &page {
            say(&as_json(event)?.to_string());
        }
    }
}

fn print(event: &RecordedEvent, json: bool) -> anyhow::Result<()> {
    if json {
        say(&as_json(event)?.to_string());
        return Ok(());
    }
    let fact = event.fact()?;
    let meta = event.meta()?;
    say(&format!(
        "{:>8}  {}  {:<22} {:<44} {}:{}",
        event.position,
        event.recorded_at,
        event.type_name,
        event.stream,
        kind(meta.actor.kind),
        meta.actor.id
    ));
    let words = sentence(&fact);
    say(&format!("          {}  {}", words.en, words.zh));
    Ok(())
}

/// An actor's kind in a word.
pub(super) fn kind(kind: events::ActorKind) -> &'static str {
    match kind {
        events::ActorKind::Channel => "channel",
        events::ActorKind::Staff => "staff",
        events::ActorKind::Process => "process",
        events::ActorKind::Timer => "timer",
    }
}

/// An event as the log's public contract names its parts.
pub(super) fn as_json(event: &RecordedEvent) -> anyhow::Result<Value> {
    let raw = |text: &str| serde_json::from_str::<Box<RawValue>>(text).map(|raw| json!(raw));
    let words = event.fact().as_ref().map(|fact: &Fact| sentence(fact)).ok();
    Ok(json!({
        "merchant": event.merchant, "position": event.position, "stream": event.stream, "version": event.version,
        "type": event.type_name, "schema_version": event.schema_version, "payload": raw(&event.payload)?,
        "metadata": raw(&event.metadata)?, "occurred_at": event.occurred_at, "recorded_at": event.recorded_at,
        "hash": hex::encode(event.hash), "sentence_en": words.as_ref().map(|w| &w.en),
        "sentence_zh": words.as_ref().map(|w| &w.zh),
    }))
}
