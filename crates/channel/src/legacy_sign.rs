//! Weak digests that some platforms still sign with. Used nowhere else; a channel that relies on them also reads
//! facts back over an authenticated call where it can.

use md5::{Digest, Md5};
use sha1::Sha1;

/// MD5 as 32 lower-case hex digits.
pub fn md5_hex(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

/// HMAC-MD5 (RFC 2104) as 32 lower-case hex digits.
pub fn hmac_md5_hex(key: &[u8], content: &[u8]) -> String {
    let mut block = [0; 64];
    let hashed = Md5::digest(key);
    let key = if key.len() > block.len() { hashed.as_slice() } else { key };
    block[..key.len()].copy_from_slice(key);
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Md5::new().chain_update(padded(0x36)).chain_update(content).finalize();
    hex(&Md5::new().chain_update(padded(0x5c)).chain_update(inner).finalize())
}

/// SHA-1 as 40 lower-case hex digits.
pub fn sha1_hex(bytes: &[u8]) -> String {
    hex(&Sha1::digest(bytes))
}

fn hex(digest: &[u8]) -> String {
    let mut text = String::with_capacity(digest.len() * 2);
    for byte in digest {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2202, cases 1, 2 and 6 (a key longer than a block).
    #[test]
    fn hmac_md5_agrees_with_the_published_vectors() {
        assert_eq!(hmac_md5_hex(&[0x0b; 16], b"Hi There"), "9294727a3638bb1c13f48ef8158bfc9d");
        assert_eq!(
            hmac_md5_hex(b"Jefe", b"what do ya want for nothing?"),
            "750c783e6ab0b503eaa86e310a5db738"
        );
        let long = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(hmac_md5_hex(&[0xaa; 80], long), "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
    }
}
