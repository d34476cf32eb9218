//! `kami backup` and `kami restore`: an installation in a directory of its own, and back.
//!
//! The log is copied first and the vault second: what the log names was in the vault before, so that no copied log names
//! a key that the copied vault lacks. Keys beyond those belong to imports that were cut off, and are discarded at the
//! next start. Read models are not copied: the manifest holds their digests, which a restore has to reach.

mod check;
mod files;
mod fold;
mod manifest;
mod mark;
mod restore;
mod take;

pub(crate) use mark::refuse_unaccepted;
pub(super) use restore::run as restore;
pub(super) use take::run;

/// The copies in a backup, and what they are restored as.
const LOG: &str = "log.db";
const VAULT: &str = "vault.db";
const READ_MODELS: &str = "views.db";
