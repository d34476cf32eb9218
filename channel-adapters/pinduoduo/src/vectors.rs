//! Test vectors: the signatures of our calls and of the long connection.

use channel::vectors::{Scheme, Vector};
use serde_json::{Value, json};
use vocabulary::Secret;

use crate::{api, pmc};

pub(crate) const SCHEMES: &[Scheme] =
    &[Scheme::computed("pdd-request-md5", call), Scheme::computed("pdd-pmc-connect", connection)];

fn call(vector: &Vector<'_>, _: &Value) -> Result<Value, String> {
    let mut params = vector.pairs("/input/params")?;
    params.retain(|(name, _)| name != "sign");
    let secret = vector.text("/keys/client_secret")?;
    let wire: serde_json::Map<_, _> =
        params.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    let canonical = api::canonical(&params, secret);
    Ok(json!({
        "wire_params": wire, "canonical": canonical.expose(), "sign": api::signature(&params, secret),
    }))
}

fn connection(vector: &Vector<'_>, _: &Value) -> Result<Value, String> {
    let secret = Secret::new(vector.text("/keys/client_secret")?.to_owned());
    let path = pmc::path(vector.text("/keys/client_id")?, &secret, vector.integer("/input/timestamp_ms")?);
    Ok(json!({ "url_path": path }))
}
