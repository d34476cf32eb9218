//! Test vectors: signed forms, which read the same in either direction.

use channel::{
    RawRequest,
    vectors::{Scheme, Vector, form},
};
use serde_json::Value;

pub(crate) const SCHEMES: &[Scheme] = &[Scheme::request("acg-faka-md5", order)];

fn order(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    let mut fields = vector.pairs("/input/form_pairs").or_else(|_| vector.pairs("/input/form"))?;
    let app_id = fields.iter().find(|(name, _)| name == "app_id").map(|(_, id)| id.clone());
    settings["sell"]["app_id"] = app_id.unwrap_or_else(|| "1".to_owned()).into();
    settings["sell"]["app_key"] = vector.text("/keys/app_key")?.into();
    if !fields.iter().any(|(name, _)| name == "sign") {
        fields.push(("sign".to_owned(), vector.text("/expected/sign")?.to_owned()));
    }
    let mut request = vector.post(form(&fields));
    "shared/commodity/trade".clone_into(&mut request.topic);
    Ok(Some(request))
}
