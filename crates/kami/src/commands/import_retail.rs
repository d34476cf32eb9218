//! `kami import retail`: takes the books of the data set "Online Retail" over, through a running Kami.

use std::path::PathBuf;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::import_keys::{client, server};
use crate::{
    cli::{ImportRetail, say},
    config::Config,
    retail::{self, Books, Invoice},
};

/// How many invoices, and about how many lines, are sent at once.
const PAGE: (usize, usize) = (1_000, 20_000);

pub(super) async fn run(config: &Config, options: ImportRetail) -> anyhow::Result<()> {
    let (url, token) = server(config, &options.server)?;
    let path = PathBuf::from(&options.file);
    let reading = tokio::task::spawn_blocking(move || retail::read(&path));
    let (books, summary) = reading.await?.with_context(|| format!("{} cannot be imported", options.file))?;
    let bar =
        if options.json.json { ProgressBar::hidden() } else { ProgressBar::new(books.invoices.len() as u64) };
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos} of {len} invoices, {elapsed}")?);
    let client = client()?;
    let mut told = Told::default();
    for page in pages(&books) {
        let sent = client.post(format!("{url}/v1/history/orders")).bearer_auth(&token);
        let answer = sent.json(&json!({ "orders": page })).send().await;
        let answer = answer.with_context(|| format!("no Kami answers at {url}; is `kami serve` running?"))?;
        told.add(answer).await?;
        bar.inc(page.len() as u64);
    }
    bar.finish_and_clear();
    let Told { recorded, known, buyers, last_pos } = told;
    if options.json.json {
        let mut all = serde_json::to_value(&summary)?;
        all["recorded"] = json!(recorded);
        all["known"] = json!(known);
        all["buyers"] = json!(buyers);
        all["last_pos"] = json!(last_pos);
        say(&all.to_string());
    } else {
        say(&summary.text());
        say(&format!("{recorded} orders and {buyers} buyers recorded; {known} orders had been there"));
    }
    Ok(())
}

/// What the pages led to.
#[derive(Default)]
struct Told {
    recorded: u64,
    known: u64,
    buyers: u64,
    last_pos: Option<u64>,
}

impl Told {
    async fn add(&mut self, answer: reqwest::Response) -> anyhow::Result<()> {
        let status = answer.status();
        let answer: Value = answer.json().await.context("the answer")?;
        if !status.is_success() {
            let why = answer["detail"].as_str().or(answer["title"].as_str()).unwrap_or("refused");
            let kept = self.recorded;
            bail!("{status}: {why} ({kept} orders were recorded before; the same file can be sent again)");
        }
        let count = |name: &str| answer[name].as_u64().unwrap_or(0);
        self.recorded += count("recorded");
        self.known += count("known");
        self.buyers += count("buyers");
        self.last_pos = answer["last_pos"].as_u64().or(self.last_pos);
        Ok(())
    }
}

/// The invoices in pieces that are neither many invoices nor many lines.
fn pages(books: &Books) -> Vec<&[Invoice]> {
    let (mut pages, mut rest) = (Vec::new(), books.invoices.as_slice());
    while !rest.is_empty() {
        let mut lines = 0;
        let fits = |invoice: &&Invoice| {
            lines += invoice.lines.len();
            lines <= PAGE.1
        };
        let count = rest.iter().take(PAGE.0).take_while(fits).count().max(1);
        let (page, after) = rest.split_at(count);
        pages.push(page);
        rest = after;
    }
    pages
}
