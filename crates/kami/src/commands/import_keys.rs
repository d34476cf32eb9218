//! `kami import-keys`: streams a file of keys to a running Kami.

use std::path::Path;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use tokio_util::io::ReaderStream;

use super::serve::TOKEN_FILE;
use crate::{
    cli::{ImportKeys, Server, say},
    config::Config,
};

pub(super) async fn run(config: &Config, options: ImportKeys) -> anyhow::Result<()> {
    let content_type = content_type(options.format.as_deref(), &options.file)?;
    let (url, token) = server(config, &options.server)?;
    let bar = if options.json.json { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
    bar.set_style(ProgressStyle::with_template("{spinner} {bytes} sent, {elapsed}")?);
    let path = if options.file == "-" { "/dev/stdin" } else { options.file.as_str() };
    let input =
        tokio::fs::File::open(path).await.with_context(|| format!("{} cannot be opened", options.file))?;
    let body = reqwest::Body::wrap_stream(ReaderStream::new(bar.wrap_async_read(input)));
    let mut query: Vec<(&str, String)> = Vec::new();
    query.extend(options.supplier.map(|supplier| ("supplier", supplier)));
    if let Some(minor) = options.unit_cost_minor {
        query.push(("unit_cost_minor", minor.to_string()));
        query.push(("currency", "CNY".to_owned()));
    }
    let sku = percent_encoding::utf8_percent_encode(&options.sku, percent_encoding::NON_ALPHANUMERIC);
    let response = client()?
        .post(format!("{url}/v1/skus/{sku}/keys"))
        .query(&query)
        .bearer_auth(token)
        .header("content-type", content_type)
        .body(body)
        .send()
        .await
        .with_context(|| format!("no Kami answers at {url}; is `kami serve` running?"))?;
    bar.finish_and_clear();
    let status = response.status();
    let answer: Value = response.json().await.context("the answer")?;
    if !status.is_success() {
        bail!("{}: {}", status, answer["detail"].as_str().or(answer["title"].as_str()).unwrap_or("refused"));
    }
    if options.json.json {
        say(&answer.to_string());
        return Ok(());
    }
    say(&format!(
        "batch {}: {} keys on stock, {} duplicates, {} lines rejected",
        answer["batch"], answer["stored"], answer["duplicates"], answer["rejected_count"]
    ));
    for line in answer["rejected"].as_array().into_iter().flatten().take(20) {
        say(&format!("  line {}: {}", line["line"], line["code"].as_str().unwrap_or_default()));
    }
    Ok(())
}

fn content_type(format: Option<&str>, file: &str) -> anyhow::Result<&'static str> {
    let named = format.or_else(|| Path::new(file).extension().and_then(|e| e.to_str()));
    match named {
        Some("csv") => Ok("text/csv"),
        Some("ndjson" | "jsonl") => Ok("application/x-ndjson"),
        Some("text" | "txt") | None => Ok("text/plain"),
        Some(_) if format.is_none() => Ok("text/plain"),
        Some(other) => bail!("{other} is none of text, csv, ndjson"),
    }
}

/// The address and token of a running Kami.
pub(super) fn server(config: &Config, server: &Server) -> anyhow::Result<(String, String)> {
    let url = server.server.clone().unwrap_or_else(|| format!("http://{}", config.listen));
    let token = match &server.token {
        Some(token) => token.clone(),
        None => {
            let path = config.data.join(TOKEN_FILE);
            std::fs::read_to_string(&path).with_context(|| {
                format!("no token: {} cannot be read, and KAMI_TOKEN is not set", path.display())
            })?
        }
    };
    Ok((url.trim_end_matches('/').to_owned(), token.trim().to_owned()))
}

/// A client for the loopback interface or a TLS proxy.
pub(super) fn client() -> anyhow::Result<reqwest::Client> {
    crate::http_client::builder()?.build().context("the HTTP client cannot be made")
}
