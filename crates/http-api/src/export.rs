//! Whole views as files that leave the house, on the record.

use std::io::{BufWriter, Seek, SeekFrom, Write};

use analyst::{ExportError, Exported, Format, Source};
use axum::{
    body::Body as Bytes,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use events::staff::ExportMade;
use projection::Views;
use serde::Deserialize;
use tokio::io::AsyncReadExt;

use crate::{
    api::{Api, Shared},
    as_of::{Asked, Moment, folded},
    auth::Operator,
    extract::{Body, Segments},
    problem::Problem,
    sheet::Wire,
    staff,
    views::{find, needed, projectors},
};

/// Bytes sent at once.
const CHUNK: usize = 64 * 1024;

/// Which rows, and how.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// `json`, `ndjson`, `csv` or `parquet`.
    #[serde(default)]
    format: Wire,
    /// The rows as they were at a position or an instant (RFC 3339) by our clock; now unless given.
    #[schema(value_type = Option<String>)]
    as_of: Option<Moment>,
    /// Only what had happened by this instant (RFC 3339), by the clock of whoever reported it.
    #[schema(value_type = Option<String>)]
    effective: Option<Moment>,
}

/// All rows of a table or view as one file, of one moment. That it was made is recorded before it is sent.
#[utoipa::path(post, path = "/v1/views/{view}/export", tag = "analysts", params(("view" = String, Path)),
    request_body = Wanted, responses((status = 200, body = Vec<u8>), (status = 404)))]
pub(crate) async fn export(
    State(api): State<Shared>,
    Segments(view): Segments<String>,
    operator: Operator,
    Body(wanted): Body<Wanted>,
) -> Result<Response, Problem> {
    let source = find(&api, &view)?;
    let asked = Asked { as_of: wanted.as_of, effective: wanted.effective };
    let format = Format::from(wanted.format);
    let views = match asked.cut(&api).await? {
        Some(cut) => folded(&api, &needed(&source), cut).await?,
        None => api.live(&source.reads).await?,
    };
    let (file, Exported { rows, head }) = write(&api, &views, &source, format).await?;
    let (views, format_name) = (vec![source.name.to_owned()], format.as_str().to_owned());
    staff::record(&api, &operator, ExportMade { views, format: format_name, as_of: head, rows, order: None })
        .await?;
    let told = [
        (header::CONTENT_TYPE.as_str(), format.content_type().to_owned()),
        ("x-as-of-pos", head.to_string()),
        ("x-rows", rows.to_string()),
        ("x-projector-version", projectors(&api, &source.reads)),
    ];
    Ok((told, sent(file)).into_response())
}

/// The rows in a file without a name.
async fn write(
    api: &Api,
    views: &Views,
    source: &Source,
    format: Format,
) -> Result<(std::fs::File, Exported), Problem> {
    let broken = |error: std::io::Error| Problem::internal("writing a file", &error);
    let to = BufWriter::new(tempfile::tempfile().map_err(broken)?);
    let (to, exported) = analyst::export(views, api.merchant(), source, format, to).await?;
    let mut file = to.into_inner().map_err(|error| broken(error.into_error()))?;
    file.flush().and_then(|()| file.seek(SeekFrom::Start(0))).map_err(broken)?;
    Ok((file, exported))
}

fn sent(file: std::fs::File) -> Bytes {
    let file = tokio::fs::File::from_std(file);
    Bytes::from_stream(futures::stream::try_unfold(file, |mut file| async move {
        let mut chunk = vec![0; CHUNK];
        let read = file.read(&mut chunk).await?;
        chunk.truncate(read);
        Ok::<_, std::io::Error>((read > 0).then_some((chunk, file)))
    }))
}

impl From<ExportError> for Problem {
    fn from(error: ExportError) -> Self {
        Self::internal("writing a view", &error)
    }
}
