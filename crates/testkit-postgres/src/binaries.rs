//! Where the installed PostgreSQL is, and whom it runs as.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The directory of the newest PostgreSQL's programs. Stops with a line that says what to do where there is none.
pub(crate) fn directory() -> PathBuf {
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for entry in fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten() {
        let version = entry.file_name().to_string_lossy().parse().unwrap_or(0);
        found.push((version, entry.path().join("bin")));
    }
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        found.push((0, PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())));
    }
    found.retain(|(_, path)| path.join("initdb").exists());
    found.sort();
    let (_, path) = found.pop().expect(
        "these tests need a PostgreSQL: install one (Debian: apt-get install -y postgresql) or name a server with \
         KAMI_TEST_POSTGRES=postgres://user:password@host/postgres",
    );
    path
}

/// The user and group to run as: `None` for whoever runs the tests, unless that is root.
pub(crate) fn user() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| -> Option<u32> {
        let output = Command::new("id").args(arguments).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    if id(&["-u"]) != Some(0) {
        return None;
    }
    let ids = id(&["-u", "postgres"]).zip(id(&["-g", "postgres"]));
    Some(ids.expect("PostgreSQL refuses to run as root, and there is no user postgres to run it as"))
}

/// A new directory that the server's user owns.
pub(crate) fn new_directory(user: Option<(u32, u32)>) -> PathBuf {
    let path = tempfile::Builder::new().prefix("kami-postgres-").tempdir().unwrap().keep();
    if let Some((user, group)) = user {
        std::os::unix::fs::chown(&path, Some(user), Some(group)).unwrap();
    }
    path
}

/// The processes that another one started.
pub(crate) fn children_of(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok());
    ids.filter(|id| stat(*id).is_some_and(|(_, of)| of == parent)).collect()
}

/// Whether a process is there and not merely waiting to be buried.
pub(crate) fn is_alive(process: u32) -> bool {
    stat(process).is_some_and(|(state, _)| state != "Z")
}

/// State and parent of a process.
fn stat(process: u32) -> Option<(String, u32)> {
    let text = fs::read_to_string(Path::new("/proc").join(process.to_string()).join("stat")).ok()?;
    let mut rest = text.rsplit_once(')')?.1.split_whitespace();
    Some((rest.next()?.to_owned(), rest.next()?.parse().ok()?))
}
