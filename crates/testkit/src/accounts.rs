//! Who we are at each platform: what the platform and the merchant both know. `test()` values are made up, used
//! nowhere else, and equal in every run.

use vocabulary::Secret;

/// A merchant at an epay gateway.
#[derive(Clone)]
pub struct EpayAccount {
    /// The merchant's number.
    pub pid: String,
    /// The key of V1.
    pub key: Secret<String>,
}

/// An app at goofish's ERP platform (formula A).
#[derive(Clone)]
pub struct GoofishApp {
    /// The app's key, which is no secret.
    pub app_key: i64,
    /// The app's secret.
    pub app_secret: Secret<String>,
}

/// A supplier of goofish's virtual goods (formula B).
#[derive(Clone)]
pub struct GoofishSupplier {
    /// From goofish.
    pub app_id: i64,
    /// From goofish.
    pub app_secret: Secret<String>,
    /// From the merchant.
    pub mch_id: String,
    /// From the merchant.
    pub mch_secret: Secret<String>,
}

/// A customer of JD's game-card platform.
#[derive(Clone)]
pub struct JdCustomer {
    /// The number JD gave.
    pub customer_id: i64,
    /// The key JD gave: 32 digits and lower-case letters.
    pub private_key: Secret<String>,
}

/// A secret of Standard Webhooks: `whsec_` and base64.
#[derive(Clone)]
pub struct WebhookSecret(pub Secret<String>);

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

impl EpayAccount {
    /// One for tests.
    pub fn test() -> Self {
        Self { pid: "1001".to_owned(), key: secret("TESTepayKey0123456789abcdef01234") }
    }
}

impl GoofishApp {
    /// One for tests.
    pub fn test() -> Self {
        Self { app_key: 410_000_000_000_001, app_secret: secret("erpSecretErpSecretErpSecret00001") }
    }
}

impl GoofishSupplier {
    /// One for tests.
    pub fn test() -> Self {
        Self {
            app_id: 510_000_000_000_001,
            app_secret: secret("supAppSecret0123456789abcdefABCD"),
            mch_id: "2333".to_owned(),
            mch_secret: secret("mchSecret0123456789abcdefghijklm"),
        }
    }
}

impl JdCustomer {
    /// One for tests.
    pub fn test() -> Self {
        Self { customer_id: 14_156_143, private_key: secret("abcdefghijklmnopqrstuvwxyz012345") }
    }
}

impl WebhookSecret {
    /// What a partner signs with, for tests.
    pub fn test_inbound() -> Self {
        Self(secret("whsec_VEVTVC1PTkxZLXNoYXJlZC1zZWNyZXQtMzJieXRlcyE="))
    }
    /// What we sign with, for tests.
    pub fn test_outbound() -> Self {
        Self(secret("whsec_VEVTVC1PTkxZLW91dGJvdW5kLXNlY3JldC0zMmJ5dCE="))
    }
}
