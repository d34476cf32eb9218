//! Requests in files: the shape in which the inbox shows them.

use anyhow::{Context, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use channel::RawRequest;
use serde_json::Value;
use vocabulary::Timestamp;

/// Reads a request as `GET /v1/inbox/{id}` shows it.
pub(super) fn request(shown: &Value) -> anyhow::Result<RawRequest> {
    let text = |name: &str| shown[name].as_str().unwrap_or_default().to_owned();
    let body = match (shown["body"].as_str(), shown["body_base64"].as_str()) {
        (Some(body), None) => body.as_bytes().to_vec(),
        (None, Some(body)) => STANDARD.decode(body).context("body_base64 is no base64")?,
        (None, None) => Vec::new(),
        _ => bail!("a request has a body or a body_base64, not both"),
    };
    let mut headers = Vec::new();
    for header in shown["headers"].as_array().into_iter().flatten() {
        let part = |at: usize| header[at].as_str().map(str::to_owned);
        let (Some(name), Some(value)) = (part(0), part(1)) else { bail!("headers are pairs of texts") };
        headers.push((name.to_ascii_lowercase(), value.into_bytes()));
    }
    let received_at = shown["received_at"].as_str().context("received_at is missing")?;
    Ok(RawRequest {
        method: text("method"),
        topic: text("topic"),
        query: text("query"),
        headers,
        body,
        received_at: Timestamp::parse_rfc3339(received_at).context("received_at")?,
    })
}
