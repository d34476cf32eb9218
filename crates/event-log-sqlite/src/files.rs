//! The directory of a log: who may read it, and that only one process writes it.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use event_log::LogError;

use crate::error::file;

/// The log's file in its directory.
pub(crate) fn log_file(dir: &Path) -> PathBuf {
    dir.join("log.db")
}

/// Makes the directory and an empty log file where they are missing, for the owner's eyes only, and takes
/// the lock. The lock is held as long as the returned file is open; the system frees it when a process dies.
pub(crate) fn prepare(dir: &Path) -> Result<File, LogError> {
    make_private_dir(dir).map_err(file)?;
    let lock = private_file(&dir.join("kami.lock")).map_err(file)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(LogError::InUse),
        Err(TryLockError::Error(error)) => return Err(file(error)),
    }
    private_file(&log_file(dir)).and_then(|log| log.sync_all()).map_err(file)?;
    sync_names(dir).map_err(file)?;
    Ok(lock)
}

/// A new file's name is on disk only when its directory is.
fn sync_names(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()?;
    match dir.canonicalize()?.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(unix)]
fn make_private_dir(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

#[cfg(unix)]
fn private_file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn make_private_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).create(dir)
}

#[cfg(not(unix))]
fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

/// Whether nothing is beside the log but the log: it was closed in good order, and nobody has it open.
pub(crate) fn is_at_rest(dir: &Path) -> bool {
    !dir.join("log.db-wal").exists()
}
