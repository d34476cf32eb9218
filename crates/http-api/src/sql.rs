//! SQL over the read models: for reading, bounded, and on the record.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use analyst::{
    Sheet,
    sql::{self, Answer, Budget, Question, SqlError},
};
use axum::{extract::State, response::Response};
use events::staff::{QueryEnd, QueryRun};
use ring::digest;
use serde::Deserialize;
use vocabulary::Position;

use crate::{
    api::{Api, Shared},
    as_of::{Asked, Moment, folded},
    auth::Operator,
    extract::Body,
    problem::{self, Problem},
    sheet::{Provenance, Wire, respond},
    staff,
    views::projectors,
};

/// A query.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    /// One SELECT over the tables and views of `/v1/views`, `sys_projection` and `sys_column`; at most 20000 bytes.
    query: String,
    /// `json` (default), `ndjson`, `csv` or `parquet`.
    #[serde(default)]
    format: Wire,
    /// The rows as they were at a position or an instant (RFC 3339) by our clock.
    #[schema(value_type = Option<String>)]
    as_of: Option<Moment>,
    /// Only what had happened by this instant (RFC 3339), by the clock of whoever reported it.
    #[schema(value_type = Option<String>)]
    effective: Option<Moment>,
    /// Wait (at most 2 s) until the read models contain this position.
    min_pos: Option<u64>,
}

/// Runs one SELECT: at most 10 s, 100 000 rows, 64 MiB. That it was run is recorded, its literals are not.
#[utoipa::path(post, path = "/v1/sql", tag = "analysts", request_body = Query,
    responses((status = 200, body = Value), (status = 403), (status = 422)))]
pub(crate) async fn sql(
    State(api): State<Shared>,
    operator: Operator,
    Body(query): Body<Query>,
) -> Result<Response, Problem> {
    let permit = api.queries.clone().try_acquire_owned();
    let _permit = permit.map_err(|_| Problem::new(problem::BUSY).detail("too many queries are running"))?;
    api.caught_up(query.min_pos).await?;
    let log_head = api.log_head().await?;
    let asked = Asked { as_of: query.as_of, effective: query.effective };
    let views = match asked.cut(&api).await? {
        Some(cut) => folded(&api, &[], cut).await?,
        None => api.live(&named(&api, &query.query)).await?,
    };
    let given_up = GivenUp(Arc::new(AtomicBool::new(false)));
    let question = Question {
        views: views.path().to_owned(),
        merchant: api.merchant().clone(),
        projections: api.views().projections().to_vec(),
        log_head,
        now: api.engine.now(),
        text: query.query,
        budget: Budget::default(),
        given_up: given_up.0.clone(),
    };
    let (text, shape) = (question.text.clone(), sql::shape(&question.text, &question.projections));
    let outcome = tokio::task::spawn_blocking(move || sql::run(&question)).await;
    let outcome = outcome.map_err(|error| Problem::internal("running a query", &error))?;
    // A read model of the past must not be thrown away while it is being asked.
    drop(views);
    let (end, rows, as_of) = match &outcome {
        Ok(Answer { sheet, head, .. }) => (QueryEnd::Done, sheet.rows.len(), *head),
        Err(SqlError::Refused(_)) => (QueryEnd::Refused, 0, log_head),
        Err(SqlError::Failed(_) | SqlError::Broken(_)) => (QueryEnd::Failed, 0, log_head),
        Err(SqlError::OverBudget { .. }) => (QueryEnd::OverBudget, 0, log_head),
    };
    let digest = hex::encode(digest::digest(&digest::SHA256, text.as_bytes()));
    let fact = QueryRun { text: shape, digest, as_of, end, rows: rows as u64 };
    staff::record(&api, &operator, fact).await?;
    metrics::counter!("kami_sql_total", "end" => outcome.as_ref().map_or_else(code, |_| "done")).increment(1);
    let Answer { sheet, head, .. } = outcome.map_err(told)?;
    answer(&api, query.format, &sheet, head, log_head)
}

/// The projections of which a query names a table or view, or a word that holds its name.
fn named(api: &Api, query: &str) -> Vec<&'static str> {
    let query = query.to_ascii_lowercase();
    let all = analyst::sources(api.views().projections()).into_iter();
    all.filter(|source| query.contains(source.name)).flat_map(|source| source.reads).collect()
}

fn answer(
    api: &Api,
    format: Wire,
    sheet: &Sheet,
    head: Position,
    log_head: Position,
) -> Result<Response, Problem> {
    let names: Vec<&str> = api.views().projections().iter().map(|projection| projection.name()).collect();
    let of = Provenance { head, log_head, projectors: projectors(api, &names), next: None };
    respond(format.into(), sheet, of)
}

/// Tells a query that is running when nobody waits for it any more.
struct GivenUp(Arc<AtomicBool>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn code(error: &SqlError) -> &'static str {
    match error {
        SqlError::Refused(_) => "refused",
        SqlError::Failed(_) => "failed",
        SqlError::OverBudget { .. } => "over_budget",
        SqlError::Broken(_) => "broken",
    }
}

fn told(error: SqlError) -> Problem {
    let kind = match &error {
        SqlError::Refused(_) => problem::SQL_REFUSED,
        SqlError::Failed(_) => problem::SQL_ERROR,
        SqlError::OverBudget { .. } => problem::SQL_OVER_BUDGET,
        SqlError::Broken(cause) => return Problem::internal("opening read models for a query", cause),
    };
    Problem::new(kind).detail(error.to_string())
}
