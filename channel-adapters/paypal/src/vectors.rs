//! Test vectors: webhooks, and the text that they sign.

use channel::{
    RawRequest,
    vectors::{Scheme, Vector, put},
};
use serde_json::{Value, json};

use crate::{
    settings::{Settings, is_paypals},
    verify,
};

pub(crate) const SCHEMES: &[Scheme] =
    &[Scheme::request("paypal-webhook", webhook), Scheme::computed("paypal-webhook-signed-string", signed)];

/// The certificate is put under the address that the webhook names, if that is one of PayPal's.
fn webhook(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    put(settings, "webhook_id", &vector.text("/keys/webhook_id")?.into());
    let request = vector.written_request()?;
    let certificate = vector.text("/keys/certificate_pem")?;
    if let Some(url) = request.header("paypal-cert-url").ok().filter(|url| is_paypals(url, false)) {
        let mut certificates = serde_json::Map::new();
        certificates.insert(url.to_owned(), certificate.into());
        put(settings, "certificates", &certificates.into());
    }
    Ok(Some(request))
}

fn signed(vector: &Vector<'_>, settings: &Value) -> Result<Value, String> {
    let mut settings = settings.clone();
    put(&mut settings, "webhook_id", &vector.text("/keys/webhook_id")?.into());
    let settings = Settings::read(&settings.to_string()).map_err(|why| why.to_string())?;
    let mut request = vector.post(vector.text("/input/body")?);
    for name in ["transmission_id", "transmission_time"] {
        let value = vector.text(&format!("/input/{name}"))?.as_bytes().to_vec();
        request.headers.push((format!("paypal-{}", name.replace('_', "-")), value));
    }
    let text = verify::signed_text(&settings, &request).map_err(|why| why.to_string())?;
    Ok(json!({ "signed_string": text }))
}
