//! Test vectors: notifications, and the signatures of our calls.

use channel::{
    RawRequest,
    vectors::{Scheme, Vector, put},
};
use serde_json::{Value, json};
use vocabulary::Secret;

use crate::canonical::{Fields, Numbers};

pub(crate) const SCHEMES: &[Scheme] =
    &[Scheme::request("epusdt-notify", notification), Scheme::computed("epusdt-sign", signed_call)];

fn notification(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    put(settings, "token", &vector.text("/keys/token")?.into());
    vector.written_request().map(Some)
}

fn signed_call(vector: &Vector<'_>, _: &Value) -> Result<Value, String> {
    let fields = Fields::read(vector.text("/input/body")?.as_bytes()).map_err(|why| why.to_string())?;
    let token = Secret::new(vector.text("/keys/token")?.to_owned());
    let sign = fields.signature(Numbers::AsSent, &token);
    Ok(json!({ "canonical": fields.canonical(Numbers::AsSent), "signature": sign }))
}
