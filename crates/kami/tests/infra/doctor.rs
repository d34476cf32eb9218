//! What the doctor says of files. Of servers, see the tests of their settings.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use serde_json::Value;

use crate::program;

fn findings(data: &Path) -> (bool, Vec<(String, String, String)>) {
    let output = program::kami()
        .args(["doctor", "--json", "--data", data.to_str().unwrap()])
        .env("KAMI_LISTEN", "127.0.0.1:0")
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.success(), told["ok"] == true);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found = told["findings"].as_array().unwrap().iter();
    let found = found.map(|found| (text(&found["what"]), text(&found["level"]), text(&found["detail"])));
    (output.status.success(), found.collect())
}

/// The level of what is said of a thing.
fn level(data: &Path, what: &str, part: &str) -> String {
    let (_, found) = findings(data);
    let one = found.iter().find(|(of, _, detail)| of == what && detail.contains(part));
    one.unwrap_or_else(|| panic!("{what}, {part}: {found:?}")).1.clone()
}

#[test]
fn an_installation_in_order_passes_and_each_fault_of_its_files_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    program::printed(&["demo", "--days", "1", "--exit", "--json", "--data", data.to_str().unwrap()]);
    let (ok, found) = findings(&data);
    assert!(ok, "{found:?}");
    assert_eq!(level(&data, "SQLite", "flushes every commit"), "ok");
    assert_eq!(level(&data, "place of the key", "on the disk of the data"), "warn");

    let allow =
        |name: &str, mode| fs::set_permissions(data.join(name), PermissionsExt::from_mode(mode)).unwrap();
    allow("kek", 0o440);
    assert_eq!(level(&data, "key-encryption key", "chmod 400"), "fail");
    allow("kek", 0o400);
    allow("vault.db", 0o644);
    assert_eq!(level(&data, "file modes", "vault.db"), "fail");
    allow("vault.db", 0o600);

    for (missing, what, part) in [
        ("kek", "key-encryption key", "is missing"),
        ("log.db", "log", "there is a vault but no log.db"),
        ("vault.db", "log", "no vault.db beside it"),
    ] {
        fs::rename(data.join(missing), dir.path().join("away")).unwrap();
        assert_eq!(level(&data, what, part), "fail");
        fs::rename(dir.path().join("away"), data.join(missing)).unwrap();
    }
    assert!(findings(&data).0);
    fs::write(data.join("restored.json"), "{").unwrap();
    assert_eq!(level(&data, "restore", "restored.json"), "fail");
}
