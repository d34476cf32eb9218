//! The gateway's answers to our calls: `{"status_code":200,"message":…,"data":{…}}`, or the data alone.

use std::collections::BTreeMap;

use channel::{CallOutcome, Response, strict_json};
use serde::Deserialize;
use serde_json::value::RawValue;
use vocabulary::{Currency, Money};

use crate::canonical::{Scalar, scalar};

#[derive(Deserialize)]
struct Enveloped {
    status_code: Option<i64>,
    data: Option<Box<RawValue>>,
}

/// The data of an answer that says yes.
pub(crate) struct Answer(BTreeMap<String, Box<RawValue>>);

impl Answer {
    /// A field's text, string or number; `None` where it is missing or empty.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        match scalar(self.0.get(name)?.get()) {
            Ok(Some(Scalar::Text(text) | Scalar::Number(text))) if !text.is_empty() => Some(text),
            _ => None,
        }
    }
    /// Whether a field is there and is this.
    pub(crate) fn is(&self, name: &str, expected: &str) -> bool {
        self.get(name).is_some_and(|text| text == expected)
    }
    /// Whether a field, if it is there, is this.
    pub(crate) fn agrees(&self, name: &str, expected: &str) -> bool {
        self.get(name).is_none_or(|text| text == expected)
    }
    /// The money in a field, if it is there.
    pub(crate) fn money(&self, name: &str, currency: Currency) -> Option<Option<Money>> {
        match self.get(name) {
            None => Some(None),
            Some(text) => Money::from_major_text(&text, currency).ok().map(Some),
        }
    }
}

pub(crate) fn unknown<T>(code: &str) -> CallOutcome<T> {
    CallOutcome::Unknown { code: code.to_owned() }
}

/// Reads a response; what is no clear yes is the outcome already.
pub(crate) fn read<T>(response: Response<'_>) -> Result<Answer, CallOutcome<T>> {
    if let Some(outcome) = CallOutcome::from_transport(response) {
        return Err(outcome);
    }
    let Ok(response) = response else { return Err(unknown("no_answer")) };
    if response.status != 200 {
        return Err(unknown(&format!("http_{}", response.status)));
    }
    let envelope: Enveloped =
        strict_json::from_slice(&response.body).map_err(|_| unknown("unreadable_answer"))?;
    match (envelope.status_code, envelope.data) {
        (Some(200), Some(data)) => data_of(data.get()),
        (Some(200), None) => Err(unknown("unreadable_answer")),
        // BEpusdt answers 400 to everything that goes wrong; epusdt means a passing fault by it.
        (Some(400), _) => Err(unknown("code_400")),
        (Some(code), _) => Err(CallOutcome::Refused { code: format!("code_{code}") }),
        (None, _) => data_of(&String::from_utf8_lossy(&response.body)),
    }
}

fn data_of<T>(text: &str) -> Result<Answer, CallOutcome<T>> {
    strict_json::from_slice(text.as_bytes()).map(Answer).map_err(|_| unknown("unreadable_answer"))
}
