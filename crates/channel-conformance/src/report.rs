//! What was run and what was found.

use std::{collections::BTreeMap, fmt};

/// The numbered rows: 1 to 48 must have no effect, 101 to 112 must be accepted.
pub(crate) const ROWS: &[(u8, &str)] = &[
    (1, "first byte flipped"),
    (2, "middle byte flipped"),
    (3, "last byte flipped"),
    (4, "truncated by a byte"),
    (5, "truncated to half"),
    (6, "a byte appended"),
    (7, "empty"),
    (8, "white space changed"),
    (9, "fields reordered"),
    (10, "byte order mark"),
    (11, "NUL inside a value"),
    (12, "invalid or overlong UTF-8"),
    (13, "GBK instead of UTF-8"),
    (14, "a key repeated with another value"),
    (15, "nested 10 000 deep"),
    (16, "256 KiB and a byte"),
    (17, "compressed"),
    (18, "another content type"),
    (19, "DOCTYPE and entity"),
    (20, "a chunked trailer"),
    (21, "signature absent"),
    (22, "signature empty"),
    (23, "two different signatures"),
    (24, "signature truncated"),
    (25, "signature extended"),
    (26, "signed with a wrong key"),
    (27, "signed with another merchant's key"),
    (28, "signed with another channel's key"),
    (29, "signed with a retired key"),
    (30, "label of a weaker algorithm"),
    (31, "algorithm none"),
    (32, "signature of another message"),
    (33, "signed without one field"),
    (34, "delimiters shifted between fields"),
    (35, "signature moved to another place"),
    (36, "no time stamp"),
    (37, "time stamp zero, negative, overflowing or no number"),
    (38, "milliseconds for seconds"),
    (39, "a second older than the window"),
    (40, "a second ahead of the window"),
    (41, "sent again"),
    (42, "id used with other content"),
    (43, "unknown key serial"),
    (44, "amount changed"),
    (45, "another currency"),
    (46, "another merchant's order"),
    (47, "quantity out of range"),
    (48, "payment used for another order"),
    (101, "an unknown field"),
    (102, "parameters in another order"),
    (103, "header names in another case"),
    (104, "signature in another hex case"),
    (105, "base64 with its padding"),
    (106, "an optional field empty"),
    (107, "late and early, inside the window"),
    (108, "delivered again"),
    (109, "signed with the older of two keys"),
    (110, "an integer as a string"),
    (111, "CR LF"),
    (112, "emoji"),
];

/// How many findings of a list are printed.
const FINDINGS_MAX: usize = 40;
/// How many characters of a finding are printed.
const SHOWN_MAX: usize = 400;

/// What a row is called.
pub(crate) fn row_name(row: u8) -> &'static str {
    ROWS.iter().find(|(number, _)| *number == row).map_or("check", |(_, name)| name)
}

/// What was run and what was found.
#[derive(Debug, Default)]
pub struct Report {
    /// How many requests, replies and calls were judged.
    pub checks: u64,
    /// Requests that were accepted with another meaning than was signed.
    pub forged_accepted: Vec<String>,
    /// Genuine requests that were refused, or read wrongly.
    pub valid_refused: Vec<String>,
    /// Requests, replies or calls that panicked.
    pub panics: Vec<String>,
    /// Everything else that breaks the contract.
    pub other: Vec<String>,
    rows: BTreeMap<u8, u64>,
    excused: Vec<(u8, &'static str)>,
}

impl Report {
    /// Whether nothing was found.
    pub fn is_clean(&self) -> bool {
        [&self.forged_accepted, &self.valid_refused, &self.panics, &self.other]
            .iter()
            .all(|list| list.is_empty())
    }
    /// How often a numbered row ran.
    pub fn runs_of(&self, row: u8) -> u64 {
        self.rows.get(&row).copied().unwrap_or(0)
    }
    pub(crate) fn ran(&mut self, row: u8) {
        self.checks += 1;
        *self.rows.entry(row).or_insert(0) += 1;
    }
    pub(crate) fn check(&mut self, holds: bool, finding: impl FnOnce() -> String) {
        self.checks += 1;
        if !holds {
            self.other.push(finding());
        }
    }
    /// Every row ran or is excused with a reason.
    pub(crate) fn check_coverage(&mut self, excused: &[(u8, &'static str)]) {
        self.excused = excused.to_vec();
        for (row, name) in ROWS {
            let excuse = excused.iter().find(|(number, _)| number == row);
            if self.runs_of(*row) == 0 && excuse.is_none() {
                self.other.push(format!("row {row} ({name}) ran on no case and is not excused"));
            }
        }
        for (row, reason) in excused {
            if reason.is_empty() || !ROWS.iter().any(|(number, _)| number == row) {
                self.other.push(format!("the excuse for row {row} has no reason, or there is no such row"));
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} checks, {} forged accepted, {} valid refused, {} panics, {} other findings",
            self.checks,
            self.forged_accepted.len(),
            self.valid_refused.len(),
            self.panics.len(),
            self.other.len()
        )?;
        let lists = [
            ("forged accepted", &self.forged_accepted),
            ("valid refused", &self.valid_refused),
            ("panicked", &self.panics),
            ("other", &self.other),
        ];
        for (what, list) in lists {
            for finding in list.iter().take(FINDINGS_MAX) {
                let shown: String = finding.chars().take(SHOWN_MAX).collect();
                writeln!(f, "  {what}: {shown}")?;
            }
        }
        for (row, reason) in &self.excused {
            writeln!(f, "  excused: row {row} ({}): {reason}", row_name(*row))?;
        }
        Ok(())
    }
}
