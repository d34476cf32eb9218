//! Test vectors: messages of the marketplace, and calls of ours.

use channel::{
    RawRequest,
    vectors::{Scheme, Vector, put},
};
use serde_json::{Value, json};
use vocabulary::Timestamp;

use crate::settings::Settings;

pub(crate) const SCHEMES: &[Scheme] =
    &[Scheme::request("sandbox-to-merchant", received), Scheme::computed("sandbox-to-marketplace", called)];

fn received(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    keys(vector, settings)?;
    vector.written_request().map(Some)
}

/// The signature of the call that we would make.
fn called(vector: &Vector<'_>, settings: &Value) -> Result<Value, String> {
    let mut settings = settings.clone();
    keys(vector, &mut settings)?;
    let settings = Settings::read(&settings.to_string()).map_err(|why| why.to_string())?;
    let body: Value = serde_json::from_str(vector.text("/input/body")?).map_err(|why| why.to_string())?;
    let now = Timestamp::from_secs(vector.integer("/input/timestamp")?);
    let call = settings.call(vector.text("/input/topic")?, vector.text("/input/message")?, &body, now);
    let call = call.map_err(|why| why.0.to_owned())?;
    let signature = call.headers.into_iter().find(|(name, _)| name == "x-sandbox-signature");
    let (_, signature) = signature.ok_or("the call is not signed")?;
    Ok(json!({ "signature": signature }))
}

fn keys(vector: &Vector<'_>, settings: &mut Value) -> Result<(), String> {
    put(settings, "secret", &vector.text("/keys/secret")?.into());
    if let Some(older) = vector.value("/keys/older_secret") {
        put(settings, "older_secret", older);
    }
    Ok(())
}
