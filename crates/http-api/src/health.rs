//! Whether we live, are ready, and how we do; what time it is; what the error codes mean.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{
    api::Shared,
    extract::Segments,
    problem::{self, Problem, kinds},
};

/// The process runs.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, body = String)))]
pub(crate) async fn healthz() -> &'static str {
    "ok"
}

/// The engine decides and its log can be read. The lag of the read models is told, but they may be behind.
#[utoipa::path(get, path = "/readyz", tag = "health", responses((status = 200, body = Value), (status = 503)))]
pub(crate) async fn readyz(State(api): State<Shared>) -> Response {
    let head = api.engine.log().head(api.merchant()).await.ok().flatten();
    let lag = api.projections.lag(api.merchant()).await.ok();
    let (true, Some(head), Some(lag)) = (api.engine.is_running(), head, lag) else {
        return Problem::new(problem::STOPPED).into_response();
    };
    let lag: Vec<Value> = lag
        .iter()
        .map(|lag| json!({ "view": lag.name, "head_pos": lag.head, "lag_events": lag.events }))
        .collect();
    Json(json!({ "ready": true, "head_pos": head.position, "epoch": head.epoch, "views": lag }))
        .into_response()
}

/// Figures in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, body = String)))]
pub(crate) async fn metrics(State(api): State<Shared>) -> Response {
    match &api.options.metrics {
        Some(handle) => {
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], handle.render())
                .into_response()
        }
        None => Problem::new(problem::NOT_FOUND).into_response(),
    }
}

/// Our clock, for partners whose signatures hold a time. Not signed.
#[utoipa::path(get, path = "/time", tag = "health", responses((status = 200, body = Value)))]
pub(crate) async fn time(State(api): State<Shared>) -> Json<Value> {
    let now = api.engine.now();
    Json(json!({ "unix": now.secs(), "iso": now }))
}

/// Every error code.
#[utoipa::path(get, path = "/errors", tag = "health", responses((status = 200, body = Value)))]
pub(crate) async fn errors() -> Json<Value> {
    Json(Value::Array(kinds().into_iter().map(described).collect()))
}

/// One error code: what the `type` of a problem leads to.
#[utoipa::path(get, path = "/errors/{code}", tag = "health", params(("code" = String, Path)),
    responses((status = 200, body = Value), (status = 404)))]
pub(crate) async fn error(Segments(code): Segments<String>) -> Response {
    match kinds().into_iter().find(|kind| kind.code == code) {
        Some(kind) => (StatusCode::OK, Json(described(kind))).into_response(),
        None => Problem::new(problem::NOT_FOUND).into_response(),
    }
}

fn described(kind: problem::Kind) -> Value {
    json!({
        "code": kind.code, "status": kind.status, "title": kind.en, "title_zh": kind.zh, "retryable": kind.retryable,
    })
}
