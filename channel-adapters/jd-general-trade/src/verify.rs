//! Who speaks: the MD5 signature over the sorted form fields, and the clock.

use channel::{Proof, RawRequest, Refusal, Step, legacy_sign::md5_hex, sign};
use vocabulary::{Secret, Timestamp};

use crate::{settings::Settings, wire};

/// The largest body that is looked at.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// The fields of JD's requests whose value may be any text. The others are digits.
const FREE_TEXT: [&str; 4] = ["expand", "notifyUrl", "produceAccount", "wareNo"];
/// The fields that the document names.
const NAMES: [&str; 12] = [
    "expand",
    "jdOrderNo",
    "notifyUrl",
    "payTime",
    "produceAccount",
    "quantity",
    "sign",
    "signType",
    "timestamp",
    "totalPrice",
    "vendorId",
    "wareNo",
];

/// The signature of fields: those that have a value, sorted by name, as `k1v1k2v2…` and the private key. Values
/// are taken as they were before url-encoding, and encrypted ones in encrypted form.
pub(crate) fn signature(settings: &Settings, fields: &[(&str, &str)]) -> String {
    let plain = Secret::new(joined(&sorted(fields)) + settings.private_key.expose());
    md5_hex(plain.expose().as_bytes())
}

/// What a form's signature is made over, with the key left out.
pub(crate) fn signed_text(request: &RawRequest) -> Option<String> {
    let form = request.form().ok()?;
    let fields: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    Some(joined(&sorted(&fields)) + "***")
}

fn sorted<'a>(fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let signed = |(name, value): &&(&str, &str)| !matches!(*name, "sign" | "signType") && !value.is_empty();
    let mut fields: Vec<_> = fields.iter().filter(signed).copied().collect();
    fields.sort_unstable();
    fields
}

fn joined(fields: &[(&str, &str)]) -> String {
    fields.iter().map(|(name, value)| format!("{name}{value}")).collect()
}

pub(crate) fn verify(settings: &Settings, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
    request.check_post(RawRequest::FORM, BODY_BYTES_MAX)?;
    let form = request.form()?;
    let fields: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let value = |name: &str| fields.iter().find(|(n, v)| *n == name && !v.is_empty()).map(|(_, v)| *v);
    let given = value("sign").ok_or(Refusal::new(Step::Signature, "missing_signature", "sign"))?;
    if value("signType") != Some("MD5") {
        return Err(Refusal::new(Step::Signature, "unknown_algorithm", "signType"));
    }
    let proof = sign::digest_matches(&signature(settings, &fields), &given.to_ascii_lowercase())?;
    check_unambiguous(&sorted(&fields))?;
    let timestamp = value("timestamp").ok_or(Refusal::new(Step::Time, "missing_timestamp", "timestamp"))?;
    let signed_at = wire::beijing_time(timestamp).ok_or(Refusal::new(
        Step::Time,
        "malformed_timestamp",
        "timestamp is not yyyyMMddHHmmss",
    ))?;
    sign::check_time(signed_at, now, settings.tolerance_secs)?;
    Ok(proof)
}

/// The signed text joins names and values without any separator, so two different forms can have one text. With
/// names that are words, all fields but four digits only, and the names of the document nowhere inside those four,
/// one reading is left, unless a field that we do not know stands right behind one of the four: it could be a piece
/// of that one's value. Nor may a name of the document stand anywhere but as a name: its bytes could have been moved.
fn check_unambiguous(fields: &[(&str, &str)]) -> Result<(), Refusal> {
    let word = |name: &str| name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_') && !name.is_empty();
    let digits = |value: &str| value.bytes().all(|b| b.is_ascii_digit());
    let sound = fields.iter().enumerate().all(|(at, (name, value))| {
        let free = FREE_TEXT.contains(name);
        let known = NAMES.contains(name);
        let holds_a_name = free && NAMES.iter().any(|other| value.contains(other));
        let behind_free = at.checked_sub(1).is_some_and(|before| FREE_TEXT.contains(&fields[before].0));
        word(name) && (free || !known || digits(value)) && !holds_a_name && (known || !behind_free)
    });
    let text = joined(fields);
    let dissolved = NAMES.iter().filter(|name| !name.starts_with("sign")).any(|name| {
        let as_name = usize::from(fields.iter().any(|(own, _)| own == name));
        text.matches(name).count() != as_name
    });
    if sound && !dissolved {
        return Ok(());
    }
    Err(Refusal::new(Step::Format, "ambiguous_form", "the signed text can be read in two ways"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A top-up names an account, an order of keys does not: the name must not go unseen.
    #[test]
    fn a_name_whose_bytes_were_moved_is_refused() {
        let with = |name, value| [("payTime", "20260102110000"), (name, value), ("quantity", "1")];
        assert!(check_unambiguous(&with("produceAccount", "13800000000")).is_ok());
        for (name, value) in [("produceAccoun", "t13800000000"), ("p", "roduceAccount13800000000")] {
            assert!(check_unambiguous(&with(name, value)).is_err(), "{name}");
        }
        assert!(check_unambiguous(&with("other", "1")).is_ok());
    }
}
