//! Batches of keys and single units: where they are, and keeping them from sale.

use axum::{Json, extract::State, response::Response};
use engine::OperatorCommand;
use serde::Deserialize;
use serde_json::{Value, json};
use vocabulary::{BatchId, KeyRef, Reason, Sku};

use crate::{
    api::{Api, Shared},
    call::{Answer, Write},
    channels::Fresh,
    extract::{Params, Segments},
    free_text,
    problem::Problem,
};

/// The batches of a SKU, the newest first.
#[utoipa::path(get, path = "/v1/skus/{sku}/batches", tag = "catalogue", params(("sku" = String, Path), Fresh),
    responses((status = 200, body = Value)))]
pub(crate) async fn list(
    State(api): State<Shared>,
    Segments(sku): Segments<Sku>,
    Params(fresh): Params<Fresh>,
) -> Result<Json<Value>, Problem> {
    api.caught_up(fresh.min_pos).await?;
    let batches = projection_quotas::batches(api.views().reader(), api.merchant(), &sku).await?;
    Ok(Json(json!({ "sku": sku, "batches": batches })))
}

/// Where one unit is: in stock, with which order, void. Never what it says.
#[utoipa::path(get, path = "/v1/keys/{key}", tag = "catalogue", params(("key" = String, Path), Fresh),
    responses((status = 200, body = Value)))]
pub(crate) async fn key(
    State(api): State<Shared>,
    Segments(key): Segments<KeyRef>,
    Params(fresh): Params<Fresh>,
) -> Result<Json<Value>, Problem> {
    api.caught_up(fresh.min_pos).await?;
    if let Some(place) = projection_quotas::key(api.views().reader(), api.merchant(), key).await? {
        return Ok(Json(json!(place)));
    }
    // A unit that was never touched has no row, only its batch does.
    let (sku, imported) = batch(&api, key.batch).await?;
    if u64::from(key.index) >= imported {
        return Err(unknown(key.batch));
    }
    Ok(Json(json!({ "key": key, "sku": sku, "state": "in_stock" })))
}

/// Some units of a batch, or all of it.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Units {
    /// Which units, `b3-17`; the whole batch where none are named.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    keys: Vec<KeyRef>,
    /// Why.
    reason: String,
}

/// Keeps units of a batch from being sold.
#[utoipa::path(post, path = "/v1/batches/{batch}/quarantine", tag = "catalogue", request_body = Units,
    params(("batch" = String, Path)), responses((status = 200, body = Answer)))]
pub(crate) async fn quarantine(
    State(api): State<Shared>,
    Segments(text): Segments<String>,
    Write { body, call }: Write<Units>,
) -> Result<Response, Problem> {
    let batch_id = batch_id(&text)?;
    let Units { keys, reason } = body;
    free_text::check(&api, "reason", &reason).await?;
    let (sku, _) = batch(&api, batch_id).await?;
    call.perform(&api, OperatorCommand::Quarantine { sku, batch: batch_id, keys, reason }).await
}

/// Lets units of a batch be sold again.
#[utoipa::path(post, path = "/v1/batches/{batch}/lift", tag = "catalogue", request_body = Units,
    params(("batch" = String, Path)), responses((status = 200, body = Answer)))]
pub(crate) async fn lift(
    State(api): State<Shared>,
    Segments(text): Segments<String>,
    Write { body, call }: Write<Units>,
) -> Result<Response, Problem> {
    let batch_id = batch_id(&text)?;
    let Units { keys, reason } = body;
    free_text::check(&api, "reason", &reason).await?;
    let (sku, _) = batch(&api, batch_id).await?;
    call.perform(&api, OperatorCommand::LiftQuarantine { sku, batch: batch_id, keys, reason }).await
}

/// A batch as people write it, `b3`, or its number alone.
fn batch_id(text: &str) -> Result<BatchId, Problem> {
    let number = text.strip_prefix('b').unwrap_or(text).parse();
    number.map(BatchId).map_err(|_| Problem::parameter("a batch is written b3 or 3"))
}

fn unknown(batch: BatchId) -> Problem {
    Problem::rejected(Reason::UnknownKey, format!("there is no such key in batch {batch}, or no such batch"))
}

/// A batch's item and how many keys it holds. The vault knows every batch, but its item is in the read models.
async fn batch(api: &Api, batch: BatchId) -> Result<(Sku, u64), Problem> {
    let head = api.engine.log().head(api.merchant()).await?.map(|head| head.position.0);
    api.caught_up(head).await?;
    let row: Option<(String, i64)> = sqlx::query_as(
        "SELECT sku, imported_count / use_limit FROM batch_row WHERE merchant = ? AND batch_id = ?",
    )
    .bind(api.merchant().as_str())
    .bind(batch.0)
    .fetch_optional(api.views().reader())
    .await?;
    let (sku, keys) = row.ok_or_else(|| unknown(batch))?;
    let sku = sku.parse().map_err(|error| Problem::internal("reading a batch", &error))?;
    let sku: Sku = sku;
    Ok((sku, u64::try_from(keys).unwrap_or(0)))
}
