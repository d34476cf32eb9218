//! The line from the pretend platforms to Kami: HTTP over the loopback interface, one message after the
//! other.

use std::time::Duration;

use anyhow::Context;
use futures::future::try_join_all;
use serde_json::Value;

use super::wire::Wire;
use crate::http_client;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null where it is something else.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
    /// A text of the body, by the names that lead to it.
    pub(crate) fn text(&self, names: &[&str]) -> String {
        let mut value = &self.json();
        for name in names {
            value = &value[name];
        }
        value.as_str().unwrap_or_default().to_owned()
    }
    /// For a report of what was not expected: the status and the beginning of the body.
    pub(crate) fn excerpt(&self) -> String {
        let words: String = String::from_utf8_lossy(&self.body).chars().take(160).collect();
        format!("{} {words}", self.status)
    }
}

/// A kept-alive connection.
pub(crate) struct Line {
    client: reqwest::Client,
    base: String,
}

impl Line {
    /// A line to a Kami at an address.
    pub(crate) fn to(address: std::net::SocketAddr) -> anyhow::Result<Self> {
        // Shorter than the server keeps an idle connection, so that none is used that it is just closing.
        let builder = http_client::builder()?.pool_idle_timeout(Duration::from_secs(5));
        let client = builder.no_proxy().build().context("the HTTP client cannot be made")?;
        Ok(Self { client, base: format!("http://{address}") })
    }

    /// Sends a message and waits for the answer.
    pub(crate) async fn send(&self, wire: &Wire) -> anyhow::Result<Answer> {
        let method = reqwest::Method::from_bytes(wire.method.as_bytes()).context("the method")?;
        let mut request = self.client.request(method, format!("{}{}", self.base, wire.path));
        for (name, value) in &wire.headers {
            request = request.header(*name, value);
        }
        let response = request.body(wire.body.clone()).send().await.context("Kami does not answer")?;
        let status = response.status().as_u16();
        let body = response.bytes().await.context("Kami's answer")?.to_vec();
        Ok(Answer { status, body })
    }

    /// Sends a message several times at once.
    pub(crate) async fn burst(&self, wire: &Wire, times: usize) -> anyhow::Result<Vec<Answer>> {
        try_join_all((0..times).map(|_| self.send(wire))).await
    }
}
