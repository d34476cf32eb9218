//! `kami purchases`: keys bought from suppliers, through a running Kami.

use anyhow::{Context, bail};
use projection_quotas::{Purchase, PurchaseState};
use serde::Deserialize;
use serde_json::{Value, json};

use super::export::{Running, running};
use crate::{
    cli::{BuyKeys, ListPurchases, Purchases, Server, ShowPurchase, say},
    config::Config,
};

pub(super) async fn run(config: &Config, what: Purchases) -> anyhow::Result<()> {
    match what {
        Purchases::List(options) => list(config, options).await,
        Purchases::Show(options) => show(config, options).await,
        Purchases::Buy(options) => buy(config, options).await,
    }
}

async fn kami(config: &Config, server: &Server) -> anyhow::Result<Running> {
    let kami = running(config, server).await?;
    kami.with_context(|| format!("no Kami answers at http://{}; is `kami serve` running?", config.listen))
}

/// A page of purchases, and where the next begins.
#[derive(Deserialize)]
struct Page {
    purchases: Vec<Purchase>,
    next: Option<u64>,
}

/// A page as of what is on record now: whoever has just bought sees it.
async fn answer(kami: &Running, mut query: Vec<(&str, String)>) -> anyhow::Result<Value> {
    let ready: Value = kami.get("/readyz", &[]).await?.json().await.context("how far the log is")?;
    query.push(("min_pos", ready["head_pos"].to_string()));
    kami.get("/v1/purchases", &query).await?.json().await.context("the answer")
}

async fn list(config: &Config, options: ListPurchases) -> anyhow::Result<()> {
    let account = options.account.map(|account| account.to_string());
    let cursor = options.cursor.map(|cursor| cursor.to_string());
    let limit = Some(options.limit.to_string());
    let given = [
        ("sku", options.sku),
        ("account", account),
        ("state", options.state),
        ("cursor", cursor),
        ("limit", limit),
    ];
    let query: Vec<(&str, String)> =
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let found = answer(&kami(config, &options.server).await?, query).await?;
    if options.json.json {
        say(&found.to_string());
        return Ok(());
    }
    let page: Page = serde_json::from_value(found).context("the answer")?;
    if page.purchases.is_empty() {
        say("No purchase was found: `kami purchases buy` makes one.");
    }
    for one in &page.purchases {
        let Purchase { purchase, batch, sku, account, .. } = one;
        say(&format!("{purchase}  {batch}  {}  {sku} at {account}", outcome(one)));
    }
    if let Some(next) = page.next {
        say(&format!("There are more: --cursor {next}"));
    }
    Ok(())
}

async fn show(config: &Config, options: ShowPurchase) -> anyhow::Result<()> {
    let kami = kami(config, &options.server).await?;
    let mut found = answer(&kami, vec![("purchase", options.purchase.clone())]).await?;
    let Some(one) = found["purchases"].get_mut(0).map(Value::take) else {
        bail!("there is no purchase {}; `kami purchases list` tells which there are", options.purchase);
    };
    if options.json.json {
        say(&one.to_string());
        return Ok(());
    }
    let one: Purchase = serde_json::from_value(one).context("the answer")?;
    let said = [
        ("purchase", one.purchase.clone()),
        ("state", outcome(&one)),
        ("sku", one.sku.to_string()),
        ("account", one.account.to_string()),
        ("item", one.item.clone()),
        ("quantity", one.quantity.get().to_string()),
        ("max price", one.max_price.to_string()),
        ("batch", one.batch.to_string()),
        ("reason", one.reason.clone()),
        ("supplier's number", one.reference.clone().unwrap_or_default()),
        ("requested", one.requested_at.to_string()),
        ("ended", one.ended_at.map(|at| at.to_string()).unwrap_or_default()),
        ("positions", format!("{} to {}", one.first_pos, one.last_pos)),
    ];
    for (name, value) in said.iter().filter(|(_, value)| !value.is_empty()) {
        say(&format!("{name:<18} {value}"));
    }
    Ok(())
}

async fn buy(config: &Config, options: BuyKeys) -> anyhow::Result<()> {
    let wish = json!({
        "account": options.account,
        "item": options.item,
        "quantity": options.quantity,
        "max_price": { "minor": options.max_price_minor, "currency": options.currency },
        "reason": options.reason,
    });
    let sku = percent_encoding::utf8_percent_encode(&options.sku, percent_encoding::NON_ALPHANUMERIC);
    let kami = kami(config, &options.server).await?;
    let key = options.idempotency_key.as_deref();
    let answer = kami.post_once(&format!("/v1/skus/{sku}/procure"), &wish, key).await?;
    let answer: Value = answer.json().await.context("the answer")?;
    if options.json.json {
        say(&answer.to_string());
        return Ok(());
    }
    let number = answer["procurement"].as_str().context("the answer names no purchase")?;
    say(&format!("purchase {number}: its keys will be batch b{}", answer["batch"]));
    say(&format!("`kami purchases show {number}` tells what came of it."));
    Ok(())
}

/// How a purchase stands, in a few words.
fn outcome(one: &Purchase) -> String {
    let code = one.code.as_deref().unwrap_or("no reason was given");
    match one.state {
        PurchaseState::Requested => "asked for".to_owned(),
        PurchaseState::Accepted => "taken, its keys come later".to_owned(),
        PurchaseState::Keys if one.duplicates > 0 => {
            format!("{} of {} keys in stock, {} known before", one.keys, one.quantity.get(), one.duplicates)
        }
        PurchaseState::Keys => format!("{} of {} keys in stock", one.keys, one.quantity.get()),
        PurchaseState::Failed => format!("failed: {code}"),
        PurchaseState::ForAPerson => format!("for a person: {code}"),
    }
}
