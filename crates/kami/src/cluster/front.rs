//! Every request of a node: whose it is, and who answers it.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Body,
    extract::{Request, State},
    http::{Uri, header, uri::PathAndQuery},
    response::{IntoResponse, Response},
    routing::get,
};
use cluster::AskError;
use event_log_postgres::leases::Node;
use http_api::{Peer, placed};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout_at};
use vocabulary::MerchantId;

use super::{
    desk::{Desk, Place},
    passing::{Kept, PASSED_ON_BY, Passing},
};

/// How long a request waits for somebody to serve its merchant: a hand-over is shorter, a crash is not.
const WAIT: Duration = Duration::from_secs(3);
/// How long an answer may be on its way whose node has handed the merchant over.
const LATE: Duration = Duration::from_millis(500);
/// How soon a request looks again that found nobody.
const AGAIN: Duration = Duration::from_millis(100);

/// The front of a node.
#[derive(Clone)]
pub(super) struct Front(Arc<Inner>);

struct Inner {
    /// Whose the addresses are that name no merchant.
    own: MerchantId,
    node: String,
    desk: Desk,
    passing: Passing,
    metrics: PrometheusHandle,
}

impl Front {
    pub(super) fn new(
        own: MerchantId,
        node: &str,
        desk: Desk,
        passing: Passing,
        metrics: PrometheusHandle,
    ) -> Self {
        Self(Arc::new(Inner { own, node: node.to_owned(), desk, passing, metrics }))
    }

    /// All routes of the node: its own health, the console, and everything of every merchant.
    pub(super) fn router(self) -> Router {
        Router::new()
            .route("/healthz", get(|| async { "ok" }))
            .route("/readyz", get(ready))
            .route("/metrics", get(figures))
            .fallback(answer)
            .with_state(self)
            .merge(console::router())
    }
}

/// How the node is: which merchants it serves, and which nodes it knows.
async fn ready(State(Front(front)): State<Front>) -> Response {
    let Some(standing) = front.desk.fresh() else { return placed::not_ready() };
    let serves: Vec<_> = front
        .desk
        .held()
        .iter()
        .map(|held| json!({ "merchant": held.merchant, "epoch": held.epoch, "term": held.term }))
        .collect();
    let nodes: Vec<_> =
        standing.nodes.values().map(|node| json!({ "node": node.name, "version": node.version })).collect();
    Json(json!({ "ready": true, "node": front.node, "serves": serves, "nodes": nodes })).into_response()
}

async fn figures(State(Front(front)): State<Front>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], front.metrics.render())
        .into_response()
}

async fn answer(State(Front(front)): State<Front>, mut request: Request) -> Response {
    let Some((merchant, uri)) = front.addressed(request.uri()) else { return placed::no_such_merchant() };
    *request.uri_mut() = uri;
    let passed_on = request.headers_mut().remove(PASSED_ON_BY).is_some();
    let deadline = Instant::now() + WAIT;
    let request = match front.desk.place(&merchant) {
        Place::Here(held) => match held.answer(request).await {
            Ok(response) => return response,
            Err(request) => request,
        },
        Place::Unknown => return placed::no_such_merchant(),
        Place::There(_) | Place::Nobody => request,
    };
    if passed_on {
        return placed::not_owner("this node does not serve the merchant, and was told that it does");
    }
    if placed::is_long(request.method(), request.uri().path()) {
        return front.stream(&merchant, request, deadline).await;
    }
    match Kept::of(request).await {
        Some(kept) => front.find(&merchant, kept, deadline).await,
        None => placed::interrupted(),
    }
}

impl Inner {
    /// Whose request this is, and its address without the merchant.
    fn addressed(&self, uri: &Uri) -> Option<(MerchantId, Uri)> {
        let Some(rest) = uri.path().strip_prefix("/m/") else { return Some((self.own.clone(), uri.clone())) };
        let (name, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
        let target = match uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(target.parse::<PathAndQuery>().ok()?);
        Some((name.parse().ok()?, Uri::from_parts(parts).ok()?))
    }

    /// Has a request answered by whoever serves the merchant. It is sent on again only where it is certain that nobody
    /// acted upon it.
    async fn find(&self, merchant: &MerchantId, kept: Kept, deadline: Instant) -> Response {
        let mut away = None;
        while Instant::now() < deadline {
            match self.desk.place(merchant) {
                Place::Here(held) => {
                    if let Ok(response) = held.answer(kept.request()).await {
                        return response;
                    }
                }
                Place::There(node) => match self.passed(&node, merchant, &kept).await {
                    Ok(response) => return response,
                    Err(AskError::Silent) => return placed::unanswered(),
                    Err(error @ (AskError::Away | AskError::TooLarge)) => {
                        return placed::not_owner(&error.to_string());
                    }
                    Err(error) => away = Some(error),
                },
                Place::Nobody => {}
                Place::Unknown => return placed::no_such_merchant(),
            }
            self.news(deadline).await;
        }
        away.map_or_else(placed::no_owner, |error| placed::not_owner(&error.to_string()))
    }

    /// What a node answers; silence as soon as it is known that it serves the merchant no more, and a moment has passed.
    async fn passed(&self, node: &Node, merchant: &MerchantId, kept: &Kept) -> Result<Response, AskError> {
        let given_up = async {
            self.desk.given_up(merchant, node).await;
            sleep(LATE).await;
        };
        tokio::select! {
            answered = self.passing.pass(node, merchant, kept) => answered,
            () = given_up => Err(AskError::Silent),
        }
    }

    /// The same of a request that is too long to be kept.
    async fn stream(&self, merchant: &MerchantId, mut request: Request, deadline: Instant) -> Response {
        while Instant::now() < deadline {
            match self.desk.place(merchant) {
                Place::Here(held) => match held.answer(request).await {
                    Ok(response) => return response,
                    Err(back) => request = back,
                },
                Place::There(node) => return self.passing.stream(&node, merchant, request).await,
                Place::Nobody => {}
                Place::Unknown => return placed::no_such_merchant(),
            }
            self.news(deadline).await;
        }
        placed::no_owner()
    }

    /// Waits a moment, or until something changes.
    async fn news(&self, deadline: Instant) {
        let until = deadline.min(Instant::now() + AGAIN);
        // Either way the caller looks again.
        let _either = timeout_at(until, self.desk.changed()).await;
    }
}

/// The other end of the connection a request came over.
pub(super) fn peer(request: &Request<Body>) -> Option<std::net::IpAddr> {
    request.extensions().get::<Peer>().map(|peer| peer.0)
}
