//! Money in integer minor units, and quantities.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ParseError;

/// An ISO 4217 code, or one made like it: three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// Renminbi; the minor unit is the fen.
    pub const CNY: Self = Self(*b"CNY");
    /// United States dollar.
    pub const USD: Self = Self(*b"USD");
    /// Euro.
    pub const EUR: Self = Self(*b"EUR");
    /// Hong Kong dollar.
    pub const HKD: Self = Self(*b"HKD");
    /// Japanese yen, which has no minor unit.
    pub const JPY: Self = Self(*b"JPY");
    /// Telegram Stars, which have no minor unit: the code is Telegram's, ISO 4217 has none for them.
    pub const XTR: Self = Self(*b"XTR");

    /// Pound sterling.
    pub const GBP: Self = Self(*b"GBP");
    /// Pound sterling counted in thousandths, for books whose unit prices go below the penny. Not an ISO 4217 code.
    pub const GBM: Self = Self(*b"GBM");

    /// The currencies Kami accepts; any other code is refused where it enters.
    pub const KNOWN: [Self; 8] =
        [Self::CNY, Self::USD, Self::EUR, Self::HKD, Self::JPY, Self::XTR, Self::GBP, Self::GBM];

    /// The code as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }
    /// Decimal digits of the minor unit: 2 for most, 0 for the yen and for Stars, 3 for [`Currency::GBM`].
    pub fn minor_digits(&self) -> u32 {
        match *self {
            Self::JPY | Self::XTR => 0,
            Self::GBM => 3,
            _ => 2,
        }
    }
}
impl FromStr for Currency {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::KNOWN
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or(ParseError { what: "currency", why: "is not one that Kami knows" })
    }
}
impl TryFrom<String> for Currency {
    type Error = ParseError;
    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}
impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.as_str().to_owned()
    }
}
impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An amount in integer minor units of one currency. Arithmetic is checked; there are no floats.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Money {
    /// The amount in minor units (fen for CNY). May be negative only as a difference.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

/// Why an amount could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Two currencies met in one sum.
    #[error("amounts are of different currencies")]
    CurrencyMismatch,
    /// The result does not fit 64 bits.
    #[error("amount is out of range")]
    Overflow,
    /// The text is not a plain decimal with at most the currency's minor digits.
    #[error("amount is not a plain decimal of its currency")]
    NotDecimal,
}

impl Money {
    /// An amount of `minor` units.
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }
    /// Zero of a currency.
    pub fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }
    /// The sum, if both are of one currency and it fits.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch);
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self::new(minor, self.currency))
    }
    /// The difference, if both are of one currency and it fits.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.checked_add(Self::new(other.minor.checked_neg().ok_or(MoneyError::Overflow)?, other.currency))
    }
    /// This amount `times` over, if it fits.
    pub fn checked_mul(self, times: u32) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(i64::from(times)).ok_or(MoneyError::Overflow)?;
        Ok(Self::new(minor, self.currency))
    }
    /// Reads a plain decimal in major units (`28.88`, `1.5`, `3`) as channels that speak yuan write it.
    ///
    /// No sign, no exponent, no separator, at most the currency's digits after the point (trailing zeros may exceed them).
    pub fn from_major_text(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let digits = currency.minor_digits() as usize;
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !plain(whole) || !plain(fraction) || text.ends_with('.') || text.len() > 24 {
            return Err(MoneyError::NotDecimal);
        }
        let kept = fraction.trim_end_matches('0');
        if kept.len() > digits {
            return Err(MoneyError::NotDecimal);
        }
        format!("{whole}{kept:0<digits$}")
            .parse::<i64>()
            .map(|minor| Self::new(minor, currency))
            .map_err(|_| MoneyError::Overflow)
    }
    /// The amount in major units with exactly the currency's digits, for example `28.88`.
    pub fn to_major_text(self) -> String {
        let digits = self.currency.minor_digits();
        if digits == 0 {
            return self.minor.to_string();
        }
        let scale = 10_u64.pow(digits);
        let absolute = self.minor.unsigned_abs();
        let sign = if self.minor < 0 { "-" } else { "" };
        format!("{sign}{}.{:0width$}", absolute / scale, absolute % scale, width = digits as usize)
    }
}
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_major_text(), self.currency)
    }
}

/// How many units a buyer wants: 1 to [`Quantity::MAX`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "i64", into = "i64")]
#[schemars(with = "u32")]
pub struct Quantity(u32);

impl Quantity {
    /// One unit.
    pub const ONE: Self = Self(1);
    /// The most one line may ask for.
    pub const MAX: u32 = 10_000;
    /// The quantity as a number.
    pub fn get(self) -> u32 {
        self.0
    }
}
impl TryFrom<i64> for Quantity {
    type Error = ParseError;
    fn try_from(value: i64) -> Result<Self, ParseError> {
        match u32::try_from(value) {
            Ok(n @ 1..=Self::MAX) => Ok(Self(n)),
            _ => Err(ParseError { what: "quantity", why: "is not between 1 and 10000" }),
        }
    }
}
impl From<Quantity> for i64 {
    fn from(quantity: Quantity) -> i64 {
        i64::from(quantity.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn yuan_text_reads_as_fen() {
        let fen = |t| Money::from_major_text(t, Currency::CNY).map(|m| m.minor);
        assert_eq!(fen("28.88"), Ok(2888));
        assert_eq!(fen("1.5"), Ok(150));
        assert_eq!(fen("1.500"), Ok(150));
        assert_eq!(fen("3"), Ok(300));
        for bad in ["", ".5", "5.", "-1", "+1", "1e3", "1,000", "1.005", " 1", "１"] {
            assert_eq!(fen(bad), Err(MoneyError::NotDecimal), "{bad}");
        }
        assert_eq!(fen("92233720368547758.08"), Err(MoneyError::Overflow));
    }

    #[test]
    fn yen_and_stars_are_whole() {
        for whole in [Currency::JPY, Currency::XTR] {
            assert_eq!(whole.as_str().parse(), Ok(whole));
            assert_eq!(Money::from_major_text("150", whole), Ok(Money::new(150, whole)));
            assert_eq!(Money::from_major_text("1.5", whole), Err(MoneyError::NotDecimal));
            assert_eq!(Money::new(150, whole).to_major_text(), "150");
        }
    }

    proptest! {
        #[test]
        fn major_text_round_trips(minor in 0..=i64::MAX) {
            let money = Money::new(minor, Currency::CNY);
            prop_assert_eq!(Money::from_major_text(&money.to_major_text(), Currency::CNY), Ok(money));
        }

        #[test]
        fn addition_never_wraps(a in any::<i64>(), b in any::<i64>()) {
            let sum = Money::new(a, Currency::CNY).checked_add(Money::new(b, Currency::CNY));
            prop_assert_eq!(sum.map(|m| m.minor).ok(), a.checked_add(b));
        }
    }
}
