//! Test vectors: pushes, and the recipe of app messages, which are encrypted and not signed, so that none is taken in.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{
    RawRequest, cipher,
    vectors::{Scheme, Vector, put},
};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

pub(crate) const SCHEMES: &[Scheme] =
    &[Scheme::request("youzan-push-md5", push), Scheme::computed("youzan-message-aes-128-cbc", app_message)];

fn push(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    for field in ["client_id", "client_secret"] {
        put(settings, field, &vector.text(&format!("/keys/{field}"))?.into());
    }
    let body = vector.value("/input/body_json").ok_or("it has no body")?;
    Ok(Some(vector.post(body.to_string())))
}

fn app_message(vector: &Vector<'_>, _: &Value) -> Result<Value, String> {
    let text = percent_decode_str(vector.text("/input/message")?).decode_utf8_lossy();
    let sealed = STANDARD.decode(text.as_ref()).map_err(|_| "the message is no Base64".to_owned())?;
    let key = vector.text("/keys/client_secret")?.as_bytes().get(..16).ok_or("the secret is too short")?;
    let open = cipher::aes_cbc_decrypt(key, b"0102030405060708", &sealed).ok_or("not whole blocks")?;
    let plain = cipher::unpad(&open, 16).ok_or("no padding")?;
    Ok(json!({ "plaintext": String::from_utf8_lossy(plain) }))
}
