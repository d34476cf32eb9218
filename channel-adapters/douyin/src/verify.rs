//! Who speaks: the MD5 signature of pushes, and the two signatures of service calls (topic `spi/…`).

use channel::{
    Proof, RawRequest, Refusal, Step,
    legacy_sign::md5_hex,
    sign::{check_time, digest_matches, hmac_sha256, unix_seconds},
    strict_json,
};
use serde::de::IgnoredAny;
use vocabulary::{Secret, Timestamp};

use crate::{
    canonical::{Html, sorted},
    settings::Settings,
    wire::read_beijing,
};

/// No document names one; ten minutes is ours. Only service calls sign a time.
pub(crate) const TOLERANCE_SECS: i64 = 600;
/// The largest body that is looked at.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// Where service calls go, behind the shop's address; pushes go to the address itself.
const SERVICE_CALLS: &str = "spi";

/// Whether the request is a service call, which waits for a result, and not a push.
pub(crate) fn is_service_call(request: &RawRequest) -> bool {
    request.topic == SERVICE_CALLS
}

pub(crate) fn verify(settings: &Settings, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
    if request.body.len() > BODY_BYTES_MAX || request.query.len() > BODY_BYTES_MAX {
        return Err(Refusal::new(Step::Size, "body_too_large", "body"));
    }
    match request.topic.as_str() {
        SERVICE_CALLS => service_call(settings, request, now),
        "" => push(settings, request),
        // No signature covers the path, so nothing genuine is lost by refusing one that does not exist.
        _ => Err(Refusal::new(Step::Format, "unsupported_topic", "path")),
    }
}

fn push(settings: &Settings, request: &RawRequest) -> Result<Proof, Refusal> {
    if request.method != "POST" {
        return Err(Refusal::new(Step::Format, "wrong_method", "method"));
    }
    request.check_content_type(RawRequest::JSON)?;
    let given = request.header("event-sign")?;
    // The header is not covered by the signature, but one that names another app cannot be meant for this shop.
    if request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("app-id"))
        && request.header("app-id")? != settings.app_key
    {
        return Err(Refusal::new(Step::Signature, "unknown_app", "app-id"));
    }
    digest_matches(&push_signature(settings, &request.body), &given.to_ascii_lowercase())
}

fn push_signature(settings: &Settings, body: &[u8]) -> String {
    let secret = settings.app_secret.expose().as_bytes();
    let plain = Secret::new([settings.app_key.as_bytes(), body, secret].concat());
    md5_hex(plain.expose())
}

/// A service call, taken apart.
struct ServiceCall {
    timestamp: String,
    json: String,
    given: Vec<String>,
    hmac: bool,
}

fn service_call(settings: &Settings, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
    let call = take_apart(settings, request)?;
    let signed_at = match read_beijing(&call.timestamp) {
        Some(at) => at,
        None => unix_seconds(&call.timestamp)?,
    };
    let mut proof = Err(Refusal::new(Step::Signature, "bad_signature", "signature does not match"));
    for html in [Html::Escaped, Html::Plain] {
        let json = sorted(&call.json, html).ok_or(Refusal::new(
            Step::Format,
            "malformed_json",
            "the parameters are no JSON",
        ))?;
        let computed = service_signature(settings, &json, &call.timestamp, call.hmac);
        for given in &call.given {
            proof = proof.or_else(|_| digest_matches(&computed, given));
        }
    }
    let proof = proof?;
    check_time(signed_at, now, TOLERANCE_SECS)?;
    Ok(proof)
}

fn take_apart(settings: &Settings, request: &RawRequest) -> Result<ServiceCall, Refusal> {
    let query = request.query_pairs()?;
    let value = |name: &str| query.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    let given: Vec<String> =
        ["sign", "sign_v2"].into_iter().filter_map(value).map(|v| v.to_ascii_lowercase()).collect();
    if given.is_empty() {
        return Err(Refusal::new(Step::Signature, "missing_signature", "sign"));
    }
    if value("app_key").as_ref() != Some(&settings.app_key) {
        return Err(Refusal::new(Step::Signature, "unknown_app", "app_key"));
    }
    let hmac = match value("sign_method").as_deref() {
        Some("hmac-sha256") => true,
        Some("md5") | None => false,
        Some(_) => return Err(Refusal::new(Step::Signature, "unknown_algorithm", "sign_method")),
    };
    let timestamp = value("timestamp").ok_or(Refusal::new(Step::Time, "missing_timestamp", "timestamp"))?;
    let json = parameters(request)?;
    Ok(ServiceCall { timestamp, json, given, hmac })
}

/// The parameters of a service call as JSON text: the body of a POST, `param_json` of a GET.
pub(crate) fn parameters(request: &RawRequest) -> Result<String, Refusal> {
    let no_json = Refusal::new(Step::Format, "malformed_json", "the parameters are no JSON");
    let json = match request.method.as_str() {
        "POST" => {
            request.check_content_type(RawRequest::JSON)?;
            String::from_utf8(request.body.clone()).map_err(|_| no_json)?
        }
        "GET" if request.body.is_empty() => {
            let query = request.query_pairs()?;
            query.into_iter().find(|(name, _)| name == "param_json").map(|(_, v)| v).ok_or(no_json)?
        }
        _ => return Err(Refusal::new(Step::Format, "wrong_method", "method")),
    };
    // Bounds the depth and refuses a key that stands twice: sorting would otherwise drop one of them.
    strict_json::from_slice::<IgnoredAny>(json.as_bytes())?;
    Ok(json)
}

fn service_signature(settings: &Settings, json: &str, timestamp: &str, hmac: bool) -> String {
    let secret = settings.app_secret.expose();
    let plain = Secret::new(service_plain(settings, json, timestamp, secret));
    if hmac {
        hex(&hmac_sha256(secret.as_bytes(), plain.expose().as_bytes()))
    } else {
        md5_hex(plain.expose().as_bytes())
    }
}

fn service_plain(settings: &Settings, json: &str, timestamp: &str, secret: &str) -> String {
    format!("{secret}app_key{}param_json{json}timestamp{timestamp}{secret}", settings.app_key)
}

/// What the signature is made over, with the secret left out.
pub(crate) fn signed_text(settings: &Settings, request: &RawRequest) -> Option<String> {
    if is_service_call(request) {
        let call = take_apart(settings, request).ok()?;
        let [escaped, plain] = [sorted(&call.json, Html::Escaped)?, sorted(&call.json, Html::Plain)?];
        // The form that fits the signature; the documented one where neither does.
        let plain_fits = {
            let computed = service_signature(settings, &plain, &call.timestamp, call.hmac);
            call.given.iter().any(|given| digest_matches(&computed, given).is_ok())
        };
        let json = if plain_fits { plain } else { escaped };
        return Some(service_plain(settings, &json, &call.timestamp, "***"));
    }
    Some(format!("{}{}***", settings.app_key, std::str::from_utf8(&request.body).ok()?))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
