//! Values that must not show: no `Debug`, `Display` or `Serialize`, and memory is cleared on drop.

use zeroize::Zeroizing;

/// A secret text or byte string. Reading it is a visible act: [`Secret::expose`].
#[derive(Clone)]
pub struct Secret<T: zeroize::Zeroize>(Zeroizing<T>);

impl<T: zeroize::Zeroize> Secret<T> {
    /// Takes a value into keeping.
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }
    /// The value in clear. Never log, format or store what this returns.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<'de> serde::Deserialize<'de> for Secret<String> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// A card key in clear: the code and, for pairs, its secret.
#[derive(Clone)]
pub struct CardKey {
    /// The card number, or the only code there is.
    pub code: Secret<String>,
    /// The separate secret of a pair.
    pub pin: Option<Secret<String>>,
    /// The last day on which the key can be redeemed, if it has one (`yyyy-mm-dd`).
    pub expires_on: Option<chrono::NaiveDate>,
}
