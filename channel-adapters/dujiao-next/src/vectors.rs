//! Test vectors: signed requests, which read the same in either direction.

use channel::{
    RawRequest,
    legacy_sign::md5_hex,
    vectors::{Scheme, Vector},
};
use serde_json::{Value, json};

use crate::verify::{KEY_HEADER, SIGNATURE_HEADER};

pub(crate) const SCHEMES: &[Scheme] =
    &[Scheme::request("dujiao-next-hmac-sha256", call).and_computed(digest)];

fn call(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    let mut request = vector.written_request()?;
    let named = request.header(KEY_HEADER).map(str::to_owned).ok();
    let key = named.clone().unwrap_or_else(|| "k".to_owned());
    for side in ["sell", "buy"] {
        settings[side]["api_key"] = key.as_str().into();
        settings[side]["api_secret"] = vector.text("/keys/api_secret")?.into();
    }
    if named.is_none() {
        request.headers.push((KEY_HEADER.to_owned(), key.into_bytes()));
    }
    if request.header(SIGNATURE_HEADER).is_err() {
        let sign = vector.text("/expected/sign")?.as_bytes().to_vec();
        request.headers.push((SIGNATURE_HEADER.to_owned(), sign));
    }
    Ok(Some(request))
}

fn digest(vector: &Vector<'_>, _: &Value) -> Result<Value, String> {
    Ok(json!({ "body_md5": md5_hex(vector.text("/input/body")?.as_bytes()) }))
}
