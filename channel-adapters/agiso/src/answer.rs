//! Agiso's answers. Some of them begin their names with small letters, so names are read in any case.

use std::collections::BTreeMap;

use channel::{CallOutcome, Response};
use serde_json::{Value, value::RawValue};

/// An answer: its fields by their names in small letters.
pub(crate) struct Answer(BTreeMap<String, Value>);

impl Answer {
    /// A field of the answer.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

/// The answer of a call that succeeded, or how it failed.
pub(crate) fn read<T>(response: Response<'_>) -> Result<Answer, CallOutcome<T>> {
    if let Some(outcome) = CallOutcome::from_transport(response) {
        return Err(outcome);
    }
    let unknown = |code: &str| CallOutcome::Unknown { code: code.into() };
    let response = response.map_err(|_| unknown("no_answer"))?;
    if response.status != 200 {
        return Err(CallOutcome::Refused { code: format!("http_{}", response.status) });
    }
    let answer = fields(&response.body).ok_or_else(|| unknown("unreadable_answer"))?;
    match answer.get("issuccess") {
        Some(Value::Bool(true)) => Ok(answer),
        Some(Value::Bool(false)) => Err(failed(&answer)),
        _ => Err(unknown("unreadable_answer")),
    }
}

/// `None` where it is no object, or two names differ by their case alone.
fn fields(body: &[u8]) -> Option<Answer> {
    let given: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(body).ok()?;
    let count = given.len();
    let lower = given
        .into_iter()
        .map(|(name, value)| Some((name.to_ascii_lowercase(), serde_json::from_str(value.get()).ok()?)));
    let fields: BTreeMap<String, Value> = lower.collect::<Option<_>>()?;
    (fields.len() == count).then_some(Answer(fields))
}

/// `AllowRetry` decides. Without it, a call limit (2) passes, a time-out (13) tells nothing, and the rest is final.
fn failed<T>(answer: &Answer) -> CallOutcome<T> {
    let code = match answer.get("error_code") {
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) => text.chars().take(16).collect(),
        _ => "none".to_owned(),
    };
    match (answer.get("allowretry"), code.as_str()) {
        (Some(Value::Bool(true)), _) | (_, "2") => CallOutcome::RetryAfter { secs: 0, code },
        (_, "13") => CallOutcome::Unknown { code },
        _ => CallOutcome::Refused { code },
    }
}
