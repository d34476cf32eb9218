//! The few cryptographic moves the vault makes: seal, open, derive, and binding a text to its place.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::VaultError;

/// Written before every sealed text and bound into it, so that a later format can live beside this one.
pub(crate) const FORMAT: u8 = 1;

/// The most texts one key may seal under random 96-bit nonces: far below the 2^32 of NIST SP 800-38D.
pub(crate) const SEALS_MAX: u32 = 1 << 20;

/// Raw bytes of a key; cleared on drop.
pub(crate) type RawKey = Zeroizing<[u8; 32]>;

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, VaultError> {
    let mut bytes = Zeroizing::new([0; N]);
    let failed = |_| VaultError::Crypto { doing: "drawing random bytes" };
    SystemRandom::new().fill(bytes.as_mut_slice()).map_err(failed)?;
    Ok(bytes)
}

/// A key of its own for each list of labels, derived from `root` (HKDF-SHA-256).
pub(crate) fn derive(root: &[u8; 32], labels: &[&str]) -> Result<RawKey, VaultError> {
    let info = bound("derive", &labels.iter().map(|label| label.as_bytes()).collect::<Vec<_>>());
    let failed = |_| VaultError::Crypto { doing: "deriving a key" };
    let mut key = Zeroizing::new([0; 32]);
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"kami vault")
        .extract(root)
        .expand(&[&info], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(key.as_mut_slice()))
        .map_err(failed)?;
    Ok(key)
}

/// The place of a sealed text, unambiguously: format, purpose, then each field after its length.
pub(crate) fn bound(purpose: &str, fields: &[&[u8]]) -> Vec<u8> {
    let mut place = Vec::with_capacity(96);
    place.push(FORMAT);
    for field in std::iter::once(purpose.as_bytes()).chain(fields.iter().copied()) {
        place.extend_from_slice(&(field.len() as u64).to_be_bytes());
        place.extend_from_slice(field);
    }
    place
}

/// An AES-256-GCM key that seals with random nonces. A sealed text is `format ‖ nonce ‖ ciphertext ‖ tag`.
pub(crate) struct SealKey(LessSafeKey);

impl SealKey {
    pub(crate) fn new(raw: &[u8; 32]) -> Result<Self, VaultError> {
        let failed = |_| VaultError::Crypto { doing: "preparing a key" };
        UnboundKey::new(&AES_256_GCM, raw).map(LessSafeKey::new).map(Self).map_err(failed)
    }

    /// Seals `plain` for the place `place`; it opens nowhere else.
    pub(crate) fn seal(&self, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        let nonce = random::<NONCE_LEN>()?;
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        sealed.push(FORMAT);
        sealed.extend_from_slice(nonce.as_slice());
        self.seal_after(sealed, &nonce, place, plain)
    }

    /// Appends the ciphertext and tag of `plain` to `head`. The nonce must not have been used with this key.
    pub(crate) fn seal_after(
        &self,
        mut head: Vec<u8>,
        nonce: &[u8; NONCE_LEN],
        place: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        let start = head.len();
        head.reserve(plain.len() + AES_256_GCM.tag_len());
        head.extend_from_slice(plain);
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, Aad::from(place), &mut head[start..]);
        let tag = tag.map_err(|_| VaultError::Crypto { doing: "sealing" })?;
        head.extend_from_slice(tag.as_ref());
        Ok(head)
    }

    /// Opens what [`SealKey::seal`] made for the same place; `None` for anything else.
    pub(crate) fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (format, rest) = sealed.split_first()?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>()?;
        if *format == FORMAT { self.open_with(nonce, place, rest) } else { None }
    }

    /// Opens a ciphertext and tag under a nonce kept elsewhere.
    pub(crate) fn open_with(
        &self,
        nonce: &[u8; NONCE_LEN],
        place: &[u8],
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let mut text = Zeroizing::new(sealed.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self.0.open_in_place(nonce, Aad::from(place), &mut text).ok()?.len();
        text.truncate(plain);
        Some(text)
    }
}

/// Reads 32 bytes that were sealed as a key.
pub(crate) fn as_key(opened: &[u8]) -> Option<RawKey> {
    opened.try_into().ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_text_opens_at_its_place_alone() {
        let key = SealKey::new(&[7; 32]).unwrap();
        let sealed = key.seal(b"here", b"text").unwrap();
        assert_eq!(key.open(b"here", &sealed).unwrap().as_slice(), b"text");
        assert!(key.open(b"there", &sealed).is_none());
        assert!(SealKey::new(&[8; 32]).unwrap().open(b"here", &sealed).is_none());
    }

    #[test]
    fn no_bit_of_a_sealed_text_can_be_changed_and_no_byte_cut() {
        let key = SealKey::new(&[7; 32]).unwrap();
        let sealed = key.seal(b"here", b"text").unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut altered = sealed.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert!(key.open(b"here", &altered).is_none(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(key.open(b"here", &sealed[..length]).is_none(), "length {length}");
        }
    }

    #[test]
    fn fields_that_join_to_the_same_text_are_different_places() {
        assert_ne!(bound("p", &[b"ab", b"c"]), bound("p", &[b"a", b"bc"]));
        assert_ne!(bound("p", &[b"", b"a"]), bound("p", &[b"a", b""]));
        assert_ne!(bound("pa", &[]), bound("p", &[b"a"]));
    }

    #[test]
    fn derived_keys_differ_by_label_and_repeat_for_the_same_label() {
        let key = |labels: &[&str]| *derive(&[1; 32], labels).unwrap();
        assert_eq!(key(&["a", "b"]), key(&["a", "b"]));
        assert_ne!(key(&["a", "b"]), key(&["ab"]));
        assert_ne!(key(&["a"]), *derive(&[2; 32], &["a"]).unwrap());
    }
}
