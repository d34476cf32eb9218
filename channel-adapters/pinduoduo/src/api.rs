//! A call to the gateway: how it is signed and how its envelope is read.

use std::collections::HashMap;

use channel::{CallOutcome, OutboundRequest, Response, legacy_sign::md5_hex, strict_json};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use vocabulary::{Secret, Timestamp};

use crate::{
    settings::Settings,
    status::{CallStatus, call_status},
    wire::Text,
};

/// How long a call waits whose token was not good, in seconds: by then it may have been renewed.
const TOKEN_WAIT_SECS: u32 = 60;

/// Names and values, each value the very text that is signed and sent.
pub(crate) type Params = Vec<(&'static str, String)>;

impl Settings {
    /// A call in the shop's name.
    pub(crate) fn call(&self, kind: &str, business: Params, now: Timestamp) -> OutboundRequest {
        let mut params = business;
        params.push(("access_token", self.access_token.expose().clone()));
        self.app_call(kind, params, now)
    }

    /// A call in the app's name.
    pub(crate) fn app_call(&self, kind: &str, mut params: Params, now: Timestamp) -> OutboundRequest {
        params.extend([
            ("type", kind.to_owned()),
            ("client_id", self.client_id.clone()),
            ("timestamp", now.secs().to_string()),
            ("data_type", "JSON".to_owned()),
        ]);
        let sign = signature(&params, self.client_secret.expose());
        params.push(("sign", sign));
        let body: serde_json::Map<_, _> =
            params.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        OutboundRequest {
            method: "POST",
            url: format!("{}/api/router", self.base_url),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: serde_json::Value::Object(body).to_string().into_bytes(),
        }
    }
}

/// `HEX_UPPER(md5(secret + names and values by name + secret))`: three independent SDKs agree.
pub(crate) fn signature<N: AsRef<str>>(params: &[(N, String)], secret: &str) -> String {
    md5_hex(canonical(params, secret).expose().as_bytes()).to_ascii_uppercase()
}

pub(crate) fn canonical<N: AsRef<str>>(params: &[(N, String)], secret: &str) -> Secret<String> {
    let mut sorted: Vec<_> = params.iter().map(|(name, value)| (name.as_ref(), value)).collect();
    sorted.sort();
    let joined: String = sorted.iter().flat_map(|(name, value)| [*name, value.as_str()]).collect();
    Secret::new(format!("{secret}{joined}{secret}"))
}

/// A response's parts by name, or how the call ended instead.
pub(crate) struct Parts(HashMap<String, Box<RawValue>>);

#[derive(Deserialize)]
struct Failure {
    error_code: i64,
    #[serde(default)]
    sub_code: Text,
}

pub(crate) fn unreadable<T>() -> CallOutcome<T> {
    CallOutcome::Unknown { code: "unreadable_answer".into() }
}

impl Parts {
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
    let sub: String = failure
        .sub_code
        .0
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
        .take(40)
        .collect();
    let code = [failure.error_code.to_string(), sub].join(" ").trim_end().to_owned();
    match call_status(failure.error_code) {
        CallStatus::Busy => CallOutcome::RetryAfter { secs: 0, code },
        CallStatus::Token => CallOutcome::RetryAfter { secs: TOKEN_WAIT_SECS, code },
        CallStatus::Unknown => CallOutcome::Unknown { code },
        CallStatus::Refused => CallOutcome::Refused { code },
    }
}
