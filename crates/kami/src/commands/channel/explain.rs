//! `kami channel explain`: what a connected account's adapter makes of a pasted request.

use std::io::Read;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::{
    cli::{ExplainRequest, say},
    commands::import_keys::{client, server},
    config::Config,
};

pub(super) async fn run(config: &Config, options: ExplainRequest) -> anyhow::Result<()> {
    let (url, token) = server(config, &options.server)?;
    let mut pasted = read(&options.file)?;
    // A message of the inbox holds its request.
    if pasted["request"].is_object() {
        pasted = pasted["request"].take();
    }
    if let Some(at) = &options.at {
        if let Some(fields) = pasted.as_object_mut() {
            fields.remove("received_at");
        }
        pasted["at"] = at.as_str().into();
    }
    let account = &options.account;
    let response = client()?
        .post(format!("{url}/v1/in/{}/explain", account.channel()))
        .query(&[("shop", account.shop())])
        .bearer_auth(token)
        .json(&pasted)
        .send()
        .await
        .with_context(|| format!("no Kami answers at {url}; is `kami serve` running?"))?;
    let status = response.status();
    let told: Value = response.json().await.context("the answer")?;
    if !status.is_success() {
        bail!("{status}: {}", told["detail"].as_str().or(told["title"].as_str()).unwrap_or("refused"));
    }
    if options.json.json {
        say(&told.to_string());
        return Ok(());
    }
    for step in told["steps"].as_array().into_iter().flatten() {
        let part = |name: &str| step[name].as_str().unwrap_or_default();
        let line = format!("{:<10} {:<7} {}  {}", part("step"), part("state"), part("code"), part("detail"));
        say(line.trim_end());
    }
    if let Some(text) = told["signed_text"].as_str() {
        say(&format!("signed text:\n{text}"));
    }
    if told["accepted"] == true {
        say(&format!("meaning:\n{}", serde_json::to_string_pretty(&told["meaning"])?));
    }
    Ok(())
}

fn read(file: &str) -> anyhow::Result<Value> {
    let text = if file == "-" {
        let mut text = String::new();
        std::io::stdin().take(1024 * 1024).read_to_string(&mut text).context("standard input")?;
        text
    } else {
        std::fs::read_to_string(file).with_context(|| format!("{file} cannot be read"))?
    };
    serde_json::from_str(&text).context("the request is no JSON; docs/reference/http.md shows its shape")
}
