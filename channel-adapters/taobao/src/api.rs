//! A call to TOP: how it is signed and how its envelope is read.

use std::collections::HashMap;

use channel::{
    CallOutcome, OutboundRequest, Response,
    legacy_sign::{hmac_md5_hex, md5_hex},
    strict_json,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use vocabulary::{Secret, Timestamp};

use crate::{
    settings::{Settings, SignMethod},
    status::{CallStatus, call_status},
    wire::{Text, time_text},
};

/// How long a call waits whose session was not good, in seconds: by then it may have been renewed.
const SESSION_WAIT_SECS: u32 = 60;
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// Names and values, not encoded.
pub(crate) type Params = Vec<(&'static str, String)>;

impl Settings {
    /// A call in the shop's name.
    pub(crate) fn call(&self, method: &str, business: Params, now: Timestamp) -> OutboundRequest {
        let mut params = business;
        params.push(("session", self.session.expose().clone()));
        self.app_call(method, params, now)
    }

    /// A call in the app's name.
    pub(crate) fn app_call(&self, method: &str, mut params: Params, now: Timestamp) -> OutboundRequest {
        params.extend([
            ("method", method.to_owned()),
            ("app_key", self.app_key.clone()),
            ("timestamp", time_text(now)),
            ("v", "2.0".to_owned()),
            ("format", "json".to_owned()),
            ("sign_method", self.sign_method.as_str().to_owned()),
        ]);
        let sign = signature(&params, self.app_secret.expose(), self.sign_method);
        params.push(("sign", sign));
        let encode = |text| utf8_percent_encode(text, FORM);
        let parts: Vec<String> =
            params.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        OutboundRequest {
            method: "POST",
            url: format!("{}/router/rest", self.base_url),
            headers: vec![(
                "content-type".to_owned(),
                "application/x-www-form-urlencoded;charset=utf-8".to_owned(),
            )],
            body: parts.join("&").into_bytes(),
        }
    }
}

/// Names and values by name, without anything between them.
pub(crate) fn joined<N: AsRef<str>>(params: &[(N, String)]) -> String {
    let mut sorted: Vec<_> = params.iter().map(|(name, value)| (name.as_ref(), value)).collect();
    sorted.sort();
    sorted.iter().flat_map(|(name, value)| [*name, value.as_str()]).collect()
}

/// The signature of a call, as the official text has it.
pub(crate) fn signature<N: AsRef<str>>(params: &[(N, String)], secret: &str, method: SignMethod) -> String {
    let text = joined(params);
    let digest = match method {
        SignMethod::Md5 => {
            let plain = Secret::new(format!("{secret}{text}{secret}"));
            md5_hex(plain.expose().as_bytes())
        }
        SignMethod::Hmac => hmac_md5_hex(secret.as_bytes(), text.as_bytes()),
    };
    digest.to_ascii_uppercase()
}

/// A response's parts by name.
pub(crate) struct Parts(HashMap<String, Box<RawValue>>);

#[derive(Deserialize)]
struct Failure {
    code: i64,
    #[serde(default)]
    sub_code: Text,
}

pub(crate) fn unreadable<T>() -> CallOutcome<T> {
    CallOutcome::Unknown { code: "unreadable_answer".into() }
}

pub(crate) fn refused<T>(code: &str) -> CallOutcome<T> {
    CallOutcome::Refused { code: code.to_owned() }
}

/// The outcome in a result whose both sides are one.
pub(crate) fn either<T>(result: Result<CallOutcome<T>, CallOutcome<T>>) -> CallOutcome<T> {
    result.unwrap_or_else(|outcome| outcome)
}

impl Parts {
    /// The parts, or how the call ended instead.
    pub(crate) fn of<T>(response: Response<'_>) -> Result<Self, CallOutcome<T>> {
        if let Some(outcome) = CallOutcome::from_transport(response) {
            return Err(outcome);
        }
        let response = response.map_err(|_| unreadable())?;
        if response.status != 200 {
            return Err(CallOutcome::Refused { code: format!("http_{}", response.status) });
        }
        let parts: HashMap<String, Box<RawValue>> =
            strict_json::from_slice(&response.body).map_err(|_| unreadable())?;
        match parts.get("error_response") {
            Some(failure) => Err(failed(failure)),
            None => Ok(Self(parts)),
        }
    }

    /// Whether a part is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A part; where it is missing or of another form, nobody knows how the call ended.
    pub(crate) fn part<B: DeserializeOwned, T>(&self, name: &str) -> Result<B, CallOutcome<T>> {
        let part = self.0.get(name).and_then(|raw| serde_json::from_str(raw.get()).ok());
        part.ok_or_else(unreadable)
    }
}

fn failed<T>(failure: &RawValue) -> CallOutcome<T> {
    let Ok(failure) = serde_json::from_str::<Failure>(failure.get()) else { return unreadable() };
    let plain = |c: &char| c.is_ascii_alphanumeric() || "-_.:".contains(*c);
    let sub: String = failure.sub_code.0.chars().filter(plain).take(48).collect();
    let code = [failure.code.to_string(), sub.clone()].join(" ").trim_end().to_owned();
    match call_status(failure.code, &sub) {
        CallStatus::Busy => CallOutcome::RetryAfter { secs: 0, code },
        CallStatus::Session => CallOutcome::RetryAfter { secs: SESSION_WAIT_SECS, code },
        CallStatus::Unknown => CallOutcome::Unknown { code },
        CallStatus::Refused => CallOutcome::Refused { code },
    }
}
