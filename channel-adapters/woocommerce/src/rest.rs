//! Calls to the REST API v3, and its answers.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{CallOutcome, OutboundRequest, Response, Unable, strict_json};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::settings::Settings;

impl Settings {
    pub(crate) fn get(&self, path: &str) -> OutboundRequest {
        self.call("GET", path, Vec::new())
    }

    pub(crate) fn send(&self, method: &'static str, path: &str, body: &Value) -> OutboundRequest {
        self.call(method, path, body.to_string().into_bytes())
    }

    fn call(&self, method: &'static str, path: &str, body: Vec<u8>) -> OutboundRequest {
        let credentials = format!("{}:{}", self.consumer_key, self.consumer_secret.expose());
        let headers = [
            ("authorization", format!("Basic {}", STANDARD.encode(credentials))),
            ("content-type", "application/json".to_owned()),
        ];
        OutboundRequest {
            method,
            url: format!("{}wp-json/wc/v3/{path}", self.shop_url),
            headers: headers.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            body,
        }
    }
}

/// A number of the shop's: digits, greater than zero.
pub(crate) fn number(text: &str, otherwise: &'static str) -> Result<u64, Unable> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| plain && *number > 0).ok_or(Unable(otherwise))
}

pub(crate) fn unknown<O>(code: &str) -> CallOutcome<O> {
    CallOutcome::Unknown { code: code.to_owned() }
}

pub(crate) fn refused<O>(code: &str) -> CallOutcome<O> {
    CallOutcome::Refused { code: code.to_owned() }
}

#[derive(Deserialize)]
struct No {
    code: String,
}

/// The body of an answer that says yes, or how the call ended instead.
pub(crate) fn body<T: DeserializeOwned, O>(response: Response<'_>) -> Result<T, CallOutcome<O>> {
    if let Some(outcome) = CallOutcome::from_transport(response) {
        return Err(outcome);
    }
    let Ok(response) = response else { return Err(unknown("no_answer")) };
    if !matches!(response.status, 200 | 201) {
        let no = strict_json::from_slice::<No>(&response.body).map(|no| no.code).unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let looks_fine = (1..=64).contains(&no.len()) && no.bytes().all(plain);
        return Err(refused(&if looks_fine { no } else { format!("http_{}", response.status) }));
    }
    strict_json::from_slice(&response.body).map_err(|_| unknown("unreadable_answer"))
}
