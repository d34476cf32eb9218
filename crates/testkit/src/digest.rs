//! The digests and signatures that the platforms use.

use base64::{Engine, engine::general_purpose::STANDARD};
use md5::{Digest, Md5};
use ring::{digest, hmac, rand::SystemRandom, signature};

/// MD5 in lower-case hex.
pub(crate) fn md5_hex(text: impl AsRef<[u8]>) -> String {
    hex::encode(Md5::digest(text.as_ref()))
}

/// HMAC-SHA-256 in base64.
pub(crate) fn hmac_base64(key: &[u8], content: &[u8]) -> String {
    STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), content))
}

/// SHA-256 in lower-case hex: how ledgers keep card keys.
pub(crate) fn sha256_hex(text: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// An RSA key that signs with PKCS#1 v1.5 over SHA-256.
pub(crate) struct RsaKey(signature::RsaKeyPair);

impl RsaKey {
    /// Reads one line of base64 of PKCS#8; `None` where it is none.
    pub(crate) fn read(text: &str) -> Option<Self> {
        signature::RsaKeyPair::from_pkcs8(&STANDARD.decode(text.trim()).ok()?).ok().map(Self)
    }

    /// The signature in base64; empty where the system has no randomness, and then nobody accepts it.
    pub(crate) fn sign(&self, content: &str) -> String {
        let mut tag = vec![0; self.0.public().modulus_len()];
        let signed =
            self.0.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), content.as_bytes(), &mut tag);
        if signed.is_ok() { STANDARD.encode(tag) } else { String::new() }
    }

    /// Whether the other half of this key made a signature.
    pub(crate) fn verifies(&self, content: &str, given: &str) -> bool {
        let key = signature::UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, self.0.public());
        STANDARD.decode(given).is_ok_and(|given| key.verify(content.as_bytes(), &given).is_ok())
    }
}
