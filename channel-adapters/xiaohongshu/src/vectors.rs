//! Test vectors: pushes, and the signatures of our calls.

use channel::{
    RawRequest,
    vectors::{Scheme, Vector, put},
};
use serde_json::{Value, json};
use vocabulary::Account;

use crate::{call, settings::Settings};

pub(crate) const SCHEMES: &[Scheme] = &[
    Scheme::request("xhs-push-md5", push),
    Scheme::request("xhs-v1-rest-md5", push),
    Scheme::computed("xhs-request-md5", signed_call),
];

fn push(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    put(settings, "app_secret", &vector.text("/keys/app_secret")?.into());
    put(settings, "app_id", &vector.text("/input/headers/app-key")?.into());
    put(settings, "push_path", &vector.text("/input/path")?.into());
    let sign = vector.sign("/input/headers/sign")?.as_bytes().to_vec();
    let mut request = vector.written_request()?;
    let query: Vec<String> =
        vector.pairs("/input/query")?.iter().map(|(name, value)| format!("{name}={value}")).collect();
    request.query = query.join("&");
    // The push path is the whole address; nothing stands behind the shop's.
    request.topic = String::new();
    "POST".clone_into(&mut request.method);
    if request.body.is_empty() {
        request.body = br#"{"test":true}"#.to_vec();
    }
    request.headers.retain(|(name, _)| name != "sign");
    request.headers.push(("sign".to_owned(), sign));
    Ok(Some(request))
}

fn signed_call(vector: &Vector<'_>, settings: &Value) -> Result<Value, String> {
    let mut settings = settings.clone();
    for field in ["app_id", "app_secret"] {
        put(&mut settings, field, &vector.text(&format!("/keys/{field}"))?.into());
    }
    let account: Account = "xiaohongshu/test".parse().map_err(|_| "no account".to_owned())?;
    let settings = Settings::read(&settings.to_string(), &account).map_err(|why| why.to_string())?;
    if vector.text("/input/version")? != call::VERSION {
        return Err("we speak another version".to_owned());
    }
    let canonical =
        call::canonical(&settings, vector.text("/input/method")?, vector.text("/input/timestamp")?);
    let sign = channel::legacy_sign::md5_hex(canonical.expose().as_bytes());
    Ok(json!({ "canonical": canonical.expose(), "sign": sign }))
}
