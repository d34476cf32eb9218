//! Test vectors: the one signature of pushes and of our calls.

use channel::{
    RawRequest,
    legacy_sign::md5_hex,
    vectors::{Scheme, Vector, put},
};
use serde_json::{Value, json};
use vocabulary::Timestamp;

use crate::{outbound::signed_post, settings::Settings};

pub(crate) const SCHEMES: &[Scheme] = &[
    Scheme::request("xianyu-erp-md5", push).and_computed(call),
    Scheme::request("xianyu-erp-md5-partner", push).and_computed(call),
];

fn keys(vector: &Vector<'_>, settings: &mut Value) -> Result<(), String> {
    for field in ["app_key", "app_secret"] {
        put(settings, field, vector.value(&format!("/keys/{field}")).ok_or("a key is missing")?);
    }
    let seller = vector.value("/input/query/seller_id").map(|_| vector.integer("/input/query/seller_id"));
    put(settings, "seller_id", &seller.transpose()?.map_or(Value::Null, Value::from));
    Ok(())
}

fn push(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    keys(vector, settings)?;
    let mut request = vector.written_request()?;
    // A vector may be of a call of ours; the signature is the same.
    "order".clone_into(&mut request.topic);
    "POST".clone_into(&mut request.method);
    Ok(Some(request))
}

fn call(vector: &Vector<'_>, settings: &Value) -> Result<Value, String> {
    let mut settings = settings.clone();
    keys(vector, &mut settings)?;
    let settings = Settings::read(&settings.to_string()).map_err(|why| why.to_string())?;
    let body = vector.text("/input/body")?;
    let now = Timestamp::from_secs(vector.integer("/input/query/timestamp")?);
    let sent = signed_post(&settings, "/x", body.as_bytes().to_vec(), now);
    let (_, sign) = sent.url.split_once("&sign=").ok_or("the call is not signed")?;
    Ok(json!({ "sign": sign, "body_md5": md5_hex(body.as_bytes()) }))
}
