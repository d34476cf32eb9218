//! What buyer decisions read.

use std::collections::BTreeMap;

use events::buyer::IdentifierKind;
use serde::{Deserialize, Serialize};
use vocabulary::Account;

/// A buyer's life with us.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    /// Never seen.
    #[default]
    Unknown,
    /// Seen.
    Registered {
        /// Where first.
        account: Account,
        /// What was ever linked, by kind and digest: whether it still is.
        links: Links,
    },
    /// Nothing personal can be read any more.
    Erased,
}

/// Identifiers that were ever linked to a buyer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Links(BTreeMap<IdentifierKind, BTreeMap<String, bool>>);

impl Links {
    /// Whether the identifier is linked (`true`), was until somebody took it back (`false`), or never was.
    pub fn get(&self, kind: IdentifierKind, identifier: &str) -> Option<bool> {
        self.0.get(&kind)?.get(identifier).copied()
    }
    pub(super) fn set(&mut self, kind: IdentifierKind, identifier: &str, linked: bool) {
        self.0.entry(kind).or_default().insert(identifier.to_owned(), linked);
    }
}
