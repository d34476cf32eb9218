//! Test vectors: pushes, and the signatures of our calls.

use channel::{
    RawRequest,
    vectors::{Scheme, Vector, put},
};
use serde_json::{Value, json};
use vocabulary::Account;

use crate::{call, settings::Settings, verify};

pub(crate) const SCHEMES: &[Scheme] = &[
    Scheme::request("kuaishou-push-aes-128-cbc", push).and_computed(opened),
    Scheme::computed("kuaishou-request-md5", signed_call),
    Scheme::computed("kuaishou-request-hmac-sha256", signed_call),
];

fn push(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    put(settings, "message_secret", &vector.text("/keys/message_secret_base64")?.into());
    let plain = vector.maybe("/expected/plaintext").and_then(|text| serde_json::from_str::<Value>(text).ok());
    if let Some(app) = plain.as_ref().and_then(|plain| plain.get("appKey")) {
        put(settings, "app_key", app);
    }
    Ok(Some(vector.post(vector.text("/input/body")?)))
}

fn opened(vector: &Vector<'_>, settings: &Value) -> Result<Value, String> {
    let mut settings = settings.clone();
    put(&mut settings, "message_secret", &vector.text("/keys/message_secret_base64")?.into());
    let plain = verify::decrypt(&read(&settings)?, vector.text("/input/body")?.as_bytes());
    let plain = plain.map_err(|why| why.to_string())?;
    Ok(json!({ "plaintext": String::from_utf8_lossy(&plain) }))
}

fn signed_call(vector: &Vector<'_>, settings: &Value) -> Result<Value, String> {
    let mut settings = settings.clone();
    put(&mut settings, "sign_secret", &vector.text("/keys/sign_secret")?.into());
    put(&mut settings, "sign_method", &vector.text("/input/params/signMethod")?.into());
    let mut pairs = vector.pairs("/input/params")?;
    pairs.retain(|(name, _)| name != "sign");
    pairs.sort();
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let settings = read(&settings)?;
    let canonical = call::canonical(&settings, &pairs);
    Ok(json!({ "canonical": canonical.expose(), "sign": call::signature(&settings, &pairs) }))
}

fn read(settings: &Value) -> Result<Settings, String> {
    let account: Account = "kuaishou/test".parse().map_err(|_| "no account".to_owned())?;
    Settings::read(&settings.to_string(), &account).map_err(|why| why.to_string())
}
