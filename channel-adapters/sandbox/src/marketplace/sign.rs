//! The signature, from the README and not from the adapter.

use ring::hmac;

/// How far a time stamp may be off, in seconds.
const TOLERANCE_SECS: i64 = 300;

/// A message in either direction.
pub(super) struct Message<'a> {
    pub(super) topic: &'a str,
    pub(super) shop: &'a str,
    pub(super) id: &'a str,
    pub(super) sent_at: &'a str,
    pub(super) body: &'a [u8],
}

impl Message<'_> {
    fn feed(&self, secret: &str, way: &str) -> hmac::Context {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let mut context = hmac::Context::with_key(&key);
        for line in ["kami-sandbox-1 ", way, "\nPOST\n", self.topic, "\n", self.shop, "\n", self.id, "\n"] {
            context.update(line.as_bytes());
        }
        context.update(self.sent_at.as_bytes());
        context.update(b"\n");
        context.update(self.body);
        context
    }

    /// The signature of what we send to the merchant.
    pub(super) fn sign(&self, secret: &str) -> String {
        hex::encode(self.feed(secret, "to-merchant").sign())
    }

    /// Whether the merchant signed this, not long ago. The digests of both are compared, so that time tells nothing.
    pub(super) fn is_genuine(&self, secret: &str, given: &str, now: i64) -> bool {
        let digits = self.sent_at.bytes().all(|byte| byte.is_ascii_digit());
        let fresh =
            self.sent_at.parse::<i64>().is_ok_and(|at| at.abs_diff(now) <= TOLERANCE_SECS.unsigned_abs());
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"compare");
        let ours = hex::encode(self.feed(secret, "to-marketplace").sign());
        let same = hmac::verify(&key, ours.as_bytes(), hmac::sign(&key, given.as_bytes()).as_ref()).is_ok();
        digits && fresh && same
    }
}
