//! Carries messages to the merchant: signed anew on every attempt, repeated until answered, lost, doubled, held back.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rand::{Rng, rngs::StdRng};
use serde_json::Value;

use super::{
    Market, StartError,
    fate::{chance, hits},
    lock,
    sign::Message,
};

/// How long an answer is waited for, in seconds.
const PATIENCE_SECS: u64 = 30;
/// The longest a message is held back, in milliseconds.
const HOLD_BACK_MS: u64 = 50;
/// The longest wait between two attempts, in milliseconds.
const RETRY_MS_MAX: u64 = 5_000;

/// What the merchant said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The HTTP status; 0 where there was no answer.
    pub status: u16,
    /// The body, `null` where it is no JSON.
    pub body: Value,
}

impl Answer {
    /// Whether the message was taken.
    pub fn is_ok(&self) -> bool {
        self.status == 200
    }

    /// Whether a repeat may get another answer.
    fn is_passing(&self) -> bool {
        matches!(self.status, 0 | 404 | 408 | 429 | 500..)
    }
}

/// A message to the merchant. Its id and body are the same on every attempt.
#[derive(Clone)]
pub(super) struct Letter {
    pub(super) topic: String,
    pub(super) id: String,
    pub(super) body: String,
}

/// A client for plain http: TLS gets no certificates, so it trusts nobody.
pub(super) fn client() -> Result<reqwest::Client, StartError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(StartError::Tls)?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(PATIENCE_SECS))
        .tls_backend_preconfigured(tls)
        .build()
        .map_err(StartError::Client)
}

impl Market {
    /// Tells the merchant something, with all mishaps, until it answers for good or is given up.
    pub(super) async fn tell(&self, letter: Letter) -> Answer {
        let mut rng = chance(self.options.seed, &format!("letter/{}", letter.id));
        if hits(&mut rng, self.options.reorder) {
            let wait = rng.random_range(1..=HOLD_BACK_MS);
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        let twice = hits(&mut rng, self.options.duplicates);
        let at_once = rng.random_bool(0.5);
        let answer = if twice && at_once {
            let mut other = chance(self.options.seed, &format!("double/{}", letter.id));
            let (answer, again) =
                futures::join!(self.insist(&letter, &mut rng), self.insist(&letter, &mut other));
            self.compare(&letter, &answer, &again);
            answer
        } else {
            self.insist(&letter, &mut rng).await
        };
        if twice && !at_once {
            let again = self.insist(&letter, &mut rng).await;
            self.compare(&letter, &answer, &again);
        }
        answer
    }

    /// A repeat must get the first answer.
    fn compare(&self, letter: &Letter, first: &Answer, second: &Answer) {
        lock(&self.stats).duplicates += 1;
        if first.is_ok() && second.is_ok() && first != second {
            lock(&self.ledger).surprise(format!("two answers to message {} differ", letter.id));
        }
    }

    /// Attempt after attempt.
    async fn insist(&self, letter: &Letter, rng: &mut StdRng) -> Answer {
        let mut answer = Answer::default();
        for attempt in 1..=self.options.attempts_max {
            if hits(rng, self.options.lose) {
                lock(&self.stats).lost += 1;
            } else {
                answer = self.attempt(letter).await;
                if !answer.is_passing() {
                    return answer;
                }
            }
            let wait = self.options.retry_ms.saturating_mul(u64::from(attempt)).min(RETRY_MS_MAX);
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        lock(&self.stats).given_up += 1;
        answer
    }

    /// One attempt.
    pub(super) async fn attempt(&self, letter: &Letter) -> Answer {
        let options = &self.options;
        let sent_at = (options.clock)().to_string();
        let Letter { topic, id, body } = letter;
        let message = Message { topic, shop: &options.shop, id, sent_at: &sent_at, body: body.as_bytes() };
        let signature = message.sign(options.secret.expose());
        let request = self
            .client
            .post(format!("{}/{topic}", options.target))
            .header("content-type", "application/json")
            .header("x-sandbox-shop", &options.shop)
            .header("x-sandbox-message", id)
            .header("x-sandbox-timestamp", &sent_at)
            .header("x-sandbox-signature", signature)
            .body(body.clone());
        let begun = Instant::now();
        let answer = match request.send().await {
            Ok(response) => {
                let status = response.status().as_u16();
                let bytes = response.bytes().await;
                bytes.map(|bytes| Answer { status, body: serde_json::from_slice(&bytes).unwrap_or_default() })
            }
            Err(error) => Err(error),
        };
        let answer = answer.unwrap_or_default();
        lock(&self.stats).attempted(answer.status, begun.elapsed());
        answer
    }
}
