//! Histories that came from elsewhere, kept beside the data and not in the log: to be looked at, never acted on.

use std::path::{Path, PathBuf};

use axum::{
    Json,
    extract::{Request, State},
};
use projection_orders::{At, FileError, HistoryFile, causes as graph_of, known_at, steps};
use serde_json::{Value, json};

use crate::{
    api::{Api, Shared},
    extract::{Params, Segments, read as read_body},
    orders::read::{When, snapshot},
    problem::{self, Problem},
};

/// The largest file, in bytes: an order of 5,000 events.
const FILE_MAX: usize = 8 << 20;

/// Why a history could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is not what was exported.
    #[error(transparent)]
    File(#[from] FileError),
    /// It cannot be kept.
    #[error("the history cannot be kept in {0}")]
    Keep(PathBuf, #[source] std::io::Error),
}

/// Checks a history file and keeps it in `dir`, as it is. Gives back the id it is found by; a file that is there
/// already is kept once.
pub fn import_history(dir: &Path, text: &[u8]) -> Result<HistoryFile, ImportError> {
    let file = HistoryFile::read(text)?;
    let path = dir.join(format!("{}.json", file.id()));
    // Written beside and renamed, so that nobody reads half of it.
    let draft = dir.join(format!("{}.draft", file.id()));
    let keep = |error| ImportError::Keep(dir.to_owned(), error);
    std::fs::create_dir_all(dir).map_err(keep)?;
    std::fs::write(&draft, text).map_err(keep)?;
    std::fs::rename(&draft, &path).map_err(keep)?;
    Ok(file)
}

/// Takes in a history that another instance exported: the file as the body. It is checked and kept beside the data;
/// the same file again changes nothing.
#[utoipa::path(post, path = "/v1/imported", tag = "orders", operation_id = "take_in",
    request_body(content = String, content_type = "application/json"),
    responses((status = 200, body = Value), (status = 422)))]
pub(crate) async fn take_in(State(api): State<Shared>, request: Request) -> Result<Json<Value>, Problem> {
    let text = read_body(request.into_body(), FILE_MAX).await?;
    let Some(dir) = api.options.imported.clone() else { return Err(Problem::new(problem::NOT_FOUND)) };
    let written = tokio::task::spawn_blocking(move || import_history(&dir, &text)).await;
    match written.map_err(|error| Problem::internal("taking a history in", &error))? {
        Ok(file) => Ok(Json(about(&file))),
        Err(ImportError::File(error)) => {
            Err(Problem::new(problem::INVALID_HISTORY).detail(error.to_string()))
        }
        Err(error) => Err(Problem::internal("taking a history in", &error)),
    }
}

/// The histories that were taken in from elsewhere.
#[utoipa::path(get, path = "/v1/imported", tag = "orders", responses((status = 200, body = Value)))]
pub(crate) async fn list(State(api): State<Shared>) -> Result<Json<Value>, Problem> {
    let mut all = Vec::new();
    if let Some(dir) = api.options.imported.as_deref().filter(|dir| dir.exists()) {
        let mut entries = tokio::fs::read_dir(dir).await?;
        while let Some(entry) = entries.next_entry().await? {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(id) = name.strip_suffix(".json") else { continue };
            // One that was meddled with is listed with what is wrong, and hides no other.
            all.push(match HistoryFile::read(&tokio::fs::read(entry.path()).await?) {
                Ok(file) => about(&file),
                Err(error) => json!({ "id": id, "problem": error.to_string() }),
            });
        }
    }
    all.sort_by_key(|file| file["exported_at"].to_string());
    Ok(Json(json!({ "imported": all })))
}

/// One of them: the order's history as `GET /v1/orders/{ref}/events` tells it, and its cause graph.
#[utoipa::path(get, path = "/v1/imported/{id}", tag = "orders", params(("id" = String, Path)),
    responses((status = 200, body = Value), (status = 404)))]
pub(crate) async fn one(
    State(api): State<Shared>,
    Segments(id): Segments<String>,
) -> Result<Json<Value>, Problem> {
    let file = read(&api, &id).await?;
    let history = file.history();
    let graph = graph_of(file.order, &history, &[])?;
    let mut shown = about(&file);
    shown["events"] = serde_json::to_value(steps(file.order, history)?)?;
    shown["causes"] = serde_json::to_value(graph)?;
    Ok(Json(shown))
}

/// The order of an imported history as it was at a position or an instant.
#[utoipa::path(get, path = "/v1/imported/{id}/state", tag = "orders", params(("id" = String, Path), When),
    responses((status = 200, body = Value), (status = 404)))]
pub(crate) async fn state(
    State(api): State<Shared>,
    Segments(id): Segments<String>,
    Params(When { at }): Params<When>,
) -> Result<Json<Value>, Problem> {
    let file = read(&api, &id).await?;
    let own = file.order.stream();
    let events: Vec<_> = file.history().into_iter().filter(|event| event.stream == own).collect();
    let known = known_at(&events, at.map_or(At::Head, At::from));
    snapshot(&events[..known])
}

fn about(file: &HistoryFile) -> Value {
    json!({
        "id": file.id(), "merchant": file.merchant, "order": file.order, "exported_at": file.exported_at,
        "head": file.head, "digest": file.digest(),
    })
}

/// A file that is kept is checked each time: it lies where people can reach it.
async fn read(api: &Api, id: &str) -> Result<HistoryFile, Problem> {
    let unknown = || Problem::new(problem::UNKNOWN_IMPORT);
    let is_id = id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit());
    let dir = api.options.imported.as_ref().filter(|_| is_id).ok_or_else(unknown)?;
    let text = match tokio::fs::read(dir.join(format!("{id}.json"))).await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(unknown()),
        text => text?,
    };
    HistoryFile::read(&text).map_err(|error| Problem::new(problem::INVALID_HISTORY).detail(error.to_string()))
}
