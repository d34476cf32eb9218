//! The read models' tables for analysts: a catalogue, and rows as JSON, NDJSON or CSV, now or as of a moment.

use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use projection::Kind;
use ring::digest;
use serde::Deserialize;
use serde_json::{Value, json};
use vocabulary::Position;

use crate::{
    api::{Api, Shared},
    as_of::{Moment, folded},
    extract::{Params, Segments},
    problem::{self, Problem},
    table::{Rows, Source, page, sources},
};

const LIMIT: u32 = 1_000;
const LIMIT_MAX: u32 = 10_000;

/// The tables and views there are: what a row is, what its columns mean, and how far it has come.
#[utoipa::path(get, path = "/v1/views", tag = "analysts", responses((status = 200, body = Value)))]
pub(crate) async fn catalogue(State(api): State<Shared>) -> Result<Json<Value>, Problem> {
    let checkpoints = api.views().checkpoints(api.merchant()).await?;
    let head_of = |name: &str| checkpoints.iter().find(|at| at.name == name).map(|at| at.head);
    let described: Vec<Value> = sources(api.views().projections())
        .iter()
        .map(|source| {
            let columns = source.table.map_or_else(Vec::new, |table| {
                table
                    .columns
                    .iter()
                    .enumerate()
                    .map(|(n, column)| {
                        json!({
                            "name": column.name, "kind": kind(column.kind), "nullable": column.nullable,
                            "key": n < table.key, "en": column.en, "zh": column.zh,
                        })
                    })
                    .collect()
            });
            json!({
                "name": source.name, "projection": source.projection.name(), "version": source.projection.version(),
                "en": source.table.map(|table| table.en), "zh": source.table.map(|table| table.zh),
                "columns": columns, "head_pos": head_of(source.projection.name()),
            })
        })
        .collect();
    Ok(Json(json!({ "views": described })))
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

/// How rows are written.
#[derive(Deserialize, Clone, Copy, Default, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    /// One JSON object with `rows` and `next`.
    #[default]
    Json,
    /// One JSON object per line.
    Ndjson,
    /// Comma-separated, with a header; safe to open in a spreadsheet.
    Csv,
}

/// Which rows, and how.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// `json` (default), `ndjson` or `csv`.
    #[serde(default)]
    #[param(inline)]
    format: Format,
    /// At most so many rows (1000; up to 10000).
    limit: Option<u32>,
    /// The `next` of the page before, also in the header `X-Next-Cursor`.
    cursor: Option<String>,
    /// The rows as they were at a position or an instant (RFC 3339) by our clock.
    #[param(value_type = Option<String>)]
    as_of: Option<Moment>,
    /// Wait (at most 2 s) until the read models contain this position.
    min_pos: Option<u64>,
}

/// Rows of a table or view, in the order of its key. `X-As-Of-Pos` says which position they are of, `X-Lag-Events`
/// how many events they lack, `X-Content-Digest` is the SHA-256 of the body.
#[utoipa::path(get, path = "/v1/views/{view}", tag = "analysts", params(("view" = String, Path), Wanted),
    responses((status = 200, body = Value), (status = 404)))]
pub(crate) async fn rows(
    State(api): State<Shared>,
    Segments(view): Segments<String>,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let source = sources(api.views().projections()).into_iter().find(|source| source.name == view);
    let source = source.ok_or_else(|| Problem::new(problem::UNKNOWN_VIEW))?;
    api.caught_up(wanted.min_pos).await?;
    let after = wanted.cursor.as_deref().map(|cursor| read_cursor(cursor, &source)).transpose()?;
    let limit = wanted.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let (rows, head) = match wanted.as_of {
        None => {
            let mut conn = api.views().reader().acquire().await?;
            let rows = page(&mut conn, api.merchant(), &source, after.as_deref(), limit).await?;
            let head = rows.head;
            (rows, head)
        }
        Some(moment) => past(&api, &source, moment, after.as_deref(), limit).await?,
    };
    let log_head = api.engine.log().head(api.merchant()).await?.map(|head| head.position).unwrap_or_default();
    let next = rows.next.as_ref().map(|key| URL_SAFE_NO_PAD.encode(Value::from(key.clone()).to_string()));
    let (content_type, body) = match wanted.format {
        Format::Json => ("application/json", as_json(&rows, next.as_deref())?),
        Format::Ndjson => ("application/x-ndjson", as_ndjson(&rows)),
        Format::Csv => ("text/csv; charset=utf-8; header=present", as_csv(&rows)?),
    };
    let digest = hex::encode(digest::digest(&digest::SHA256, &body));
    let mut response = ([(header::CONTENT_TYPE, content_type)], body).into_response();
    let told = [
        ("x-as-of-pos", Some(head.to_string())),
        ("x-lag-events", Some(log_head.0.saturating_sub(head.0).to_string())),
        ("x-content-digest", Some(digest)),
        ("x-next-cursor", next),
    ];
    for (name, value) in told {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    Ok(response)
}

async fn past(
    api: &Api,
    source: &Source,
    moment: Moment,
    after: Option<&[Value]>,
    limit: u32,
) -> Result<(Rows, Position), Problem> {
    let position = moment.position(api).await?;
    let views = folded(api, source.projection.clone(), position).await?;
    let mut conn = views.reader().acquire().await?;
    let rows = page(&mut conn, api.merchant(), source, after, limit).await?;
    Ok((rows, position))
}

/// A cursor is the key of the last row that was sent.
fn read_cursor(cursor: &str, source: &Source) -> Result<Vec<Value>, Problem> {
    let json = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let key: Option<Vec<Value>> = json;
    let fits = |key: &Vec<Value>| source.table.is_none_or(|table| table.key == key.len());
    key.filter(fits).ok_or_else(|| Problem::parameter("cursor is not one of this view"))
}

fn as_json(rows: &Rows, next: Option<&str>) -> Result<Vec<u8>, Problem> {
    let objects: Vec<Value> = rows.cells.iter().map(|row| rows.object(row)).collect();
    Ok(serde_json::to_vec(&json!({ "rows": objects, "next": next }))?)
}

fn as_ndjson(rows: &Rows) -> Vec<u8> {
    let lines = rows.cells.iter().map(|row| format!("{}\n", rows.object(row)));
    lines.collect::<String>().into_bytes()
}

fn as_csv(rows: &Rows) -> Result<Vec<u8>, Problem> {
    let failed = |error: csv::Error| Problem::internal("writing CSV", &error);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&rows.columns).map_err(failed)?;
    for row in &rows.cells {
        writer.write_record(row.iter().map(csv_cell)).map_err(failed)?;
    }
    writer.into_inner().map_err(|error| Problem::internal("writing CSV", error.error()))
}

/// A cell for a spreadsheet: text that it would take for a formula gets an apostrophe in front.
fn csv_cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']) => format!("'{text}"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_never_starts_a_formula() {
        for text in ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\0x"] {
            assert!(csv_cell(&json!(text)).starts_with('\''), "{text:?}");
        }
        assert_eq!(csv_cell(&json!("steam-50")), "steam-50");
        assert_eq!(csv_cell(&json!(-5)), "-5");
        assert_eq!(csv_cell(&Value::Null), "");
    }
}
