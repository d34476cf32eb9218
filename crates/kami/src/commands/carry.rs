//! `kami events export --order` and `kami events import`: an order's history in a file, from one instance to another.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use projection_orders::HistoryFile;
use serde_json::{Value, json};

use super::{IMPORTED_DIR, import_keys};
use crate::{
    cli::{ExportEvents, ImportHistory, say},
    config::Config,
};

/// Asks the running Kami, which records that the history leaves, and writes the file.
pub(super) async fn export(config: &Config, options: &ExportEvents) -> anyhow::Result<()> {
    let (url, token) = import_keys::server(config, &options.server)?;
    let order = options.order.as_deref().unwrap_or_default();
    let named = utf8_percent_encode(order, NON_ALPHANUMERIC);
    let response = import_keys::client()?
        .get(format!("{url}/v1/orders/{named}/export"))
        .bearer_auth(token)
        .send()
        .await
        .with_context(|| format!("no Kami answers at {url}; is `kami serve` running?"))?;
    let status = response.status();
    let text = response.bytes().await.context("the answer")?;
    if !status.is_success() {
        let problem: Value = serde_json::from_slice(&text).unwrap_or_default();
        bail!("{status}: {}", problem["detail"].as_str().or(problem["title"].as_str()).unwrap_or("refused"));
    }
    let file = HistoryFile::read(&text).context("what the running Kami sent")?;
    let path = options.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}.json", file.order)));
    std::fs::write(&path, &text).with_context(|| format!("{} cannot be written", path.display()))?;
    say(&format!("{}: {} events of {}", path.display(), file.history().len(), file.order));
    Ok(())
}

/// Checks the file and keeps it beside the data; the log is not touched.
pub(super) fn import(config: &Config, options: &ImportHistory) -> anyhow::Result<()> {
    let path: &Path = &options.file;
    let text = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let file = http_api::import_history(&config.data.join(IMPORTED_DIR), &text)
        .with_context(|| path.display().to_string())?;
    if options.json.json {
        let told = json!({ "id": file.id(), "order": file.order, "merchant": file.merchant });
        say(&told.to_string());
        return Ok(());
    }
    say(&format!("{} of merchant {} is kept as {}", file.order, file.merchant, file.id()));
    say(&format!("See GET /v1/imported/{} or kami replay --file {}", file.id(), path.display()));
    Ok(())
}
