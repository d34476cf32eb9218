//! Test vectors: notifications, and the signatures of our calls.

use channel::{
    RawRequest,
    vectors::{Scheme, Vector, put},
};
use serde_json::{Value, json};

use crate::{canonical::canonical, settings::Merchant, verify};

pub(crate) const SCHEMES: &[Scheme] = &[
    Scheme::request("alipay-notify", notification),
    Scheme::computed("alipay-notify-canonical", |vector, _| {
        Ok(json!({ "canonical": verify::signed_text(&vector.written_request()?) }))
    }),
    Scheme::computed("alipay-request-sign", signed_call),
];

fn notification(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    put(settings, "alipay_public_key", &vector.text("/keys/alipay_public_key_pem")?.into());
    for field in ["app_id", "seller_id"] {
        put(settings, field, &vector.text(&format!("/keys/{field}"))?.into());
    }
    vector.written_request().map(Some)
}

fn signed_call(vector: &Vector<'_>, settings: &Value) -> Result<Value, String> {
    let mut settings = settings.clone();
    put(&mut settings, "app_private_key", &vector.text("/keys/app_private_key_pem")?.into());
    let merchant = Merchant::read(&settings.to_string()).map_err(|why| why.to_string())?;
    let pairs = vector.pairs("/input/params")?;
    let sign = merchant.sign(&pairs).map_err(|why| why.0.to_owned())?;
    Ok(json!({ "canonical": canonical(&pairs, &["sign"]), "sign": sign }))
}
