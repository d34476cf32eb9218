//! Test vectors: the signatures of our calls and of the queue, and service calls.

use channel::{
    RawRequest,
    vectors::{Scheme, Vector, put},
};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::{api, settings::SignMethod, wire};

/// The queue is taken by HTTP; the frames of its long connection are not spoken.
pub(crate) const SCHEMES: &[Scheme] = &[
    Scheme::computed("top-request-md5", |vector, _| call(vector, SignMethod::Md5)),
    Scheme::computed("top-request-hmac-md5", |vector, _| call(vector, SignMethod::Hmac)),
    Scheme::computed("top-tmc-connect-md5", connection),
    Scheme::request("top-spi-md5", service_call),
];

fn call(vector: &Vector<'_>, method: SignMethod) -> Result<Value, String> {
    let mut params = vector.pairs("/input/params")?;
    params.retain(|(name, _)| name != "sign");
    signed(&params, vector.text("/keys/app_secret")?, method)
}

fn connection(vector: &Vector<'_>, _: &Value) -> Result<Value, String> {
    let params = [
        ("app_key", vector.text("/keys/app_key")?.to_owned()),
        ("group_name", vector.text("/input/group_name")?.to_owned()),
        ("timestamp", vector.text("/input/timestamp_ms")?.to_owned()),
    ];
    signed(&params, vector.text("/keys/app_secret")?, SignMethod::Md5)
}

fn signed<N: AsRef<str>>(params: &[(N, String)], secret: &str, method: SignMethod) -> Result<Value, String> {
    let joined = api::joined(params);
    let canonical = match method {
        SignMethod::Md5 => format!("{secret}{joined}{secret}"),
        SignMethod::Hmac => joined,
    };
    Ok(json!({ "canonical": canonical, "sign": api::signature(params, secret, method) }))
}

fn service_call(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    put(settings, "app_secret", &vector.text("/keys/app_secret")?.into());
    let url = vector.text("/input/url")?;
    let (_, query) = url.split_once('?').ok_or("its url has no query")?;
    let mut request = vector.written_request()?;
    query.clone_into(&mut request.query);
    // Read by itself: the others may be of another charset.
    let stated = query.split('&').find_map(|pair| pair.strip_prefix("timestamp="));
    let stated =
        stated.map(|text| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned());
    if let Some(at) = stated.and_then(|text| wire::time(&text)) {
        request.received_at = at;
    }
    Ok(Some(request))
}
