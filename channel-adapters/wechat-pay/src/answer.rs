//! WeChat Pay's answers to our calls.

use channel::{CallOutcome, OutboundResponse, Response, strict_json};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{settings::Merchant, verify::answered_by_platform};

#[derive(Deserialize)]
struct Failure {
    code: String,
}

pub(crate) fn unknown<T>(code: &str) -> CallOutcome<T> {
    CallOutcome::Unknown { code: code.to_owned() }
}

/// Reads a response; what is no clear yes, signed by the platform, is the outcome already. Errors need no signature:
/// the platform's own libraries check none there.
pub(crate) fn read<A: DeserializeOwned, T>(
    merchant: &Merchant,
    response: Response<'_>,
) -> Result<A, CallOutcome<T>> {
    if let Some(outcome) = CallOutcome::from_transport(response) {
        return Err(outcome);
    }
    let Ok(response) = response else { return Err(unknown("no_answer")) };
    match response.status {
        200 => {
            // The call did reach somebody, so it may have been acted on.
            answered_by_platform(merchant, response).map_err(|_| unknown("bad_answer_signature"))?;
            strict_json::from_slice(&response.body).map_err(|_| unknown("unreadable_answer"))
        }
        400..=499 => Err(refusal(response)),
        status => Err(unknown(&format!("http_{status}"))),
    }
}

fn refusal<T>(response: &OutboundResponse) -> CallOutcome<T> {
    let failure = strict_json::from_slice::<Failure>(&response.body).ok();
    let plain = |code: &String| {
        (1..=64).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
    };
    let code = failure.map(|failure| failure.code).filter(plain);
    let code = code.unwrap_or_else(|| format!("http_{}", response.status));
    match code.as_str() {
        "FREQUENCY_LIMITED" | "RATELIMIT_EXCEEDED" => {
            CallOutcome::RetryAfter { secs: response.retry_after.unwrap_or(60), code }
        }
        "SYSTEM_ERROR" => CallOutcome::Unknown { code },
        _ => CallOutcome::Refused { code },
    }
}
