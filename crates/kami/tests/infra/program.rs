//! The program, as infrastructure calls it.

use std::{collections::BTreeSet, path::Path, process::Command};

pub(crate) fn kami() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kami"));
    command.env_clear().current_dir(std::env::temp_dir());
    command
}

/// What a command prints, which must succeed.
pub(crate) fn printed(arguments: &[&str]) -> String {
    let done = kami().args(arguments).output().unwrap();
    assert!(done.status.success(), "kami {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// A command line is one that the program takes: its commands exist, and so do its options.
pub(crate) fn check_call(words: &[&str]) {
    let commands: Vec<&str> = words.iter().take_while(|word| !word.starts_with('-')).copied().collect();
    // What follows a command without subcommands is an argument: help is asked of the longest path there is.
    let depth = (1..=commands.len())
        .rev()
        .find(|depth| kami().args(&commands[..*depth]).arg("--help").output().unwrap().status.success())
        .unwrap_or_else(|| panic!("kami {words:?}: there is no such command"));
    let help = printed(&[&commands[..depth], &["--help"]].concat());
    for option in words.iter().filter(|word| word.starts_with("--")) {
        let known = help.split_whitespace().any(|word| word.trim_end_matches(',') == *option);
        assert!(known, "kami {commands:?} has no option {option}");
    }
}

/// Every setting there is.
pub(crate) fn settings() -> BTreeSet<String> {
    let defaults: toml::Table = toml::from_str(&printed(&["config"])).unwrap();
    let mut names = BTreeSet::new();
    for (name, value) in &defaults {
        match value.as_table() {
            Some(section) => names.extend(section.keys().map(|key| format!("{name}.{key}"))),
            None => drop(names.insert(name.clone())),
        }
    }
    names
}

/// A variable of the environment is a setting, or belongs to PostgreSQL's client.
pub(crate) fn check_variable(name: &str) {
    let Some(setting) = name.strip_prefix("KAMI_") else {
        assert!(["PGPASSWORD", "PGPASSFILE"].contains(&name), "{name} is nothing to Kami");
        return;
    };
    let setting = setting.to_lowercase().replace("__", ".");
    assert!(settings().contains(&setting), "{name}: there is no setting {setting}");
}

/// A configuration file holds settings that exist, and the program takes it.
pub(crate) fn check_configuration(path: &Path) -> toml::Table {
    let given: toml::Table = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let known = settings();
    for (name, value) in &given {
        let names: Vec<String> = match value.as_table() {
            Some(section) => section.keys().map(|key| format!("{name}.{key}")).collect(),
            None => vec![name.clone()],
        };
        for name in names {
            assert!(known.contains(&name), "{}: there is no setting {name}", path.display());
        }
    }
    // The program would complain of a bad value.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kami.toml");
    std::fs::write(&file, toml::to_string(&given).unwrap()).unwrap();
    let data = folder.path().join("data");
    let arguments = ["verify", "--config", file.to_str().unwrap(), "--data", data.to_str().unwrap()];
    let said = kami().args(arguments).args(["--log", "postgres://127.0.0.1:1/kami"]).output().unwrap();
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(said.contains("cannot be checked"), "{}: {said}", path.display());
    given
}

/// The port of an address such as `0.0.0.0:7300`.
pub(crate) fn port(address: &str) -> u64 {
    address.rsplit(':').next().unwrap().parse().unwrap()
}
