//! Stripe's answers to our calls.

use channel::{CallOutcome, OutboundResponse, Response, strict_json};
use serde::{Deserialize, de::DeserializeOwned};

#[derive(Deserialize)]
struct Failure {
    error: Fault,
}

#[derive(Deserialize)]
struct Fault {
    code: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

pub(crate) fn unknown<T>(code: &str) -> CallOutcome<T> {
    CallOutcome::Unknown { code: code.to_owned() }
}

/// Reads a response; what is no clear yes is the outcome already.
pub(crate) fn read<A: DeserializeOwned, T>(response: Response<'_>) -> Result<A, CallOutcome<T>> {
    if let Some(outcome) = CallOutcome::from_transport(response) {
        return Err(outcome);
    }
    let Ok(response) = response else { return Err(unknown("no_answer")) };
    match response.status {
        200 => strict_json::from_slice(&response.body).map_err(|_| unknown("unreadable_answer")),
        400..=499 => Err(refusal(response)),
        status => Err(unknown(&format!("http_{status}"))),
    }
}

fn refusal<T>(response: &OutboundResponse) -> CallOutcome<T> {
    let fault = strict_json::from_slice::<Failure>(&response.body).ok().map(|failure| failure.error);
    let code = fault.and_then(|fault| fault.code.or(fault.kind));
    let code = code.filter(|code| is_plain(code)).unwrap_or_else(|| format!("http_{}", response.status));
    let retry = response.headers.iter().any(|(name, value)| name == "stripe-should-retry" && value == "true");
    // 409: another call with the same key is under way.
    if retry || response.status == 409 {
        return CallOutcome::RetryAfter { secs: response.retry_after.unwrap_or(0), code };
    }
    match code.as_str() {
        // Perhaps by this very call, made before: the list of refunds tells.
        "charge_already_refunded" => CallOutcome::Unknown { code },
        _ => CallOutcome::Refused { code },
    }
}

fn is_plain(code: &str) -> bool {
    (1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}
