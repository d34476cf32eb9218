//! `kami channel test --record` and `--replay`: what a running account received, judged again later.

use std::{fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use anyhow::{Context, bail};
use channel::{Protocol, RawRequest, explain};
use serde_json::{Value, json};
use vocabulary::Account;

use super::{Judged, Verdict, pasted};
use crate::{
    cli::{TestChannel, say},
    commands::import_keys::{client, server},
    config::Config,
};

/// The largest body that a Kami takes from a channel.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// A part of a header's or parameter's name by which it holds a secret, not a signature.
const SECRET_NAMES: [&str; 6] = ["secret", "token", "password", "authorization", "cookie", "api-key"];
const HIDDEN: &str = "***";

/// Writes the requests that an account received into a file, without secrets. The file holds what buyers said: only
/// its owner may read it.
pub(super) async fn record(config: &Config, options: &TestChannel, file: &Path) -> anyhow::Result<()> {
    let account = options.account.as_ref().context("--record wants --account CHANNEL/SHOP")?;
    if account.channel() != options.name {
        bail!("{account} is no account of {}", options.name);
    }
    let settings = match &options.settings {
        Some(file) => super::settings(super::protocol(&options.name)?, Some(file))?,
        None => Value::Null,
    };
    let mut secrets = Vec::new();
    texts(&settings, &mut secrets);
    let requests = fetch(config, options, account, &secrets).await?;
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("{} cannot be made; does it exist?", file.display()))?;
    let written = json!({ "account": account, "requests": requests });
    out.write_all(serde_json::to_string_pretty(&written)?.as_bytes()).context("the recording")?;
    let scrubbed = requests.iter().filter(|request| request["scrubbed"] == true).count();
    say(&format!("{} requests in {}, {scrubbed} without a secret they held", requests.len(), file.display()));
    Ok(())
}

async fn fetch(
    config: &Config,
    options: &TestChannel,
    account: &Account,
    secrets: &[String],
) -> anyhow::Result<Vec<Value>> {
    let (url, token) = server(config, &options.server)?;
    let client = client()?;
    let get = async |path: String, query: &[(&str, String)]| -> anyhow::Result<Value> {
        let request = client.get(format!("{url}{path}")).query(query).bearer_auth(&token);
        let response = request
            .send()
            .await
            .with_context(|| format!("no Kami answers at {url}; is `kami serve` running?"))?;
        let status = response.status();
        let answer: Value = response.json().await.context("the answer")?;
        if !status.is_success() {
            bail!("{status}: {}", answer["detail"].as_str().unwrap_or("refused"));
        }
        Ok(answer)
    };
    let query = [("account", account.to_string()), ("limit", options.limit.to_string())];
    let listed = get("/v1/inbox".to_owned(), &query).await?;
    let mut found = Vec::new();
    // Listed are the newest first; a recording runs forward.
    for message in listed["messages"].as_array().into_iter().flatten().rev() {
        let id = message["message"].as_str().context("a message without an id")?;
        let shown = get(format!("/v1/inbox/{id}"), &[]).await?;
        let mut kept = json!({
            "message": id, "verdict": shown["verdict"], "reason": shown["reason"], "request": shown["request"],
        });
        if scrub(&mut kept["request"], secrets) {
            kept["scrubbed"] = true.into();
        }
        found.push(kept);
    }
    Ok(found)
}

/// Every text of the settings that is long enough to be a secret.
fn texts(settings: &Value, found: &mut Vec<String>) {
    match settings {
        // An address is no secret, and stands in many messages.
        Value::String(text) if text.len() >= 8 && !text.starts_with("http") => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

/// Takes secrets out of a request; says whether there were any.
fn scrub(request: &mut Value, secrets: &[String]) -> bool {
    let mut changed = false;
    let is_secret = |name: &str| SECRET_NAMES.iter().any(|part| name.to_ascii_lowercase().contains(part));
    for header in request["headers"].as_array_mut().into_iter().flatten() {
        if header[0].as_str().is_some_and(is_secret) {
            header[1] = HIDDEN.into();
            changed = true;
        }
    }
    for place in ["query", "body"] {
        let Some(text) = request[place].as_str() else { continue };
        let is_form = place == "query" || !text.trim_start().starts_with(['{', '[', '<']);
        let mut clean = text.to_owned();
        if is_form {
            let part = |part: &str| match part.split_once('=') {
                Some((name, _)) if is_secret(name) => format!("{name}={HIDDEN}"),
                _ => part.to_owned(),
            };
            clean = text.split('&').map(part).collect::<Vec<_>>().join("&");
        }
        for secret in secrets {
            clean = clean.replace(secret, HIDDEN);
        }
        if clean != text {
            request[place] = clean.into();
            changed = true;
        }
    }
    changed
}

/// Judges the requests of a recording again: what was taken in must be accepted, what was refused must be refused
/// for the same reason.
pub(super) fn replay(protocol: &Protocol, options: &TestChannel, file: &Path) -> anyhow::Result<Vec<Judged>> {
    let settings =
        options.settings.as_ref().context("--replay wants --settings FILE: the account's own keys")?;
    let settings = super::settings(protocol, Some(settings))?;
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let recording: Value = serde_json::from_str(&text).context("the recording is no JSON")?;
    let account: Account = recording["account"].as_str().unwrap_or_default().parse().context("account")?;
    let adapter = (protocol.connect)(account, &settings.to_string())?;
    let requests = recording["requests"].as_array().context("the recording has no requests")?;
    requests
        .iter()
        .map(|kept| {
            let name = kept["message"].as_str().unwrap_or("a request").to_owned();
            let request = pasted::request(&kept["request"]).with_context(|| name.clone())?;
            let (verdict, why) = judge(adapter.as_ref(), kept, &request);
            Ok(Judged { name, verdict, why })
        })
        .collect()
}

fn judge(adapter: &dyn channel::Adapter, kept: &Value, request: &RawRequest) -> (Verdict, String) {
    let reason = kept["reason"].as_str().unwrap_or_default();
    if kept["scrubbed"] == true {
        return (Verdict::Skipped, "a secret was taken out of it".to_owned());
    }
    // These were refused before an adapter saw them.
    if reason == "size:body_unreadable" || reason == "meaning:unknown_channel" {
        return (Verdict::Skipped, reason.to_owned());
    }
    let told = explain::explain(adapter, request, request.received_at, BODY_BYTES_MAX);
    let refused = kept["verdict"] == "refused";
    let now = told.refused_as();
    let same = if refused { now.as_deref() == Some(reason) } else { now.is_none() };
    let was = if refused { reason } else { "accepted" };
    let is = now.as_deref().unwrap_or("accepted");
    match same {
        true => (Verdict::Passed, is.to_owned()),
        false => (Verdict::Failed, format!("was {was}, is {is}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_a_secret_is_taken_out_and_marked() {
        let mut request = json!({
            "headers": [["x-sign", "abc"], ["X-Telegram-Bot-Api-Secret-Token", "s3cret"]],
            "query": "sign=1&access_token=abc&x=1", "body": "{\"app_key\":\"long-secret-1\"}",
        });
        assert!(scrub(&mut request, &["long-secret-1".to_owned()]));
        assert_eq!(
            request["headers"],
            json!([["x-sign", "abc"], ["X-Telegram-Bot-Api-Secret-Token", "***"]])
        );
        assert_eq!(request["query"], "sign=1&access_token=***&x=1");
        assert_eq!(request["body"], "{\"app_key\":\"***\"}");
        let mut clean = json!({ "headers": [], "query": "sign=1", "body": "{\"token\":1}" });
        assert!(!scrub(&mut clean, &[]));
    }

    #[test]
    fn the_texts_of_settings_are_found_wherever_they_stand() {
        let mut found = Vec::new();
        texts(&json!({ "a": "12345678", "b": { "c": ["abcdefgh", "short"] }, "n": 1 }), &mut found);
        found.sort();
        assert_eq!(found, ["12345678", "abcdefgh"]);
    }
}
