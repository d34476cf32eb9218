//! The key-encryption key: one small file outside the database, hex of 32 bytes, readable by its owner alone.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::VaultError;
use crate::crypto::{RawKey, random};

/// A longer file is not a key file; the bound keeps a wrong path from being read whole.
const FILE_BYTES_MAX: u64 = 256;

/// Reads the key file; `None` when there is none.
pub(crate) fn read(path: &Path) -> Result<Option<RawKey>, VaultError> {
    let malformed = || VaultError::KekMalformed { path: path.into() };
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(file_error(path)(error)),
    };
    if !meta.is_file() || meta.len() > FILE_BYTES_MAX {
        return Err(malformed());
    }
    if meta.permissions().mode() & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "the key-encryption key can be read by others than its owner");
    }
    let bytes = Zeroizing::new(fs::read(path).map_err(file_error(path))?);
    let mut key = Zeroizing::new([0; 32]);
    hex::decode_to_slice(bytes.trim_ascii(), key.as_mut_slice()).map_err(|_| malformed())?;
    Ok(Some(key))
}

/// Writes a key file that only its owner can read. It is on disk, whole, when this returns.
pub(crate) fn write(path: &Path, key: &RawKey) -> Result<(), VaultError> {
    let text = Zeroizing::new(hex::encode(key.as_slice()));
    // Written beside and renamed, because half a key file would look like damage at the next start.
    let beside = sibling(path)?;
    let made = OpenOptions::new().write(true).create_new(true).mode(0o400).open(&beside);
    let mut file = made.map_err(file_error(&beside))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(file_error(&beside))?;
    fs::rename(&beside, path).map_err(file_error(path))?;
    sync_folder(path)
}

/// Makes the database file, for its owner alone, so that the engine finds it with the right mode.
pub(crate) fn create_private(path: &Path) -> Result<(), VaultError> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(file_error(path))?;
    sync_folder(path)
}

/// A name in the same folder that nothing else uses.
fn sibling(path: &Path) -> Result<PathBuf, VaultError> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", hex::encode(random::<6>()?.as_slice())));
    Ok(name.into())
}

/// A new name is durable only once its folder is.
fn sync_folder(path: &Path) -> Result<(), VaultError> {
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(file_error(folder))
}

fn file_error(path: &Path) -> impl FnOnce(std::io::Error) -> VaultError {
    let path = path.to_path_buf();
    move |source| VaultError::File { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_reads_back_and_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        assert!(read(&path).unwrap().is_none());
        let key = random().unwrap();
        write(&path, &key).unwrap();
        assert!(read(&path).unwrap().unwrap() == key);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o400);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_not_a_key_is_refused_without_repeating_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        for text in ["", "abcd", &"zz".repeat(32), &"a".repeat(1 << 12)] {
            fs::write(&path, text).unwrap();
            assert!(matches!(read(&path), Err(VaultError::KekMalformed { .. })));
        }
        fs::write(&path, format!("{}\n", "ab".repeat(32))).unwrap();
        assert!(read(&path).unwrap().is_some());
    }
}
