//! Test vectors: webhooks.

use channel::{
    RawRequest,
    vectors::{Scheme, Vector, put},
};
use serde_json::Value;

pub(crate) const SCHEMES: &[Scheme] = &[Scheme::request("shopify-webhook", webhook)];

fn webhook(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    let secret = vector.text("/keys/client_secret")?;
    // Settings want a secret of a proper length; a wrong one may be short.
    put(settings, "client_secrets", &format!("{secret:0<16}").into());
    if let Ok(shop) = vector.text("/input/headers/X-Shopify-Shop-Domain") {
        put(settings, "shop", &shop.into());
    }
    vector.written_request().map(Some)
}
