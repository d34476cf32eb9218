//! A vault at one moment, as a file of its own: sealed as it is, and without the key that opens it.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::VaultError;

/// Writes the vault in the file `db`, as it stands at one moment, into the file `target`, which must not exist or be
/// empty. Whoever has the vault open goes on. Nothing is opened and no key is needed; what was deleted is not copied.
/// The copy needs no other file. It is not flushed: whoever relies on it does that.
///
/// A log names what a vault holds, and the vault has it first. So copy the log first and the vault second.
pub async fn copy_of(db: &Path, target: &Path) -> Result<(), VaultError> {
    let failed = |source| VaultError::Database { doing: "copying", source };
    let options = SqliteConnectOptions::new()
        .filename(db)
        .read_only(true)
        .busy_timeout(Duration::from_secs(5))
        .pragma("mmap_size", "0")
        .pragma("trusted_schema", "OFF")
        .disable_statement_logging();
    let mut connection = options.connect().await.map_err(failed)?;
    let name = target.to_str().ok_or(VaultError::Malformed { what: "name of the target" })?;
    sqlx::query("VACUUM INTO ?").bind(name).execute(&mut connection).await.map_err(failed)?;
    connection.close().await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Vault, VaultOptions, VaultPlace};

    #[tokio::test]
    async fn a_copy_is_made_beside_an_open_vault_and_opens_with_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let options = |name: &str| VaultOptions {
            place: VaultPlace::File(folder.path().join(name)),
            kek_file: folder.path().join("kek"),
            seed: None,
        };
        let vault = Vault::open(options("vault.db")).await.unwrap();
        let token = vault.issue_token("admin").await.unwrap();
        copy_of(&folder.path().join("vault.db"), &folder.path().join("copy.db")).await.unwrap();
        vault.issue_token("later").await.unwrap();
        let copy = Vault::open(options("copy.db")).await.unwrap();
        assert_eq!(copy.tokens().len(), 1);
        assert!(!token.expose().is_empty());
    }
}
