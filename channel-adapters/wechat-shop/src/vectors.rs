//! Test vectors: pushes and their sealed replies, the check of the address, and the signatures of virtual payments.

use channel::{
    RawRequest,
    vectors::{Scheme, Vector, put},
};
use serde_json::{Value, json};
use vocabulary::Secret;

use crate::{envelope, xpay_signatures};

pub(crate) const SHOP: &[Scheme] = &[PUSH, ADDRESS, REPLY];
pub(crate) const XPAY: &[Scheme] = &[PUSH, ADDRESS, REPLY, Scheme::computed("xpay-signatures", signatures)];

const PUSH: Scheme = Scheme::request("wechat-push-request", push);
const ADDRESS: Scheme = Scheme::request("wechat-push-url-check", push);
const REPLY: Scheme = Scheme::computed("wechat-push-reply-encrypt", sealed);

fn push(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    for field in ["appid", "token", "encoding_aes_key"] {
        if let Some(key) = vector.value(&format!("/keys/{field}")) {
            put(settings, field, key);
        }
    }
    vector.written_request().map(Some)
}

fn sealed(vector: &Vector<'_>, _: &Value) -> Result<Value, String> {
    let token = Secret::new(vector.text("/keys/token")?.to_owned());
    let key = envelope::aes_key(vector.text("/keys/encoding_aes_key")?).ok_or("its key is none")?;
    let sealer = envelope::Sealer { token: &token, key: key.expose(), appid: vector.text("/keys/appid")? };
    let (random, message) = (vector.text("/input/random16")?, vector.text("/input/message")?);
    let at = vector.integer("/input/timestamp")?;
    let sealed = sealer.seal_with(random.as_bytes(), message, at, vector.text("/input/nonce")?);
    serde_json::to_value(sealed.ok_or("it cannot be sealed")?).map_err(|why| why.to_string())
}

fn signatures(vector: &Vector<'_>, _: &Value) -> Result<Value, String> {
    let secret = |pointer: &str| vector.text(pointer).map(|text| Secret::new(text.to_owned()));
    let (uri, body) = (vector.text("/input/uri")?, vector.text("/input/post_body")?);
    let made = xpay_signatures(&secret("/keys/app_key")?, &secret("/keys/session_key")?, uri, body);
    Ok(json!({ "pay_sig": made.pay_sig, "signature": made.signature }))
}
