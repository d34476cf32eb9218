//! `kami model`: fits a model through a running Kami, and tells what was fitted last.

use analyst::{Source, page};
use anyhow::Context;
use serde_json::{Value, json};

use super::{export::running, open, replay};
use crate::{
    channels,
    cli::{FitModel, Json, Model, say},
    config::Config,
};

/// More models than there are.
const MODELS_MAX: u32 = 100;

pub(super) async fn run(config: &Config, what: Model) -> anyhow::Result<()> {
    match what {
        Model::Fit(options) => fit(config, options).await,
        Model::List(json) => list(config, json).await,
    }
}

async fn fit(config: &Config, options: FitModel) -> anyhow::Result<()> {
    let kami = running(config, &options.server).await?;
    let kami = kami.with_context(|| format!("no Kami answers at http://{}", config.listen))?;
    let answer = kami.post(&format!("/v1/models/{}/fit", options.model), &json!({})).await?;
    let answer: Value = answer.json().await.context("the answer")?;
    if options.json.json {
        say(&answer.to_string());
        return Ok(());
    }
    match (&answer["first_pos"], &answer["last_pos"]) {
        (Value::Null, _) => say(&format!("{}: there was nothing to say", options.model)),
        (first, last) => say(&format!("{}: recorded at {first} to {last}", options.model)),
    }
    Ok(())
}

async fn list(config: &Config, json: Json) -> anyhow::Result<()> {
    let log = open::log(config).await?;
    let merchant = open::merchant(config, &*log).await?;
    let views = replay::views(config).await?;
    let source = Source::find(&channels::projections(), "ops_model").context("this build keeps no models")?;
    let mut conn = views.reader().acquire().await.context("the read models")?;
    let fits = page(&mut conn, &merchant, &source, &[], None, MODELS_MAX).await.context("the read models")?;
    let names: Vec<&str> = fits.sheet.headings.iter().map(|heading| heading.name.as_str()).collect();
    let rows: Vec<Value> = fits
        .sheet
        .rows
        .iter()
        .map(|row| names.iter().map(|name| (*name).to_owned()).zip(row.iter().cloned()).collect())
        .map(Value::Object)
        .collect();
    if json.json {
        say(&Value::from(rows).to_string());
        return Ok(());
    }
    if rows.is_empty() {
        say("No model was fitted yet: `kami model fit ltv` fits one.");
    }
    for row in &rows {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        say(&format!(
            "{:<12} fitted {} to the log up to {}",
            text("model"),
            text("fitted_at"),
            row["fit_pos"]
        ));
    }
    Ok(())
}
