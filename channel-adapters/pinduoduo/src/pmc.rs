//! The long connection (PMC): what a relay that keeps it needs to know.
//!
//! Its frames, heart-beats and acknowledgements are described in the README; only the address needs the secret.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::legacy_sign::md5_hex;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use vocabulary::Secret;

/// The host of the long connection, with its scheme.
pub const ORIGIN: &str = "wss://message-api.pinduoduo.com";

/// The path to connect to, behind [`ORIGIN`]. `at_ms` is the time in Unix milliseconds.
///
/// The digest is the Base64 of the 32 hex digits of an MD5, by three SDKs and one published vector.
///
/// ```
/// use vocabulary::Secret;
/// let path = channel_pinduoduo::pmc::path("app", &Secret::new("secret".to_owned()), 1_700_000_000_000);
/// assert!(path.starts_with("/message/app/1700000000000/OTgx"));
/// ```
pub fn path(client_id: &str, client_secret: &Secret<String>, at_ms: i64) -> String {
    let plain = Secret::new(format!("{client_id}{at_ms}{}", client_secret.expose()));
    let digest = STANDARD.encode(md5_hex(plain.expose().as_bytes()));
    format!("/message/{client_id}/{at_ms}/{}", utf8_percent_encode(&digest, NON_ALPHANUMERIC))
}
