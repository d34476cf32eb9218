//! The signature of Standard Webhooks, `v1`: HMAC-SHA-256 over id, time and body.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    digest::{SHA256, digest},
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use vocabulary::{Secret, Timestamp};

const PREFIX: &str = "whsec_";
/// Bytes of a new secret; the standard wants 24 to 64.
const SECRET_BYTES: usize = 32;

/// A new secret, as partners enter it. `None` where the system has no random numbers.
pub fn new_secret() -> Option<Secret<String>> {
    let mut bytes = [0; SECRET_BYTES];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(Secret::new(format!("{PREFIX}{}", STANDARD.encode(bytes))))
}

/// A digest (SHA-256, hex) that tells sets of secrets apart and says nothing about them.
pub fn secrets_digest(secrets: &[Secret<String>]) -> String {
    let mut all = Vec::new();
    for secret in secrets {
        all.extend_from_slice(secret.expose().as_bytes());
        all.push(b'\n');
    }
    digest(&SHA256, &all).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The header `webhook-signature`: one signature for each secret, so that a partner may know either during a rotation.
/// `None` where a secret is none, or there is none at all.
pub fn sign(secrets: &[Secret<String>], id: &str, at: Timestamp, body: &str) -> Option<String> {
    let content = format!("{id}.{}.{body}", at.secs());
    let one = |secret: &Secret<String>| {
        let key = STANDARD.decode(secret.expose().strip_prefix(PREFIX)?).ok()?;
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), content.as_bytes());
        Some(format!("v1,{}", STANDARD.encode(tag)))
    };
    let all = secrets.iter().map(one).collect::<Option<Vec<_>>>()?;
    (!all.is_empty()).then(|| all.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the specification's own test.
    #[test]
    fn the_published_vector_is_reproduced() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let at = Timestamp::from_secs(1_614_265_330);
        let signed = sign(&[secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, r#"{"test": 2432232314}"#);
        assert_eq!(signed.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn while_secrets_rotate_both_verify() {
        let secrets = [new_secret().unwrap(), new_secret().unwrap()];
        assert!(secrets[0].expose() != secrets[1].expose());
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let at = Timestamp::from_secs(i64::try_from(now).unwrap());
        let signed = sign(&secrets, "kami-main-7", at, "{}").unwrap();
        let headers = |name: &str| match name {
            "webhook-id" => "kami-main-7".to_owned(),
            "webhook-timestamp" => now.to_string(),
            _ => signed.clone(),
        };
        for secret in &secrets {
            let hook = standardwebhooks::Webhook::new(secret.expose()).unwrap();
            let again = hook.sign("kami-main-7", i64::try_from(now).unwrap(), b"{}").unwrap();
            assert!(headers("webhook-signature").split(' ').any(|one| one == again));
        }
        assert_ne!(secrets_digest(&secrets), secrets_digest(&secrets[..1]));
    }

    #[test]
    fn nothing_is_signed_without_a_secret() {
        let at = Timestamp::from_secs(0);
        for secrets in [&[][..], &["plain"], &["whsec_!"]] {
            let secrets: Vec<_> = secrets.iter().map(|text| Secret::new((*text).to_owned())).collect();
            assert!(sign(&secrets, "id", at, "{}").is_none());
        }
    }
}
