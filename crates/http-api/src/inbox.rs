//! What came in: every stored message with its verdict, its raw request and the events it caused.
//!
//! An answer may hold card keys. It is shown only for a reason, and that somebody looked is written into the order's
//! history before it leaves.

use axum::{Json, extract::State};
use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{RawRequest, Reply};
use engine::{OperatorCommand, OrderRef};
use event_log::{InboxFilter, InboxRow, Verdict};
use ring::digest;
use serde::Deserialize;
use serde_json::{Value, json};
use vocabulary::{Account, MessageId, OrderId, Position, Timestamp};

use crate::{
    api::{Api, Shared},
    auth::Operator,
    event_view::EventView,
    extract::{Params, Segments},
    free_text,
    problem::{self, Problem},
};

const LIMIT: usize = 50;
const LIMIT_MAX: usize = 500;
/// Events of a message that are shown.
const EVENTS: usize = 100;
/// A header with one of these in its name holds a secret of the sender.
const SECRET_WORDS: [&str; 5] = ["authorization", "cookie", "api-key", "secret", "token"];

/// Which messages.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Only this account, `channel/shop`; calls of token holders are kept under `api/<name>`.
    #[param(value_type = Option<String>)]
    account: Option<Account>,
    /// Only this verdict: `accepted`, `rejected`, `refused`, `parked` or `conflict`.
    #[param(value_type = Option<String>)]
    verdict: Option<Verdict>,
    /// Only messages received before this instant (RFC 3339): the `next` of the page before.
    #[param(value_type = Option<String>)]
    before: Option<Timestamp>,
    /// Only the messages that caused this position.
    caused: Option<u64>,
    /// At most so many (50; up to 500).
    limit: Option<usize>,
}

/// Stored messages, the newest first.
#[utoipa::path(get, path = "/v1/inbox", tag = "inbox", params(Which), responses((status = 200, body = Value)))]
pub(crate) async fn list(
    State(api): State<Shared>,
    Params(which): Params<Which>,
) -> Result<Json<Value>, Problem> {
    let filter = InboxFilter {
        account: which.account,
        verdict: which.verdict,
        before: which.before,
        caused: which.caused.map(|position| (Position(position), Position(position))),
    };
    let limit = which.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let rows = api.engine.log().list_inbox(api.merchant(), &filter, limit).await?;
    let next = rows.last().filter(|_| rows.len() == limit).map(|row| row.received_at);
    let messages: Vec<Value> = rows.iter().map(summary).collect();
    Ok(Json(json!({ "messages": messages, "next": next })))
}

/// A message without what it says.
pub(crate) fn summary(row: &InboxRow) -> Value {
    let (first_pos, last_pos) = row.positions.unzip();
    json!({
        "message": row.message, "account": row.account, "verdict": row.verdict, "reason": row.reason,
        "dedupe_key": row.dedupe_key, "received_at": row.received_at, "first_pos": first_pos, "last_pos": last_pos,
    })
}

/// How much of it.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HowMuch {
    /// Show the body of the answer, too, which may hold card keys: the reason, which is recorded.
    reveal: Option<String>,
}

/// One message: the raw request, the verdict, the events it caused, and the answer's status and digest.
#[utoipa::path(get, path = "/v1/inbox/{id}", tag = "inbox", params(("id" = String, Path), HowMuch),
    responses((status = 200, body = Value), (status = 404)))]
pub(crate) async fn one(
    State(api): State<Shared>,
    operator: Operator,
    Segments(message): Segments<MessageId>,
    Params(HowMuch { reveal }): Params<HowMuch>,
) -> Result<Json<Value>, Problem> {
    let row = api.engine.log().read_inbox(api.merchant(), &message).await?;
    let row = row.ok_or_else(|| Problem::new(problem::UNKNOWN_MESSAGE))?;
    let events = caused(&api, &row).await?;
    if let Some(reason) = &reveal {
        free_text::check(&api, "reveal", reason).await?;
        api.count_reveal(&operator.name)?;
        record(&api, &operator, &message, &events, reason).await?;
    }
    let keys = api.engine.keys();
    let request: RawRequest =
        serde_json::from_slice(&keys.open(&format!("{message}/request"), &row.sealed_request)?)?;
    let answer: Option<Reply> =
        serde_json::from_slice(&keys.open(&format!("{message}/answer"), &row.sealed_answer)?)?;
    let mut shown = summary(&row);
    shown["request"] = shown_request(&request);
    shown["answer"] = json!(answer.map(|answer| shown_answer(&answer, reveal.is_some())));
    shown["events"] = json!(events);
    Ok(Json(shown))
}

async fn caused(api: &Api, row: &InboxRow) -> Result<Vec<EventView>, Problem> {
    let Some((first, last)) = row.positions else { return Ok(Vec::new()) };
    let count = usize::try_from(last.0 + 1 - first.0).unwrap_or(EVENTS).min(EVENTS);
    let events = api.engine.log().read_log(api.merchant(), Position(first.0 - 1), count).await?;
    events.into_iter().map(EventView::of).collect()
}

/// Writes down that an answer is about to be shown: in the history of each order the message concerned.
async fn record(
    api: &Api,
    operator: &Operator,
    message: &MessageId,
    events: &[EventView],
    reason: &str,
) -> Result<(), Problem> {
    metrics::counter!("kami_answers_revealed_total").increment(1);
    tracing::info!(%message, operator = operator.name, "a stored answer is shown");
    let mut orders: Vec<OrderId> =
        events.iter().filter_map(|event| event.stream.as_str().parse().ok()).collect();
    orders.sort_unstable();
    orders.dedup();
    for order in orders {
        let text = format!("the stored answer to {message} was shown: {reason}");
        let note = OperatorCommand::Note { order: OrderRef::Id(order), text };
        api.engine.operate(operator.actor(), note).await?;
    }
    Ok(())
}

fn shown_request(request: &RawRequest) -> Value {
    let header = |(name, value): &(String, Vec<u8>)| {
        let secret = SECRET_WORDS.iter().any(|word| name.contains(word));
        let value = if secret { "(not shown)".into() } else { String::from_utf8_lossy(value) };
        json!([name, value])
    };
    let mut shown = json!({
        "method": request.method, "topic": request.topic, "query": request.query,
        "headers": request.headers.iter().map(header).collect::<Vec<_>>(), "received_at": request.received_at,
    });
    put_body(&mut shown, &request.body);
    shown
}

fn shown_answer(answer: &Reply, whole: bool) -> Value {
    let mut shown = json!({
        "status": answer.status, "content_type": answer.content_type, "retry_after": answer.retry_after,
        "bytes": answer.body.len(), "sha256": hex::encode(digest::digest(&digest::SHA256, &answer.body)),
    });
    if whole {
        put_body(&mut shown, &answer.body);
    }
    shown
}

/// A body as text, or in base64 where it is none.
fn put_body(shown: &mut Value, body: &[u8]) {
    match std::str::from_utf8(body) {
        Ok(text) => shown["body"] = text.into(),
        Err(_) => shown["body_base64"] = STANDARD.encode(body).into(),
    }
}

#[cfg(test)]
mod tests {
    use channel::RawRequest;
    use vocabulary::Timestamp;

    #[test]
    fn a_header_that_is_a_secret_itself_is_not_shown() {
        let names =
            ["authorization", "x-telegram-bot-api-secret-token", "cookie", "x-api-key", "webhook-signature"];
        let request = RawRequest {
            method: "POST".into(),
            topic: String::new(),
            query: String::new(),
            headers: names.map(|name| (name.to_owned(), b"CANARY".to_vec())).into(),
            body: Vec::new(),
            received_at: Timestamp::from_secs(1_767_322_800),
        };
        let shown = super::shown_request(&request)["headers"].to_string();
        assert_eq!(shown.matches("CANARY").count(), 1, "{shown}");
        assert!(shown.contains(r#"["webhook-signature","CANARY"]"#), "{shown}");
    }
}
