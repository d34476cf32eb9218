//! The digests and signatures that the platforms use.

use aes::{
    Aes128,
    cipher::{BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use md5::{Digest, Md5};
use ring::{aead, digest, hmac, rand::SystemRandom, signature};

/// MD5 in lower-case hex.
pub(crate) fn md5_hex(text: impl AsRef<[u8]>) -> String {
    hex::encode(Md5::digest(text.as_ref()))
}

/// HMAC-SHA-256 in lower-case hex.
pub(crate) fn hmac_hex(key: &[u8], content: &[u8]) -> String {
    hex::encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), content))
}

/// HMAC-SHA-256 in base64.
pub(crate) fn hmac_base64(key: &[u8], content: &[u8]) -> String {
    STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), content))
}

/// AES-128 in CBC, padded as PKCS#7 says; `None` where key or start vector have not 16 bytes.
pub(crate) fn aes_128_cbc(key: &[u8], iv: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
    let cipher = cbc::Encryptor::<Aes128>::new_from_slices(key, iv).ok()?;
    Some(cipher.encrypt_padded_vec::<Pkcs7>(plain))
}

/// AES-256 in GCM, the tag behind; `None` where the key has not 32 bytes or the nonce not 12.
pub(crate) fn aes_256_gcm(key: &[u8], nonce: &[u8], aad: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
    let key = aead::UnboundKey::new(&aead::AES_256_GCM, key).ok()?;
    let nonce = aead::Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut data = plain.to_vec();
    aead::LessSafeKey::new(key).seal_in_place_append_tag(nonce, aead::Aad::from(aad), &mut data).ok()?;
    Some(data)
}

/// SHA-256 in lower-case hex: how ledgers keep card keys.
pub fn sha256_hex(text: &str) -> String {
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
