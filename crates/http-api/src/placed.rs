//! Where several nodes share the merchants: what is answered when none of them, or another one, should have answered;
//! and which requests are too long to be passed on as one message.

use std::sync::LazyLock;

use axum::{
    http::Method,
    response::{IntoResponse, Response},
};

use crate::problem::{self, Problem};

/// What one request may carry in its body where its route has no bound of its own, in bytes. Of a larger one a node
/// passes on one byte more than this, so that the merchant's own node refuses it as it refuses its own.
pub const BODY_MAX: usize = 256 * 1024;

/// The answer where no node serves the merchant at the moment: nothing was done.
pub fn no_owner() -> Response {
    Problem::new(problem::NO_OWNER).into_response()
}

/// The answer where another node serves the merchant and could not be given the request: nothing was done.
pub fn not_owner(detail: &str) -> Response {
    Problem::new(problem::NOT_OWNER).detail(detail).into_response()
}

/// The answer where the request is with another node, and that node did not answer: whether it was done is unknown.
pub fn unanswered() -> Response {
    Problem::new(problem::TIMEOUT).into_response()
}

/// The answer where a request's body ended early.
pub fn interrupted() -> Response {
    Problem::new(problem::INTERRUPTED).into_response()
}

/// The answer where there is no such merchant.
pub fn no_such_merchant() -> Response {
    Problem::new(problem::NOT_FOUND).detail("no merchant has this name").into_response()
}

/// The answer of a node that cannot say how it is.
pub fn not_ready() -> Response {
    Problem::new(problem::STOPPED).into_response()
}

/// Whether a route's request or answer may be of any length or duration: key files, exports, streams of events.
pub fn is_long(method: &Method, path: &str) -> bool {
    LONG.iter().any(|(known, pattern)| known == method && fits(pattern, path))
}

static LONG: LazyLock<Vec<(Method, String)>> = LazyLock::new(crate::openapi::long);

fn fits(pattern: &str, path: &str) -> bool {
    let (mut parts, mut segments) = (pattern.split('/'), path.split('/'));
    loop {
        match (parts.next(), segments.next()) {
            (None, None) => return true,
            (Some(part), Some(segment)) if part == segment || part.starts_with('{') => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_routes_are_known_by_their_patterns() {
        for (method, path) in [
            (Method::GET, "/v1/stream"),
            (Method::POST, "/v1/skus/steam-50/keys"),
            (Method::POST, "/v1/projections/orders/rebuild"),
        ] {
            assert!(is_long(&method, path), "{path}");
        }
        for (method, path) in [
            (Method::POST, "/v1/in/generic/own"),
            (Method::GET, "/v1/skus/steam-50/keys"),
            (Method::GET, "/v1/stream/x"),
            (Method::GET, "/v1/events"),
        ] {
            assert!(!is_long(&method, path), "{path}");
        }
    }
}
