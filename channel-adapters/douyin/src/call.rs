//! Calls to Douyin: signed with HMAC-SHA-256, answered in an envelope.

use channel::{CallOutcome, OutboundRequest, Response, Unable, sign::hmac_sha256};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use vocabulary::{Secret, Timestamp};

use crate::{
    canonical::{Html, sorted},
    settings::Settings,
    status::{CallStatus, call_status},
    verify::hex,
};

/// Builds a call to a path such as `/order/orderDetail`.
pub(crate) fn post<T: Serialize>(
    settings: &Settings,
    path: &str,
    parameters: &T,
    now: Timestamp,
) -> Result<OutboundRequest, Unable> {
    let token = format!("&access_token={}", encoded(settings.access_token.expose()));
    signed(settings, path, parameters, now, &token)
}

/// Builds a call that needs no access token.
pub(crate) fn post_without_token<T: Serialize>(
    settings: &Settings,
    path: &str,
    parameters: &T,
    now: Timestamp,
) -> Result<OutboundRequest, Unable> {
    signed(settings, path, parameters, now, "")
}

fn signed<T: Serialize>(
    settings: &Settings,
    path: &str,
    parameters: &T,
    now: Timestamp,
    token: &str,
) -> Result<OutboundRequest, Unable> {
    let json = serde_json::to_string(parameters).map_err(|_| Unable("unwritable_body"))?;
    let json = sorted(&json, Html::Plain).ok_or(Unable("unwritable_body"))?;
    let method = path.trim_start_matches('/').replace('/', ".");
    let timestamp = now.secs().to_string();
    let sign = signature(settings, &method, &json, &timestamp);
    let app_key = &settings.app_key;
    Ok(OutboundRequest {
        method: "POST",
        url: format!(
            "{}{path}?app_key={app_key}&method={method}{token}&timestamp={timestamp}&v=2\
             &sign_method=hmac-sha256&sign={sign}",
            settings.base_url
        ),
        headers: vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            // Without it the old codes come back, which the tables here do not know.
            ("x-open-no-old-err-code".to_owned(), "1".to_owned()),
        ],
        body: json.into_bytes(),
    })
}

fn signature(settings: &Settings, method: &str, json: &str, timestamp: &str) -> String {
    let (key, secret) = (&settings.app_key, settings.app_secret.expose());
    let plain = Secret::new(format!(
        "{secret}app_key{key}method{method}param_json{json}timestamp{timestamp}v2{secret}"
    ));
    hex(&hmac_sha256(secret.as_bytes(), plain.expose().as_bytes()))
}

/// Percent-encodes what is not a letter, a digit or one of `-_.~`.
fn encoded(text: &str) -> String {
    let byte = |b: u8| {
        let plain = b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
        if plain { char::from(b).to_string() } else { format!("%{b:02X}") }
    };
    text.bytes().map(byte).collect()
}

#[derive(Deserialize)]
struct Envelope {
    code: i64,
    #[serde(default)]
    sub_code: Option<String>,
}

#[derive(Deserialize)]
struct Enveloped<T> {
    data: T,
}

/// What a successful call found; `None` where it had been acted on before. Otherwise how it ended.
pub(crate) fn accepted<'a, T>(response: Response<'a>) -> Result<Option<&'a [u8]>, CallOutcome<T>> {
    if let Some(outcome) = CallOutcome::from_transport(response) {
        return Err(outcome);
    }
    let Ok(response) = response else { return Err(CallOutcome::Unknown { code: "no_answer".into() }) };
    if response.status != 200 {
        return Err(CallOutcome::Refused { code: format!("http_{}", response.status) });
    }
    let Ok(envelope) = serde_json::from_slice::<Envelope>(&response.body) else { return Err(unreadable()) };
    let sub_code = envelope.sub_code.unwrap_or_default();
    let code = if sub_code.is_empty() { envelope.code.to_string() } else { crate::wire::clip(&sub_code) };
    match call_status(envelope.code, &sub_code) {
        CallStatus::Ok => Ok(Some(&response.body)),
        CallStatus::AlreadyDone => Ok(None),
        CallStatus::Busy => Err(CallOutcome::RetryAfter { secs: 0, code }),
        CallStatus::Fault => Err(CallOutcome::Unknown { code }),
        CallStatus::Refused => Err(CallOutcome::Refused { code }),
    }
}

/// The `data` of a successful call.
pub(crate) fn data<T: DeserializeOwned, O>(response: Response<'_>) -> Result<T, CallOutcome<O>> {
    let body = accepted(response)?.ok_or_else(unreadable)?;
    serde_json::from_slice::<Enveloped<T>>(body).map(|enveloped| enveloped.data).map_err(|_| unreadable())
}

pub(crate) fn unreadable<T>() -> CallOutcome<T> {
    CallOutcome::Unknown { code: "unreadable_answer".into() }
}
