//! The gateway's answers to our calls: JSON objects whose values are text or numbers as the operator likes.

use channel::{CallOutcome, Response, strict_json};
use serde_json::{Map, Value};

use crate::{
    canonical::{Pair, value},
    settings::{Gateway, Keys},
    verify::signed_by_gateway,
};

/// An answer that says yes and, in V2, is signed by the gateway.
pub(crate) struct Answer(Vec<Pair>);

impl Answer {
    /// A field's text; `None` where it is missing or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        Some(value(&self.0, name)).filter(|text| !text.is_empty())
    }
    /// Whether a field, if it is there, is this.
    pub(crate) fn agrees(&self, name: &str, expected: &str) -> bool {
        self.get(name).is_none_or(|text| text == expected)
    }
}

/// Reads a response; what is no clear yes is the outcome already.
pub(crate) fn read<T>(gateway: &Gateway, response: Response<'_>) -> Result<Answer, CallOutcome<T>> {
    if let Some(outcome) = CallOutcome::from_transport(response) {
        return Err(outcome);
    }
    let unknown = |code: &str| CallOutcome::Unknown { code: code.to_owned() };
    let Ok(response) = response else { return Err(unknown("no_answer")) };
    if response.status != 200 {
        return Err(unknown(&format!("http_{}", response.status)));
    }
    let fields: Map<String, Value> =
        strict_json::from_slice(&response.body).map_err(|_| unknown("unreadable_answer"))?;
    let answer =
        Answer(fields.iter().filter_map(|(name, value)| Some((name.clone(), scalar(value)?))).collect());
    let yes = match gateway.keys {
        Keys::Md5(_) => "1",
        Keys::Rsa { .. } => "0",
    };
    match answer.get("code") {
        Some(code) if code == yes => {}
        Some(code) => return Err(CallOutcome::Refused { code: no_code(code) }),
        None => return Err(unknown("unreadable_answer")),
    }
    // V1 does not sign its answers; the connection is all there is.
    if let Keys::Rsa { .. } = gateway.keys {
        signed_by_gateway(gateway, &answer.0).map_err(|_| unknown("bad_answer_signature"))?;
    }
    Ok(answer)
}

/// A value as the gateway's own language writes it into the signed text; lists, objects and null are left
/// out.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_f64() => number.as_f64().map(|number| number.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => yes.then(|| "1".to_owned()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The gateway's code, if it looks like one: its text comes from outside.
fn no_code(code: &str) -> String {
    let plain = code.len() <= 16 && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if plain { format!("code_{code}") } else { "code_unreadable".to_owned() }
}
