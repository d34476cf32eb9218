//! Alipay's answers to our calls: `{"<method>_response": {…}, "sign": "…"}`, signed over the text of the response as
//! it stands there.

use std::collections::BTreeMap;

use channel::{CallOutcome, Response, strict_json};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{settings::Merchant, verify::signed_by_alipay};

/// What all responses have.
#[derive(Deserialize)]
struct Verdict {
    code: String,
    sub_code: Option<String>,
}

pub(crate) fn unknown<T>(code: &str) -> CallOutcome<T> {
    CallOutcome::Unknown { code: code.to_owned() }
}

/// Reads a response to a call of `method`; what is no clear yes, signed by Alipay, is the outcome already. A refusal
/// may be unsigned: the gateway signs none where it does not know the caller.
pub(crate) fn read<A: DeserializeOwned, T>(
    merchant: &Merchant,
    method: &str,
    response: Response<'_>,
) -> Result<A, CallOutcome<T>> {
    if let Some(outcome) = CallOutcome::from_transport(response) {
        return Err(outcome);
    }
    let Ok(response) = response else { return Err(unknown("no_answer")) };
    if response.status != 200 {
        return Err(unknown(&format!("http_{}", response.status)));
    }
    let unreadable = || unknown("unreadable_answer");
    let parts: BTreeMap<String, Box<RawValue>> =
        strict_json::from_slice(&response.body).map_err(|_| unreadable())?;
    let name = format!("{}_response", method.replace('.', "_"));
    let text = parts.get(&name).or_else(|| parts.get("error_response")).ok_or_else(unreadable)?.get();
    let verdict: Verdict = serde_json::from_str(text).map_err(|_| unreadable())?;
    let sign = parts.get("sign").and_then(|sign| serde_json::from_str::<String>(sign.get()).ok());
    let signed = sign.as_ref().map(|sign| signed_by_alipay(merchant, text.as_bytes(), sign).is_ok());
    match (verdict.code.as_str(), signed) {
        (_, Some(false)) | ("10000", None) => Err(unknown("bad_answer_signature")),
        ("10000", Some(true)) if parts.contains_key(&name) => {
            serde_json::from_str(text).map_err(|_| unreadable())
        }
        ("10000", Some(true)) => Err(unreadable()),
        _ => Err(refusal(&verdict)),
    }
}

fn refusal<T>(verdict: &Verdict) -> CallOutcome<T> {
    let plain = |code: &&String| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        (1..=64).contains(&code.len()) && code.bytes().all(allowed)
    };
    let code = verdict.sub_code.as_ref().filter(plain).or(Some(&verdict.code).filter(plain));
    let code = code.cloned().unwrap_or_else(|| "code_unreadable".to_owned());
    // The gateway or what stands behind it was not there, or did not see the end.
    if verdict.code == "20000" || code.ends_with("SYSTEM_ERROR") {
        return CallOutcome::Unknown { code };
    }
    CallOutcome::Refused { code }
}
