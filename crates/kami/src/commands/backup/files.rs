//! Files of a backup: for their owner alone, on disk, and hashed.

use std::{
    fs::{self, DirBuilder, File, Permissions},
    io::{BufReader, Read},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use ring::digest::{Context as Hasher, SHA256};

/// Makes a directory that only its owner can read; refuses one that holds something.
pub(super) fn make_empty(dir: &Path) -> anyhow::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.with_context(|| format!("{} cannot be made", dir.display()))?;
    if fs::read_dir(dir).with_context(|| format!("{} cannot be read", dir.display()))?.next().is_some() {
        bail!("{} is not empty", dir.display());
    }
    Ok(())
}

/// Every file below a directory, as paths from there, by name.
pub(super) fn below(dir: &Path) -> anyhow::Result<Vec<String>> {
    let (mut found, mut todo) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(inside) = todo.pop() {
        let place = dir.join(&inside);
        for entry in fs::read_dir(&place).with_context(|| format!("{} cannot be read", place.display()))? {
            let entry = entry?;
            let path = inside.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                todo.push(path);
            } else {
                let name = path.to_str().with_context(|| format!("{} is no text", path.display()))?;
                found.push(name.to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Copies a file so that only its owner can read the copy, and flushes it.
pub(super) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let failed = || format!("{} cannot be copied to {}", from.display(), to.display());
    if let Some(folder) = to.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(failed)?;
    }
    fs::copy(from, to).with_context(failed)?;
    keep(to, 0o600)
}

/// Makes a file its owner's alone, and flushes it.
pub(super) fn keep(path: &Path, mode: u32) -> anyhow::Result<()> {
    let kept = fs::set_permissions(path, Permissions::from_mode(mode))
        .and_then(|()| File::open(path))
        .and_then(|file| file.sync_all());
    kept.with_context(|| format!("{} cannot be flushed", path.display()))
}

/// Flushes the names in a directory: a new file is on disk only once its name is.
pub(super) fn keep_names(dir: &Path) -> anyhow::Result<()> {
    let kept = File::open(dir).and_then(|dir| dir.sync_all());
    kept.with_context(|| format!("{} cannot be flushed", dir.display()))
}

/// Writes a small file whole or not at all.
pub(super) fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let failed = || format!("{} cannot be written", path.display());
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    fs::write(&beside, text).with_context(failed)?;
    keep(&beside, 0o600)?;
    fs::rename(&beside, path).with_context(failed)?;
    path.parent().map_or(Ok(()), keep_names)
}

/// The length of a file, and its SHA-256 (hex).
pub(super) fn hash(path: &Path) -> anyhow::Result<(u64, String)> {
    let failed = || format!("{} cannot be read", path.display());
    let mut file = BufReader::new(File::open(path).with_context(failed)?);
    let (mut hasher, mut buffer, mut length) = (Hasher::new(&SHA256), vec![0; 1 << 16], 0);
    loop {
        let read = file.read(&mut buffer).with_context(failed)?;
        if read == 0 {
            return Ok((length, hex::encode(hasher.finish())));
        }
        hasher.update(&buffer[..read]);
        length += read as u64;
    }
}

/// The SHA-256 of a text (hex).
pub(super) fn hash_of(text: &str) -> String {
    hex::encode(ring::digest::digest(&SHA256, text.as_bytes()))
}
