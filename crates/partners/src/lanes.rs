//! Sending: one lane per subscription, so that a partner who is away keeps nobody else waiting.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{StreamExt, stream};
use tokio::task::JoinSet;
use vocabulary::{Secret, Timestamp};

use crate::{Address, Due, Outcome, Partners, PartnersError, sign::sign};

/// How many deliveries of one subscription are under way at once, each of another stream.
const AT_ONCE: u32 = 8;
/// How long a lane rests that has nothing to do, or whose store fails.
const REST: Duration = Duration::from_secs(1);
/// How often new subscriptions are looked for where nothing tells of them.
const LOOK: Duration = Duration::from_secs(5);

/// A request to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Where to.
    pub url: Address,
    /// Names and values of headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

/// What a partner answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
}

/// No answer came.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PostFailure(pub String);

/// Sends requests. It follows no redirect, goes to machines of the open internet alone (unless others are allowed), gives
/// up after some seconds, and reads no body.
#[async_trait]
pub trait Post: Send + Sync + 'static {
    /// Sends one.
    async fn post(&self, webhook: &Webhook) -> Result<Answer, PostFailure>;
}

/// Knows the secrets of subscriptions.
#[async_trait]
pub trait Secrets: Send + Sync + 'static {
    /// Those of one, the newest first.
    async fn of(&self, name: &str) -> Result<Vec<Secret<String>>, PostFailure>;
}

/// What a lane works with.
#[derive(Clone)]
struct Lane {
    partners: Partners,
    post: Arc<dyn Post>,
    secrets: Arc<dyn Secrets>,
    now: fn() -> Timestamp,
    allow_private: bool,
}

/// Sends what is due, for ever. With `allow_private` addresses of one's own machines are taken.
pub async fn send_for_ever(
    partners: Partners,
    post: Arc<dyn Post>,
    secrets: Arc<dyn Secrets>,
    now: fn() -> Timestamp,
    allow_private: bool,
) {
    let mut changed = partners.changed();
    let (mut lanes, mut running) = (JoinSet::new(), HashMap::new());
    let lane = Lane { partners, post, secrets, now, allow_private };
    loop {
        match lane.partners.subscriptions().await {
            Ok(found) => {
                for subscription in found {
                    running
                        .entry(subscription.name.clone())
                        .or_insert_with(|| lanes.spawn(lane.clone().run(subscription.name)));
                }
            }
            Err(error) => tracing::warn!(%error, "subscriptions cannot be read"),
        }
        tokio::select! {
            told = changed.changed() => if told.is_err() { return },
            () = tokio::time::sleep(LOOK) => {}
            // A lane whose subscription ended: another of that name gets a new one.
            Some(ended) = lanes.join_next() => match ended {
                Ok(name) => drop(running.remove(&name)),
                Err(error) => {
                    tracing::error!(%error, "a lane of webhooks broke off");
                    running.retain(|_, handle| !handle.is_finished());
                }
            },
        }
    }
}

impl Lane {
    /// Sends what is due of one subscription until it ends; gives its name back.
    async fn run(self, name: String) -> String {
        let mut changed = self.partners.changed();
        loop {
            match self.round(&name).await {
                Ok(Round::Ended) => return name,
                Ok(Round::Sent) => {}
                Ok(Round::Idle(until)) => {
                    let rest = until.map_or(LOOK, |until| self.until(until).min(LOOK));
                    tokio::select! {
                        told = changed.changed() => if told.is_err() { return name },
                        () = tokio::time::sleep(rest) => {}
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, name, "deliveries to a partner cannot be kept");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }

    fn until(&self, at: Timestamp) -> Duration {
        let micros = at.micros().saturating_sub((self.now)().micros());
        Duration::from_micros(u64::try_from(micros).unwrap_or(0)).max(Duration::from_millis(10))
    }

    async fn round(&self, name: &str) -> Result<Round, PartnersError> {
        let due = self.partners.due(name, (self.now)(), AT_ONCE).await?;
        if due.is_empty() {
            let is_there = self.partners.subscriptions().await?.iter().any(|known| known.name == name);
            let next = self.partners.next_at(name).await?;
            return Ok(if is_there { Round::Idle(next) } else { Round::Ended });
        }
        let mut sent = stream::iter(due)
            .map(|due| async move {
                let outcome = self.send(&due).await;
                (due, outcome)
            })
            .buffer_unordered(AT_ONCE as usize);
        while let Some((due, outcome)) = sent.next().await {
            count(&outcome);
            if self.partners.settle(&due, &outcome, (self.now)()).await? {
                metrics::counter!("kami_webhooks_dead_total").increment(1);
                tracing::error!(
                    name,
                    position = due.position.0,
                    "a webhook was put aside after the last try"
                );
            }
        }
        Ok(Round::Sent)
    }

    async fn send(&self, due: &Due) -> Outcome {
        match self.try_send(due).await {
            Ok(Answer { status: 200..=299, .. }) => Outcome::Taken,
            Ok(Answer { status: 410, .. }) => Outcome::Gone,
            Ok(Answer { status, retry_after }) => {
                Outcome::Failed { why: format!("the partner answered {status}"), retry_after }
            }
            Err(PostFailure(why)) => Outcome::Failed { why, retry_after: None },
        }
    }

    async fn try_send(&self, due: &Due) -> Result<Answer, PostFailure> {
        let failed = |error: &dyn std::fmt::Display| PostFailure(error.to_string());
        let url = Address::parse(&due.url, self.allow_private)
            .map_err(|error| PostFailure(format!("the address {error}")))?;
        let secrets = self.secrets.of(&due.name).await?;
        let at = (self.now)();
        let signature = sign(&secrets, &due.id, at, &due.body)
            .ok_or_else(|| failed(&"there is no secret to sign with"))?;
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("webhook-id", due.id.clone()),
            ("webhook-timestamp", at.secs().to_string()),
            ("webhook-signature", signature),
        ];
        self.post.post(&Webhook { url, headers, body: due.body.clone() }).await
    }
}

enum Round {
    Sent,
    /// Nothing is due before an instant, where there is one.
    Idle(Option<Timestamp>),
    Ended,
}

fn count(outcome: &Outcome) {
    match outcome {
        Outcome::Taken => metrics::counter!("kami_webhooks_sent_total").increment(1),
        Outcome::Failed { .. } | Outcome::Gone => {
            metrics::counter!("kami_webhooks_failed_total").increment(1)
        }
    }
}
