//! Calls to the Admin GraphQL API, and its answers: 200 may carry errors of the call, of the user, or both.

use channel::{CallOutcome, OutboundRequest, Response, Unable, sign::hmac_sha256, strict_json};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::settings::Settings;

impl Settings {
    pub(crate) fn call(&self, query: &str, variables: &Value) -> OutboundRequest {
        let headers = [
            ("content-type", "application/json".to_owned()),
            ("x-shopify-access-token", self.access_token.expose().clone()),
        ];
        OutboundRequest {
            method: "POST",
            url: self.endpoint.clone(),
            headers: headers.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            body: json!({ "query": query, "variables": variables }).to_string().into_bytes(),
        }
    }
}

/// Shopify's name of a thing.
pub(crate) fn gid(kind: &str, id: u64) -> String {
    format!("gid://shopify/{kind}/{id}")
}

/// Our order numbers are Shopify's, which are numbers.
pub(crate) fn order_gid(external_no: &str) -> Result<String, Unable> {
    let plain = external_no.bytes().all(|byte| byte.is_ascii_digit());
    let id = external_no.parse().ok().filter(|id| plain && *id > 0);
    id.map(|id| gid("Order", id)).ok_or(Unable("bad_order_no"))
}

/// A key for `@idempotent`, in the form of a UUID: the same for the same content.
pub(crate) fn idempotency_key(content: &str) -> String {
    let tag = hmac_sha256(b"shopify @idempotent", content.as_bytes());
    let mut hex: String = tag.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    hex.replace_range(12..13, "4");
    hex.replace_range(16..17, "8");
    for at in [20, 16, 12, 8] {
        hex.insert(at, '-');
    }
    hex
}

#[derive(Deserialize)]
struct Answer<T> {
    data: Option<T>,
    #[serde(default)]
    errors: Vec<Error>,
    extensions: Option<Extensions>,
}

#[derive(Deserialize)]
struct Error {
    extensions: Option<ErrorExtensions>,
}

#[derive(Deserialize)]
struct ErrorExtensions {
    code: Option<String>,
}

#[derive(Deserialize)]
struct Extensions {
    cost: Option<Cost>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cost {
    requested_query_cost: Option<f64>,
    throttle_status: Option<Throttle>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Throttle {
    currently_available: f64,
    restore_rate: f64,
}

pub(crate) fn unknown<O>(code: &str) -> CallOutcome<O> {
    CallOutcome::Unknown { code: code.to_owned() }
}

pub(crate) fn refused<O>(code: &str) -> CallOutcome<O> {
    CallOutcome::Refused { code: code.to_owned() }
}

/// The data of an answer without errors, or how the call ended instead.
pub(crate) fn data<T: DeserializeOwned, O>(response: Response<'_>) -> Result<T, CallOutcome<O>> {
    if let Some(outcome) = CallOutcome::from_transport(response) {
        return Err(outcome);
    }
    let Ok(response) = response else { return Err(unknown("no_answer")) };
    match response.status {
        200 => {}
        // Shopify's own status for a shop that is asked too much.
        430 => return Err(CallOutcome::RetryAfter { secs: 0, code: "http_430".to_owned() }),
        status @ 400..=499 => return Err(refused(&format!("http_{status}"))),
        status => return Err(unknown(&format!("http_{status}"))),
    }
    // First without the data: that of a call that failed may have any shape.
    let bare: Answer<serde::de::IgnoredAny> =
        strict_json::from_slice(&response.body).map_err(|_| unknown("unreadable_answer"))?;
    if let Some(error) = bare.errors.first() {
        let code = error.extensions.as_ref().and_then(|e| e.code.as_deref()).unwrap_or("graphql_error");
        return Err(match code {
            "THROTTLED" => CallOutcome::RetryAfter { secs: wait(bare.extensions), code: code.to_owned() },
            "INTERNAL_SERVER_ERROR" => unknown(code),
            other => refused(&plain(other)),
        });
    }
    let whole: Answer<T> =
        strict_json::from_slice(&response.body).map_err(|_| unknown("unreadable_answer"))?;
    whole.data.ok_or_else(|| unknown("unreadable_answer"))
}

/// Seconds until the bucket holds what the call costs; 1 to 60.
fn wait(extensions: Option<Extensions>) -> u32 {
    let missing = extensions.and_then(|extensions| {
        let cost = extensions.cost?;
        let throttle = cost.throttle_status?;
        let missing = cost.requested_query_cost? - throttle.currently_available;
        Some((missing / throttle.restore_rate).ceil())
    });
    match missing {
        Some(secs) if secs >= 60.0 => 60,
        // A negative number, or none, becomes 0.
        Some(secs) => (secs as u32).max(1),
        None => 1,
    }
}

/// An error of a mutation that was understood and not done.
#[derive(Deserialize)]
pub(crate) struct UserError {
    code: Option<String>,
}

/// A refusal for good, where there are such errors.
pub(crate) fn user_error<O>(errors: &[UserError]) -> Option<CallOutcome<O>> {
    let error = errors.first()?;
    Some(refused(&plain(error.code.as_deref().unwrap_or("user_error"))))
}

/// The code, if it looks like one: its text comes from outside.
fn plain(code: &str) -> String {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let looks_fine = (1..=64).contains(&code.len()) && code.bytes().all(fits);
    if looks_fine { code.to_ascii_lowercase() } else { "unreadable_code".to_owned() }
}

#[cfg(test)]
mod tests {
    use channel::OutboundResponse;

    use super::*;

    fn read(body: &str) -> Result<u32, CallOutcome<()>> {
        let response =
            OutboundResponse { status: 200, headers: Vec::new(), retry_after: None, body: body.into() };
        data(Ok(&response))
    }

    #[test]
    fn a_key_is_a_uuid_of_its_content() {
        let key = idempotency_key("a");
        assert_eq!((key.len(), key.split('-').count(), &key[14..15]), (36, 5, "4"));
        assert_eq!(key, idempotency_key("a"));
        assert_ne!(key, idempotency_key("b"));
    }

    #[test]
    fn errors_are_seen_before_data_and_a_throttled_call_waits_for_its_bucket() {
        let later = |secs| Err(CallOutcome::RetryAfter { secs, code: "THROTTLED".into() });
        let throttled = |more: &str| {
            format!(
                r#"{{"data":null,"errors":[{{"message":"x","extensions":{{"code":"THROTTLED"}}}}]{more}}}"#
            )
        };
        let cost = |available: &str| {
            format!(
                r#","extensions":{{"cost":{{"requestedQueryCost":101,"actualQueryCost":null,
                "throttleStatus":{{"maximumAvailable":1000.0,"currentlyAvailable":{available},"restoreRate":50.0}}}}}}"#
            )
        };
        assert_eq!(read(&throttled("")), later(1));
        assert_eq!(read(&throttled(&cost("0"))), later(3));
        assert_eq!(read(&throttled(&cost("-100000"))), later(60));
        assert_eq!(read(&throttled(&cost("500"))), later(1));
        let denied = r#"{"data":7,"errors":[{"extensions":{"code":"ACCESS_DENIED"}}]}"#;
        assert_eq!(read(denied), Err(refused("access_denied")));
        assert_eq!(read(r#"{"errors":[{"message":"syntax"}]}"#), Err(refused("graphql_error")));
        assert_eq!(
            read(r#"{"errors":[{"extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}"#),
            Err(unknown("INTERNAL_SERVER_ERROR"))
        );
        assert_eq!(read(r#"{"data":7}"#), Ok(7));
        assert_eq!(read(r#"{"data":null}"#), Err(unknown("unreadable_answer")));
        assert_eq!(read("<html>"), Err(unknown("unreadable_answer")));
    }
}
