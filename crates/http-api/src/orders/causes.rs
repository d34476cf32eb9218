//! What led to what, from a message that came in to the calls that went out.

use axum::{Json, extract::State};
use projection_orders::{NodeKind, causes as graph_of, outside};
use serde_json::{Value, json};
use vocabulary::Position;

use super::{history::gather, reference::resolve};
use crate::{
    api::Shared,
    channels::Fresh,
    extract::{Params, Segments},
    inbox,
    problem::Problem,
};

/// The cause graph of an order: nodes are the messages that came in, what happened, the calls that were asked for
/// and tried, and what became of the keys; edges lead from what was first to what followed.
#[utoipa::path(get, path = "/v1/orders/{ref}/causes", tag = "orders", params(("ref" = String, Path), Fresh),
    responses((status = 200, body = Value), (status = 404)))]
pub(crate) async fn causes(
    State(api): State<Shared>,
    Segments(text): Segments<String>,
    Params(fresh): Params<Fresh>,
) -> Result<Json<Value>, Problem> {
    api.caught_up(fresh.min_pos).await?;
    let order = resolve(&api, &text).await?;
    let history = gather(&api, order).await?;
    let mut others = Vec::new();
    for position in outside(&history)? {
        others.extend(api.engine.log().read_log(api.merchant(), Position(position.0 - 1), 1).await?);
    }
    let graph = graph_of(order, &history, &others)?;
    let mut nodes = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let mut shown = serde_json::to_value(node)?;
        if let (NodeKind::Message, Some(message), Value::Object(members)) =
            (node.kind, &node.message, &mut shown)
        {
            // A call that was not kept has an id and no row.
            let row = api.engine.log().read_inbox(api.merchant(), message).await?;
            if let Some(Value::Object(summary)) = row.as_ref().map(inbox::summary) {
                members.extend(summary);
            }
        }
        nodes.push(shown);
    }
    Ok(Json(json!({ "order": order, "nodes": nodes, "edges": graph.edges })))
}
