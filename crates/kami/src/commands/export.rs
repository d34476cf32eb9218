//! `kami export`: read models as files, through a running Kami where there is one, which puts it on record.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use analyst::{Exported, Format, Source, sources};
use anyhow::{Context, bail};
use event_log::EventLog;
use projection::{Views, fold_as_of};
use serde_json::json;
use vocabulary::{MerchantId, Position, Timestamp};

use super::{
    import_keys::{client, server},
    open, replay,
};
use crate::{
    channels,
    cli::{Export, Server, say},
    config::Config,
};

pub(super) async fn run(config: &Config, options: Export) -> anyhow::Result<()> {
    let (format, dir) = target(&options)?;
    let chosen = chosen(&options.view)?;
    std::fs::create_dir_all(&dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    let running = running(config, &options.server).await?;
    let offline =
        if running.is_none() { Some(Offline::open(config, options.as_of.as_deref()).await?) } else { None };
    let mut done = Vec::new();
    for source in &chosen {
        let path = dir.join(format!("{}.{}", source.name, format.as_str()));
        let made = match (&running, &offline) {
            (Some(kami), _) => kami.export(source, format, options.as_of.as_deref(), &path).await?,
            (None, Some(offline)) => offline.export(source, format, &path).await?,
            (None, None) => bail!("there is nothing to export from"),
        };
        if !options.json.json {
            say(&format!("{}  {} rows as of {}", path.display(), made.rows, made.head));
        }
        done.push(json!({"view": source.name, "file": path, "rows": made.rows, "as_of_pos": made.head}));
    }
    if options.json.json {
        say(&json!({"files": done, "recorded": running.is_some()}).to_string());
    } else if running.is_none() {
        say("No Kami is running: the export is not on record.");
    }
    Ok(())
}

fn target(options: &Export) -> anyhow::Result<(Format, PathBuf)> {
    let given =
        [(Format::Parquet, &options.parquet), (Format::Csv, &options.csv), (Format::Ndjson, &options.ndjson)];
    let found = given.into_iter().find_map(|(format, dir)| Some((format, dir.clone()?)));
    found.context("one of --parquet, --csv, --ndjson names the directory")
}

fn chosen(names: &[String]) -> anyhow::Result<Vec<Source>> {
    let all = sources(&channels::projections());
    if let Some(unknown) = names.iter().find(|name| !all.iter().any(|source| source.name == name.as_str())) {
        bail!("there is no table or view {unknown}; `kami view list` tells which there are");
    }
    Ok(all
        .into_iter()
        .filter(|source| names.is_empty() || names.iter().any(|name| name == source.name))
        .collect())
}

/// A Kami that answers.
pub(super) struct Running {
    client: reqwest::Client,
    url: String,
    token: String,
}

/// The Kami that runs on the configured address, if one does. One that was named must.
pub(super) async fn running(config: &Config, options: &Server) -> anyhow::Result<Option<Running>> {
    let client = client()?;
    let url = options.server.clone().unwrap_or_else(|| format!("http://{}", config.listen));
    let alive = client.get(format!("{}/healthz", url.trim_end_matches('/'))).send().await.is_ok();
    if !alive && options.server.is_some() {
        bail!("no Kami answers at {url}");
    }
    if !alive {
        return Ok(None);
    }
    match server(config, options) {
        Ok((url, token)) => Ok(Some(Running { client, url, token })),
        // Somebody else's, on the usual port.
        Err(_) if options.server.is_none() && options.token.is_none() => Ok(None),
        Err(error) => Err(error),
    }
}

impl Running {
    /// Posts JSON and gives the answer back, if it is a good one.
    pub(super) async fn post(
        &self,
        path: &str,
        body: &serde_json::Value,
    ) -> anyhow::Result<reqwest::Response> {
        self.send(self.client.post(self.address(path)).json(body)).await
    }

    /// Posts JSON that the same key has acted on once, however often it is posted; every time where there is no key.
    pub(super) async fn post_once(
        &self,
        path: &str,
        body: &serde_json::Value,
        key: Option<&str>,
    ) -> anyhow::Result<reqwest::Response> {
        let request = self.client.post(self.address(path)).json(body);
        let keyed = key.into_iter().fold(request, |request, key| request.header("idempotency-key", key));
        self.send(keyed).await
    }

    /// Gets an answer, if it is a good one.
    pub(super) async fn get(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> anyhow::Result<reqwest::Response> {
        self.send(self.client.get(self.address(path)).query(query)).await
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> anyhow::Result<reqwest::Response> {
        let sent = request.bearer_auth(&self.token).send().await;
        let response = sent.with_context(|| format!("no Kami answers at {}", self.url))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let answer: serde_json::Value = response.json().await.unwrap_or_default();
        bail!("{status}: {}", answer["detail"].as_str().or(answer["title"].as_str()).unwrap_or("refused"))
    }

    async fn export(
        &self,
        source: &Source,
        format: Format,
        as_of: Option<&str>,
        path: &Path,
    ) -> anyhow::Result<Exported> {
        let wanted = json!({"format": format.as_str(), "as_of": as_of});
        let mut response = self.post(&format!("/v1/views/{}/export", source.name), &wanted).await?;
        let number =
            |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()?.parse().ok());
        let (rows, head) =
            (number("x-rows").unwrap_or_default(), Position(number("x-as-of-pos").unwrap_or_default()));
        let mut file = create(path)?;
        while let Some(chunk) = response.chunk().await.context("the file")? {
            file.write_all(&chunk)?;
        }
        file.flush()?;
        Ok(Exported { rows, head })
    }
}

fn create(path: &Path) -> anyhow::Result<BufWriter<File>> {
    let file = File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(BufWriter::new(file))
}

/// The read models of a data directory.
struct Offline {
    views: std::sync::Arc<Views>,
    merchant: MerchantId,
}

impl Offline {
    async fn open(config: &Config, as_of: Option<&str>) -> anyhow::Result<Self> {
        let log = open::log(config).await?;
        let merchant = open::merchant(config, &*log).await?;
        let views = match as_of {
            None => {
                let views = replay::views(config).await?;
                views.tally(&*log, &merchant, None).await.context("counting messages")?;
                std::sync::Arc::new(views)
            }
            Some(moment) => {
                let position = position(&*log, &merchant, moment).await?;
                fold_as_of(&*log, &merchant, channels::projections(), position).await?
            }
        };
        Ok(Self { views, merchant })
    }

    async fn export(&self, source: &Source, format: Format, path: &Path) -> anyhow::Result<Exported> {
        let (mut file, made) =
            analyst::export(&self.views, &self.merchant, source, format, create(path)?).await?;
        file.flush()?;
        Ok(made)
    }
}

/// A position, or the last one recorded by an instant.
async fn position(log: &dyn EventLog, merchant: &MerchantId, moment: &str) -> anyhow::Result<Position> {
    if let Ok(position) = moment.parse() {
        return Ok(Position(position));
    }
    let at = Timestamp::parse_rfc3339(moment).context("--as-of is a position or an instant (RFC 3339)")?;
    Ok(log.position_at(merchant, at).await?)
}
