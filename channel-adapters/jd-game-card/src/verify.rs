//! Who speaks: the MD5 signature over the sorted form fields, and the clock.

use channel::{Proof, RawRequest, Refusal, Step, legacy_sign::md5_hex, sign};
use vocabulary::{Secret, Timestamp};

use crate::{settings::Settings, wire};

/// The largest body that is looked at.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// The signature of a form: its fields that have a value, sorted by name, as `k=v&…&` and the private key.
/// Values are taken as they were before url-encoding.
pub(crate) fn signature(settings: &Settings, fields: &[(&str, &str)]) -> String {
    let plain = Secret::new(sorted(fields) + settings.private_key.expose());
    md5_hex(plain.expose().as_bytes())
}

/// What a form's signature is made over, with the key left out.
pub(crate) fn signed_text(request: &RawRequest) -> Option<String> {
    let form = request.form().ok()?;
    let fields: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    Some(sorted(&fields) + "***")
}

fn sorted(fields: &[(&str, &str)]) -> String {
    let mut fields: Vec<_> =
        fields.iter().filter(|(name, value)| *name != "sign" && !value.is_empty()).collect();
    fields.sort_unstable();
    fields.iter().map(|(name, value)| format!("{name}={value}&")).collect()
}

pub(crate) fn verify(settings: &Settings, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
    request.check_post(RawRequest::FORM, BODY_BYTES_MAX)?;
    let form = request.form()?;
    let fields: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    check_unambiguous(&fields)?;
    let value = |name: &str| fields.iter().find(|(n, v)| *n == name && !v.is_empty()).map(|(_, v)| *v);
    let given = value("sign").ok_or(Refusal::new(Step::Signature, "missing_signature", "sign"))?;
    if value("customerId") != Some(settings.customer_id.to_string().as_str()) {
        return Err(Refusal::new(Step::Signature, "unknown_customer", "customerId"));
    }
    let proof = sign::digest_matches(&signature(settings, &fields), &given.to_ascii_lowercase())?;
    let timestamp = value("timestamp").ok_or(Refusal::new(Step::Time, "missing_timestamp", "timestamp"))?;
    let signed_at = wire::beijing_time(timestamp).ok_or(Refusal::new(
        Step::Time,
        "malformed_timestamp",
        "timestamp is not yyyyMMddHHmmss",
    ))?;
    sign::check_time(signed_at, now, settings.tolerance_secs)?;
    Ok(proof)
}

/// The signed text joins names and values with `=` and `&` unescaped, so two different forms could have one
/// text. Names are words and no value of the protocol holds an `&`: with that, the text can be read in one
/// way only.
fn check_unambiguous(fields: &[(&str, &str)]) -> Result<(), Refusal> {
    let word = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if fields.iter().all(|(name, value)| word(name) && !value.contains('&')) {
        return Ok(());
    }
    Err(Refusal::new(Step::Format, "ambiguous_form", "a field name or value holds a separator"))
}
