//! Test vectors of the protocol that the example recipe describes.

use channel::{
    RawRequest,
    vectors::{Scheme, Vector},
};
use serde_json::Value;

pub(crate) const SCHEMES: &[Scheme] = &[Scheme::request("epay-v1-notify", notification)];

fn notification(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    settings["secrets"]["key"] = vector.text("/keys/key")?.into();
    settings["values"]["pid"] = vector.text("/keys/pid")?.into();
    vector.written_request().map(Some)
}
