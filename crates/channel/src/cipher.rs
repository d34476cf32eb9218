//! The ciphers that platforms wrap messages and keys in. All of them give `None` for input that cannot be theirs.

use aes::{
    Aes128, Aes192, Aes256,
    cipher::{
        Array, BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, KeyInit,
        KeyIvInit, block_padding::NoPadding,
    },
};
use ring::aead;

use crate::sign::hmac_sha256;

const BLOCK: usize = 16;

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Encrypt,
    Decrypt,
}

/// Takes AES-CBC off, padding left on. The key has 16, 24 or 32 bytes, the start vector 16; the data is whole blocks.
pub fn aes_cbc_decrypt(key: &[u8], iv: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    match key.len() {
        16 => cbc::Decryptor::<Aes128>::new_from_slices(key, iv)
            .ok()?
            .decrypt_padded_vec::<NoPadding>(data)
            .ok(),
        24 => cbc::Decryptor::<Aes192>::new_from_slices(key, iv)
            .ok()?
            .decrypt_padded_vec::<NoPadding>(data)
            .ok(),
        32 => cbc::Decryptor::<Aes256>::new_from_slices(key, iv)
            .ok()?
            .decrypt_padded_vec::<NoPadding>(data)
            .ok(),
        _ => None,
    }
}

/// Puts AES-CBC on data that is whole blocks already ([`pad`]). Key and start vector as in [`aes_cbc_decrypt`].
pub fn aes_cbc_encrypt(key: &[u8], iv: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    if !data.len().is_multiple_of(BLOCK) {
        return None;
    }
    match key.len() {
        16 => Some(
            cbc::Encryptor::<Aes128>::new_from_slices(key, iv).ok()?.encrypt_padded_vec::<NoPadding>(data),
        ),
        24 => Some(
            cbc::Encryptor::<Aes192>::new_from_slices(key, iv).ok()?.encrypt_padded_vec::<NoPadding>(data),
        ),
        32 => Some(
            cbc::Encryptor::<Aes256>::new_from_slices(key, iv).ok()?.encrypt_padded_vec::<NoPadding>(data),
        ),
        _ => None,
    }
}

/// Takes AES-ECB off, padding left on. The key has 16 or 32 bytes.
pub fn aes_ecb_decrypt(key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    ecb(key, data, Way::Decrypt)
}

/// Puts AES-ECB on data that is whole blocks already ([`pad`]). The key has 16 or 32 bytes.
pub fn aes_ecb_encrypt(key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    ecb(key, data, Way::Encrypt)
}

fn ecb(key: &[u8], data: &[u8], way: Way) -> Option<Vec<u8>> {
    if !data.len().is_multiple_of(BLOCK) {
        return None;
    }
    match key.len() {
        16 => Some(blocks(&Aes128::new_from_slice(key).ok()?, data, way)),
        32 => Some(blocks(&Aes256::new_from_slice(key).ok()?, data, way)),
        _ => None,
    }
}

fn blocks<C>(cipher: &C, data: &[u8], way: Way) -> Vec<u8>
where
    C: BlockCipherEncrypt + BlockCipherDecrypt + aes::cipher::BlockSizeUser,
{
    let mut out = data.to_vec();
    for chunk in out.chunks_exact_mut(BLOCK) {
        let mut block = Array::<u8, C::BlockSize>::default();
        block.copy_from_slice(chunk);
        match way {
            Way::Encrypt => cipher.encrypt_block(&mut block),
            Way::Decrypt => cipher.decrypt_block(&mut block),
        }
        chunk.copy_from_slice(&block);
    }
    out
}

/// Pads as PKCS#7 says, to blocks of `block` bytes (1 to 255; a whole block more where the data fits exactly).
pub fn pad(data: &[u8], block: u8) -> Vec<u8> {
    let size = usize::from(block.max(1));
    let missing = size - data.len() % size;
    let mut out = data.to_vec();
    out.resize(data.len() + missing, u8::try_from(missing).unwrap_or(u8::MAX));
    out
}

/// Takes PKCS#7 padding of blocks of `block` bytes off, checking every byte of it.
pub fn unpad(data: &[u8], block: u8) -> Option<&[u8]> {
    let count = *data.last()?;
    let sound = (1..=block).contains(&count) && data.len() >= usize::from(count);
    let (kept, padding) = data.split_at(data.len().checked_sub(usize::from(count)).filter(|_| sound)?);
    padding.iter().all(|byte| *byte == count).then_some(kept)
}

/// Opens AES-256-GCM: the last 16 bytes of `sealed` are the tag. Key 32 bytes, nonce 12.
pub fn aes_256_gcm_open(key: &[u8], nonce: &[u8], aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let key = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_256_GCM, key).ok()?);
    let nonce = aead::Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut open = sealed.to_vec();
    let length = key.open_in_place(nonce, aead::Aad::from(aad), &mut open).ok()?.len();
    open.truncate(length);
    Some(open)
}

/// Seals what an adapter has to keep with an order and the log must not show in clear: the name a platform knows the
/// buyer by. The same text under the same secret always gives the same result, which is lower-case hex.
pub fn seal_reference(secret: &[u8], text: &str) -> Option<String> {
    let (key, mac_key) = reference_keys(secret);
    let mac = hmac_sha256(&mac_key, text.as_bytes());
    let sealed = aes_cbc_encrypt(&key, mac.get(..BLOCK)?, &pad(text.as_bytes(), 16))?;
    Some(hex(mac.get(..BLOCK)?) + &hex(&sealed))
}

/// Opens what [`seal_reference`] sealed; `None` where it was sealed with another secret or changed.
pub fn open_reference(secret: &[u8], sealed: &str) -> Option<String> {
    let bytes = unhex(sealed)?;
    let (iv, sealed) = bytes.split_at_checked(BLOCK)?;
    let (key, mac_key) = reference_keys(secret);
    let padded = aes_cbc_decrypt(&key, iv, sealed)?;
    let text = unpad(&padded, 16)?;
    let same = hmac_sha256(&mac_key, text).get(..BLOCK)? == iv;
    same.then(|| String::from_utf8(text.to_vec()).ok()).flatten()
}

fn reference_keys(secret: &[u8]) -> (Vec<u8>, Vec<u8>) {
    (hmac_sha256(secret, b"kami reference cipher"), hmac_sha256(secret, b"kami reference mac"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_reference_opens_with_its_secret_only_and_shows_nothing() {
        let sealed = seal_reference(b"secret", "oAbCd-openid").unwrap();
        assert_eq!(seal_reference(b"secret", "oAbCd-openid").unwrap(), sealed);
        assert_eq!(open_reference(b"secret", &sealed).as_deref(), Some("oAbCd-openid"));
        assert_eq!(open_reference(b"other", &sealed), None);
        assert!(!sealed.contains("oAbCd") && sealed.bytes().all(|b| b.is_ascii_hexdigit()));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(open_reference(b"secret", &String::from_utf8(changed).unwrap()), None, "{at}");
        }
        for bad in ["", "0", "zz", "oAbCd-openid", &sealed[..32]] {
            assert_eq!(open_reference(b"secret", bad), None, "{bad}");
        }
    }

    fn unhex(text: &str) -> Vec<u8> {
        super::unhex(text).unwrap()
    }

    /// NIST SP 800-38A, F.2.5 and F.1.5.
    #[test]
    fn the_modes_agree_with_the_published_vectors() {
        let key = unhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
        let iv = unhex("000102030405060708090a0b0c0d0e0f");
        let plain = unhex("6bc1bee22e409f96e93d7e117393172a");
        let cbc = unhex("f58c4c04d6e5f1ba779eabfb5f7bfbd6");
        let ecb = unhex("f3eed1bdb5d2a03c064b5a7e3db181f8");
        assert_eq!(aes_cbc_encrypt(&key, &iv, &plain), Some(cbc.clone()));
        assert_eq!(aes_cbc_decrypt(&key, &iv, &cbc), Some(plain.clone()));
        assert_eq!(aes_ecb_encrypt(&key, &plain), Some(ecb.clone()));
        assert_eq!(aes_ecb_decrypt(&key, &ecb), Some(plain));
    }

    #[test]
    fn padding_comes_off_only_where_it_is_whole() {
        assert_eq!(unpad(&pad(b"card", 32), 32), Some(&b"card"[..]));
        assert_eq!(pad(&[7; 16], 16).len(), 32);
        assert_eq!(unpad(&[1, 2, 3, 2], 16), None);
        assert_eq!(unpad(&[0, 0], 16), None);
        assert_eq!(unpad(&[9], 16), None);
        assert_eq!(unpad(&[], 16), None);
    }

    #[test]
    fn odd_keys_and_torn_blocks_are_none() {
        assert_eq!(aes_cbc_decrypt(&[0; 5], &[0; 16], &[0; 16]), None);
        assert_eq!(aes_cbc_decrypt(&[0; 32], &[0; 3], &[0; 16]), None);
        assert_eq!(aes_cbc_decrypt(&[0; 32], &[0; 16], &[0; 15]), None);
        assert_eq!(aes_ecb_encrypt(&[0; 32], &[0; 15]), None);
        assert_eq!(aes_256_gcm_open(&[0; 32], &[0; 12], b"", &[0; 20]), None);
    }
}
