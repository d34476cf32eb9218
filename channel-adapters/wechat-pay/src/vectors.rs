//! Test vectors: notifications, their cipher, and the signatures of our calls and of payments in a page.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{
    RawRequest,
    cipher::aes_256_gcm_open,
    sign::{RsaSigner, der_from_text},
    vectors::{Scheme, Vector, put},
};
use serde_json::{Value, json};

use crate::{call::canonical, settings::Merchant, verify::SCHEME};

pub(crate) const SCHEMES: &[Scheme] = &[
    Scheme::request("wechatpay-v3-notify", notification),
    Scheme::request("wechatpay-v3-notify-signature-only", notification),
    Scheme::computed("wechatpay-v3-aead-decrypt", opened),
    Scheme::computed("wechatpay-v3-request-sign", signed_call),
    Scheme::computed("wechatpay-v3-request-canonical", |vector, _| {
        Ok(json!({ "canonical": text_of_call(vector)? }))
    }),
    Scheme::computed("wechatpay-v3-jsapi-paysign", page_payment),
    Scheme::computed("rsa-sha256-pkcs1v15-sign", |vector, _| {
        Ok(json!({ "signature": sign(vector, vector.text("/input/message")?)? }))
    }),
];

fn notification(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    if let Some(key) = vector.value("/keys/apiv3_key") {
        put(settings, "apiv3_key", key);
    }
    let key = ["certificate_pem", "public_key_pem"].into_iter();
    let key = key.filter_map(|name| vector.maybe(&format!("/keys/verify/{name}"))).next();
    let id = vector.text("/keys/verify/serial")?;
    put(settings, "platform_keys", &json!([{ "id": id, "key": key.ok_or("it has no platform key")? }]));
    vector.written_request().map(Some)
}

fn opened(vector: &Vector<'_>, _: &Value) -> Result<Value, String> {
    let sealed = STANDARD.decode(vector.text("/input/ciphertext")?).map_err(|why| why.to_string())?;
    let (key, nonce) = (vector.text("/keys/apiv3_key")?, vector.text("/input/nonce")?);
    let aad = vector.text("/input/associated_data")?.as_bytes();
    Ok(match aes_256_gcm_open(key.as_bytes(), nonce.as_bytes(), aad, &sealed) {
        Some(plain) => json!({ "plaintext": String::from_utf8_lossy(&plain), "error": false }),
        None => json!({ "error": true }),
    })
}

fn text_of_call(vector: &Vector<'_>) -> Result<String, String> {
    let timestamp = vector.integer("/input/timestamp")?.to_string();
    let (method, url) = (vector.text("/input/method")?, vector.text("/input/url")?);
    Ok(canonical(method, url, &timestamp, vector.text("/input/nonce_str")?, vector.text("/input/body")?))
}

/// The parameters are read back from the header that a call would carry.
fn signed_call(vector: &Vector<'_>, settings: &Value) -> Result<Value, String> {
    let mut settings = settings.clone();
    let names = [
        ("mchid", "mchid"),
        ("merchant_serial_no", "serial_no"),
        ("merchant_private_key", "private_key_pem"),
    ];
    for (field, name) in names {
        put(&mut settings, field, &vector.text(&format!("/keys/{name}"))?.into());
    }
    let merchant = Merchant::read(&settings.to_string()).map_err(|why| why.to_string())?;
    let timestamp = vector.integer("/input/timestamp")?.to_string();
    let (method, url) = (vector.text("/input/method")?, vector.text("/input/url")?);
    let (nonce, body) = (vector.text("/input/nonce_str")?, vector.text("/input/body")?);
    let header =
        merchant.authorization(method, url, &timestamp, nonce, body).map_err(|why| why.0.to_owned())?;
    let (_, pairs) = header.split_once(' ').ok_or("the header has no parameters")?;
    let pairs = pairs.split(',').filter_map(|pair| pair.split_once('='));
    let params: serde_json::Map<_, _> =
        pairs.map(|(name, value)| (name.to_owned(), Value::from(value.trim_matches('"')))).collect();
    Ok(json!({
        "canonical": text_of_call(vector)?, "signature": params.get("signature"),
        "authorization_schema": SCHEME, "authorization_params": params,
    }))
}

fn page_payment(vector: &Vector<'_>, _: &Value) -> Result<Value, String> {
    let field = |name: &str| vector.text(&format!("/input/{name}"));
    let parts = [field("appId")?, field("timeStamp")?, field("nonceStr")?, field("package")?];
    let text = format!("{}\n", parts.join("\n"));
    Ok(json!({ "canonical": text, "paySign": sign(vector, &text)?, "signType": "RSA" }))
}

fn sign(vector: &Vector<'_>, text: &str) -> Result<String, String> {
    let der = der_from_text(vector.text("/keys/private_key_pem")?).ok_or("its key is no PEM")?;
    let signer = RsaSigner::from_pkcs8(der.expose()).ok_or("its key is no RSA key")?;
    Ok(STANDARD.encode(signer.sign_sha256(text.as_bytes()).ok_or("it cannot be signed")?))
}
