//! Test vectors: the forms that JD signs, and cards as they are sealed for JD.

use channel::{
    RawRequest,
    vectors::{Scheme, Vector, form, put},
};
use serde_json::{Value, json};

use crate::{settings::Settings, verify, wire};

pub(crate) const SCHEMES: &[Scheme] = &[
    Scheme::request("jd-general-trade-md5", order).and_computed(signature),
    Scheme::computed("jd-general-trade-aes-256-ecb", sealed),
];

/// A vector without a time is of the older protocol, whose signature alone is ours.
fn order(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    put(settings, "private_key", &vector.text("/keys/private_key")?.into());
    let stated = vector.maybe("/input/params/timestamp").and_then(wire::beijing_time);
    let Some(at) = stated.or_else(|| (vector.accept() == Some(false)).then_some(vector.post("").received_at))
    else {
        return Ok(None);
    };
    if let Some(vendor) = vector.value("/input/params/vendorId") {
        put(settings, "vendor_id", vendor);
    }
    let mut fields = vector.pairs("/input/params")?;
    fields.retain(|(name, _)| name != "sign" && name != "signType");
    fields.push(("sign".to_owned(), vector.sign("/input/params/sign")?.to_owned()));
    fields.push(("signType".to_owned(), "MD5".to_owned()));
    let mut request = vector.post(form(&fields));
    "beginDistill".clone_into(&mut request.topic);
    request.received_at = at;
    Ok(Some(request))
}

fn signature(vector: &Vector<'_>, settings: &Value) -> Result<Value, String> {
    let mut settings = settings.clone();
    put(&mut settings, "private_key", &vector.text("/keys/private_key")?.into());
    let settings = Settings::read(&settings.to_string()).map_err(|why| why.to_string())?;
    let fields = vector.pairs("/input/params")?;
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    Ok(json!({ "sign": verify::signature(&settings, &fields) }))
}

fn sealed(vector: &Vector<'_>, _: &Value) -> Result<Value, String> {
    let key = vector.text("/keys/key")?.as_bytes();
    let sealed = wire::sealed(key, vector.text("/input/plaintext")?.as_bytes());
    Ok(json!({ "ciphertext_base64": sealed.ok_or("the key has a wrong length")? }))
}
