//! Telling partners of events: what the crate `partners` leaves to whoever runs it. A node takes every event in, and sends
//! webhooks itself where no events are published; where they are, `kami worker partners` sends.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use async_trait::async_trait;
use engine::{Clock, Engine, SystemClock};
use event_log::EventLog;
use event_relay::{Client, Follow, FollowOptions, Place, RelayError};
use partners::{Answer, Partners, Post, PostFailure, Secrets, Webhook, is_public, send_for_ever};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::task::JoinHandle;
use vault::Vault;
use vocabulary::{MerchantId, Position, Secret, Timestamp};

use crate::{config::Config, http_client};

/// The file of what is due, beside the read models.
const FILE: &str = "partners.db";
/// Events taken in at once.
const BATCH: usize = 1_000;
/// At least this long between two looks at the log: what is appended meanwhile is taken in together.
const PACE: Duration = Duration::from_millis(200);
/// How long a partner may take to answer.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The wait after a failure to read the log.
const RETRY: Duration = Duration::from_secs(1);

/// What a node does for partners, until it is dropped. What is not sent then is sent after the next start.
pub(crate) struct Telling(Vec<JoinHandle<()>>);

impl Telling {
    /// Starts it, and gives what the API needs.
    pub(crate) async fn start(
        config: &Config,
        engine: &Arc<Engine>,
    ) -> anyhow::Result<(http_api::Telling, Self)> {
        let merchant = engine.merchant();
        let partners = open(&config.data, merchant).await?;
        forget_another_log(&partners, &**engine.log(), merchant).await?;
        let following = follow(partners.clone(), engine.log().clone(), merchant.clone());
        let mut tasks = vec![tokio::spawn(following)];
        if config.nats_url.is_none() {
            let vault = engine.vault().clone();
            tasks.push(tokio::spawn(sending(config, partners.clone(), vault, merchant)?));
        }
        Ok((http_api::Telling::new(partners, config.partners_allow_private), Self(tasks)))
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

async fn open(dir: &Path, merchant: &MerchantId) -> anyhow::Result<Partners> {
    let path = dir.join(FILE);
    Partners::open(&path, merchant).await.with_context(|| format!("{} cannot be opened", path.display()))
}

fn sending(
    config: &Config,
    partners: Partners,
    vault: Arc<Vault>,
    merchant: &MerchantId,
) -> anyhow::Result<impl Future<Output = ()> + use<>> {
    let allow_private = config.partners_allow_private;
    let post = Arc::new(Sender::new(allow_private)?);
    let secrets = Arc::new(InVault { vault, merchant: merchant.clone() });
    Ok(send_for_ever(partners, post, secrets, now, allow_private))
}

fn now() -> Timestamp {
    SystemClock.now()
}

/// What was taken in must be of this log: one that was restored goes on otherwise.
async fn forget_another_log(
    partners: &Partners,
    log: &dyn EventLog,
    merchant: &MerchantId,
) -> anyhow::Result<()> {
    let (position, hash) = partners.place().await?;
    let Some(before) = position.0.checked_sub(1) else { return Ok(()) };
    let event = log.read_log(merchant, Position(before), 1).await?.pop();
    if event.is_none_or(|event| event.position != position || event.hash != hash) {
        tracing::warn!(%merchant, "what is due to partners is of another log, and made anew");
        partners.forget().await?;
    }
    Ok(())
}

/// Takes in what the log holds, and follows it.
async fn follow(partners: Partners, log: Arc<dyn EventLog>, merchant: MerchantId) {
    let mut head = log.watch(&merchant);
    loop {
        match take_in(&partners, &*log, &merchant).await {
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(%error, "events cannot be taken in for partners");
                tokio::time::sleep(RETRY).await;
                continue;
            }
        }
        if head.changed().await.is_err() {
            return;
        }
        tokio::time::sleep(PACE).await;
    }
}

async fn take_in(partners: &Partners, log: &dyn EventLog, merchant: &MerchantId) -> anyhow::Result<()> {
    loop {
        let (position, _) = partners.place().await?;
        let events = log.read_log(merchant, position, BATCH).await?;
        if events.is_empty() {
            return Ok(());
        }
        partners.take(&events).await?;
    }
}

/// Takes in what comes on NATS, and sends what is due.
pub(crate) async fn from_nats(
    config: &Config,
    dir: &Path,
    vault: Arc<Vault>,
    client: Client,
    name: &str,
) -> anyhow::Result<()> {
    let merchant = &config.merchant;
    let partners = open(dir, merchant).await?;
    let sender = tokio::spawn(sending(config, partners.clone(), vault, merchant)?);
    let _sender = Telling(vec![sender]);
    loop {
        let (position, hash) = partners.place().await?;
        let place = Place { position, hash };
        let mut follow = Follow::new(client.clone(), merchant, name, place, FollowOptions::default());
        let error = loop {
            match follow.next().await {
                Ok(events) => {
                    let at = partners.take(&events).await?;
                    follow.applied(at).await;
                }
                Err(error) => break error,
            }
        };
        match error {
            RelayError::AnotherLog { .. } if position.0 > 0 => {
                tracing::warn!(%error, "what is due to partners is of another log, and made anew");
                partners.forget().await?;
            }
            error => return Err(error.into()),
        }
    }
}

/// The secrets in the vault.
struct InVault {
    vault: Arc<Vault>,
    merchant: MerchantId,
}

#[async_trait]
impl Secrets for InVault {
    async fn of(&self, name: &str) -> Result<Vec<Secret<String>>, PostFailure> {
        let failed = |error: &dyn std::fmt::Display| PostFailure(format!("the secret: {error}"));
        let name = name.parse().map_err(|error| failed(&error))?;
        self.vault.subscriber(&self.merchant, &name).await.map_err(|error| failed(&error))
    }
}

/// A client for machines that are not ours: every name is looked up for each connection, and what is found is held
/// against the rules before anything is sent there. No proxy, no redirect, and no body is read.
struct Sender(reqwest::Client);

impl Sender {
    fn new(allow_private: bool) -> anyhow::Result<Self> {
        let client = http_client::builder()?
            .no_proxy()
            .timeout(TIMEOUT)
            .dns_resolver(Arc::new(Guarded { allow_private }))
            .build()
            .context("the client for webhooks cannot be made")?;
        Ok(Self(client))
    }
}

#[async_trait]
impl Post for Sender {
    async fn post(&self, webhook: &Webhook) -> Result<Answer, PostFailure> {
        let mut request = self.0.post(webhook.url.as_str()).body(webhook.body.clone());
        for (name, value) in &webhook.headers {
            request = request.header(*name, value);
        }
        // Which part of the way failed is the partner's to know; what lies behind a name is not.
        let answer = request.send().await.map_err(|error| PostFailure(describe(&error).to_owned()))?;
        let retry_after = answer.headers().get(reqwest::header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(Answer { status: answer.status().as_u16(), retry_after })
    }
}

fn describe(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "no answer came in time"
    } else if error.is_connect() {
        "no connection could be made"
    } else {
        "the connection broke"
    }
}

/// Looks names up, and leaves out machines that the open internet does not reach.
struct Guarded {
    allow_private: bool,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let open: Vec<SocketAddr> = found.filter(|at| allow_private || is_public(at.ip())).collect();
            if open.is_empty() {
                return Err("the name is of no machine of the open internet".into());
            }
            Ok(Box::new(open.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_not_called_unless_that_is_allowed() {
        let name = || "localhost".parse::<Name>().unwrap();
        assert!(Guarded { allow_private: false }.resolve(name()).await.is_err());
        let found: Vec<_> = Guarded { allow_private: true }.resolve(name()).await.unwrap().collect();
        assert!(found.iter().all(|at| at.ip().is_loopback()) && !found.is_empty());
    }
}
