//! What the hot path needs of one merchant, in memory: sealing of messages, pseudonyms, fingerprints.

use std::sync::Arc;

use ring::hmac;
use vocabulary::{BuyerId, MerchantId};

use crate::VaultError;
use crate::crypto::{FORMAT, RawKey, SealKey, as_key, bound, derive, random};
use crate::key_text::normalise;

const SALT_LEN: usize = 12;
const HEAD_LEN: usize = 1 + 8 + SALT_LEN + 12;

/// One merchant's keys for the hot path. Cheap to clone; no call touches a disk.
#[derive(Clone)]
pub struct MerchantKeys(Arc<Inner>);

struct Inner {
    merchant: MerchantId,
    data_key: i64,
    message: hmac::Key,
    fingerprint: hmac::Key,
    pseudonym: hmac::Key,
}

impl MerchantKeys {
    pub(crate) fn new(
        merchant: &MerchantId,
        data_key: i64,
        message: &RawKey,
        pepper: &RawKey,
    ) -> Result<Self, VaultError> {
        let keyed = |raw: &RawKey| hmac::Key::new(hmac::HMAC_SHA256, raw.as_slice());
        Ok(Self(Arc::new(Inner {
            merchant: merchant.clone(),
            data_key,
            message: keyed(message),
            fingerprint: fingerprint_key(pepper, merchant)?,
            pseudonym: keyed(&derive(pepper, &["pseudonym", merchant.as_str()])?),
        })))
    }

    /// Seals raw bytes of a message. `context` (message id and part) is bound in: the result opens under the same
    /// context alone. Every message has a key of its own, so any number of messages may be sealed.
    ///
    /// # Panics
    /// If the operating system gives no random bytes or the message is larger than 64 GiB: going on would mean
    /// to store it in clear or to lose it.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
        match self.try_seal(context, plain) {
            Ok(sealed) => sealed,
            Err(error) => panic!("a message cannot be sealed: {error}"),
        }
    }

    fn try_seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        let salt = random::<SALT_LEN>()?;
        let nonce = random::<12>()?;
        let mut sealed = Vec::with_capacity(HEAD_LEN + plain.len() + 16);
        sealed.push(FORMAT);
        sealed.extend_from_slice(&self.0.data_key.to_be_bytes());
        sealed.extend_from_slice(salt.as_slice());
        sealed.extend_from_slice(nonce.as_slice());
        self.message_key(&salt)?.seal_after(sealed, &nonce, &self.place(context), plain)
    }

    /// Opens what [`MerchantKeys::seal`] made for this merchant and the same context.
    ///
    /// # Errors
    /// [`VaultError::NotAuthentic`] for anything else.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let opened = self.try_open(context, sealed);
        let mut plain = opened.ok_or_else(|| VaultError::NotAuthentic { what: "message".into() })?;
        Ok(std::mem::take(&mut *plain))
    }

    fn try_open(&self, context: &str, sealed: &[u8]) -> Option<zeroize::Zeroizing<Vec<u8>>> {
        let (format, rest) = sealed.split_first()?;
        let (data_key, rest) = rest.split_first_chunk::<8>()?;
        let (salt, rest) = rest.split_first_chunk::<SALT_LEN>()?;
        let (nonce, rest) = rest.split_first_chunk::<12>()?;
        if *format != FORMAT || *data_key != self.0.data_key.to_be_bytes() {
            return None;
        }
        self.message_key(salt).ok()?.open_with(nonce, &self.place(context), rest)
    }

    /// One message's own key. A merchant may have more messages than one key should seal under random nonces.
    fn message_key(&self, salt: &[u8; SALT_LEN]) -> Result<SealKey, VaultError> {
        let failed = VaultError::Crypto { doing: "deriving a message key" };
        SealKey::new(&*as_key(hmac::sign(&self.0.message, salt).as_ref()).ok_or(failed)?)
    }

    fn place(&self, context: &str) -> Vec<u8> {
        let merchant = self.0.merchant.as_str().as_bytes();
        bound("message", &[merchant, &self.0.data_key.to_be_bytes(), context.as_bytes()])
    }

    /// The pseudonym of the person whom `scope` (a channel account or an identity space) calls `reference`:
    /// the same for the same person, and of no use to anyone without the pepper.
    pub fn pseudonym(&self, scope: &str, reference: &str) -> BuyerId {
        let tag = hmac::sign(&self.0.pseudonym, &bound("buyer", &[scope.as_bytes(), reference.as_bytes()]));
        match format!("buyer-{}", hex::encode(&tag.as_ref()[..16])).parse() {
            Ok(buyer) => buyer,
            Err(_) => unreachable!("hex digits are within a buyer's alphabet"),
        }
    }

    /// A keyed digest of an identifier within `scope`: 32 hex digits, the same for the same text, and of no use to
    /// anyone without the pepper. Whoever has the pepper can guess short texts, so treat it as confidential.
    pub fn digest(&self, scope: &str, text: &str) -> String {
        let tag = hmac::sign(&self.0.pseudonym, &bound("identifier", &[scope.as_bytes(), text.as_bytes()]));
        hex::encode(&tag.as_ref()[..16])
    }

    /// The fingerprint of a key's code within `family`: 32 hex digits, the same for all spellings of one key.
    /// Treat it as confidential: whoever also had the pepper could guess short keys.
    pub fn fingerprint(&self, family: &str, key_text: &str) -> String {
        hex::encode(fingerprint(&self.0.fingerprint, family, key_text))
    }
}

/// The key under which a merchant's card keys are fingerprinted.
pub(crate) fn fingerprint_key(pepper: &RawKey, merchant: &MerchantId) -> Result<hmac::Key, VaultError> {
    let raw = derive(pepper, &["fingerprint", merchant.as_str()])?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, raw.as_slice()))
}

/// The first 16 bytes of HMAC-SHA-256 over the family's length, the family, and the normalised code.
pub(crate) fn fingerprint(key: &hmac::Key, family: &str, code: &str) -> [u8; 16] {
    let mut context = hmac::Context::with_key(key);
    context.update(&(family.len() as u64).to_be_bytes());
    context.update(family.as_bytes());
    context.update(normalise(code).as_bytes());
    let mut short = [0; 16];
    short.copy_from_slice(&context.sign().as_ref()[..16]);
    short
}
