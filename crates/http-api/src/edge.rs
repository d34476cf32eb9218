//! What happens to every request: an id, security headers, a line in the log, figures; and bounds on its time.

use std::{any::Any, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    api::Shared,
    problem::{self, Problem},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Nothing may be loaded by an answer of the API.
const API_CSP: &str = "default-src 'none'; frame-ancestors 'none'";
/// The browsable documentation loads its own scripts and styles.
const DOCS_CSP: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                        object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/// The outermost layer. Logs method, route and status only: paths and queries may name people.
pub(crate) async fn observe(request: Request, next: Next) -> Response {
    let id = Uuid::now_v7().to_string();
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = matched.unwrap_or_else(|| "none".to_owned());
    let span = tracing::info_span!("request", request.id = %id, %method, route);
    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let secs = started.elapsed().as_secs_f64();
    let status = response.status().as_u16();
    span.in_scope(|| tracing::debug!(status, secs, "answered"));
    let labels = [("method", method.to_string()), ("route", route.clone()), ("status", status.to_string())];
    metrics::counter!("kami_http_requests_total", &labels).increment(1);
    metrics::histogram!("kami_http_request_seconds", "route" => route.clone()).record(secs);

    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    let csp = if route.starts_with("/docs") { DOCS_CSP } else { API_CSP };
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, csp),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Ends a request that takes too long. What the engine took in by then is still done.
pub(crate) async fn bound_time(State(api): State<Shared>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(api.options.limits.timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(problem::TIMEOUT).into_response(),
    }
}

/// The answer to a request whose handler panicked. What the panic said may hold anything and is not repeated.
pub(crate) fn panicked(_: Box<dyn Any + Send>) -> Response {
    metrics::counter!("kami_http_panics_total").increment(1);
    tracing::error!("a handler panicked");
    Problem::new(problem::INTERNAL).into_response()
}

/// The answer at an address that does not exist.
pub(crate) async fn not_found() -> Problem {
    Problem::new(problem::NOT_FOUND)
}

/// The answer to a method that an address does not take.
pub(crate) async fn method_not_allowed() -> Problem {
    Problem::new(problem::METHOD_NOT_ALLOWED)
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, routing::get};
    use tower::ServiceExt;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    async fn broken() -> &'static str {
        let key = std::hint::black_box("KEY-00000");
        panic!("cannot go on with {key}")
    }

    #[tokio::test]
    async fn a_panic_is_answered_without_what_it_said() {
        let router = Router::new()
            .route("/", get(broken))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(axum::middleware::from_fn(observe));
        let response = router.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 500);
        assert!(response.headers().contains_key(REQUEST_ID));
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(text.contains("\"internal\"") && !text.contains("KEY-00000"), "{text}");
    }
}
