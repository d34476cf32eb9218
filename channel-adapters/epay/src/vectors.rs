//! Test vectors of both versions: notifications, and the signatures of our calls.

use channel::{
    RawRequest,
    vectors::{Scheme, Vector, put},
};
use serde_json::{Value, json};

use crate::settings::{Gateway, Version};

pub(crate) const OF_V1: &[Scheme] = &[
    Scheme::request("epay-v1-notify", notification),
    Scheme::computed("epay-v1-sign", |vector, settings| signed_call(Version::V1, vector, settings)),
];
pub(crate) const OF_V2: &[Scheme] = &[
    Scheme::request("epay-v2-notify", notification),
    Scheme::computed("epay-v2-sign", |vector, settings| signed_call(Version::V2, vector, settings)),
];

/// The settings' field of each key.
const KEYS: [(&str, &str); 4] = [
    ("pid", "pid"),
    ("key", "key"),
    ("platform_public_key", "platform_public_key_b64"),
    ("merchant_private_key", "merchant_private_key_pem"),
];

fn keys(vector: &Vector<'_>, settings: &mut Value) {
    for (field, name) in KEYS {
        if let Some(key) = vector.value(&format!("/keys/{name}")) {
            put(settings, field, key);
        }
    }
}

fn notification(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    keys(vector, settings);
    vector.written_request().map(Some)
}

fn signed_call(version: Version, vector: &Vector<'_>, settings: &Value) -> Result<Value, String> {
    let mut settings = settings.clone();
    keys(vector, &mut settings);
    let gateway = Gateway::open(version, &settings.to_string()).map_err(|why| why.to_string())?;
    let canonical = gateway.canonical(&vector.pairs("/input/params")?);
    let (sign, _) = gateway.sign(&canonical).map_err(|why| why.0.to_owned())?;
    Ok(json!({ "canonical": canonical, "sign": sign }))
}
