//! What a check found: the report, and the collector that the checks write to.

use std::collections::BTreeMap;

use serde::Serialize;

/// At most this many violations of one invariant are listed; all are counted.
pub const LISTED_MAX: u64 = 100;

/// What was checked and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether nothing is wrong. Exact, even where not every violation is listed.
    pub ok: bool,
    /// The merchants found, by name.
    pub merchants: Vec<MerchantReport>,
    /// What is wrong, by merchant and position: the first entry of a merchant is its first bad position.
    /// At most [`LISTED_MAX`] for each invariant.
    pub violations: Vec<Violation>,
    /// What a person may want to look at, though no promise is broken.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// One merchant's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MerchantReport {
    /// The merchant.
    pub merchant: String,
    /// How many events were read.
    pub events: u64,
    /// The recomputed hash of the last event (hex): compare it with one that was kept elsewhere.
    pub head_hash: String,
}

/// One broken invariant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// Whose log; none where the file itself is damaged.
    pub merchant: Option<String>,
    /// Where it shows; none where it belongs to no event.
    pub position: Option<u64>,
    /// The stream concerned, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// What is wrong.
    pub message: String,
}

/// Something to look at that breaks no promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Whose log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merchant: Option<String>,
    /// What.
    pub message: String,
}

/// What is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Invariant {
    /// The database file is sound.
    #[serde(rename = "store")]
    Store,
    /// Positions are exactly 1 to N, and N is where the merchant's row says the log ends.
    I1,
    /// Stream versions are 0 to n, units are whole and adjacent, recorded time never decreases.
    I2,
    /// Every hash follows from the one before it, up to the merchant's row; event ids are the derived ones.
    I3,
    /// Epochs never decrease.
    I5,
    /// Every event decodes and stands in a stream of its kind.
    I6,
    /// A message has one effect: inbox rows, their positions and the channels' numbers agree with the log.
    I7,
    /// A key's life is a word of its grammar: it is sold at most once.
    I9,
    /// No two live keys of a family are the same.
    I10,
    /// A line never has more units than it ordered and paid; a replacement needs a revoked key; a call hands over
    /// the keys it was begun with.
    I11,
    /// Nothing is bound, shown or handed over before it is paid.
    I12,
    /// Stock adds up, and nothing is ever below zero; what was bought came into stock once, as the batch kept free
    /// for it.
    I13,
    /// Each order's money adds up, and a closed order owes nothing.
    I15,
    /// Refunds never exceed the payment; numbers are used once; a refund takes the keys back or is a loss.
    I16,
    /// No read model is ahead of the log.
    I17,
    /// Every imported key lies in the vault.
    #[serde(rename = "vault")]
    Vault,
}

/// Where something shows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct At<'a> {
    pub(crate) position: Option<u64>,
    pub(crate) stream: Option<&'a str>,
}

impl<'a> At<'a> {
    pub(crate) fn event(position: u64, stream: &'a str) -> Self {
        Self { position: Some(position), stream: Some(stream) }
    }
    pub(crate) fn position(position: u64) -> Self {
        Self { position: Some(position), stream: None }
    }
}

/// Collects what the checks find.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    merchant: Option<String>,
    counts: BTreeMap<Invariant, u64>,
    violations: Vec<Violation>,
    warnings: Vec<Warning>,
}

impl Findings {
    /// What follows concerns this merchant, or (`None`) the whole directory.
    pub(crate) fn concern(&mut self, merchant: Option<&str>) {
        self.merchant = merchant.map(str::to_owned);
    }

    pub(crate) fn violation(&mut self, invariant: Invariant, at: At<'_>, message: impl Into<String>) {
        let count = self.counts.entry(invariant).or_default();
        *count += 1;
        if *count > LISTED_MAX {
            return;
        }
        self.violations.push(Violation {
            invariant,
            merchant: self.merchant.clone(),
            position: at.position,
            stream: at.stream.map(str::to_owned),
            message: message.into(),
        });
    }

    pub(crate) fn warn(&mut self, message: impl Into<String>) {
        self.warnings.push(Warning { merchant: self.merchant.clone(), message: message.into() });
    }

    pub(crate) fn into_report(mut self, merchants: Vec<MerchantReport>) -> Report {
        for (invariant, count) in &self.counts {
            if *count > LISTED_MAX {
                let message =
                    format!("{} more violations of {invariant:?} are not listed", count - LISTED_MAX);
                self.warnings.push(Warning { merchant: None, message });
            }
        }
        let place = |v: &Violation| (v.merchant.clone(), v.position.unwrap_or(u64::MAX));
        self.violations.sort_by_key(place);
        let ok = self.counts.is_empty();
        Report { ok, merchants, violations: self.violations, warnings: self.warnings }
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.invariant)?;
        if let Some(merchant) = &self.merchant {
            write!(f, " {merchant}")?;
        }
        if let Some(position) = self.position {
            write!(f, " at {position}")?;
        }
        write!(f, ": {}", self.message)
    }
}
