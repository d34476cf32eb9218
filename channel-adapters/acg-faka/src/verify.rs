//! Who speaks: the MD5 over the form. There is no time and no nonce: a repeat is known by its `request_no` alone.

use channel::{Proof, RawRequest, Refusal, Step, legacy_sign::md5_hex, sign};
use vocabulary::Secret;

use crate::settings::{Credentials, Sell};

/// The largest body that is looked at.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// The fields that mean something to us.
const USED: [&str; 11] = [
    "app_id",
    "app_key",
    "card_id",
    "code",
    "num",
    "race",
    "request_no",
    "sharedCode",
    "shared_code",
    "sku",
    "tradeNo",
];

/// What is signed, without the key at its end: the fields sorted by name as `k=v` joined by `&`, in clear. Fields
/// that are empty are left out; those in brackets belong to the name before them and keep their order.
fn joined<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let base = |name: &'a str| name.split_once('[').map_or(name, |(base, _)| base);
    let signed = |(name, value): &(&str, &str)| *name != "sign" && (!value.is_empty() || name.contains('['));
    let mut fields: Vec<(&str, &str)> = fields.into_iter().filter(signed).collect();
    fields.sort_by_key(|(name, _)| base(name));
    fields.iter().map(|(name, value)| format!("{name}={value}&")).collect()
}

/// The signature of a form.
pub(crate) fn signature<'a>(
    credentials: &Credentials,
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let plain = Secret::new(format!("{}key={}", joined(fields), credentials.app_key.expose()));
    md5_hex(plain.expose().as_bytes())
}

/// What a request's signature is made over. The key stands in it twice: as a field and at the end.
pub(crate) fn signed_text(request: &RawRequest) -> Option<String> {
    let form = request.form().ok()?;
    let hidden = form.iter().map(|(name, value)| match name.as_str() {
        "app_key" if !value.is_empty() => (name.as_str(), "***"),
        name => (name, value.as_str()),
    });
    Some(format!("{}key=***", joined(hidden)))
}

pub(crate) fn verify(sell: Option<&Sell>, request: &RawRequest) -> Result<Proof, Refusal> {
    request.check_post(RawRequest::FORM, BODY_BYTES_MAX)?;
    let form = request.form()?;
    let fields: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let value = |name: &str| fields.iter().find(|(n, v)| *n == name && !v.is_empty()).map(|(_, v)| *v);
    let not_set_up = Refusal::new(Step::Signature, "not_set_up", "the account has no such direction");
    let credentials = &sell.ok_or(not_set_up)?.credentials;
    let given = value("sign").ok_or(Refusal::new(Step::Signature, "missing_signature", "sign"))?;
    if value("app_id") != Some(credentials.app_id.as_str()) {
        return Err(Refusal::new(Step::Signature, "unknown_app", "app_id"));
    }
    let computed = signature(credentials, fields.iter().copied());
    let proof = sign::digest_matches(&computed, &given.to_ascii_lowercase())?;
    check_unambiguous(&fields)?;
    Ok(proof)
}

/// The signed text joins names and values with `=` and `&` in clear, so two forms can have one text. Names are words;
/// no value of a field that we use holds an `&`, and no other value looks as if it held such a field.
fn check_unambiguous(fields: &[(&str, &str)]) -> Result<(), Refusal> {
    let word = |name: &str| {
        let base = name.split_once('[').map_or(name, |(base, _)| base);
        let plain = base.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let brackets = name.len() == base.len() || (name.ends_with(']') && !name.contains(['&', '=']));
        plain && brackets && base.starts_with(|c: char| c.is_ascii_alphabetic())
    };
    let holds = |value: &str, name: &str| {
        value
            .match_indices(&format!("&{name}"))
            .any(|(at, found)| matches!(value.as_bytes().get(at + found.len()), Some(b'=' | b'[')))
    };
    let sound = fields.iter().all(|(name, value)| {
        let used = USED.iter().any(|known| name == known || name.starts_with(&format!("{known}[")));
        word(name) && if used { !value.contains('&') } else { !USED.iter().any(|known| holds(value, known)) }
    });
    if sound {
        return Ok(());
    }
    Err(Refusal::new(Step::Format, "ambiguous_form", "the signed text can be read in two ways"))
}
