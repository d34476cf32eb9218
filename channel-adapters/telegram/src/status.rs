//! Telegram's answers and ours. Anything that is no clear yes is not done.

use channel::{CallOutcome, Refusal, Reply, Response, Step};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Answer {
    ok: bool,
    result: Option<Box<RawValue>>,
    error_code: Option<i64>,
    #[serde(default)]
    description: String,
    parameters: Option<Parameters>,
}

#[derive(Deserialize)]
struct Parameters {
    retry_after: Option<u32>,
}

/// Why Telegram said no for good.
pub(crate) struct No {
    pub(crate) code: String,
}

/// A response: what was asked for, Telegram's no, or the outcome already.
pub(crate) fn read<T: DeserializeOwned, O>(response: Response<'_>) -> Result<Result<T, No>, CallOutcome<O>> {
    let unknown = |code: &str| CallOutcome::Unknown { code: code.to_owned() };
    let answer = response.ok().and_then(|response| serde_json::from_slice::<Answer>(&response.body).ok());
    // The body says more precisely than a header how long to wait.
    if let (Ok(response), Some(wait)) = (response, answer.as_ref().and_then(|a| a.parameters.as_ref()))
        && let (429, Some(secs)) = (response.status, wait.retry_after)
    {
        return Err(CallOutcome::RetryAfter { secs, code: "http_429".to_owned() });
    }
    if let Some(outcome) = CallOutcome::from_transport(response) {
        return Err(outcome);
    }
    let status = response.map_or(0, |response| response.status);
    match answer {
        Some(answer) if answer.ok && status == 200 => {
            let result = answer.result.and_then(|result| serde_json::from_str(result.get()).ok());
            result.map(Ok).ok_or_else(|| unknown("unreadable_answer"))
        }
        Some(answer) if !answer.ok => {
            Ok(Err(No { code: code(answer.error_code.unwrap_or(i64::from(status)), &answer.description) }))
        }
        _ => Err(unknown(&format!("http_{status}"))),
    }
}

/// Telegram's words are for people; those we can act on get a code.
fn code(number: i64, description: &str) -> String {
    let known = [
        ("CHARGE_ALREADY_REFUNDED", ALREADY_REFUNDED),
        ("bot was blocked", "blocked_by_the_buyer"),
        ("chat not found", "chat_not_found"),
        ("can't initiate conversation", "the_buyer_never_wrote_to_the_bot"),
        ("user is deactivated", "the_buyer_is_gone"),
        ("CHARGE_NOT_FOUND", "charge_not_found"),
        ("BALANCE_TOO_LOW", "too_few_stars"),
    ];
    let found = known.iter().find(|(words, _)| description.contains(words));
    found.map_or_else(|| format!("telegram_{number}"), |(_, code)| (*code).to_owned())
}

/// The code of a refund that was made before.
pub(crate) const ALREADY_REFUNDED: &str = "already_refunded";

/// Every genuine update is acknowledged, even where our answer is no: a repeat mends nothing, and an update that fails
/// again and again holds up those behind it, which may be questions that must be answered in seconds.
pub(crate) fn acknowledge() -> Reply {
    Reply::json(200, "{}".to_owned())
}

pub(crate) fn refuse(refusal: &Refusal) -> Reply {
    let status = match refusal.step {
        Step::Signature | Step::Time => 401,
        Step::Size => 413,
        Step::Format | Step::Meaning => 400,
    };
    Reply::text(status, "refused")
}
