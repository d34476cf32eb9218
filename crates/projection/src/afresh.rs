//! Read models from nothing, in a file of their own that takes the place of the old one when it is whole.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};

use crate::{
    Projection, Views, ViewsError,
    views::{options, single},
};

/// A database of read models in the making, beside the one it will replace. It is written without care for a crash:
/// what a crash leaves is never looked at, so nothing need be written twice or waited for.
pub struct Afresh {
    views: Arc<Views>,
    path: PathBuf,
}

impl Afresh {
    /// Begins an empty database that will take the place of the one at `path`, whose rows stay as they are.
    pub async fn begin(path: &Path, projections: Vec<Arc<dyn Projection>>) -> Result<Self, ViewsError> {
        let making = with_suffix(path, ".new");
        for suffix in ["", "-journal", "-wal", "-shm"] {
            remove(&with_suffix(&making, suffix)).map_err(ViewsError::Files)?;
        }
        let pool = single(
            options(&making).journal_mode(SqliteJournalMode::Memory).synchronous(SqliteSynchronous::Off),
        )
        .await?;
        let views = Views::prepared(pool.clone(), pool, projections, &making).await?;
        Ok(Self { views: Arc::new(views), path: path.to_owned() })
    }

    /// The database, to fold into and to ask.
    pub fn views(&self) -> &Arc<Views> {
        &self.views
    }

    /// Closes the database and puts it in the place of the old one, durably. Nobody may have the old one open.
    ///
    /// # Errors
    /// [`ViewsError::Files`] when a file cannot be put in place. The old rows may be gone then; a start folds new ones.
    pub async fn put_in_place(self) -> Result<(), ViewsError> {
        self.views.writer.close().await;
        let making = self.views.path().to_owned();
        let path = self.path;
        tokio::task::spawn_blocking(move || replace(&making, &path))
            .await
            .map_err(|_| ViewsError::Stopped)?
            .map_err(ViewsError::Files)
    }
}

/// The old database goes before its write-ahead log, and both before the new one comes: at no moment does a database
/// lie beside a write-ahead log that is not its own, or without its own.
fn replace(making: &Path, path: &Path) -> io::Result<()> {
    File::open(making)?.sync_all()?;
    for suffix in ["", "-wal", "-shm"] {
        remove(&with_suffix(path, suffix))?;
    }
    fs::rename(making, path)?;
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
