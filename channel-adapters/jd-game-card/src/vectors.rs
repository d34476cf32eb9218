//! Test vectors: the forms that JD signs.

use channel::{
    RawRequest,
    vectors::{Scheme, Vector, form, put},
};
use serde_json::Value;

use crate::wire;

pub(crate) const SCHEMES: &[Scheme] = &[Scheme::request("jd-game-card-md5", order)];

fn order(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    put(settings, "private_key", &vector.text("/keys/private_key")?.into());
    put(settings, "customer_id", &vector.text("/input/params/customerId")?.into());
    let mut fields = vector.pairs("/input/params")?;
    fields.retain(|(name, _)| name != "sign");
    fields.push(("sign".to_owned(), vector.sign("/input/params/sign")?.to_owned()));
    let mut request = vector.post(form(&fields));
    "card/order".clone_into(&mut request.topic);
    if let Some(at) = vector.maybe("/input/params/timestamp").and_then(wire::beijing_time) {
        request.received_at = at;
    }
    Ok(Some(request))
}
