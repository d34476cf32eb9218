//! Test vectors: webhooks.

use channel::{
    RawRequest,
    vectors::{Scheme, Vector, put},
};
use serde_json::Value;

pub(crate) const SCHEMES: &[Scheme] = &[Scheme::request("stripe-webhook", webhook)];

fn webhook(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    put(settings, "webhook_secrets", vector.value("/keys/secrets").ok_or("it has no secrets")?);
    let mut request = vector.post(vector.text("/input/body")?);
    let header = vector.maybe("/input/header").map(|header| header.as_bytes().to_vec());
    request.headers.extend(header.map(|header| ("stripe-signature".to_owned(), header)));
    Ok(Some(request))
}
