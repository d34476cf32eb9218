//! Card keys as the log names them: by batch and index, never by content.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ParseError;

/// A batch of imported keys. Numbered 1, 2, 3, … within a merchant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct BatchId(pub u32);

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b{}", self.0)
    }
}

/// What kind of key a batch holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum KeyKind {
    /// A key that is sold to one buyer.
    OneShot,
    /// A key that may be given to `use_limit` buyers (a shared licence); each use counts as one unit of stock.
    Reusable {
        /// How many times each key of the batch may be sold; at least 1.
        use_limit: u32,
    },
    /// A card number with a separate secret, sold to one buyer.
    Pair,
}

impl KeyKind {
    /// How many units of stock one key of this kind is.
    pub fn uses(self) -> u32 {
        match self {
            Self::OneShot | Self::Pair => 1,
            Self::Reusable { use_limit } => use_limit.max(1),
        }
    }
}

/// One sellable unit: a key of a batch and, for reusable keys, which of its uses.
///
/// Written `b3-17` (batch 3, index 17) or `b3-17.2` (its third use). Ordered by batch, index, use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct KeyRef {
    /// The batch.
    pub batch: BatchId,
    /// The key's place in its batch, from 0.
    pub index: u32,
    /// Which use of a reusable key, from 0; always 0 for the other kinds.
    pub use_no: u32,
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.batch, self.index)?;
        if self.use_no > 0 {
            write!(f, ".{}", self.use_no)?;
        }
        Ok(())
    }
}
impl fmt::Debug for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl FromStr for KeyRef {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let fail = ParseError { what: "key", why: "is not of the form b3-17 or b3-17.2" };
        let (batch, rest) = text.strip_prefix('b').and_then(|t| t.split_once('-')).ok_or(fail.clone())?;
        let (index, use_no) = rest.split_once('.').unwrap_or((rest, "0"));
        let number = |t: &str| t.parse::<u32>().map_err(|_| fail.clone());
        Ok(Self { batch: BatchId(number(batch)?), index: number(index)?, use_no: number(use_no)? })
    }
}
impl TryFrom<String> for KeyRef {
    type Error = ParseError;
    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}
impl From<KeyRef> for String {
    fn from(key: KeyRef) -> String {
        key.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reference_reads_back_as_it_was_written() {
        for text in ["b1-0", "b3-17", "b3-17.2"] {
            assert_eq!(text.parse::<KeyRef>().unwrap().to_string(), text);
        }
        for bad in ["", "b", "b1", "1-2", "b1-x", "b1-2.", "b-1-2"] {
            assert!(bad.parse::<KeyRef>().is_err(), "{bad}");
        }
    }
}
