//! The data directory, its disk, and the key-encryption key.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use event_log_sqlite::SqliteLog;

use super::Finding;
use crate::{commands::refuse_unaccepted, config::Config, kept_at::KeptAt};

/// Below this an append may fail soon: a batch, its write-ahead log and a snapshot must fit.
const ROOM_MIN: u64 = 256 << 20;
/// Below this somebody should make room.
const ROOM_WANTED: u64 = 2 << 30;

pub(super) fn data(config: &Config) -> Finding {
    let what = "data directory";
    let path = config.data.join(".doctor");
    let tried = fs::create_dir_all(&config.data)
        .and_then(|()| fs::write(&path, b"x"))
        .and_then(|()| fs::remove_file(&path));
    match tried {
        Ok(()) => Finding::ok(what, format!("{} can be written", config.data.display())),
        Err(error) => Finding::fail(what, format!("{}: {error}", config.data.display())),
    }
}

pub(super) fn room(config: &Config) -> Finding {
    let what = "disk space";
    let disk = match rustix::fs::statvfs(&config.data) {
        Ok(disk) => disk,
        Err(error) => return Finding::fail(what, error.to_string()),
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let detail = format!("{} MiB are free", free >> 20);
    match free {
        free if free < ROOM_MIN => Finding::fail(what, format!("{detail}; an append may fail soon")),
        free if free < ROOM_WANTED => Finding::warn(what, format!("{detail}; make room")),
        _ => Finding::ok(what, detail),
    }
}

/// Databases and token are their owner's alone.
pub(super) fn private(config: &Config) -> Finding {
    let what = "file modes";
    let open = ["log.db", "vault.db", "admin.token"].into_iter().find(|name| {
        fs::metadata(config.data.join(name)).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
    });
    match open {
        Some(name) => Finding::fail(what, format!("{name} can be read by others; chmod 600 it")),
        None => Finding::ok(what, "nobody else can read the databases and the token"),
    }
}

pub(super) fn key(config: &Config) -> Vec<Finding> {
    let what = "key-encryption key";
    let path = &config.kek_file;
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(_) if config.vault_at != KeptAt::Data || config.data.join("vault.db").exists() => {
            return vec![Finding::fail(
                what,
                format!("{} is missing, the vault cannot be opened", path.display()),
            )];
        }
        Err(_) => return vec![Finding::ok(what, "is made at the first start")],
    };
    let mode = if meta.permissions().mode() & 0o077 != 0 {
        Finding::fail(what, format!("{} can be read by others; chmod 400 it", path.display()))
    } else {
        Finding::ok(what, format!("{} is there and private", path.display()))
    };
    let place = match fs::metadata(&config.data) {
        Ok(data) if data.dev() == meta.dev() => Finding::warn(
            "place of the key",
            "it is on the disk of the data: who takes that disk can open every card key (kek_file)",
        ),
        Ok(_) => Finding::ok("place of the key", "it is on another disk than the data"),
        Err(error) => Finding::fail("place of the key", error.to_string()),
    };
    vec![mode, place]
}

pub(super) fn restored(config: &Config) -> Finding {
    match refuse_unaccepted(&config.data) {
        Ok(()) => Finding::ok("restore", "nothing waits to be accepted"),
        Err(error) => Finding::fail("restore", format!("{error:#}")),
    }
}

/// Whether the bundled SQLite, on the disk of the data, keeps what it commits: a log that is thrown away says so.
pub(super) async fn sqlite(config: &Config) -> Finding {
    let what = "SQLite";
    match try_sqlite(&config.data).await {
        Ok(()) => {
            Finding::ok(what, "flushes every commit (WAL, synchronous=FULL, no memory map, 3.51.3 or newer)")
        }
        Err(error) => Finding::fail(what, format!("{error:#}")),
    }
}

async fn try_sqlite(data: &Path) -> anyhow::Result<()> {
    let place = tempfile::Builder::new().prefix(".doctor-").tempdir_in(data)?;
    SqliteLog::open(place.path()).await?.close().await?;
    Ok(())
}
