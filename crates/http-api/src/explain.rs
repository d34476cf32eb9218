//! A pasted request, judged by an account's adapter as if it came in: for whoever sets a channel up.

use axum::{
    Json,
    extract::{Request, State},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{RawRequest, explain};
use serde::Deserialize;
use serde_json::Value;
use vocabulary::{Account, ChannelCode, Reason, ShopId, Timestamp};

use crate::{
    api::Shared,
    extract::{Params, Segments, parse, read},
    problem::Problem,
};

/// The shop that no account can have: its address is this route's.
pub(crate) const RESERVED_SHOP: &str = "explain";

/// Whose adapter judges.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Judge {
    /// The shop, as in `channel/shop`.
    #[param(value_type = String)]
    shop: ShopId,
}

/// A request as somebody pastes it. The `request` of `GET /v1/inbox/{id}` is one.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pasted {
    /// `POST` unless given.
    method: Option<String>,
    /// The path behind the shop's address.
    #[serde(default)]
    topic: String,
    /// The raw query string.
    #[serde(default)]
    query: String,
    /// Names and values: an object, or a list of pairs where a name is repeated.
    #[serde(default)]
    #[schema(value_type = Value)]
    headers: Headers,
    /// The body as text.
    body: Option<String>,
    /// The body in base64, where it is no text.
    body_base64: Option<String>,
    /// The instant to judge the time by; now unless given.
    #[serde(alias = "received_at")]
    #[schema(value_type = Option<String>)]
    at: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Headers {
    Pairs(Vec<(String, String)>),
    Object(std::collections::BTreeMap<String, String>),
}

impl Default for Headers {
    fn default() -> Self {
        Self::Pairs(Vec::new())
    }
}

impl Pasted {
    fn request(self, now: Timestamp) -> Result<RawRequest, Problem> {
        let body = match (self.body, self.body_base64) {
            (Some(_), Some(_)) => return Err(Problem::parameter("body or body_base64, not both")),
            (Some(text), None) => text.into_bytes(),
            (None, Some(text)) => {
                STANDARD.decode(text).map_err(|_| Problem::parameter("body_base64 is not base64"))?
            }
            (None, None) => Vec::new(),
        };
        let headers: Vec<(String, String)> = match self.headers {
            Headers::Pairs(pairs) => pairs,
            Headers::Object(named) => named.into_iter().collect(),
        };
        let header = |(name, value): (String, String)| (name.to_ascii_lowercase(), value.into_bytes());
        Ok(RawRequest {
            method: self.method.unwrap_or_else(|| "POST".to_owned()),
            topic: self.topic.trim_start_matches('/').to_owned(),
            query: self.query.trim_start_matches('?').to_owned(),
            headers: headers.into_iter().map(header).collect(),
            body,
            received_at: self.at.unwrap_or(now),
        })
    }
}

/// Tells what an account's adapter makes of a pasted request, step by step. Changes and records nothing.
#[utoipa::path(post, path = "/v1/in/{channel}/explain", tag = "inbound", request_body = Pasted,
    params(("channel" = String, Path), Judge), responses((status = 200, body = Value)))]
pub(crate) async fn explain(
    State(api): State<Shared>,
    Segments(channel): Segments<ChannelCode>,
    Params(Judge { shop }): Params<Judge>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let most = api.options.limits.body_bytes;
    let (parts, body) = request.into_parts();
    // As JSON a body may take twice its room; one that is too large for its channel is still to be judged.
    let pasted: Pasted = parse(&parts.headers, &read(body, most.saturating_mul(3)).await?)?;
    let account = Account::new(&channel, &shop);
    let adapter = api
        .engine
        .adapter(&account)
        .ok_or_else(|| Problem::rejected(Reason::UnknownChannel, format!("{account} is not connected")))?;
    let raw = pasted.request(api.engine.now())?;
    let told = explain::explain(adapter.as_ref(), &raw, raw.received_at, most);
    metrics::counter!("kami_explained_total", "accepted" => told.accepted.to_string()).increment(1);
    Ok(Json(serde_json::to_value(told)?))
}
