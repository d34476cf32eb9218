//! Calls to Kuaishou: seven signed parameters, of which `param` is the business as one JSON text; an envelope in
//! return.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{CallOutcome, OutboundRequest, Response, Unable, legacy_sign::md5_hex, sign::hmac_sha256};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use vocabulary::{Secret, Timestamp};

use crate::{
    settings::{Settings, SignMethod},
    status::{CallStatus, call_status},
};

const VERSION: &str = "1";
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// How long to wait for a new access token, in seconds.
const TOKEN_SECS: u32 = 300;

/// Builds a reading call (GET) of a method such as `open.order.detail`.
pub(crate) fn get<T: Serialize>(
    settings: &Settings,
    method: &'static str,
    param: &T,
    now: Timestamp,
) -> Result<OutboundRequest, Unable> {
    let query = signed(settings, method, param, now)?;
    Ok(OutboundRequest {
        method: "GET",
        url: format!("{}?{query}", address(settings, method)),
        headers: Vec::new(),
        body: Vec::new(),
    })
}

/// Builds a changing call (POST, a form).
pub(crate) fn post<T: Serialize>(
    settings: &Settings,
    method: &'static str,
    param: &T,
    now: Timestamp,
) -> Result<OutboundRequest, Unable> {
    Ok(form_post(address(settings, method), signed(settings, method, param, now)?))
}

/// A POST of a form that is encoded already.
pub(crate) fn form_post(url: String, form: String) -> OutboundRequest {
    let kind = ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned());
    OutboundRequest { method: "POST", url, headers: vec![kind], body: form.into_bytes() }
}

fn address(settings: &Settings, method: &str) -> String {
    format!("{}/{}", settings.base_url, method.replace('.', "/"))
}

fn signed<T: Serialize>(
    settings: &Settings,
    method: &'static str,
    param: &T,
    now: Timestamp,
) -> Result<String, Unable> {
    let param = serde_json::to_string(param).map_err(|_| Unable("unwritable_body"))?;
    let timestamp = now.secs().saturating_mul(1_000).to_string();
    let pairs = [
        ("access_token", settings.access_token.expose().as_str()),
        ("appkey", &settings.app_key),
        ("method", method),
        ("param", &param),
        ("signMethod", settings.sign_method.name()),
        ("timestamp", &timestamp),
        ("version", VERSION),
    ];
    let sign = signature(settings, &pairs);
    Ok(form(&[&pairs[..], &[("sign", &sign)]].concat()))
}

/// Percent-encodes names and values into a form or query.
pub(crate) fn form(pairs: &[(&str, &str)]) -> String {
    let pair = |(name, value): &(&str, &str)| format!("{name}={}", utf8_percent_encode(value, PLAIN));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// The parameters in the order of their names, not encoded, and the signing secret.
pub(crate) fn canonical(settings: &Settings, pairs: &[(&str, &str)]) -> Secret<String> {
    let joined: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Secret::new(format!("{}&signSecret={}", joined.join("&"), settings.sign_secret.expose()))
}

pub(crate) fn signature(settings: &Settings, pairs: &[(&str, &str)]) -> String {
    let plain = canonical(settings, pairs);
    let secret = settings.sign_secret.expose();
    match settings.sign_method {
        SignMethod::Md5 => md5_hex(plain.expose().as_bytes()),
        SignMethod::HmacSha256 => STANDARD.encode(hmac_sha256(secret.as_bytes(), plain.expose().as_bytes())),
    }
}

#[derive(Deserialize)]
struct Envelope {
    result: i64,
}

#[derive(Deserialize)]
struct Enveloped<T> {
    data: T,
}

/// The body of a response that says yes, or how the call ended instead.
pub(crate) fn accepted<'a, T>(response: Response<'a>) -> Result<&'a [u8], CallOutcome<T>> {
    if let Some(outcome) = CallOutcome::from_transport(response) {
        return Err(outcome);
    }
    let Ok(response) = response else { return Err(CallOutcome::Unknown { code: "no_answer".into() }) };
    if response.status != 200 {
        return Err(CallOutcome::Refused { code: format!("http_{}", response.status) });
    }
    let Ok(Envelope { result }) = serde_json::from_slice(&response.body) else { return Err(unreadable()) };
    let code = result.to_string();
    match call_status(result) {
        CallStatus::Ok => Ok(&response.body),
        CallStatus::Busy => Err(CallOutcome::RetryAfter { secs: 0, code }),
        CallStatus::Token => Err(CallOutcome::RetryAfter { secs: TOKEN_SECS, code }),
        CallStatus::Fault => Err(CallOutcome::Unknown { code }),
        CallStatus::Refused => Err(CallOutcome::Refused { code }),
    }
}

/// The `data` of a successful call.
pub(crate) fn data<T: DeserializeOwned, O>(response: Response<'_>) -> Result<T, CallOutcome<O>> {
    let body = accepted(response)?;
    serde_json::from_slice::<Enveloped<T>>(body).map(|enveloped| enveloped.data).map_err(|_| unreadable())
}

pub(crate) fn unreadable<T>() -> CallOutcome<T> {
    CallOutcome::Unknown { code: "unreadable_answer".into() }
}
