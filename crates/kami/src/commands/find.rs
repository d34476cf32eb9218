//! `kami find`: from what somebody knows to the order.

use std::io::Read;

use anyhow::{Context, bail};
use projection_orders as query;
use projection_quotas as stock;
use serde_json::{Value, json};
use vocabulary::{KeyRef, MerchantId};

use super::{open, replay};
use crate::{
    cli::{Find, say},
    config::Config,
};

pub(super) async fn run(config: &Config, options: Find) -> anyhow::Result<()> {
    let log = open::log(config).await?;
    let merchant = open::merchant(config, &*log).await?;
    let views = replay::views(config).await?;
    let found = if options.key {
        by_key(config, &views, &merchant).await?
    } else {
        let text = options.text.unwrap_or_default();
        let reference: query::Reference = text.parse().context("what to look for")?;
        let found =
            query::find(views.reader(), &merchant, &reference, 20).await.context("the read models")?;
        found
            .into_iter()
            .map(|f| {
                let order = f.order;
                json!({"order": order.order, "account": order.account, "number": order.external_no,
                       "status": order.status().as_str(), "because": f.reason})
            })
            .collect()
    };
    if options.json.json {
        say(&serde_json::to_string(&found)?);
        return Ok(());
    }
    if found.is_empty() {
        bail!("nothing was found");
    }
    for hit in &found {
        let part = |name: &str| hit[name].as_str().unwrap_or("-").to_owned();
        say(&format!(
            "{}  {}:{}  {}  ({})",
            part("order"),
            part("account"),
            part("number"),
            part("status"),
            part("because")
        ));
    }
    Ok(())
}

/// By a card key's keyed fingerprint: the key itself is neither stored in clear nor shown.
async fn by_key(
    config: &Config,
    views: &projection::Views,
    merchant: &MerchantId,
) -> anyhow::Result<Vec<Value>> {
    let mut text = String::new();
    std::io::stdin().take(8 * 1024).read_to_string(&mut text).context("the key from standard input")?;
    let vault = open::vault(config).await?;
    let place = vault.find_key(merchant, None, text.trim()).await.context("the vault")?;
    vault.close().await;
    let Some((batch, index)) = place else { return Ok(Vec::new()) };
    let key = KeyRef { batch, index, use_no: 0 };
    let found = stock::key(views.reader(), merchant, key).await.context("the read models")?;
    let Some(id) = found.and_then(|place| place.order) else {
        return Ok(vec![json!({"key": key, "because": "card_key"})]);
    };
    let order = query::by_id(views.reader(), merchant, id).await.context("the read models")?;
    Ok(vec![json!({
        "key": key, "order": id, "because": "card_key",
        "account": order.as_ref().and_then(|o| o.account.clone()),
        "number": order.as_ref().and_then(|o| o.external_no.clone()),
        "status": order.as_ref().map(|o| o.status().as_str()),
    })])
}
