//! The read models' tables for analysts: a catalogue, and rows in open formats, now or as of a moment.

use analyst::{Filter, Source, page, sources};
use axum::{Json, extract::State, response::Response};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use projection::{Checkpoint, Column, Kind};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    api::{Api, Shared},
    as_of::{Asked, Moment, folded},
    extract::{Filtered, Segments},
    problem::{self, Problem},
    sheet::{Provenance, Wire, respond},
};

const LIMIT: u32 = 1_000;
const LIMIT_MAX: u32 = 10_000;
const FILTERS_MAX: usize = 16;

/// The tables and views there are: what a row is, what its columns mean, and how far it has come.
#[utoipa::path(get, path = "/v1/views", tag = "analysts", responses((status = 200, body = Value)))]
pub(crate) async fn catalogue(State(api): State<Shared>) -> Result<Json<Value>, Problem> {
    let checkpoints = api.views().checkpoints(api.merchant()).await?;
    let all = sources(api.views().projections());
    let views: Vec<Value> = all.iter().map(|source| described(source, &checkpoints)).collect();
    Ok(Json(json!({ "views": views })))
}

/// One table or view: its grain, its columns with kinds and units, its query, what it reads, and how fresh it is.
#[utoipa::path(get, path = "/v1/views/{view}/schema", tag = "analysts", params(("view" = String, Path)),
    responses((status = 200, body = Value), (status = 404)))]
pub(crate) async fn schema(
    State(api): State<Shared>,
    Segments(view): Segments<String>,
) -> Result<Json<Value>, Problem> {
    let source = find(&api, &view)?;
    let checkpoints = api.views().checkpoints(api.merchant()).await?;
    let log_head = api.log_head().await?;
    let mut schema = described(&source, &checkpoints);
    let head = schema["head_pos"].as_u64().unwrap_or_default();
    let grain: Vec<&str> = source.key_columns().map(|column| column.name).collect();
    schema["grain"] = json!(grain);
    schema["lag_events"] = json!(log_head.0.saturating_sub(head));
    schema["select"] = json!(source.select);
    schema["formats"] = json!(analyst::Format::ALL.map(analyst::Format::as_str));
    schema["all_columns"] = json!(source.headings().iter().map(|heading| &heading.name).collect::<Vec<_>>());
    Ok(Json(schema))
}

pub(crate) fn find(api: &Api, view: &str) -> Result<Source, Problem> {
    Source::find(api.views().projections(), view).ok_or_else(|| Problem::new(problem::UNKNOWN_VIEW))
}

fn described(source: &Source, checkpoints: &[Checkpoint]) -> Value {
    let head_of = |name: &str| checkpoints.iter().find(|at| at.name == name).map(|at| at.head);
    let columns = source.columns.iter().enumerate().map(|(n, column)| {
        json!({
            "name": column.name, "kind": kind(column.kind), "unit": unit(column), "nullable": column.nullable,
            "key": n < source.key, "en": column.en, "zh": column.zh,
        })
    });
    let columns: Vec<Value> = columns.collect();
    let head = source.reads.iter().map(|name| head_of(name)).min().flatten();
    json!({
        "name": source.name, "projection": source.projection.name(), "version": source.projection.version(),
        "en": source.en, "zh": source.zh, "columns": columns, "reads": source.reads, "head_pos": head,
    })
}

/// What a number counts, by the ending of its column's name.
fn unit(column: &Column) -> Option<&'static str> {
    let endings = [
        ("_fen", "minor unit of the row's currency"),
        ("_count", "count"),
        ("_ratio", "0 to 1"),
        ("_bp", "1/10000"),
        ("_ms", "millisecond"),
        ("_ms_sum", "millisecond"),
        ("_min", "minute"),
        ("_s", "second"),
        ("_pos", "position of the log"),
        ("_at", "instant, UTC"),
        ("_date", "business day, Asia/Shanghai"),
    ];
    let number = !matches!(column.kind, Kind::Text | Kind::Json | Kind::Flag);
    endings.iter().find(|(end, _)| number && column.name.ends_with(end)).map(|(_, unit)| *unit)
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Int => "integer",
        Kind::Real => "number",
        Kind::At => "instant",
        Kind::Date => "date",
        Kind::Flag => "flag",
        Kind::Json => "json",
    }
}

/// Which rows, and how.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// `json` (default), `ndjson`, `csv` or `parquet`.
    #[serde(default)]
    #[param(inline)]
    format: Wire,
    /// At most so many rows (1000; up to 10000).
    limit: Option<u32>,
    /// The `next` of the page before, also in the header `X-Next-Cursor`.
    cursor: Option<String>,
    /// The rows as they were at a position or an instant (RFC 3339) by our clock.
    #[param(value_type = Option<String>)]
    as_of: Option<Moment>,
    /// Only what had happened by this instant (RFC 3339), by the clock of whoever reported it. Late reports are in.
    #[param(value_type = Option<String>)]
    effective: Option<Moment>,
    /// Wait (at most 2 s) until the read models contain this position.
    min_pos: Option<u64>,
}

/// Rows of a table or view, in the order of its key. `X-As-Of-Pos` says which position they are of, `X-Lag-Events`
/// how many events they lack, `X-Content-Digest` is the SHA-256 of the body, `X-Projector-Version` says which
/// versions of which read models made them.
#[utoipa::path(get, path = "/v1/views/{view}", tag = "analysts",
    params(("view" = String, Path), Wanted,
        ("filter" = Option<Vec<String>>, Query,
            description = "`column:operator:value`, may be repeated; eq, ne, lt, le, gt, ge, or in with commas")),
    responses((status = 200, body = Value), (status = 404)))]
pub(crate) async fn rows(
    State(api): State<Shared>,
    Segments(view): Segments<String>,
    Filtered { filters, params: wanted }: Filtered<Wanted>,
) -> Result<Response, Problem> {
    let source = find(&api, &view)?;
    if filters.len() > FILTERS_MAX {
        return Err(Problem::parameter(format!("at most {FILTERS_MAX} filters")));
    }
    let filters: Result<Vec<Filter>, _> = filters.iter().map(|text| Filter::parse(text, &source)).collect();
    let filters = filters.map_err(|error| Problem::parameter(error.to_string()))?;
    api.caught_up(wanted.min_pos).await?;
    let after = wanted.cursor.as_deref().map(|cursor| read_cursor(cursor, &source)).transpose()?;
    let limit = wanted.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let asked = Asked { as_of: wanted.as_of, effective: wanted.effective };
    let views = match asked.cut(&api).await? {
        Some(cut) => folded(&api, &needed(&source), cut).await?,
        None => api.live(&source.reads).await?,
    };
    let mut conn = views.reader().acquire().await?;
    let page = page(&mut conn, api.merchant(), &source, &filters, after.as_deref(), limit).await?;
    drop(conn);
    let next = page.next.map(|key| URL_SAFE_NO_PAD.encode(Value::from(key).to_string()));
    let of = Provenance {
        head: page.head,
        log_head: api.log_head().await?,
        projectors: projectors(&api, &source.reads),
        next,
    };
    respond(wanted.format.into(), &page.sheet, of)
}

/// The projections that a source needs: whose it is, and what it reads.
pub(crate) fn needed(source: &Source) -> Vec<&'static str> {
    let mut names = source.reads.clone();
    if !names.contains(&source.projection.name()) {
        names.push(source.projection.name());
    }
    names
}

/// Projections with their versions: `orders/1, sales/2`.
pub(crate) fn projectors(api: &Api, names: &[&str]) -> String {
    let all = api.views().projections().iter().filter(|projection| names.contains(&projection.name()));
    let mut told: Vec<String> = all.map(|it| format!("{}/{}", it.name(), it.version())).collect();
    told.sort();
    told.join(", ")
}

/// A cursor is the key of the last row that was sent.
fn read_cursor(cursor: &str, source: &Source) -> Result<Vec<Value>, Problem> {
    let json = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let key: Option<Vec<Value>> = json;
    let fits = |key: &Vec<Value>| source.key == key.len();
    key.filter(fits).ok_or_else(|| Problem::parameter("cursor is not one of this view"))
}
