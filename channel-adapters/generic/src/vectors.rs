//! Test vectors of the standard, as others sign and judge them.

use channel::{
    RawRequest,
    vectors::{Scheme, Vector, put},
};
use serde_json::{Value, json};
use vocabulary::Timestamp;

pub(crate) const SCHEMES: &[Scheme] = &[
    Scheme::request("standard-webhooks-verify", received),
    Scheme::request("standard-webhooks-verify-v1a", received),
    Scheme::request("standard-webhooks-sign", signed),
    Scheme::request("standard-webhooks-sign-v1a", signed),
];

fn received(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    keys(vector, settings);
    vector.written_request().map(Some)
}

/// The message that has the signature which is expected.
fn signed(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    keys(vector, settings);
    let secs = vector.integer("/input/timestamp")?;
    let at = secs.to_string();
    let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    let mut request = vector.post(vector.text("/input/body")?);
    request.headers = vec![
        header("content-type", "application/json"),
        header("webhook-id", vector.text("/input/msg_id")?),
        header("webhook-timestamp", &at),
        header("webhook-signature", vector.text("/expected/signature")?),
    ];
    request.received_at = Timestamp::from_secs(secs);
    Ok(Some(request))
}

fn keys(vector: &Vector<'_>, settings: &mut Value) {
    for (field, names) in [("secrets", ["secrets", "secret"]), ("public_keys", ["public_keys", "public_key"])]
    {
        let key = names.iter().find_map(|name| vector.value(&format!("/keys/{name}")));
        put(settings, field, key.unwrap_or(&json!([])));
    }
}
