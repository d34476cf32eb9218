//! Test vectors: which request each stands for.

use channel::{
    RawRequest,
    vectors::{Scheme, Vector, put},
};
use serde_json::Value;

pub(crate) const SCHEMES: &[Scheme] = &[Scheme::request("template-webhook", webhook)];

fn webhook(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    put(settings, "secret", &vector.text("/keys/secret")?.into());
    vector.written_request().map(Some)
}
