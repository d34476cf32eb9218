//! The units for systemd, and what systemd itself says of them where it is installed.

use std::{fs, path::PathBuf, process::Command};

use crate::{files, program};

const PROGRAM: &str = "/usr/local/bin/kami";

fn units() -> Vec<PathBuf> {
    [files(".service"), files(".timer")].concat()
}

fn values<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')).collect()
}

#[test]
fn every_unit_calls_the_program_as_it_can_be_called_without_rights_it_does_not_need() {
    let found = files(".service");
    assert_eq!(found.len(), 3, "{found:?}");
    for path in found {
        let text = fs::read_to_string(&path).unwrap();
        let call = values(&text, "ExecStart")[0];
        let (_, arguments) = call.split_once(PROGRAM).unwrap_or_else(|| panic!("{call}"));
        let arguments = arguments.replace("%i", "projections").replace('"', "");
        // What the shell computes is an argument of ours.
        let words: Vec<&str> = arguments
            .split('$')
            .next()
            .unwrap()
            .split_whitespace()
            .filter(|word| !word.ends_with('\''))
            .collect();
        program::check_call(&words);
        for variable in values(&text, "Environment") {
            program::check_variable(variable.split('=').next().unwrap());
        }
        for (name, value) in [
            ("User", "kami"),
            ("NoNewPrivileges", "yes"),
            ("CapabilityBoundingSet", ""),
            ("ProtectSystem", "strict"),
            ("PrivateDevices", "yes"),
            ("LimitCORE", "0"),
            ("UMask", "0077"),
        ] {
            assert_eq!(values(&text, name), [value], "{}: {name}", path.display());
        }
    }
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units_where_it_is_installed() {
    let folder = tempfile::tempdir().unwrap();
    let mut copies = Vec::new();
    for path in units() {
        let text = fs::read_to_string(&path).unwrap().replace(PROGRAM, env!("CARGO_BIN_EXE_kami"));
        let name = path.file_name().unwrap().to_str().unwrap().replace("@.", "@projections.");
        let copy = folder.path().join(name);
        fs::write(&copy, text).unwrap();
        copies.push(copy);
    }
    assert_eq!(copies.len(), 4);
    let Ok(output) = Command::new("systemd-analyze").args(["verify", "--man=no"]).args(&copies).output()
    else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}
