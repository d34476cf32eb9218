//! The NATS server that events are published to.

use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use super::Finding;
use crate::{commands::import_keys, config::Config, publishing};

const WHAT: &str = "NATS";
/// For how long the server may be silent.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn nats(config: &Config, monitor: Option<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if config.nats_url.is_some() {
        findings.extend(
            asked(config).await.unwrap_or_else(|error| vec![Finding::fail(WHAT, format!("{error:#}"))]),
        );
        if monitor.is_none() {
            findings.push(Finding::warn(
                WHAT,
                "a client cannot ask for jetstream.sync_interval, which must be always: name --nats-monitor",
            ));
        }
    }
    if let Some(url) = monitor {
        findings.push(match flushing(url).await {
            Ok(finding) => finding,
            Err(error) => Finding::fail(WHAT, format!("{error:#}")),
        });
    }
    findings
}

async fn asked(config: &Config) -> anyhow::Result<Vec<Finding>> {
    let servers = config.nats_url.as_ref().context("no server is configured")?;
    let client = publishing::connect(servers, "kami doctor", config.nats_credentials_file.as_deref()).await?;
    let found = event_relay::examine(&client, &config.merchant, PATIENCE).await?;
    let version = if found.is_sound {
        Finding::ok(WHAT, format!("version {}", found.version))
    } else {
        let detail =
            format!("version {} may lose what it acknowledged; 2.12.3 or newer is wanted", found.version);
        Finding::fail(WHAT, detail)
    };
    let stream = match found.stream {
        None => Finding::ok(WHAT, "the stream is made when events are published"),
        Some(kept) if kept.replicas == 2 => {
            Finding::fail(WHAT, "the stream has 2 copies: both must be there to write; make it 1 or 3")
        }
        Some(kept) if !kept.is_on_disk => {
            Finding::warn(WHAT, "the stream is kept in memory: every restart publishes everything again")
        }
        Some(kept) => Finding::ok(WHAT, format!("the stream has {} on disk", copies(kept.replicas))),
    };
    Ok(vec![version, stream])
}

fn copies(replicas: usize) -> String {
    if replicas == 1 { "1 copy".to_owned() } else { format!("{replicas} copies") }
}

/// Whether the server flushes before it acknowledges, as its monitoring tells.
async fn flushing(url: &str) -> anyhow::Result<Finding> {
    let address = format!("{}/jsz", url.trim_end_matches('/'));
    let failed = || format!("{address} does not answer as NATS does");
    let answer = import_keys::client()?.get(&address).timeout(PATIENCE).send().await.with_context(failed)?;
    let told: Value = answer.json().await.with_context(failed)?;
    let config = told.get("config").with_context(failed)?;
    Ok(match config.get("sync_always").and_then(Value::as_bool) {
        Some(true) => Finding::ok(WHAT, "flushes before it acknowledges"),
        _ => {
            let secs =
                config.get("sync_interval").and_then(Value::as_u64).unwrap_or_default() / 1_000_000_000;
            let detail = format!(
                "jetstream.sync_interval is {secs} s, it must be always: a power failure loses what was acknowledged"
            );
            Finding::fail(WHAT, detail)
        }
    })
}
