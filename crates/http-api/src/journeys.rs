//! Journeys: what leads somebody to an order, as the merchant's own sites and tools tell it.

use axum::{extract::State, response::Response};
use engine::OperatorCommand;
use events::journey::{TouchKind, TouchRecorded};
use serde::Deserialize;
use vocabulary::{Account, Reason, Secret, StreamId, Timestamp};

use crate::{
    api::{Api, Shared},
    call::{Answer, Write},
    extract::Segments,
    free_text,
    problem::Problem,
};

/// How many touches one request may tell.
const TOUCHES_MAX: usize = 100;
/// How far a touch's time may be ahead of our clock, in seconds.
const AHEAD_SECS: i64 = 300;

/// Touches of a journey: 1 to 100, all or none.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Touches {
    touches: Vec<Touch>,
}

/// Somebody was in touch with us.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Touch {
    /// `view`, `click`, `chat`, `handoff` or `quote`.
    #[schema(value_type = String, example = "view")]
    kind: TouchKind,
    /// On which account, `channel/shop`.
    #[schema(value_type = String)]
    account: Account,
    /// Where they came from, for example `short-video` or `search`: 1 to 64 characters.
    source: String,
    /// What they saw, by the merchant's own number: 1 to 64 letters, digits, `.`, `_`, `:` and `-`.
    content: Option<String>,
    /// What sort of content that is, for example `video`.
    format: Option<String>,
    /// The campaign it belongs to.
    campaign: Option<String>,
    /// What the account calls the buyer: becomes a pseudonym and is kept nowhere else.
    #[schema(value_type = Option<String>)]
    buyer_ref: Option<Secret<String>>,
    /// When it happened; now where not given.
    #[schema(value_type = Option<String>)]
    occurred_at: Option<Timestamp>,
}

/// Tells touches of a journey. The key is the merchant's own (1 to 80 letters, digits, `.`, `_` and `-`) and names nobody;
/// an order that gives the same key as its `journey` ends the journey. Send an `Idempotency-Key`: a touch that is told
/// twice counts twice.
#[utoipa::path(post, path = "/v1/journeys/{key}/touches", tag = "journeys", request_body = Touches,
    params(("key" = String, Path)), responses((status = 200, body = Answer)))]
pub(crate) async fn touch(
    State(api): State<Shared>,
    Segments(key): Segments<String>,
    Write { body, mut call }: Write<Touches>,
) -> Result<Response, Problem> {
    let journey: StreamId = Some(&key)
        .filter(|key| (1..=80).contains(&key.len()))
        .and_then(|key| format!("journey-{key}").parse().ok())
        .ok_or_else(|| invalid("the key has 1 to 80 letters, digits, dots, underscores and dashes"))?;
    if !(1..=TOUCHES_MAX).contains(&body.touches.len()) {
        return Err(invalid(&format!("touches: 1 to {TOUCHES_MAX}")));
    }
    // It may hold what an account calls its buyer, of which only the pseudonym is kept.
    call.forget_body();
    let mut entries = Vec::with_capacity(body.touches.len());
    for touch in body.touches {
        let (fact, at) = touch.read(&api, &journey).await?;
        entries.push((journey.clone(), fact.into(), at));
    }
    call.perform(&api, OperatorCommand::RecordAt(entries)).await
}

impl Touch {
    async fn read(self, api: &Api, journey: &StreamId) -> Result<(TouchRecorded, Timestamp), Problem> {
        let now = api.engine.now();
        let at = self.occurred_at.unwrap_or(now);
        if at > now.plus_secs(AHEAD_SECS) {
            return Err(invalid("occurred_at lies in the future"));
        }
        let words = [
            ("source", Some(&self.source)),
            ("format", self.format.as_ref()),
            ("campaign", self.campaign.as_ref()),
        ];
        for (field, text) in words {
            let Some(text) = text else { continue };
            if text.chars().count() > 64 {
                return Err(invalid(&format!("{field} has at most 64 characters")));
            }
            free_text::check(api, field, text).await?;
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-');
        let fits = |id: &String| (1..=64).contains(&id.len()) && id.bytes().all(plain);
        if !self.content.as_ref().is_none_or(fits) {
            return Err(invalid("content has 1 to 64 letters, digits, dots, colons, underscores and dashes"));
        }
        let buyer = match &self.buyer_ref {
            Some(reference) if (1..=128).contains(&reference.expose().chars().count()) => {
                Some(api.engine.keys().pseudonym(self.account.as_str(), reference.expose()))
            }
            Some(_) => return Err(invalid("buyer_ref has 1 to 128 characters")),
            None => None,
        };
        let Self { kind, account, source, content, format, campaign, .. } = self;
        let journey = journey.clone();
        Ok((TouchRecorded { journey, kind, account, source, content, format, campaign, buyer }, at))
    }
}

fn invalid(detail: &str) -> Problem {
    Problem::rejected(Reason::InvalidValue, detail)
}
