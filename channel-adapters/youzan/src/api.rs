//! A call to the open platform, and its three envelopes.

use channel::{CallOutcome, OutboundRequest, Response, strict_json};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};
use vocabulary::Secret;

use crate::{
    settings::Settings,
    status::{CallStatus, call_status},
    wire::Text,
};

impl Settings {
    /// A call in the shop's name. The platform takes the token in the address only.
    pub(crate) fn call(&self, name_and_version: &str, body: &Value) -> OutboundRequest {
        let token = self.access_token.expose();
        let url = Secret::new(format!("{}/api/{name_and_version}?access_token={token}", self.base_url));
        post(url.expose().clone(), body)
    }
}

pub(crate) fn post(url: String, body: &Value) -> OutboundRequest {
    OutboundRequest {
        method: "POST",
        url,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.to_string().into_bytes(),
    }
}

#[derive(Deserialize)]
struct Envelope {
    success: Option<bool>,
    #[serde(default)]
    code: Text,
    data: Option<Box<RawValue>>,
    gw_err_resp: Option<GatewayError>,
}

#[derive(Deserialize)]
struct GatewayError {
    err_code: Text,
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

/// The `data` of a response that says yes, as JSON text; or how the call ended instead.
pub(crate) fn data<T>(response: Response<'_>) -> Result<String, CallOutcome<T>> {
    if let Some(outcome) = CallOutcome::from_transport(response) {
        return Err(outcome);
    }
    let response = response.map_err(|_| unreadable())?;
    if response.status != 200 {
        return Err(CallOutcome::Refused { code: format!("http_{}", response.status) });
    }
    let envelope: Envelope = strict_json::from_slice(&response.body).map_err(|_| unreadable())?;
    if let Some(error) = envelope.gw_err_resp {
        return Err(failed(&error.err_code.0));
    }
    match (envelope.success, envelope.code.0.as_str(), envelope.data) {
        (Some(true), "200", Some(data)) => Ok(data.get().to_owned()),
        (Some(true), "200", None) | (_, "" | "200", _) => Err(unreadable()),
        (_, code, _) => Err(failed(code)),
    }
}

/// Reads `data`; where it is of another form, nobody knows how the call ended.
pub(crate) fn read<B: DeserializeOwned, T>(data: &str) -> Result<B, CallOutcome<T>> {
    serde_json::from_str(data).map_err(|_| unreadable())
}

/// Reads an answer that says nothing but whether it worked.
pub(crate) fn done(response: Response<'_>) -> CallOutcome<()> {
    #[derive(Deserialize)]
    struct Done {
        is_success: bool,
    }
    either(data(response).and_then(|data| {
        let yes = data == "true" || read::<Done, ()>(&data)?.is_success;
        Ok(if yes { CallOutcome::Done(()) } else { refused("no_success") })
    }))
}

fn failed<T>(code: &str) -> CallOutcome<T> {
    let code: String =
        code.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).take(40).collect();
    match call_status(&code) {
        CallStatus::Busy(secs) => CallOutcome::RetryAfter { secs, code },
        CallStatus::Unknown => CallOutcome::Unknown { code },
        CallStatus::Refused => CallOutcome::Refused { code },
    }
}
