//! Test vectors: webhooks, and the ping at their creation, which is not signed.

use channel::{
    RawRequest,
    vectors::{Scheme, Vector, put},
};
use serde_json::Value;

pub(crate) const SCHEMES: &[Scheme] = &[Scheme::request("woocommerce-webhook", webhook)];

fn webhook(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    let secret = vector.text("/keys/secret")?;
    // Settings want a secret of a proper length; a wrong one may be short.
    put(settings, "secret", &format!("{secret:0<16}").into());
    vector.written_request().map(Some)
}
