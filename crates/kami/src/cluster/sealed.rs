//! What nodes and workers send each other, sealed with the merchant's key, which only they have: tokens and card keys are
//! in clear nowhere on the way.

use std::sync::Arc;

use bytes::Bytes;
use chrono::Utc;
use cluster::wire::{self, Cover, Garbled, PROTOCOL};
use uuid::Uuid;
use vault::{MerchantKeys, Vault};
use vocabulary::MerchantId;

use super::seen::Seen;

/// What a kind of message is bound to, besides its id.
#[derive(Clone, Copy)]
pub(super) struct Kind(&'static str);

/// A request that is passed on to the node that answers it.
pub(super) const PASSED_ON: Kind = Kind("passed-on");
/// What a worker that makes calls to channels says to a merchant's owner.
pub(super) const EFFECTS: Kind = Kind("effects");

impl Kind {
    fn place(self, id: &str, what: &str) -> String {
        format!("{}/{id}/{what}", self.0)
    }
}

/// A message on its way to a node.
pub(super) struct Sent {
    kind: Kind,
    id: String,
    /// What is sent.
    pub(super) message: Vec<u8>,
}

impl Sent {
    /// Seals a message for a node that reads forms up to a number.
    pub(super) fn seal(
        kind: Kind,
        keys: &MerchantKeys,
        merchant: &MerchantId,
        reads: i32,
        plain: &[u8],
    ) -> Result<Self, Garbled> {
        let id = Uuid::now_v7().to_string();
        let sealed = keys.seal(&kind.place(&id, "request"), plain);
        let cover = Cover { protocol: PROTOCOL.min(reads), merchant: merchant.clone(), id };
        let message = wire::write(&cover, &sealed)?;
        Ok(Self { kind, id: cover.id, message })
    }

    /// Opens the answer to it; `None` where it is not one that this merchant's owner gave.
    pub(super) fn answer(&self, keys: &MerchantKeys, sealed: &[u8]) -> Option<Vec<u8>> {
        keys.open(&self.kind.place(&self.id, "answer"), sealed).ok()
    }
}

/// A message that came and is what it should be.
pub(super) struct Received {
    kind: Kind,
    id: String,
    keys: MerchantKeys,
    /// The message.
    pub(super) plain: Vec<u8>,
}

impl Received {
    /// Seals the answer to it.
    pub(super) fn seal_answer(&self, answer: &[u8]) -> Vec<u8> {
        self.keys.seal(&self.kind.place(&self.id, "answer"), answer)
    }
}

/// Opens messages of a kind, each once. Clones share it.
#[derive(Clone)]
pub(super) struct Opener {
    kind: Kind,
    vault: Arc<Vault>,
    seen: Arc<Seen>,
}

impl Opener {
    pub(super) fn new(kind: Kind, vault: Arc<Vault>) -> Self {
        Self { kind, vault, seen: Arc::default() }
    }

    /// Opens a message; `None` where nobody who has the merchant's key sealed it, it is of a form that this build does not
    /// read, it is old, or it came before.
    pub(super) async fn open(&self, cover: Cover, sealed: &Bytes) -> Option<Received> {
        let keys = self.keys(&cover.merchant).await?;
        let opened = keys.open(&self.kind.place(&cover.id, "request"), sealed);
        let Some(plain) = opened.ok().filter(|_| cover.protocol <= PROTOCOL) else {
            tracing::warn!(merchant = %cover.merchant, "a request that no node of ours sealed was not answered");
            return None;
        };
        if !self.seen.is_new(&cover.id, Utc::now().timestamp().unsigned_abs()) {
            tracing::warn!(merchant = %cover.merchant, "a request was not answered: it is old, or was sent before");
            return None;
        }
        Some(Received { kind: self.kind, id: cover.id, keys, plain })
    }

    /// The key of a merchant.
    pub(super) async fn keys(&self, merchant: &MerchantId) -> Option<MerchantKeys> {
        let keys = self.vault.ensure_merchant(merchant).await;
        keys.inspect_err(|error| tracing::error!(%error, "the vault has no key to seal with")).ok()
    }
}
