//! Who may ask: holders of a token.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use events::Actor;
use vocabulary::{Account, ParseError, StreamId};

use crate::{
    api::Shared,
    problem::{self, Problem},
};

/// A token holder who was let in.
#[derive(Debug, Clone)]
pub(crate) struct Operator {
    /// The name the token was issued to.
    pub(crate) name: String,
}

impl Operator {
    pub(crate) fn actor(&self) -> Actor {
        Actor::staff(&self.name)
    }

    /// The account under which the engine keeps this holder's calls.
    pub(crate) fn account(&self) -> Option<Account> {
        format!("api/{}", self.slug()).parse().ok()
    }

    /// The stream in which it is written down what this holder looks at. Several may share one: each event says who.
    pub(crate) fn journal(&self) -> Result<StreamId, Problem> {
        let journal = format!("staff-{}", self.slug()).parse();
        journal.map_err(|error: ParseError| Problem::internal("naming a journal", &error))
    }

    fn slug(&self) -> String {
        let slug = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        self.name.chars().map(slug).take(32).collect()
    }
}

/// Lets token holders through. Whatever is wrong with a token, the answer is the same.
pub(crate) async fn require(State(api): State<Shared>, mut request: Request, next: Next) -> Response {
    let name = token(request.headers()).and_then(|token| api.engine.vault().check_token(token));
    let Some(name) = name else { return refused() };
    // Nobody behind this point needs it, and what is not there cannot be logged or kept.
    request.headers_mut().remove(header::AUTHORIZATION);
    request.extensions_mut().insert(Operator { name });
    next.run(request).await
}

fn refused() -> Response {
    let mut response = Problem::new(problem::UNAUTHORIZED).into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// The token of the one `Authorization` header.
fn token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl<S: Send + Sync> FromRequestParts<S> for Operator {
    type Rejection = Response;

    /// A route that was not put behind [`require`] refuses everybody.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        parts.extensions.get::<Self>().cloned().ok_or_else(refused)
    }
}
