//! Test vectors: pushes, and the signatures of our calls.

use channel::{
    RawRequest,
    vectors::{Scheme, Vector, form, put},
};
use serde_json::{Value, json};

use crate::{settings::Settings, verify};

pub(crate) const SCHEMES: &[Scheme] = &[
    Scheme::request("agiso-push-md5", push),
    Scheme::computed("agiso-api-md5", call),
    Scheme::computed("agiso-token-md5", call),
];

fn push(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    put(settings, "app_secret", &vector.text("/keys/app_secret")?.into());
    let mut request = vector.written_request()?;
    request.body = form(&vector.pairs("/input/form")?).into_bytes();
    Ok(Some(request))
}

fn call(vector: &Vector<'_>, settings: &Value) -> Result<Value, String> {
    let mut settings = settings.clone();
    put(&mut settings, "app_secret", &vector.text("/keys/app_secret")?.into());
    let settings = Settings::read(&settings.to_string()).map_err(|why| why.to_string())?;
    let mut fields = vector.pairs("/input/params")?;
    fields.retain(|(name, _)| name != "sign");
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let canonical = verify::canonical(&settings, &fields);
    Ok(json!({ "canonical": canonical.expose(), "sign": verify::signature(&settings, &fields) }))
}
