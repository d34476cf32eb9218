//! Rows on their way out: in the format that was asked for, with what they are of.

use analyst::{Format, FormatError, Sheet, SheetWriter};
use axum::{
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use ring::digest;
use serde::Deserialize;
use vocabulary::Position;

use crate::problem::Problem;

/// How rows are written.
#[derive(Deserialize, Clone, Copy, Default, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wire {
    /// One JSON object with `rows` and `next`.
    #[default]
    Json,
    /// One JSON object per line.
    Ndjson,
    /// Comma-separated, with a header; safe to open in a spreadsheet.
    Csv,
    /// Apache Parquet: instants are timestamps, days are dates.
    Parquet,
}

impl From<Wire> for Format {
    fn from(wire: Wire) -> Self {
        match wire {
            Wire::Json => Self::Json,
            Wire::Ndjson => Self::Ndjson,
            Wire::Csv => Self::Csv,
            Wire::Parquet => Self::Parquet,
        }
    }
}

/// What rows are of.
pub(crate) struct Provenance {
    /// The last position they contain.
    pub(crate) head: Position,
    /// The end of the log.
    pub(crate) log_head: Position,
    /// The projections that made them, each with its version.
    pub(crate) projectors: String,
    /// Where the next page begins.
    pub(crate) next: Option<String>,
}

/// The rows as a response. The same rows give the same bytes.
pub(crate) fn respond(format: Format, sheet: &Sheet, of: Provenance) -> Result<Response, Problem> {
    let mut writer = SheetWriter::new(format, &sheet.headings, Vec::new())?;
    writer.write(&sheet.rows)?;
    let body = writer.finish(of.next.as_deref())?;
    let digest = hex::encode(digest::digest(&digest::SHA256, &body));
    let mut response = ([(header::CONTENT_TYPE, format.content_type())], body).into_response();
    let told = [
        ("x-as-of-pos", Some(of.head.to_string())),
        ("x-lag-events", Some(of.log_head.0.saturating_sub(of.head.0).to_string())),
        ("x-content-digest", Some(digest)),
        ("x-projector-version", Some(of.projectors)),
        ("x-next-cursor", of.next),
    ];
    for (name, value) in told {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    Ok(response)
}

impl From<FormatError> for Problem {
    fn from(error: FormatError) -> Self {
        Self::internal("writing rows", &error)
    }
}
