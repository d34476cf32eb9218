//! A log at one moment, as a file of its own.

use std::path::Path;

use event_log::LogError;
use sqlx::{ConnectOptions, Connection};

use crate::{error::store, files, schema, settings};

/// Writes the log of a directory, as it stands at one moment, into the file `target`, which must not exist or be
/// empty. A process that writes the log meanwhile goes on: the moment is that of the beginning, and its write-ahead log
/// grows until the copy ends. The copy needs no other file. It is not flushed: whoever relies on it does that.
pub async fn copy_of(dir: &Path, target: &Path) -> Result<(), LogError> {
    let mut connection = settings::copied_from(&files::log_file(dir)).connect().await.map_err(store)?;
    schema::check(&mut connection).await?;
    // A path that is no text would end up elsewhere.
    let Some(target) = target.to_str() else {
        return Err(LogError::Store("the name of the target is not UTF-8".into()));
    };
    sqlx::query("VACUUM INTO ?").bind(target).execute(&mut connection).await.map_err(store)?;
    connection.close().await.map_err(store)
}

#[cfg(test)]
mod tests {
    use event_log::EventLog;

    use super::*;
    use crate::SqliteLog;

    #[tokio::test]
    async fn a_copy_is_made_beside_whoever_writes_and_is_a_log_of_its_own() {
        let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let log = SqliteLog::open(dir.path()).await.unwrap();
        let merchant = "acme".parse().unwrap();
        let head = log.claim(&merchant).await.unwrap();
        copy_of(dir.path(), &copy.path().join("log.db")).await.unwrap();
        let names = std::fs::read_dir(copy.path()).unwrap().count();
        assert_eq!(names, 1, "the copy needs no file beside it");
        log.claim(&merchant).await.unwrap();
        let copied = SqliteLog::open(copy.path()).await.unwrap();
        assert_eq!(copied.head(&merchant).await.unwrap(), Some(head));
    }

    #[tokio::test]
    async fn a_target_that_holds_something_is_left_alone() {
        let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        SqliteLog::open(dir.path()).await.unwrap().close().await.unwrap();
        let target = copy.path().join("log.db");
        std::fs::write(&target, "something").unwrap();
        assert!(copy_of(dir.path(), &target).await.is_err());
        assert_eq!(std::fs::read(&target).unwrap(), b"something");
    }
}
