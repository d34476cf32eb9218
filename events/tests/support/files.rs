//! The committed files of the permanent record: where they lie, what their names mean, when they may be
//! written.

use std::{env, fs, path::PathBuf};

/// Whether this run may write files: missing golden files, and generated ones that are out of date.
pub(crate) fn may_write() -> bool {
    env::var_os("KAMI_WRITE_GOLDEN").is_some_and(|value| value == "1")
}

/// A folder or file by its path from this crate.
pub(crate) fn path(from_crate: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(from_crate)
}

/// A file named `<Type>.v<N>.json` or `<Type>.v<N>.<label>.json`.
pub(crate) struct Named {
    pub(crate) file: String,
    pub(crate) type_name: String,
    pub(crate) version: u16,
    pub(crate) text: String,
}

/// Every file of a folder, in the order of their names. Fails on a name that is not of the form above.
pub(crate) fn all(folder: &str) -> Vec<Named> {
    let mut files: Vec<Named> = fs::read_dir(path(folder))
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let file = entry.file_name().into_string().unwrap();
            let (type_name, version) =
                parse(&file).unwrap_or_else(|| panic!("{folder}/{file} has no type and version"));
            Named { type_name, version, text: fs::read_to_string(entry.path()).unwrap(), file }
        })
        .collect();
    files.sort_by(|a, b| a.file.cmp(&b.file));
    files
}

fn parse(file: &str) -> Option<(String, u16)> {
    match file.split('.').collect::<Vec<_>>()[..] {
        [name, version, "json"] | [name, version, _, "json"] => {
            Some((name.to_owned(), version.strip_prefix('v')?.parse().ok()?))
        }
        _ => None,
    }
}
