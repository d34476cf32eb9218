//! The comparisons that make a [`Proof`]. All compare in constant time, and an empty value never matches.

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{digest, hmac, signature};
use subtle::ConstantTimeEq;
use vocabulary::{Secret, Timestamp};

use crate::{Proof, Refusal, Step};

const BAD: Refusal = Refusal::new(Step::Signature, "bad_signature", "signature does not match");

/// Compares a digest that we computed with the one the request carries, as text.
pub fn digest_matches(computed: &str, given: &str) -> Result<Proof, Refusal> {
    let same: bool = computed.as_bytes().ct_eq(given.as_bytes()).into();
    if same && !computed.is_empty() { Ok(Proof { signed: true }) } else { Err(BAD) }
}

/// SHA-256 of `content`.
pub fn sha256(content: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, content).as_ref().to_vec()
}

/// HMAC-SHA-256 of `content`.
pub fn hmac_sha256(key: &[u8], content: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), content).as_ref().to_vec()
}

/// Checks that one of `given` is the HMAC-SHA-256 of `content` under one of `keys`. All pairs are tried.
pub fn hmac_sha256_matches(keys: &[&[u8]], content: &[u8], given: &[Vec<u8>]) -> Result<Proof, Refusal> {
    let mut found = false;
    for key in keys.iter().filter(|key| !key.is_empty()) {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        for tag in given {
            found |= hmac::verify(&key, content, tag).is_ok();
        }
    }
    if found { Ok(Proof { signed: true }) } else { Err(BAD) }
}

/// Checks an RSA PKCS#1 v1.5 signature over SHA-256. `public_key` is the DER of an RSAPublicKey (PKCS#1).
pub fn rsa_sha256_matches(public_key: &[u8], content: &[u8], given: &[u8]) -> Result<Proof, Refusal> {
    signature::UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, public_key)
        .verify(content, given)
        .map(|()| Proof { signed: true })
        .map_err(|_| BAD)
}

/// Checks an Ed25519 signature. `public_key` is the 32 raw bytes.
pub fn ed25519_matches(public_key: &[u8], content: &[u8], given: &[u8]) -> Result<Proof, Refusal> {
    signature::UnparsedPublicKey::new(&signature::ED25519, public_key)
        .verify(content, given)
        .map(|()| Proof { signed: true })
        .map_err(|_| BAD)
}

/// For what a channel said in the response to an authenticated call of ours, joined by the engine only.
pub fn read_back_proof() -> Proof {
    Proof { signed: true }
}

/// Refuses a request time further than `tolerance_secs` from now, either way.
pub fn check_time(at: Timestamp, now: Timestamp, tolerance_secs: i64) -> Result<(), Refusal> {
    let apart = at.micros().checked_sub(now.micros()).map(i64::unsigned_abs);
    match apart {
        Some(micros) if micros <= tolerance_secs.unsigned_abs().saturating_mul(1_000_000) => Ok(()),
        _ => Err(Refusal::new(Step::Time, "stale_timestamp", "time stamp outside the tolerance")),
    }
}

/// Reads a plain decimal number of Unix seconds: digits only, at most 12 of them, greater than zero.
pub fn unix_seconds(text: &str) -> Result<Timestamp, Refusal> {
    let plain = (1..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<i64>() {
        Ok(secs) if plain && secs > 0 => Ok(Timestamp::from_secs(secs)),
        _ => Err(Refusal::new(Step::Time, "malformed_timestamp", "time stamp is not Unix seconds")),
    }
}

/// A private RSA key that signs our own calls. It cannot be shown or copied out.
pub struct RsaSigner(signature::RsaKeyPair);

impl RsaSigner {
    /// Reads the DER of a PKCS#8 private key of 2048 to 4096 bits; `None` where it is not one.
    pub fn from_pkcs8(der: &[u8]) -> Option<Self> {
        signature::RsaKeyPair::from_pkcs8(der).ok().map(Self)
    }
    /// The PKCS#1 v1.5 signature over SHA-256 of `content`. The same content always gives the same bytes;
    /// `None` where the system has no randomness for blinding.
    pub fn sign_sha256(&self, content: &[u8]) -> Option<Vec<u8>> {
        let mut out = vec![0; self.0.public().modulus_len()];
        let random = ring::rand::SystemRandom::new();
        self.0.sign(&signature::RSA_PKCS1_SHA256, &random, content, &mut out).ok()?;
        Some(out)
    }
    /// The public half, as [`rsa_sha256_matches`] takes it.
    pub fn public_key(&self) -> Vec<u8> {
        self.0.public().as_ref().to_vec()
    }
}

/// Takes the RSAPublicKey (PKCS#1) out of the DER of a SubjectPublicKeyInfo, the form most platforms print;
/// `None` where it is not one of an RSA key.
pub fn rsa_public_key_from_spki(der: &[u8]) -> Option<Vec<u8>> {
    const RSA_ENCRYPTION: &[u8] =
        &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let (spki, rest) = der_item(der, 0x30)?;
    let (algorithm, key) = der_item(spki, 0x30)?;
    let (bits, after) = der_item(key, 0x03)?;
    let exact = rest.is_empty() && after.is_empty() && algorithm == RSA_ENCRYPTION;
    // The first byte of a bit string counts its unused bits.
    bits.split_first().filter(|(unused, _)| exact && **unused == 0).map(|(_, key)| key.to_vec())
}

/// Takes the RSAPublicKey (PKCS#1) out of the DER of an X.509 certificate; `None` where it is not one of an RSA key.
/// Nothing else is checked, neither dates nor who issued it: the certificate is one that the merchant put into the
/// settings, or one whose origin the caller has proved.
pub fn rsa_public_key_from_certificate(der: &[u8]) -> Option<Vec<u8>> {
    let (certificate, rest) = der_item(der, 0x30)?;
    let (to_be_signed, signature) = der_item(certificate, 0x30)?;
    // The version is left out by certificates of the first.
    let after_version = der_item(to_be_signed, 0xa0).map_or(to_be_signed, |(_, after)| after);
    let (_serial, mut fields) = der_item(after_version, 0x02)?;
    // Algorithm, issuer, validity, subject.
    for _ in 0..4 {
        (_, fields) = der_item(fields, 0x30)?;
    }
    let (_, after) = der_item(fields, 0x30)?;
    let spki = fields.get(..fields.len().checked_sub(after.len())?)?;
    rsa_public_key_from_spki(spki).filter(|_| rest.is_empty() && !signature.is_empty())
}

/// Reads DER that is written as base64, on one line or in PEM armour (then the first block counts).
pub fn der_from_text(text: &str) -> Option<Secret<Vec<u8>>> {
    let block = text.trim().split("-----END").next().unwrap_or_default();
    let lines = block.lines().filter(|line| !line.starts_with("-----"));
    let joined: String = lines.flat_map(str::chars).filter(|c| !c.is_ascii_whitespace()).collect();
    let joined = Secret::new(joined);
    STANDARD.decode(joined.expose()).ok().filter(|der| !der.is_empty()).map(Secret::new)
}

/// Reads an RSA public key as platforms hand it out: a SubjectPublicKeyInfo or a certificate, in base64 or PEM. Gives
/// the RSAPublicKey (PKCS#1), as [`rsa_sha256_matches`] takes it.
pub fn rsa_public_key_from_text(text: &str) -> Option<Vec<u8>> {
    let der = der_from_text(text)?;
    rsa_public_key_from_spki(der.expose()).or_else(|| rsa_public_key_from_certificate(der.expose()))
}

/// The content of the DER item at the start of `der`, if it has this tag, and what follows it.
fn der_item(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = der.split_first_chunk::<2>()?;
    let width = if first < 0x80 { 0 } else { usize::from(first & 0x7f) };
    if found != tag || width > 3 || rest.len() < width {
        return None;
    }
    let (length, rest) = rest.split_at(width);
    let length = match width {
        0 => usize::from(first),
        _ => length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
    };
    (rest.len() >= length).then(|| rest.split_at(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_key_is_taken_out_of_its_envelope_and_nothing_else_is_taken_for_one() {
        let algorithm = [&[0x30, 13][..], b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"].concat();
        let inner = [algorithm.as_slice(), b"\x03\x04\x00KEY"].concat();
        let spki = [&[0x30, 21][..], &inner].concat();
        assert_eq!(rsa_public_key_from_spki(&spki), Some(b"KEY".to_vec()));
        let long_form = [&[0x30, 0x82, 0, 21][..], &inner].concat();
        assert_eq!(rsa_public_key_from_spki(&long_form), Some(b"KEY".to_vec()));
        for end in 0..spki.len() {
            assert_eq!(rsa_public_key_from_spki(&spki[..end]), None, "cut at {end}");
        }
        for at in 0..spki.len() - 3 {
            let mut changed = spki.clone();
            changed[at] ^= 0x81;
            assert_eq!(rsa_public_key_from_spki(&changed), None, "changed at {at}");
        }
        assert_eq!(rsa_public_key_from_spki(&[spki.as_slice(), b"x"].concat()), None);
        assert_eq!(rsa_public_key_from_spki(&[0x30, 0xff, 0xff, 0xff]), None);
    }

    /// The DER of an item.
    fn item(tag: u8, content: &[&[u8]]) -> Vec<u8> {
        let content = content.concat();
        [&[tag, u8::try_from(content.len()).unwrap()][..], &content].concat()
    }

    fn certificate(version: &[u8]) -> Vec<u8> {
        let algorithm = [&[0x30, 13][..], b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"].concat();
        let spki = item(0x30, &[&algorithm, b"\x03\x04\x00KEY"]);
        let fields: &[&[u8]] = &[
            version,
            b"\x02\x01\x07",
            b"\x30\x00",
            b"\x30\x01i",
            b"\x30\x01v",
            b"\x30\x01s",
            &spki,
            b"\xa3\x01x",
        ];
        item(0x30, &[&item(0x30, fields), b"\x30\x00", b"\x03\x02\x00s"])
    }

    #[test]
    fn a_public_key_is_taken_out_of_a_certificate() {
        for version in [&b"\xa0\x03\x02\x01\x02"[..], b""] {
            let der = certificate(version);
            assert_eq!(rsa_public_key_from_certificate(&der), Some(b"KEY".to_vec()));
            for end in 0..der.len() {
                assert_eq!(rsa_public_key_from_certificate(&der[..end]), None, "cut at {end}");
            }
            assert_eq!(rsa_public_key_from_certificate(&[der.as_slice(), b"x"].concat()), None);
        }
    }

    #[test]
    fn keys_are_read_on_one_line_and_in_armour_from_either_envelope() {
        let text = STANDARD.encode(certificate(b""));
        let armoured = format!(
            "\r\n-----BEGIN CERTIFICATE-----\r\n{}\r\n{}\r\n-----END CERTIFICATE-----\r\n",
            &text[..20],
            &text[20..]
        );
        let chain = format!("{armoured}{armoured}");
        for text in [&text, &armoured, &chain] {
            assert_eq!(rsa_public_key_from_text(text), Some(b"KEY".to_vec()), "{text}");
        }
        for text in ["", "-----BEGIN X-----", "***", "eA=="] {
            assert_eq!(rsa_public_key_from_text(text), None, "{text}");
        }
    }

    #[test]
    fn an_empty_digest_or_key_never_matches() {
        assert!(digest_matches("", "").is_err());
        assert!(hmac_sha256_matches(&[b""], b"x", &[hmac_sha256(b"", b"x")]).is_err());
        assert!(hmac_sha256_matches(&[b"k"], b"x", &[Vec::new()]).is_err());
        assert!(hmac_sha256_matches(&[b"other", b"k"], b"x", &[hmac_sha256(b"k", b"x")]).is_ok());
    }
}
