//! The raw messages behind a history.

use anyhow::{Context, bail};
use event_log::EventLog;
use events::RecordedEvent;
use serde_json::{Value, json};
use vault::MerchantKeys;
use vocabulary::{MerchantId, MessageId};

use crate::{commands::open, config::Config};

/// The raw messages behind the history. An answer may hold keys, and nothing is shown without a record: the
/// running Kami's `GET /v1/inbox/{id}?reveal=` records it and shows it, so only the request is shown here.
pub(super) async fn of(
    config: &Config,
    log: &dyn EventLog,
    merchant: &MerchantId,
    events: &[RecordedEvent],
    reason: &str,
) -> anyhow::Result<Vec<Value>> {
    if reason.trim().is_empty() {
        bail!("--bodies needs a reason");
    }
    let vault = open::vault(config).await?;
    let keys = vault.ensure_merchant(merchant).await.context("the merchant's keys")?;
    let mut messages: Vec<MessageId> = Vec::new();
    for event in events {
        messages.extend(event.meta()?.correlation.filter(|m| !messages.contains(m)));
    }
    let mut shown = Vec::new();
    for message in messages {
        shown.push(body(log, merchant, &keys, &message).await?);
    }
    vault.close().await;
    Ok(shown)
}

async fn body(
    log: &dyn EventLog,
    merchant: &MerchantId,
    keys: &MerchantKeys,
    message: &MessageId,
) -> anyhow::Result<Value> {
    let row = log
        .read_inbox(merchant, message)
        .await
        .context("the inbox")?
        .with_context(|| format!("message {message} is not in the inbox"))?;
    let request =
        keys.open(&format!("{message}/request"), &row.sealed_request).context("the sealed request")?;
    let answer = keys.open(&format!("{message}/answer"), &row.sealed_answer).context("the sealed answer")?;
    let request: channel::RawRequest = serde_json::from_slice(&request)?;
    let answer: Option<channel::Reply> = serde_json::from_slice(&answer)?;
    Ok(json!({
        "message": message, "account": row.account, "verdict": row.verdict.as_str(), "received_at": row.received_at,
        "method": request.method, "topic": request.topic, "query": request.query,
        "body": String::from_utf8_lossy(&request.body),
        "answer_status": answer.as_ref().map(|a| a.status),
        "answer_bytes": answer.as_ref().map(|a| a.body.len()),
        "answer": "recorded with GET /v1/inbox/{id}?reveal=<reason> of the running Kami",
    }))
}
