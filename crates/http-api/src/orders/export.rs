//! An order's history as one file, to be opened elsewhere. That it left is recorded before it does.

use std::collections::HashMap;

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use engine::OperatorCommand;
use events::{RecordedEvent, chain::GENESIS, staff::ExportMade};
use projection_orders::HistoryFile;
use vocabulary::{OrderId, Position, Reason};

use super::{
    history::{gather, runs},
    reference::resolve,
};
use crate::{
    api::{Api, Shared},
    auth::Operator,
    extract::Segments,
    problem::Problem,
};

/// The order's history in one file: every event as stored, with its place in the hash chain, and a digest. It holds
/// no card key and nothing personal. The export is recorded (`ExportMade`) and is not in the file itself.
#[utoipa::path(get, path = "/v1/orders/{ref}/export", tag = "orders", params(("ref" = String, Path)),
    responses((status = 200, body = String, content_type = "application/json"), (status = 404)))]
pub(crate) async fn export(
    State(api): State<Shared>,
    operator: Operator,
    Segments(text): Segments<String>,
) -> Result<Response, Problem> {
    let order = resolve(&api, &text).await?;
    let head = api.engine.log().head(api.merchant()).await?;
    let head = head.ok_or_else(|| Problem::rejected(Reason::UnknownOrder, "the log is empty"))?;
    api.caught_up(Some(head.position.0)).await?;
    let mut history = gather(&api, order).await?;
    history.retain(|event| event.position <= head.position);
    let linked = linked(&api, history).await?;
    record(&api, &operator, order, head.position, linked.len()).await?;
    let merchant = api.merchant().clone();
    let file = HistoryFile::new((merchant, order), api.engine.now(), (head.position, head.hash), &linked)
        .to_json()?;
    let name = format!("attachment; filename=\"{order}.json\"");
    let headers =
        [(header::CONTENT_TYPE, "application/json".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, file).into_response())
}

/// Each event with the hash of the one before it in the log.
async fn linked(api: &Api, history: Vec<RecordedEvent>) -> Result<Vec<([u8; 32], RecordedEvent)>, Problem> {
    let positions: Vec<Position> = history.iter().map(|event| event.position).collect();
    let mut hashes: HashMap<u64, [u8; 32]> = HashMap::from([(0, GENESIS)]);
    for run in runs(&positions) {
        let before = Position(run[0].0.saturating_sub(2));
        let read = api.engine.log().read_log(api.merchant(), before, run.len() + 1).await?;
        hashes.extend(read.into_iter().map(|event| (event.position.0, event.hash)));
    }
    let previous = |event: &RecordedEvent| hashes.get(&(event.position.0 - 1)).copied().unwrap_or(GENESIS);
    Ok(history.into_iter().map(|event| (previous(&event), event)).collect())
}

async fn record(
    api: &Api,
    operator: &Operator,
    order: OrderId,
    as_of: Position,
    rows: usize,
) -> Result<(), Problem> {
    let journal = operator.account().and_then(|account| format!("staff-{}", account.shop()).parse().ok());
    let journal = journal.ok_or_else(|| Problem::parameter("the token's name names no journal"))?;
    let made = ExportMade {
        views: vec!["order history".to_owned()],
        format: "json".to_owned(),
        as_of,
        rows: rows as u64,
        order: Some(order),
    };
    let wish = OperatorCommand::Record(vec![(journal, made.into())]);
    api.engine.operate(operator.actor(), wish).await?;
    Ok(())
}
