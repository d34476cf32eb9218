//! The envelope of pushes: SHA-1 over the sorted parts, AES-256-CBC with padding to 32 bytes, the app's id at the end.

use base64::{
    Engine,
    alphabet::STANDARD as ALPHABET,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use channel::{Refusal, Step, cipher, legacy_sign::sha1_hex, sign::hmac_sha256};
use serde::Serialize;
use vocabulary::Secret;

/// Padding goes up to 32 bytes here, not to a cipher block's 16.
const PADDING: u8 = 32;
const RANDOM: usize = 16;
const LENGTH: usize = 4;

/// The key of 43 characters: their last bits need not be zero.
pub(crate) fn aes_key(text: &str) -> Option<Secret<Vec<u8>>> {
    let lenient = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let plain = text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric());
    let key = GeneralPurpose::new(&ALPHABET, lenient).decode(text).ok().map(Secret::new)?;
    (plain && key.expose().len() == 32).then_some(key)
}

/// The signature of some parts: sorted by their bytes, nothing between them.
pub(crate) fn signature(token: &Secret<String>, parts: &[&str]) -> String {
    let text = Secret::new(joined(token.expose(), parts));
    sha1_hex(text.expose().as_bytes())
}

/// What is signed, with `token` in its place.
pub(crate) fn joined(token: &str, parts: &[&str]) -> String {
    let mut all = [&[token], parts].concat();
    all.sort_unstable();
    all.concat()
}

/// Opens an encrypted message; the app's id behind it must be ours.
pub(crate) fn open(key: &[u8], appid: &str, sealed: &str) -> Result<Vec<u8>, Refusal> {
    let failed = Refusal::new(Step::Format, "decrypt_failed", "Encrypt");
    let sealed = STANDARD.decode(sealed).map_err(|_| failed.clone())?;
    let padded = cipher::aes_cbc_decrypt(key, key.get(..16).unwrap_or_default(), &sealed);
    let padded = padded.filter(|padded| !padded.is_empty()).ok_or(failed.clone())?;
    let plain = cipher::unpad(&padded, PADDING).ok_or(failed.clone())?;
    let (_, rest) = plain.split_at_checked(RANDOM).ok_or(failed.clone())?;
    let (length, rest) = rest.split_first_chunk::<LENGTH>().ok_or(failed.clone())?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| failed.clone())?;
    let (message, tail) = rest.split_at_checked(length).ok_or(failed)?;
    if tail != appid.as_bytes() {
        return Err(Refusal::new(Step::Meaning, "appid_mismatch", "Encrypt"));
    }
    Ok(message.to_vec())
}

/// A sealed reply, as WeChat reads it.
#[derive(Serialize)]
pub(crate) struct Sealed<'a> {
    #[serde(rename = "Encrypt")]
    encrypt: String,
    #[serde(rename = "MsgSignature")]
    signature: String,
    #[serde(rename = "TimeStamp")]
    timestamp: i64,
    #[serde(rename = "Nonce")]
    nonce: &'a str,
}

/// Who seals.
pub(crate) struct Sealer<'a> {
    pub(crate) token: &'a Secret<String>,
    pub(crate) key: &'a [u8],
    pub(crate) appid: &'a str,
}

impl Sealer<'_> {
    /// Seals a reply. The random start is made of the request it answers, so the same reply has the same bytes.
    pub(crate) fn seal<'a>(&self, message: &str, timestamp: i64, nonce: &'a str) -> Option<Sealed<'a>> {
        let seed = hmac_sha256(self.key, format!("{timestamp}.{nonce}.{message}").as_bytes());
        self.seal_with(seed.get(..RANDOM)?, message, timestamp, nonce)
    }

    pub(crate) fn seal_with<'a>(
        &self,
        random: &[u8],
        message: &str,
        timestamp: i64,
        nonce: &'a str,
    ) -> Option<Sealed<'a>> {
        let length = u32::try_from(message.len()).ok()?.to_be_bytes();
        let plain = [random, &length, message.as_bytes(), self.appid.as_bytes()].concat();
        let sealed = cipher::aes_cbc_encrypt(self.key, self.key.get(..16)?, &cipher::pad(&plain, PADDING))?;
        let encrypt = STANDARD.encode(sealed);
        let signature = signature(self.token, &[&timestamp.to_string(), nonce, &encrypt]);
        Some(Sealed { encrypt, signature, timestamp, nonce })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_envelope_is_not_opened() {
        let key = [7; 32];
        for sealed in ["", "x", "AAAA", "AAAAAAAAAAAAAAAAAAAAAA=="] {
            assert!(open(&key, "wx1", sealed).is_err(), "{sealed}");
        }
        let plain = cipher::pad(b"0123456789abcdef\xff\xff\xff\xffhellowx1", 32);
        let sealed = STANDARD.encode(cipher::aes_cbc_encrypt(&key, &key[..16], &plain).unwrap());
        assert_eq!(open(&key, "wx1", &sealed).unwrap_err().code, "decrypt_failed", "a length beyond the end");
        assert!(aes_key("short").is_none() && aes_key(&"!".repeat(43)).is_none());
    }
}
