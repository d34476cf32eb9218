//! What a request says, read strictly, with problems as answers.

use axum::{
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{HeaderMap, Uri, header, request::Parts},
};
use bytes::{Bytes, BytesMut};
use channel::strict_json;
use futures::StreamExt;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::{
    api::Shared,
    problem::{self, Problem},
};

/// The parameters of the query string. Unknown ones are refused by the types that are read.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => Err(Problem::parameter(rejection.body_text())),
        }
    }
}

/// The parameters of the query string, and those called `filter`, which may be repeated.
pub(crate) struct Filtered<T> {
    pub(crate) filters: Vec<String>,
    pub(crate) params: T,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Filtered<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let (filters, rest): (Vec<&str>, Vec<&str>) =
            query.split('&').partition(|pair| pair.starts_with("filter="));
        let decode = |pair: &&str| {
            let text = pair.trim_start_matches("filter=").replace('+', " ");
            let text =
                percent_encoding::percent_decode_str(&text).decode_utf8().map(|text| text.into_owned());
            text.map_err(|_| Problem::parameter("a filter is not UTF-8"))
        };
        let filters = filters.iter().map(decode).collect::<Result<_, _>>()?;
        let uri = format!("/?{}", rest.join("&")).parse::<Uri>();
        let uri = uri.map_err(|_| Problem::parameter("the query string cannot be read"))?;
        match Query::<T>::try_from_uri(&uri) {
            Ok(Query(params)) => Ok(Self { filters, params }),
            Err(rejection) => Err(Problem::parameter(rejection.body_text())),
        }
    }
}

/// The variable parts of the path.
pub(crate) struct Segments<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Segments<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(segments)) => Ok(Self(segments)),
            Err(rejection) => Err(Problem::parameter(rejection.body_text())),
        }
    }
}

/// A JSON body that is not kept.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Shared> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Shared) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, api.options.limits.body_bytes).await?;
        Ok(Self(parse(&parts.headers, &bytes)?))
    }
}

/// The whole body, if it is not too large.
pub(crate) async fn read(body: axum::body::Body, most: usize) -> Result<Bytes, Problem> {
    let mut frames = body.into_data_stream();
    let mut whole = BytesMut::new();
    while let Some(frame) = frames.next().await {
        let frame = frame.map_err(|_| Problem::new(problem::INTERRUPTED))?;
        if whole.len() + frame.len() > most {
            return Err(Problem::new(problem::TOO_LARGE).detail(format!("at most {most} bytes")));
        }
        whole.extend_from_slice(&frame);
    }
    Ok(whole.freeze())
}

/// Reads a JSON body; an empty one stands for an object without members.
pub(crate) fn parse<T: DeserializeOwned>(headers: &HeaderMap, bytes: &[u8]) -> Result<T, Problem> {
    if bytes.is_empty() {
        return fields(b"{}");
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(problem::UNSUPPORTED_TYPE).detail("send application/json"));
    }
    strict_json::from_slice::<IgnoredAny>(bytes).map_err(|_| {
        Problem::new(problem::MALFORMED_JSON).detail("not JSON, a member is repeated, or it nests too deep")
    })?;
    fields(bytes)
}

fn fields<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        let text = error.to_string();
        // These texts would repeat a value, which may be a secret.
        let shows_value = ["invalid type", "invalid value", "unknown variant", "invalid length"];
        let place = format!("at line {} column {}", error.line(), error.column());
        Problem::new(problem::INVALID_BODY).detail(
            if shows_value.iter().any(|start| text.starts_with(start)) {
                format!("a value is of the wrong type or not one of those allowed, {place}")
            } else {
                text
            },
        )
    })
}
