//! Test vectors: goofish's signed calls, and the digest of a body.

use channel::{
    RawRequest,
    legacy_sign::md5_hex,
    vectors::{Scheme, Vector, put},
};
use serde_json::{Value, json};

pub(crate) const SCHEMES: &[Scheme] =
    &[Scheme::request("xianyu-supply-md5", call), Scheme::computed("xianyu-supply-body-md5", digest)];

fn call(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    for field in ["app_id", "app_secret", "mch_id", "mch_secret"] {
        put(settings, field, vector.value(&format!("/keys/{field}")).ok_or("a key is missing")?);
    }
    vector.written_request().map(Some)
}

fn digest(vector: &Vector<'_>, _: &Value) -> Result<Value, String> {
    Ok(json!({ "body_md5": md5_hex(vector.text("/input/body")?.as_bytes()) }))
}
