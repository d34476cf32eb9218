//! What a backup consists of, and what must come of it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path},
};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use vocabulary::{MerchantId, Timestamp};

use super::files;

const FILE: &str = "manifest.json";
/// The hash of the manifest, as `sha256sum` writes and checks it.
const HASH_FILE: &str = "manifest.json.sha256";
const FORMAT: u32 = 1;

/// The manifest of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// The shape of this file.
    pub(super) format: u32,
    /// The version of Kami that made it.
    pub(super) program: String,
    /// When the log was copied: what was decided later is not in it.
    pub(super) made_at: Timestamp,
    /// Whether the key-encryption key was copied too, to another place.
    pub(super) key_copied: bool,
    pub(super) merchants: Vec<End>,
    pub(super) files: Vec<Copied>,
}

/// Where a merchant's log ends, and what its read models are there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    pub(super) merchant: MerchantId,
    pub(super) position: u64,
    pub(super) epoch: u64,
    /// The last link of the hash chain (hex).
    pub(super) head_hash: String,
    pub(super) read_models: Vec<ReadModel>,
}

/// The digest of a read model's rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadModel {
    pub(super) name: String,
    /// Rows of another version have another digest.
    pub(super) version: u32,
    pub(super) digest: String,
}

/// A file of the backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Copied {
    pub(super) name: String,
    pub(super) bytes: u64,
    /// SHA-256 (hex).
    pub(super) sha256: String,
}

impl Manifest {
    /// A manifest of the files in a directory.
    pub(super) fn new(
        dir: &Path,
        made_at: Timestamp,
        merchants: Vec<End>,
        key_copied: bool,
    ) -> anyhow::Result<Self> {
        let mut copied = Vec::new();
        for name in files::below(dir)? {
            let (bytes, sha256) = files::hash(&dir.join(&name))?;
            copied.push(Copied { name, bytes, sha256 });
        }
        let program = env!("CARGO_PKG_VERSION").to_owned();
        Ok(Self { format: FORMAT, program, made_at, key_copied, merchants, files: copied })
    }

    /// Writes it, the last of all: a backup without a manifest is none. Tells its hash.
    pub(super) fn write(&self, dir: &Path) -> anyhow::Result<String> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        let hash = files::hash_of(&text);
        files::write(&dir.join(HASH_FILE), &format!("{hash}  {FILE}\n"))?;
        files::write(&dir.join(FILE), &text)?;
        Ok(hash)
    }

    /// Reads the manifest of a backup, and holds every file of it against it. Tells its hash too.
    pub(super) fn read(dir: &Path) -> anyhow::Result<(Self, String)> {
        let path = dir.join(FILE);
        let Ok(text) = fs::read_to_string(&path) else {
            bail!("{} has no readable {FILE}: it is no backup, or one that was broken off", dir.display());
        };
        let kept =
            fs::read_to_string(dir.join(HASH_FILE)).with_context(|| format!("{HASH_FILE} is not there"))?;
        let hash = files::hash_of(&text);
        if kept != format!("{hash}  {FILE}\n") {
            bail!("{FILE} is not what {HASH_FILE} says: the backup is damaged");
        }
        let manifest: Self = serde_json::from_str(&text).with_context(|| format!("{FILE} cannot be read"))?;
        if manifest.format != FORMAT {
            bail!("the backup has format {}, this Kami knows {FORMAT}", manifest.format);
        }
        manifest.check(dir)?;
        Ok((manifest, hash))
    }

    fn check(&self, dir: &Path) -> anyhow::Result<()> {
        let mut wanted = BTreeSet::from([FILE.to_owned(), HASH_FILE.to_owned()]);
        for file in &self.files {
            let is_inside =
                Path::new(&file.name).components().all(|part| matches!(part, Component::Normal(_)));
            if !is_inside || !wanted.insert(file.name.clone()) {
                bail!("the manifest names {}, which cannot be", file.name);
            }
            let (bytes, sha256) = files::hash(&dir.join(&file.name))?;
            if (bytes, &sha256) != (file.bytes, &file.sha256) {
                bail!("{} is not what was backed up: the backup is damaged", file.name);
            }
        }
        match files::below(dir)?.into_iter().find(|name| !wanted.contains(name)) {
            Some(name) => bail!("{name} is not in the manifest: whose is it?"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backup(dir: &Path) -> Manifest {
        fs::write(dir.join("log.db"), b"the log").unwrap();
        fs::create_dir(dir.join("imported")).unwrap();
        fs::write(dir.join("imported/a.json"), b"{}").unwrap();
        let merchants = vec![End {
            merchant: "main".parse().unwrap(),
            position: 7,
            epoch: 1,
            head_hash: "ab".repeat(32),
            read_models: vec![ReadModel { name: "orders".into(), version: 1, digest: "cd".repeat(32) }],
        }];
        let manifest = Manifest::new(dir, Timestamp::from_secs(1_767_322_800), merchants, false).unwrap();
        manifest.write(dir).unwrap();
        manifest
    }

    #[test]
    fn a_manifest_reads_back_and_names_every_file() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = backup(dir.path());
        assert_eq!(Manifest::read(dir.path()).unwrap().0, manifest);
        let names: Vec<_> = manifest.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["imported/a.json", "log.db"]);
    }

    #[test]
    fn one_flipped_bit_anywhere_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        backup(dir.path());
        let mut flipped = 0;
        for name in files::below(dir.path()).unwrap() {
            let path = dir.path().join(name);
            let good = fs::read(&path).unwrap();
            for place in 0..good.len() {
                let mut bad = good.clone();
                bad[place] ^= 1;
                fs::write(&path, bad).unwrap();
                assert!(Manifest::read(dir.path()).is_err(), "{}, byte {place}", path.display());
                flipped += 1;
            }
            fs::write(&path, good).unwrap();
        }
        assert!(flipped > 500);
        Manifest::read(dir.path()).unwrap();
    }

    #[test]
    fn a_file_too_few_or_too_many_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        backup(dir.path());
        fs::write(dir.path().join("other"), b"").unwrap();
        assert!(Manifest::read(dir.path()).is_err());
        fs::remove_file(dir.path().join("other")).unwrap();
        fs::remove_file(dir.path().join("imported/a.json")).unwrap();
        assert!(Manifest::read(dir.path()).is_err());
    }

    #[test]
    fn a_manifest_that_points_outside_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut manifest = backup(dir.path());
        manifest.files[0].name = "../elsewhere".into();
        manifest.write(dir.path()).unwrap();
        assert!(Manifest::read(dir.path()).unwrap_err().to_string().contains("cannot be"));
    }
}
