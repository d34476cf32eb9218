//! Fitting every model once a business day, without anybody asking.
//!
//! The log knows what was done: each model's fit of a day is a call of the program itself, with an idempotency key that
//! names the day. A process that starts anew, or two at once, therefore record each fit once.

use channel::{RawRequest, Reply};
use engine::{OperatorCall, OperatorCommand};
use events::{Actor, Fact};
use projection::ViewsError;
use vocabulary::{BusinessDay, Position, Timestamp};

use crate::{
    api::Api,
    call::{Answer, json},
    models::{self, Fit, Model},
    problem::{self, Problem},
};

/// Who fits, and the account under which the inbox keeps it.
const TIMER: &str = "models";
const ACCOUNT: &str = "api/models";

const DAY_SECS: i64 = 86_400;

/// What fitting one model led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NightlyFit {
    /// The model.
    pub model: &'static str,
    /// The first and last event; none where there was nothing to say.
    pub positions: Option<(Position, Position)>,
}

/// Why the models were not fitted. Those that were fitted before it stay so; the others can be fitted later.
#[derive(Debug, thiserror::Error)]
#[error("{model} cannot be fitted: {problem}")]
pub struct NightlyError {
    /// The model.
    pub model: &'static str,
    /// What is wrong, as a code of the error catalogue.
    pub problem: &'static str,
}

/// Fits the models that were not fitted for the business day of now, and records what came of each. A model that has
/// too little to learn from says nothing, and is not asked again that day.
///
/// # Errors
/// If read models or the log cannot be read or written.
pub async fn fit_nightly(api: &Api) -> Result<Vec<NightlyFit>, NightlyError> {
    let day = api.engine.now().business_day(BusinessDay::SHANGHAI_OFFSET).to_string();
    let mut fitted = Vec::new();
    for model in Model::ALL {
        let told = |problem: Problem| NightlyError { model: model.as_str(), problem: problem.code() };
        if let Some(positions) = fit_once(api, model, &day).await.map_err(told)? {
            fitted.push(NightlyFit { model: model.as_str(), positions });
        }
    }
    Ok(fitted)
}

/// Counts the messages that came in, for whoever reads the file of the read models without asking over HTTP.
///
/// # Errors
/// If read models or the log cannot be read or written.
pub async fn count_messages(api: &Api) -> Result<(), ViewsError> {
    api.views().tally(api.engine.log().as_ref(), api.merchant(), None).await
}

/// When models are to be fitted next: at the hour (0 to 23) of each business day. What was missed is due at once.
pub fn next_nightly(now: Timestamp, hour: u8, last: Option<Timestamp>) -> Timestamp {
    let offset = i64::from(BusinessDay::SHANGHAI_OFFSET);
    let day = |at: Timestamp| at.secs().saturating_add(offset).div_euclid(DAY_SECS);
    let at_hour = |day: i64| Timestamp::from_secs(day * DAY_SECS - offset + i64::from(hour.min(23)) * 3_600);
    let today = at_hour(day(now));
    let is_done = last.is_some_and(|last| last >= today && day(last) == day(now));
    if is_done { at_hour(day(now) + 1) } else { today.max(now) }
}

/// The positions of what was recorded; nothing where it was done before.
async fn fit_once(
    api: &Api,
    model: Model,
    day: &str,
) -> Result<Option<Option<(Position, Position)>>, Problem> {
    let key = format!("{}-of-{day}", model.as_str());
    let known = api.engine.log().find_inbox(api.merchant(), &[format!("{ACCOUNT}:{key}")]).await?;
    if !known.is_empty() {
        return Ok(None);
    }
    let head = api.log_head().await?;
    api.projections.wait_for(api.merchant(), head).await?;
    let mut facts = match models::facts(api, model, &Fit::default()).await {
        Err(problem) if problem.code() == problem::CANNOT_FIT.code => Vec::new(),
        found => found?,
    };
    // A fit to nothing says nothing.
    facts.retain(|(_, fact)| !matches!(fact, Fact::ModelFitted(fitted) if fitted.rows == 0));
    let before = api.log_head().await?;
    let request = RawRequest {
        method: "POST".to_owned(),
        topic: format!("v1/models/{}/fit", model.as_str()),
        query: String::new(),
        headers: Vec::new(),
        body: day.as_bytes().to_vec(),
        received_at: api.engine.now(),
    };
    let (command, actor) = (OperatorCommand::Record(facts), Actor::timer(TIMER));
    let call = OperatorCall { actor, command, idempotency_key: Some(key), request: Some(request) };
    let rendered = |result: &Result<engine::OperatorAnswer, domain::Rejection>, _| match result {
        Ok(answer) => json(&Answer::from(answer)),
        Err(rejection) => Problem::from(rejection.clone()).into_reply(),
    };
    let reply = api.engine.call(call, Box::new(rendered)).await?;
    positions(&reply, before)
}

/// What a reply says was recorded. One that was given before says nothing new.
#[expect(clippy::option_option, reason = "done before is not the same as nothing to say")]
fn positions(reply: &Reply, before: Position) -> Result<Option<Option<(Position, Position)>>, Problem> {
    if reply.status != 200 {
        let error = std::io::Error::other(format!("answered {}", reply.status));
        return Err(Problem::internal("recording a fit", &error));
    }
    let answer: serde_json::Value = serde_json::from_slice(&reply.body)?;
    let position = |name: &str| answer[name].as_u64().map(Position);
    match position("first_pos").zip(position("last_pos")) {
        Some((first, _)) if first <= before => Ok(None),
        positions => Ok(Some(positions)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn models_are_due_at_the_hour_of_each_business_day_and_at_once_where_it_was_missed() {
        let early = at("2026-01-02T01:30:00+08:00");
        let three = at("2026-01-02T03:00:00+08:00");
        let late = at("2026-01-02T23:30:00+08:00");
        let tomorrow = at("2026-01-03T03:00:00+08:00");
        assert_eq!(next_nightly(early, 3, None), three);
        assert_eq!(next_nightly(early, 3, Some(at("2026-01-01T03:00:10+08:00"))), three);
        assert_eq!(next_nightly(late, 3, None), late, "missed");
        assert_eq!(next_nightly(late, 3, Some(at("2026-01-02T03:00:10+08:00"))), tomorrow);
        assert_eq!(next_nightly(three, 3, Some(three)), tomorrow);
        assert_eq!(
            next_nightly(early, 0, Some(at("2026-01-02T00:00:01+08:00"))),
            at("2026-01-03T00:00:00+08:00")
        );
    }
}
