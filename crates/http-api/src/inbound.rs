//! Calls from channels: handed to the account's adapter byte by byte, and its reply sent as it is.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use channel::{RawRequest, Refusal, Step};
use vocabulary::{Account, Reason};

use crate::{
    api::{Api, Shared},
    extract::{Segments, read},
    problem::{Problem, respond},
};

/// A call of a channel. The adapter verifies it and answers in the channel's own format; no token is needed.
#[utoipa::path(method(get, post), path = "/v1/in/{channel}/{shop}", tag = "inbound",
    params(("channel" = String, Path), ("shop" = String, Path)),
    responses((status = 200, description = "In the channel's own format"), (status = 404), (status = 413)))]
pub(crate) async fn account(
    State(api): State<Shared>,
    Segments((channel, shop)): Segments<(String, String)>,
    request: Request,
) -> Response {
    take(&api, &channel, &shop, "", request).await
}

/// A call of a channel whose protocol has several addresses.
#[utoipa::path(method(get, post), path = "/v1/in/{channel}/{shop}/{*topic}", tag = "inbound",
    params(("channel" = String, Path), ("shop" = String, Path), ("topic" = String, Path)),
    responses((status = 200, description = "In the channel's own format"), (status = 404), (status = 413)))]
pub(crate) async fn topic(
    State(api): State<Shared>,
    Segments((channel, shop, topic)): Segments<(String, String, String)>,
    request: Request,
) -> Response {
    take(&api, &channel, &shop, &topic, request).await
}

/// The same under the name that protocols with service interfaces use.
#[utoipa::path(method(get, post), path = "/v1/spi/{channel}/{shop}/{action}", tag = "inbound",
    params(("channel" = String, Path), ("shop" = String, Path), ("action" = String, Path)),
    responses((status = 200, description = "In the channel's own format"), (status = 404), (status = 413)))]
pub(crate) async fn spi(
    State(api): State<Shared>,
    Segments((channel, shop, action)): Segments<(String, String, String)>,
    request: Request,
) -> Response {
    take(&api, &channel, &shop, &action, request).await
}

async fn take(api: &Api, channel: &str, shop: &str, topic: &str, request: Request) -> Response {
    received(api, channel, shop, topic, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn received(
    api: &Api,
    channel: &str,
    shop: &str,
    topic: &str,
    request: Request,
) -> Result<Response, Problem> {
    // An account that nobody connected is the engine's to refuse: its calls show in the inbox.
    let account: Account = format!("{channel}/{shop}")
        .parse()
        .map_err(|_| Problem::rejected(Reason::UnknownChannel, "no account can have such a name"))?;

    let (parts, body) = request.into_parts();
    let header = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
        (name.as_str().to_owned(), value.as_bytes().to_vec())
    };
    let mut raw = RawRequest {
        method: parts.method.to_string(),
        topic: topic.to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers.iter().map(header).collect(),
        body: Vec::new(),
        received_at: api.engine.now(),
    };
    match read(body, api.options.limits.body_bytes).await {
        Ok(body) => raw.body = body.to_vec(),
        Err(problem) => {
            // What did come is not kept: it would be a part, and large.
            let refusal = Refusal::new(Step::Size, "body_unreadable", "too large, or it ended early");
            let answer = match api.engine.adapter(&account) {
                Some(adapter) => adapter.refuse(&raw, &refusal),
                None => problem.into_reply(),
            };
            return Ok(respond(api.engine.refuse(&account, Arc::new(raw), &refusal, answer).await?));
        }
    }
    Ok(respond(api.engine.receive(&account, raw).await?))
}
