//! Calls to Xiaohongshu: one gateway, one flat JSON object, four signed values, an envelope in return.

use channel::{CallOutcome, OutboundRequest, Response, Unable, legacy_sign::md5_hex};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use vocabulary::{Secret, Timestamp};

use crate::settings::Settings;

const GATEWAY: &str = "/ark/open_api/v3/common_controller";
pub(crate) const VERSION: &str = "2.0";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Call<'a, T> {
    app_id: &'a str,
    timestamp: &'a str,
    version: &'static str,
    method: &'static str,
    sign: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<&'a str>,
    #[serde(flatten)]
    parameters: &'a T,
}

/// Whether a call carries the access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    With,
    Without,
}

/// Builds a call of a method such as `order.getOrderDetail`.
pub(crate) fn post<T: Serialize>(
    settings: &Settings,
    method: &'static str,
    token: Token,
    parameters: &T,
    now: Timestamp,
) -> Result<OutboundRequest, Unable> {
    let timestamp = now.secs().to_string();
    let sign = md5_hex(canonical(settings, method, &timestamp).expose().as_bytes());
    let call = Call {
        app_id: &settings.app_id,
        timestamp: &timestamp,
        version: VERSION,
        method,
        sign: &sign,
        access_token: (token == Token::With).then(|| settings.access_token.expose().as_str()),
        parameters,
    };
    Ok(OutboundRequest {
        method: "POST",
        url: format!("{}{GATEWAY}", settings.base_url),
        headers: vec![("content-type".to_owned(), "application/json;charset=utf-8".to_owned())],
        body: serde_json::to_vec(&call).map_err(|_| Unable("unwritable_body"))?,
    })
}

/// What is signed. The business parameters and the token are not covered.
pub(crate) fn canonical(settings: &Settings, method: &str, timestamp: &str) -> Secret<String> {
    let (app, secret) = (&settings.app_id, settings.app_secret.expose());
    Secret::new(format!("{method}?appId={app}&timestamp={timestamp}&version={VERSION}{secret}"))
}

#[derive(Deserialize)]
struct Envelope {
    success: bool,
    error_code: i64,
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
    match serde_json::from_slice::<Envelope>(&response.body) {
        Ok(Envelope { success: true, error_code: 0 }) => Ok(&response.body),
        // One field says yes and the other no.
        Ok(Envelope { success: true, error_code })
        | Ok(Envelope { success: false, error_code: error_code @ 0 }) => {
            Err(CallOutcome::Unknown { code: format!("contradiction {error_code}") })
        }
        Ok(Envelope { error_code, .. }) => Err(CallOutcome::Refused { code: error_code.to_string() }),
        Err(_) => Err(unreadable()),
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
