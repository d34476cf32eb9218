//! Test vectors: pushes, service calls, and the signatures of our calls.

use channel::{
    RawRequest,
    sign::unix_seconds,
    vectors::{Scheme, Vector, put},
};
use serde_json::{Value, json, value::RawValue};
use vocabulary::Timestamp;

use crate::{call, settings::Settings, wire::read_beijing};

pub(crate) const SCHEMES: &[Scheme] = &[
    Scheme::request("douyin-push-md5", push),
    Scheme::request("douyin-spi-hmac-sha256", service_call),
    Scheme::request("douyin-spi-md5", service_call),
    Scheme::computed("douyin-request-hmac-sha256", signed_call),
];

fn keys(vector: &Vector<'_>, settings: &mut Value) -> Result<(), String> {
    for field in ["app_key", "app_secret"] {
        put(settings, field, &vector.text(&format!("/keys/{field}"))?.into());
    }
    Ok(())
}

fn push(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    keys(vector, settings)?;
    let mut request = vector.written_request()?;
    let kind = ("content-type".to_owned(), b"application/json".to_vec());
    if !request.headers.iter().any(|(name, _)| name == "content-type") {
        request.headers.push(kind);
    }
    Ok(Some(request))
}

fn service_call(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    let mut request = push(vector, settings)?.ok_or("it is no request")?;
    "spi".clone_into(&mut request.topic);
    let stated = vector.maybe("/input/query/timestamp").unwrap_or_default();
    if let Some(at) = read_beijing(stated).or_else(|| unix_seconds(stated).ok()) {
        request.received_at = at;
    }
    Ok(Some(request))
}

fn signed_call(vector: &Vector<'_>, settings: &Value) -> Result<Value, String> {
    let mut settings = settings.clone();
    keys(vector, &mut settings)?;
    let settings = Settings::read(&settings.to_string()).map_err(|why| why.to_string())?;
    let parameters: Box<RawValue> = serde_json::from_str(vector.text("/input/params_json_unsorted")?)
        .map_err(|_| "its parameters are no JSON".to_owned())?;
    let path = format!("/{}", vector.text("/input/method")?.replace('.', "/"));
    let now = Timestamp::from_secs(vector.integer("/input/timestamp")?);
    let sent = call::post(&settings, &path, &parameters, now).map_err(|why| why.0.to_owned())?;
    let (_, sign) = sent.url.split_once("&sign=").ok_or("the call is not signed")?;
    Ok(json!({ "param_json": String::from_utf8_lossy(&sent.body), "sign": sign }))
}
