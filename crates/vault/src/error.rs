//! Why the vault did not do what was asked. No text here ever holds a key, a secret or a person.

use std::path::PathBuf;

use vocabulary::{BatchId, KeyRef};

/// Why a vault operation failed.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The database is there but the key that opens it is not. Restore the key file from its backup.
    #[error("the vault exists but its key-encryption key is missing at {}", path.display())]
    KekMissing {
        /// Where the key file was expected.
        path: PathBuf,
    },
    /// The key file is well formed but is not the one this database was sealed under.
    #[error("the key-encryption key at {} does not open this vault", path.display())]
    KekWrong {
        /// The key file that was read.
        path: PathBuf,
    },
    /// The key file is not 64 hex digits.
    #[error("the key-encryption key at {} is not 64 hex digits", path.display())]
    KekMalformed {
        /// The key file that was read.
        path: PathBuf,
    },
    /// Rotation was asked for, but the new key is the present key.
    #[error("the new key-encryption key is the present one")]
    KekUnchanged,
    /// A file of the vault could not be read or made.
    #[error("cannot use the file {}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The database was written by a newer version of this program.
    #[error("the vault has schema {found}, this program knows schemas up to {known}")]
    NewerSchema {
        /// The schema of the file.
        found: i64,
        /// The newest schema this program knows.
        known: i64,
    },
    /// The storage engine would not promise durability, so the vault refuses to serve.
    #[error("the vault's storage is unsafe: {what}")]
    UnsafeStorage {
        /// Which promise is missing.
        what: &'static str,
    },
    /// The address of the database cannot be read. It is not repeated: it may hold a password.
    #[error("the address of the vault's database is not one such as postgres://kami@db.example/kami")]
    BadAddress,
    /// The PostgreSQL server has a setting with which it could lose a committed write, or is a standby.
    #[error("the server of the vault's database could lose data: look at {what}")]
    UnsafeServer {
        /// The setting.
        what: String,
    },
    /// Another process took the merchant over. This one may not write its rows any more.
    #[error("another process writes the vault of {merchant} now")]
    Fenced {
        /// Whose rows.
        merchant: String,
    },
    /// The line to the database broke while it committed, and it could not be asked how that ended. Nothing may be
    /// written until a restart.
    #[error("it is not known whether the vault stored a write; restart to recover")]
    InDoubt {
        /// How the line broke.
        source: sqlx::Error,
    },
    /// The place to copy to holds another vault, or another state of this one.
    #[error("the target holds another vault, or another state of this one")]
    TargetTaken,
    /// There is no vault in the place to copy from.
    #[error("there is no vault to copy")]
    NoVault,
    /// A copy does not open to what the original opens to.
    #[error("the copy does not open to the same as the original")]
    CopyDiffers,
    /// An earlier write failed in a way after which nothing may be written until a restart.
    #[error("the vault stopped writing after a storage failure; restart to recover")]
    Stopped,
    /// The database refused an operation.
    #[error("the vault's database failed while {doing}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What the database said.
        source: sqlx::Error,
    },
    /// A stored row has a shape this program never writes.
    #[error("the vault holds a malformed {what}")]
    Malformed {
        /// What kind of row.
        what: &'static str,
    },
    /// A sealed text does not open: it was altered, moved, or sealed under another key or context.
    #[error("a sealed {what} does not open")]
    NotAuthentic {
        /// What kind of text, and where it is known, which one.
        what: String,
    },
    /// The vault holds no such key.
    #[error("the vault holds no key {key}")]
    KeyMissing {
        /// The key that was asked for.
        key: KeyRef,
    },
    /// The batch was begun for another item or another family.
    #[error("batch {batch} belongs to another item or family")]
    BatchMismatch {
        /// The batch.
        batch: BatchId,
    },
    /// Keys are stored at or after the index where new ones were to begin.
    #[error("batch {batch} already holds keys at index {index} or later")]
    IndexTaken {
        /// The batch.
        batch: BatchId,
        /// The first index that was asked for.
        index: u32,
    },
    /// One call carried too many keys, or the batch would outgrow its index.
    #[error("too many keys at once: at most {max} in a call and 2^32 in a batch")]
    TooManyKeys {
        /// The most keys a call may carry.
        max: usize,
    },
    /// A key has no text.
    #[error("key {place} of the call is empty")]
    EmptyKey {
        /// The key's place in the call, from 0.
        place: usize,
    },
    /// A token's name is empty, too long (64 bytes), or holds a control character.
    #[error("a token's name must be 1 to 64 bytes without control characters")]
    BadTokenName,
    /// The operating system or the crypto library failed at something that does not fail.
    #[error("the crypto library failed while {doing}")]
    Crypto {
        /// What was being done.
        doing: &'static str,
    },
}
