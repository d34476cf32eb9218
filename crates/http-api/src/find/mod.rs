//! One search over everything an order can be known by. What is searched for comes in a body, never in an address:
//! it may be a phone number or a card key. Whoever searches by what tells who somebody is leaves a trace.

mod clue;
mod matches;

use axum::{Json, extract::State};
use engine::{OperatorCall, OperatorCommand};
use events::staff::SearchRun;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    api::{Api, Shared},
    auth::Operator,
    call::json as reply,
    extract::Body,
    orders::OrderView,
    problem::Problem,
};
use clue::{Clue, clues};
use matches::Matches;

/// How many matches are shown, and how many orders a search is said to have found.
const LIMIT: u32 = 20;
const CHARS_MAX: usize = 200;

/// What to look for.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Our id, a channel's order number or its beginning, a card key, a phone number in full or its last four digits
    /// with the day of the order (`1234 2026-06-18`), an e-mail address, a union id, or what a channel calls the
    /// buyer (open id, nickname, as the channel gave it) or our pseudonym for them.
    text: String,
    /// Wait (at most 2 s) until the read models contain this position.
    min_pos: Option<u64>,
}

/// Finds orders. Matches come with the reason of the match, the surest first. A search by a phone number, an
/// address, an id of a person or a card key is recorded, without its text.
#[utoipa::path(post, path = "/v1/find", tag = "orders", request_body = Wanted,
    responses((status = 200, body = Value)))]
pub(crate) async fn find(
    State(api): State<Shared>,
    operator: Operator,
    Body(wanted): Body<Wanted>,
) -> Result<Json<Value>, Problem> {
    let text = wanted.text.trim();
    if text.is_empty() || text.chars().count() > CHARS_MAX {
        return Err(Problem::rejected(
            vocabulary::Reason::InvalidValue,
            format!("text has 1 to {CHARS_MAX} characters"),
        ));
    }
    api.caught_up(wanted.min_pos).await?;
    let clues = clues(&api.engine.digests(), text);
    let mut matches = Matches::default();
    matches.add_key(&api, text).await?;
    matches.add_reference(&api, text).await?;
    matches.add_names(&api, text).await?;
    for clue in &clues {
        matches.add_clue(&api, clue).await?;
    }
    record(&api, &operator, text, &clues, &matches).await?;
    let found: Vec<Value> = matches
        .best()
        .map(|(reason, order)| json!({ "reason": reason, "order": OrderView::from(order) }))
        .collect();
    Ok(Json(json!({ "matches": found })))
}

/// Writes down that somebody searched by what tells who somebody is, before they see what was found.
async fn record(
    api: &Api,
    operator: &Operator,
    text: &str,
    clues: &[Clue],
    matches: &Matches,
) -> Result<(), Problem> {
    let sure = clues.iter().filter(|clue| clue.is_unmistakable()).map(|clue| clue.kind());
    let mut kinds: Vec<String> = matches.telling_kinds().chain(sure).map(str::to_owned).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.is_empty() {
        return Ok(());
    }
    let orders =
        matches.best().filter(|(reason, _)| matches::is_telling(reason)).map(|(_, order)| order.order);
    let digest = api.engine.digests().other("search", text);
    let search = SearchRun { kinds, digest, orders: orders.collect() };
    let command = OperatorCommand::Record(vec![(operator.journal()?, search.into())]);
    let call = OperatorCall { actor: operator.actor(), command, idempotency_key: None, request: None };
    let render = |result: &Result<_, domain::Rejection>, _| match result {
        Ok(_) => reply(&json!({})),
        Err(rejection) => Problem::from(rejection.clone()).into_reply(),
    };
    match api.engine.call(call, Box::new(render)).await?.status {
        200 => Ok(()),
        _ => Err(Problem::new(crate::problem::INTERNAL).detail("the search could not be recorded")),
    }
}
