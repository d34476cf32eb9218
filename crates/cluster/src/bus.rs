//! Requests to other nodes and news for all of them, over NATS. Nothing is stored there.

use std::time::Duration;

use async_nats::{Client, Message, StatusCode, Subject, Subscriber, connection};
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use vocabulary::MerchantId;

use crate::wire::{self, Part};

const NEWS: &str = "kami-cluster.news";
/// What a message of ours has besides its bytes, at most.
const HEAD_MAX: usize = 4 * 1_024;
/// An answer that is larger is not put together.
const ANSWER_MAX: usize = 96 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// NATS is away. Nothing was sent.
    #[error("NATS is away")]
    Away,
    /// The request is larger than NATS takes. Nothing was sent.
    #[error("the request is larger than NATS takes")]
    TooLarge,
    /// Nobody listens where the node should. Nobody has the request.
    #[error("the node does not listen")]
    NobodyThere,
    /// The node does not serve the merchant, and did nothing.
    #[error("the node does not serve the merchant")]
    NotMine,
    /// The request is out, and no whole answer came. Whether it was acted upon is not known.
    #[error("the node did not answer")]
    Silent,
}

impl AskError {
    /// Whether it is certain that nothing was done.
    pub fn is_harmless(&self) -> bool {
        !matches!(self, Self::Silent)
    }
}

/// What a piece of news is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewsKind {
    /// A merchant may be taken.
    Freed,
    /// A node serves a merchant from now on.
    Serves,
    /// A node came, or is leaving.
    Nodes,
    /// Something a newer build tells.
    #[serde(other)]
    Other,
}

/// Something has changed: whoever hears it looks at the leases, which alone say how things are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// What.
    pub kind: NewsKind,
    /// Who says so.
    pub node: String,
    /// Whom it concerns.
    #[serde(default)]
    pub merchant: Option<MerchantId>,
}

/// What a message to a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// A request that it is to answer in another node's place.
    Http,
    /// What a worker that makes calls to channels says to the owner of the merchant.
    Effects,
}

/// A node's line to the others. Clones share it.
#[derive(Clone)]
pub struct Bus {
    client: Client,
    node: String,
}

/// A request of another node.
pub struct Asked {
    client: Client,
    reply: Subject,
    /// The message.
    pub payload: Bytes,
}

impl Bus {
    /// The line of a node over a connection. The name is one token of a subject: letters, digits, `-`.
    pub fn new(client: Client, node: &str) -> Self {
        Self { client, node: node.to_owned() }
    }

    /// Whether NATS is reached at the moment.
    pub fn is_up(&self) -> bool {
        self.client.connection_state() == connection::State::Connected
    }

    /// Returns when the server has heard everything so far.
    pub async fn flush(&self) -> Result<(), AskError> {
        self.client.flush().await.map_err(|_| AskError::Away)
    }

    /// Sends a message to a node and puts its answer together. The message is sent once, whatever happens.
    pub async fn ask(
        &self,
        node: &str,
        door: Door,
        message: Vec<u8>,
        patience: Duration,
    ) -> Result<Vec<u8>, AskError> {
        if !self.is_up() {
            return Err(AskError::Away);
        }
        if message.len() > self.client.server_info().max_payload {
            return Err(AskError::TooLarge);
        }
        let inbox = self.client.new_inbox();
        let mut answers = self.client.subscribe(inbox.clone()).await.map_err(|_| AskError::Away)?;
        let sent = self.client.publish_with_reply(subject(node, door), inbox, message.into()).await;
        sent.map_err(|_| AskError::Away)?;
        let put_together = tokio::time::timeout(patience, put_together(&mut answers)).await;
        put_together.unwrap_or(Err(AskError::Silent))
    }

    /// What others send to this node, as it comes.
    pub async fn requests(&self, door: Door) -> Result<impl Stream<Item = Asked> + use<>, AskError> {
        let requests = self.client.subscribe(subject(&self.node, door)).await.map_err(|_| AskError::Away)?;
        let client = self.client.clone();
        Ok(requests.filter_map(move |message| {
            let client = client.clone();
            async move { Some(Asked { client, reply: message.reply?, payload: message.payload }) }
        }))
    }

    /// Tells all nodes. Nobody may hear it; whoever does not looks now and then anyway.
    pub async fn tell(&self, kind: NewsKind, merchant: Option<&MerchantId>) {
        let news = News { kind, node: self.node.clone(), merchant: merchant.cloned() };
        let Ok(text) = serde_json::to_vec(&news) else { return };
        if self.is_up()
            && let Err(error) = self.client.publish(NEWS, text.into()).await
        {
            tracing::debug!(%error, "the other nodes were not told");
        }
    }

    /// What other nodes tell.
    pub async fn news(&self) -> Result<impl Stream<Item = News> + use<>, AskError> {
        let told = self.client.subscribe(NEWS).await.map_err(|_| AskError::Away)?;
        let node = self.node.clone();
        let ours = move |news: &News| news.node == node;
        Ok(told.filter_map(move |message| {
            let news = serde_json::from_slice(&message.payload).ok().filter(|news| !ours(news));
            std::future::ready(news)
        }))
    }
}

impl Asked {
    /// Answers, in as many messages as it takes.
    pub async fn answer(self, sealed: &[u8]) -> Result<(), AskError> {
        let size = self.client.server_info().max_payload.saturating_sub(HEAD_MAX).max(HEAD_MAX);
        let mut rest = sealed;
        for number in 0.. {
            let (chunk, after) = rest.split_at(rest.len().min(size));
            rest = after;
            let last = rest.is_empty();
            self.send(&Part { number, last, not_mine: false }, chunk).await?;
            if last {
                break;
            }
        }
        Ok(())
    }

    /// Says that nothing was done.
    pub async fn not_mine(self) -> Result<(), AskError> {
        self.send(&Part { number: 0, last: true, not_mine: true }, &[]).await
    }

    async fn send(&self, part: &Part, bytes: &[u8]) -> Result<(), AskError> {
        let message = wire::write(part, bytes).map_err(|_| AskError::Silent)?;
        self.client.publish(self.reply.clone(), message.into()).await.map_err(|_| AskError::Away)
    }
}

async fn put_together(answers: &mut Subscriber) -> Result<Vec<u8>, AskError> {
    let mut whole = BytesMut::new();
    let mut expected = 0;
    while let Some(Message { payload, status, .. }) = answers.next().await {
        if status == Some(StatusCode::NO_RESPONDERS) {
            return Err(AskError::NobodyThere);
        }
        let (part, bytes) = wire::read::<Part>(&payload).map_err(|_| AskError::Silent)?;
        if part.not_mine {
            return Err(AskError::NotMine);
        }
        if part.number != expected || whole.len() + bytes.len() > ANSWER_MAX {
            return Err(AskError::Silent);
        }
        expected += 1;
        whole.extend_from_slice(&bytes);
        if part.last {
            return Ok(whole.into());
        }
    }
    Err(AskError::Silent)
}

fn subject(node: &str, door: Door) -> String {
    let door = match door {
        Door::Http => "http",
        Door::Effects => "effects",
    };
    format!("kami-node.{node}.{door}")
}
