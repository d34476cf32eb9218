//! The mark of a restored installation. Its log may end before what was acknowledged: what was sold since, it believes
//! to be in stock. So it is not served before somebody has said how much is missing.

use std::{fs, path::Path};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use vocabulary::{MerchantId, Timestamp};

use super::{files, manifest::Manifest};

const FILE: &str = "restored.json";

/// What is kept beside the data.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    pub(super) state: State,
    /// When the backup was made.
    pub(super) made_at: Timestamp,
    pub(super) manifest_sha256: String,
    /// Where each log ended.
    pub(super) ends: Vec<Ended>,
}

/// How far the restoring is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(super) enum State {
    /// Files are being copied; a restore that was broken off stays here.
    Unfinished,
    /// Proven to be what was backed up, but not accepted.
    Restored,
    /// Somebody has said what is missing.
    Accepted { at: Timestamp, reason: String, outside: Vec<Outside> },
}

/// Where a merchant's log ended when it was backed up.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ended {
    pub(super) merchant: MerchantId,
    pub(super) position: u64,
    pub(super) head_hash: String,
}

/// The last position that was known outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Outside {
    pub(super) merchant: MerchantId,
    pub(super) position: u64,
    /// How many events are lost for good.
    pub(super) lost: u64,
}

impl Mark {
    pub(super) fn new(manifest: &Manifest, hash: &str) -> Self {
        let ends = manifest.merchants.iter().map(|end| Ended {
            merchant: end.merchant.clone(),
            position: end.position,
            head_hash: end.head_hash.clone(),
        });
        Self {
            state: State::Unfinished,
            made_at: manifest.made_at,
            manifest_sha256: hash.to_owned(),
            ends: ends.collect(),
        }
    }

    /// The mark of a data directory, if it was restored.
    pub(super) fn read(data: &Path) -> anyhow::Result<Option<Self>> {
        let path = data.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let mark =
            serde_json::from_str(&text).with_context(|| format!("{} cannot be read", path.display()))?;
        Ok(Some(mark))
    }

    pub(super) fn write(&self, data: &Path) -> anyhow::Result<()> {
        files::write(&data.join(FILE), &(serde_json::to_string_pretty(self)? + "\n"))
    }

    /// What the words of an operator mean: each merchant's last position that is known outside.
    pub(super) fn outside(&self, words: &[String]) -> anyhow::Result<Vec<Outside>> {
        if let [word] = words
            && word == "nothing-lost"
        {
            return Ok(self.ends.iter().map(|end| end.known(end.position)).collect());
        }
        let mut known = Vec::new();
        for end in &self.ends {
            let name = end.merchant.as_str();
            let word = words.iter().find_map(|word| match word.split_once('=') {
                Some((merchant, position)) => (merchant == name).then_some(position),
                None => (self.ends.len() == 1).then_some(word.as_str()),
            });
            let word = word.with_context(|| format!("--accept does not say up to where {name} is known"))?;
            let position = word.parse().with_context(|| format!("{word} is no position"))?;
            if position < end.position {
                bail!("{name} was restored up to {}: nobody can know less than that", end.position);
            }
            known.push(end.known(position));
        }
        if known.len() != words.len() {
            bail!("--accept names a merchant that is not here, or one twice");
        }
        Ok(known)
    }
}

impl Ended {
    fn known(&self, position: u64) -> Outside {
        Outside { merchant: self.merchant.clone(), position, lost: position - self.position }
    }
}

/// Refuses to write a log that was restored and not accepted.
pub(crate) fn refuse_unaccepted(data: &Path) -> anyhow::Result<()> {
    let Some(mark) = Mark::read(data)? else { return Ok(()) };
    match mark.state {
        State::Accepted { .. } => Ok(()),
        State::Unfinished => {
            bail!("{} is a restore that was broken off: empty it, and restore again", data.display())
        }
        State::Restored => bail!(
            "{} was restored from a backup of {}, and its log may end before what was acknowledged: say what is \
             missing with `kami restore --accept`",
            data.display(),
            mark.made_at
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(merchants: &[&str]) -> Mark {
        let ended =
            |name: &&str| Ended { merchant: name.parse().unwrap(), position: 100, head_hash: String::new() };
        Mark {
            state: State::Restored,
            made_at: Timestamp::from_secs(0),
            manifest_sha256: String::new(),
            ends: merchants.iter().map(ended).collect(),
        }
    }

    fn lost(mark: &Mark, words: &[&str]) -> Option<Vec<u64>> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Some(mark.outside(&words).ok()?.iter().map(|known| known.lost).collect())
    }

    #[test]
    fn what_is_missing_is_said_for_every_merchant_and_never_negative() {
        let one = mark(&["main"]);
        assert_eq!(lost(&one, &["nothing-lost"]), Some(vec![0]));
        assert_eq!(lost(&one, &["112"]), Some(vec![12]));
        assert_eq!(lost(&one, &["main=112"]), Some(vec![12]));
        for wrong in [&["99"][..], &["other=112"], &["much"], &["112", "113"], &["main=112", "other=1"], &[]]
        {
            assert_eq!(lost(&one, wrong), None, "{wrong:?}");
        }
        let two = mark(&["east", "west"]);
        assert_eq!(lost(&two, &["west=101", "east=100"]), Some(vec![0, 1]));
        for wrong in [&["112"][..], &["east=112"], &["east=101", "east=102"]] {
            assert_eq!(lost(&two, wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_directory_is_served_again_only_when_its_mark_is_accepted() {
        let dir = tempfile::tempdir().unwrap();
        refuse_unaccepted(dir.path()).unwrap();
        let mut mark = mark(&["main"]);
        for state in [State::Unfinished, State::Restored] {
            mark.state = state;
            mark.write(dir.path()).unwrap();
            assert!(refuse_unaccepted(dir.path()).is_err());
        }
        let at = Timestamp::from_secs(0);
        mark.state = State::Accepted { at, reason: "a test".into(), outside: Vec::new() };
        mark.write(dir.path()).unwrap();
        refuse_unaccepted(dir.path()).unwrap();
        fs::write(dir.path().join(FILE), "{").unwrap();
        assert!(refuse_unaccepted(dir.path()).is_err());
    }
}
