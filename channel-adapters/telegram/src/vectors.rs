//! Test vectors: webhooks, and the launch data of mini apps.

use channel::{
    RawRequest,
    vectors::{Scheme, Vector, put},
};
use serde_json::{Value, json};
use vocabulary::{Secret, Timestamp};

use crate::mini_app_user;

pub(crate) const SCHEMES: &[Scheme] =
    &[Scheme::request("telegram-webhook", webhook), Scheme::computed("telegram-webapp-init-data", launch)];

fn webhook(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    put(settings, "secret_token", &vector.text("/keys/secret_token")?.into());
    vector.written_request().map(Some)
}

/// Judged at the second it was made in, where the vector does not say when.
fn launch(vector: &Vector<'_>, _: &Value) -> Result<Value, String> {
    let token = Secret::new(vector.text("/keys/bot_token")?.to_owned());
    let data = vector.text("/input/init_data")?;
    let stated = data.split('&').find_map(|pair| pair.strip_prefix("auth_date="));
    let at = stated.and_then(|text| text.parse().ok()).unwrap_or_default();
    let (now, age) =
        (vector.integer("/input/now").unwrap_or(at), vector.integer("/input/tolerance").unwrap_or(3_600));
    Ok(json!({ "accept": mini_app_user(&token, data, age, Timestamp::from_secs(now)).is_ok() }))
}
