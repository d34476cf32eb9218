//! `kami view` and `kami diff`: tables and views, held against the log and against themselves.

use std::process::ExitCode;

use analyst::{Change, Source, changes, sources};
use anyhow::Context;
use event_log::EventLog;
use projection::{Cut, Projection, Views, fold_as_of};
use serde_json::{Value, json};
use std::sync::Arc;
use vocabulary::{MerchantId, Position, Timestamp};

use super::{export::running, open, replay};
use crate::{
    channels,
    cli::{Diff, DiffView, Json, RebuildView, View, say},
    config::Config,
};

/// How often rows are compared again where the log went on meanwhile.
const TRIES: usize = 5;

pub(super) async fn run(config: &Config, what: View) -> anyhow::Result<ExitCode> {
    match what {
        View::List(json) => list(json).map(|()| ExitCode::SUCCESS),
        View::Rebuild(options) => rebuild(config, options).await.map(|()| ExitCode::SUCCESS),
        View::Diff(options) => against_the_log(config, options).await,
    }
}

fn list(json: Json) -> anyhow::Result<()> {
    let mut all = Vec::new();
    for source in sources(&channels::projections()) {
        let grain: Vec<&str> = source.key_columns().map(|column| column.name).collect();
        if !json.json {
            say(&format!(
                "{:<22} {:<9} by {}: {} {}",
                source.name,
                source.projection.name(),
                grain.join(", "),
                source.en,
                source.zh
            ));
        }
        all.push(json!({"name": source.name, "projection": source.projection.name(), "grain": grain,
            "en": source.en, "zh": source.zh}));
    }
    if json.json {
        say(&Value::from(all).to_string());
    }
    Ok(())
}

/// The source of that name.
fn source(name: &str) -> anyhow::Result<Source> {
    Source::find(&channels::projections(), name)
        .with_context(|| format!("there is no table or view {name}; `kami view list` tells which there are"))
}

/// The projections that a source is made of.
fn needed(source: &Source) -> Vec<Arc<dyn Projection>> {
    let needed =
        |it: &Arc<dyn Projection>| it.name() == source.projection.name() || source.reads.contains(&it.name());
    channels::projections().into_iter().filter(needed).collect()
}

async fn rebuild(config: &Config, options: RebuildView) -> anyhow::Result<()> {
    let known = channels::projections().into_iter().find(|it| it.name() == options.name);
    let projection = match known {
        Some(projection) => projection,
        None => source(&options.name)?.projection,
    };
    let name = projection.name();
    if let Some(position) = options.as_of {
        let log = open::log(config).await?;
        let merchant = open::merchant(config, &*log).await?;
        let views = fold_as_of(&*log, &merchant, vec![projection.clone()], Position(position)).await?;
        let digest = views.digest(name, &merchant).await?;
        let told = json!({"projection": name, "as_of_pos": position, "digest": digest});
        say(&if options.json.json { told.to_string() } else { format!("{name} as of {position}: {digest}") });
        return Ok(());
    }
    let told: Value = match running(config, &options.server).await? {
        Some(kami) => kami
            .post(&format!("/v1/projections/{name}/rebuild"), &json!({}))
            .await?
            .json()
            .await
            .context("the answer")?,
        None => {
            let log = open::log(config).await?;
            let merchant = open::merchant(config, &*log).await?;
            let done = replay::views(config).await?.rebuild_beside(&*log, &merchant, name).await?;
            json!({"head_pos": done.head, "before": done.before, "after": done.after,
                "same": done.before == done.after, "seconds": done.seconds})
        }
    };
    if options.json.json {
        say(&told.to_string());
        return Ok(());
    }
    let outcome =
        if told["same"] == true { "the rows were right" } else { "the rows were wrong and were replaced" };
    say(&format!(
        "{name} as of {}: {outcome} ({})",
        told["head_pos"],
        told["after"].as_str().unwrap_or_default()
    ));
    Ok(())
}

/// The live rows against a fold of the log up to where they are.
async fn against_the_log(config: &Config, options: DiffView) -> anyhow::Result<ExitCode> {
    let source = source(&options.name)?;
    let log = open::log(config).await?;
    let merchant = open::merchant(config, &*log).await?;
    let live = replay::views(config).await?;
    let mut found = Vec::new();
    for _ in 0..TRIES {
        let head = head(&live, &merchant, &source).await?;
        found = compare(&*log, &merchant, &source, head, &live).await?;
        if self::head(&live, &merchant, &source).await? == head {
            break;
        }
    }
    show(&found, options.json)?;
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn head(live: &Views, merchant: &MerchantId, source: &Source) -> anyhow::Result<Position> {
    let checkpoints = live.checkpoints(merchant).await?;
    Ok(checkpoints
        .iter()
        .filter(|at| source.reads.contains(&at.name.as_str()))
        .map(|at| at.head)
        .min()
        .unwrap_or_default())
}

async fn compare(
    log: &dyn EventLog,
    merchant: &MerchantId,
    source: &Source,
    head: Position,
    live: &Views,
) -> anyhow::Result<Vec<Change>> {
    // Messages are counted up to now on both sides.
    live.tally(log, merchant, None).await?;
    let cut = Cut { position: head, effective: None, received: Some(Timestamp::from_micros(i64::MAX)) };
    let folded = fold_as_of(log, merchant, needed(source), cut).await?;
    Ok(changes(folded.path(), live.path(), merchant, source)?)
}

/// What changed between two positions.
pub(super) async fn between(config: &Config, options: Diff) -> anyhow::Result<ExitCode> {
    let source = source(&options.view)?;
    let log = open::log(config).await?;
    let merchant = open::merchant(config, &*log).await?;
    let end = log.head(&merchant).await?.map(|head| head.position).unwrap_or_default();
    let fold = async |at: u64| fold_as_of(&*log, &merchant, needed(&source), Position(at).min(end)).await;
    let (before, after) = (fold(options.from).await?, fold(options.to).await?);
    show(&changes(before.path(), after.path(), &merchant, &source)?, options.json)?;
    Ok(ExitCode::SUCCESS)
}

fn show(found: &[Change], json: Json) -> anyhow::Result<()> {
    for change in found {
        let key = Value::from(change.key.clone());
        if json.json {
            let columns: Vec<Value> = change
                .columns
                .iter()
                .map(|(name, before, after)| json!({"column": name, "before": before, "after": after}))
                .collect();
            say(&json!({"key": key, "columns": columns}).to_string());
            continue;
        }
        say(&key.to_string());
        let shown = |value: &Option<Value>| value.as_ref().map_or("–".to_owned(), Value::to_string);
        for (name, before, after) in &change.columns {
            say(&format!("    {name}: {} → {}", shown(before), shown(after)));
        }
    }
    if !json.json {
        say(&format!("{} rows differ", found.len()));
    }
    Ok(())
}
