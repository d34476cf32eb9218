//! The read models themselves: how far they are, what they could not take in, and rebuilding them.

use axum::{Json, extract::State};
use projection::ViewsError;
use serde_json::{Value, json};
use vocabulary::Position;

use crate::{
    api::{Api, Shared},
    extract::Segments,
    problem::{self, Problem},
};

/// How far each read model is, its last rebuild, and the events it was unable to take in.
#[utoipa::path(get, path = "/v1/projections", tag = "analysts", responses((status = 200, body = Value)))]
pub(crate) async fn projections(State(api): State<Shared>) -> Result<Json<Value>, Problem> {
    let lags = api.projections.lag(api.merchant()).await?;
    let rebuilds = api.views().last_rebuilds(api.merchant()).await?;
    let quarantined = api.views().quarantined(api.merchant()).await?;
    let mut all = Vec::new();
    for lag in lags {
        let rebuilt = rebuilds.iter().find(|rebuilt| rebuilt.name == lag.name);
        let aside: Vec<Value> = quarantined
            .iter()
            .filter(|event| event.name == lag.name)
            .map(|event| json!({ "position": event.position, "error": event.error }))
            .collect();
        all.push(json!({
            "name": lag.name, "version": lag.version, "head_pos": lag.head, "lag_events": lag.events,
            "lag_ms": lag_ms(&api, lag.head).await?, "last_rebuild_s": rebuilt.map(|it| it.seconds),
            "last_rebuild_pos": rebuilt.map(|it| it.pos), "digest": rebuilt.map(|it| &it.digest), "quarantined": aside,
        }));
    }
    Ok(Json(json!({ "projections": all })))
}

/// For how long the oldest event that is missing has been there, in milliseconds by our clock.
async fn lag_ms(api: &Api, head: Position) -> Result<i64, Problem> {
    let missing = api.engine.log().read_log(api.merchant(), head, 1).await?;
    let since = missing.first().map(|event| api.engine.now().micros() - event.recorded_at.micros());
    Ok(since.map_or(0, |micros| (micros / 1_000).max(0)))
}

/// Folds a read model anew beside the live one, compares the digests of their rows, and puts the new rows in place
/// where they differ. Queries go on meanwhile. Takes as long as a fold of the log takes.
#[utoipa::path(post, path = "/v1/projections/{name}/rebuild", tag = "analysts", params(("name" = String, Path)),
    responses((status = 200, body = Value), (status = 404)))]
pub(crate) async fn rebuild(
    State(api): State<Shared>,
    Segments(name): Segments<String>,
) -> Result<Json<Value>, Problem> {
    // Begun, it is ended: also when nobody waits for the answer any more.
    let rebuilding = tokio::spawn(async move {
        api.views().rebuild_beside(api.engine.log().as_ref(), api.merchant(), &name).await
    });
    match rebuilding.await.map_err(|error| Problem::internal("rebuilding a read model", &error))? {
        Ok(done) => Ok(Json(json!({
            "head_pos": done.head, "before": done.before, "after": done.after, "same": done.before == done.after,
            "seconds": done.seconds,
        }))),
        Err(ViewsError::UnknownProjection(_)) => Err(Problem::new(problem::UNKNOWN_PROJECTION)),
        Err(error) => Err(error.into()),
    }
}
