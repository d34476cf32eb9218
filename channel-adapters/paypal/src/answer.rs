//! Calls with our token, and their answers.

use channel::{CallOutcome, OutboundRequest, Response, Unable, strict_json};
use serde::{Deserialize, de::DeserializeOwned};

use crate::settings::Settings;

impl Settings {
    /// A call with our access token. Without one the call is made all the same: it is turned down and repeated,
    /// and until then the token may be renewed.
    pub(crate) fn call(&self, method: &'static str, path: &str, body: Vec<u8>) -> OutboundRequest {
        let token = self.access_token.as_ref().map(|token| token.expose().as_str()).unwrap_or("none");
        let headers =
            [("authorization", format!("Bearer {token}")), ("content-type", "application/json".to_owned())];
        OutboundRequest {
            method,
            url: format!("{}{path}", self.base_url),
            headers: headers.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            body,
        }
    }
}

/// A capture's number as a part of an address.
pub(crate) fn capture(txn: &str) -> Result<&str, Unable> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if (1..=64).contains(&txn.len()) && txn.bytes().all(plain) {
        Ok(txn)
    } else {
        Err(Unable("bad_capture_id"))
    }
}

pub(crate) fn unknown<O>(code: &str) -> CallOutcome<O> {
    CallOutcome::Unknown { code: code.to_owned() }
}

#[derive(Deserialize, Default)]
struct No {
    name: Option<String>,
    #[serde(default)]
    details: Vec<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    issue: Option<String>,
}

/// The body of an answer that says yes, or how the call ended instead: a refusal's code is PayPal's issue or name.
pub(crate) fn body<T: DeserializeOwned, O>(response: Response<'_>) -> Result<T, CallOutcome<O>> {
    if let Some(outcome) = CallOutcome::from_transport(response) {
        return Err(outcome);
    }
    let Ok(response) = response else { return Err(unknown("no_answer")) };
    match response.status {
        200 | 201 => strict_json::from_slice(&response.body).map_err(|_| unknown("unreadable_answer")),
        // The token is renewed in the meantime.
        401 => Err(CallOutcome::RetryAfter { secs: 60, code: "http_401".to_owned() }),
        // Another call with the same id is under way.
        409 => Err(CallOutcome::RetryAfter { secs: 0, code: "http_409".to_owned() }),
        status => {
            let no: No = strict_json::from_slice(&response.body).unwrap_or_default();
            let issue = no.details.into_iter().find_map(|detail| detail.issue).or(no.name);
            let code = issue.filter(|code| plain(code)).unwrap_or_else(|| format!("http_{status}"));
            Err(CallOutcome::Refused { code })
        }
    }
}

fn plain(code: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=64).contains(&code.len()) && code.bytes().all(fits)
}
