//! From one cell of a view back to the events that made it.

use analyst::cell::{Cell, CellError, explain as explained};
use axum::{Json, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    api::Shared,
    as_of::{Asked, Moment, folded},
    event_view::EventView,
    extract::Params,
    problem::{self, Problem},
    views::find,
};

/// Which cell.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// The table or view.
    view: String,
    /// The values of the columns that tell its rows apart, as a JSON array; one text may stand for itself.
    key: String,
    /// The column.
    column: String,
    /// The cell as it was at a position or an instant (RFC 3339) by our clock.
    #[param(value_type = Option<String>)]
    as_of: Option<Moment>,
    /// Wait (at most 2 s) until the read models contain this position.
    min_pos: Option<u64>,
}

/// The events that made one cell, at most 1000. `because` is `changed` where these are the events that changed it,
/// with its value before and after each; `history` where they are all events of what the row is made of; `newest`
/// where only the last is known. Where there are more (`complete` is false), `query` finds their positions or streams.
#[utoipa::path(get, path = "/v1/explain/cell", tag = "analysts", params(Which),
    responses((status = 200, body = Value), (status = 404)))]
pub(crate) async fn explain_cell(
    State(api): State<Shared>,
    Params(which): Params<Which>,
) -> Result<Json<Value>, Problem> {
    let source = find(&api, &which.view)?;
    api.caught_up(which.min_pos).await?;
    let asked = Asked { as_of: which.as_of, effective: None };
    let views = match asked.cut(&api).await? {
        Some(cut) => folded(&api, &[], cut).await?,
        None => api.views().clone(),
    };
    let key: Vec<Value> = serde_json::from_str(&which.key).unwrap_or_else(|_| vec![json!(which.key)]);
    let cell = Cell { views, merchant: api.merchant(), source: &source, key: &key, column: &which.column };
    let found = explained(api.engine.log().as_ref(), &cell).await?;
    let mut events = Vec::with_capacity(found.events.len());
    for step in found.events {
        let mut event = serde_json::to_value(EventView::of(step.event)?)?;
        if let Some((before, after)) = step.change {
            event["before"] = before;
            event["after"] = after;
        }
        events.push(event);
    }
    Ok(Json(json!({
        "view": source.name, "key": key, "column": which.column, "value": found.value, "as_of_pos": found.head,
        "because": found.because.as_str(), "complete": found.is_complete, "events": events, "query": found.query,
    })))
}

impl From<CellError> for Problem {
    fn from(error: CellError) -> Self {
        match &error {
            CellError::NoColumn => Self::parameter(error.to_string()),
            CellError::NoRow => Self::new(problem::UNKNOWN_ROW),
            CellError::Stopped => Self::new(problem::STOPPED),
            _ => Self::internal("explaining a cell", &error),
        }
    }
}
