//! Hostile surroundings: a clear line, a non-zero exit, nothing damaged.

use std::{os::unix::fs::PermissionsExt, process::Output};

use crate::kami::{Kami, binary, paid, run, verify};

fn refused(output: &Output, part: &str) {
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains(part), "{part} is missing in: {text}");
}

#[tokio::test]
async fn a_second_process_on_the_same_data_is_turned_away_and_the_first_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let kami = Kami::start(dir.path());
    kami.set_up(&["generic/own"], 1).await;
    let data = dir.path().to_str().unwrap();
    refused(&run(&["serve", "--data", data, "--listen", "127.0.0.1:0"]), "in use by another process");
    let (status, _) = kami.send("generic/own", "m-1", &paid("A-1", 1, 2888).to_string()).await.unwrap();
    assert_eq!(status, 200);
    assert!(kami.stop());
    assert_eq!(verify(dir.path())["ok"], true);
}

#[test]
fn a_taken_port_is_named_and_nothing_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = dir.path().join("data");
    let output = run(&["serve", "--data", data.to_str().unwrap(), "--listen", &address]);
    refused(&output, "cannot be listened on");
    assert!(!data.exists());
}

#[test]
fn a_data_directory_of_a_newer_version_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Kami::start(dir.path()).stop());
    let path = dir.path().join("log.db");
    let mut bytes = std::fs::read(&path).unwrap();
    // SQLite keeps the user version at offset 60 of its header, big-endian.
    bytes[60..64].copy_from_slice(&999_u32.to_be_bytes());
    std::fs::write(&path, &bytes).unwrap();
    let output = run(&["serve", "--data", dir.path().to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    refused(&output, "schema version 999");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_missing_key_encryption_key_is_said_and_no_new_one_is_made() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Kami::start(dir.path()).stop());
    let kek = dir.path().join("kek");
    assert_eq!(std::fs::metadata(&kek).unwrap().permissions().mode() & 0o777, 0o400);
    std::fs::remove_file(&kek).unwrap();
    let output = run(&["serve", "--data", dir.path().to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    refused(&output, "vault");
    assert!(!kek.exists());
}

#[test]
fn a_bad_configuration_is_refused_with_every_problem() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("kami.toml");
    std::fs::write(&file, "colour = 1\nlisten = \"nowhere\"\n").unwrap();
    let output = run(&["serve", "--config", file.to_str().unwrap()]);
    refused(&output, "colour");
    refused(&output, "listen");
}

/// A file system of a few MiB: mounted by whoever may, else the test says that it cannot be.
#[tokio::test]
async fn a_full_disk_stops_kami_and_nothing_acknowledged_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let disk = dir.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=6m", "tmpfs", disk.to_str().unwrap()])
        .output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        // Said aloud: without the right to mount there is no small disk to fill.
        let _said =
            std::io::Write::write_all(&mut std::io::stderr(), b"skipped: a tmpfs cannot be mounted here\n");
        return;
    }
    let data = disk.join("data");
    let kami = Kami::start(&data);
    kami.set_up(&["generic/own"], 3_000).await;
    let mut acknowledged = 0;
    for n in 0..3_000 {
        match kami.send("generic/own", &format!("m-{n}"), &paid(&format!("A-{n}"), 1, 2888).to_string()).await
        {
            Ok((200, _)) => acknowledged += 1,
            _ => break,
        }
    }
    assert!(acknowledged < 3_000, "the disk was never full");
    drop(kami);
    let copy = dir.path().join("copy");
    let copied = std::process::Command::new("cp")
        .args(["-r", data.to_str().unwrap(), copy.to_str().unwrap()])
        .status();
    assert!(copied.unwrap().success());
    assert!(std::process::Command::new("umount").arg(&disk).status().unwrap().success());
    assert_eq!(verify(&copy)["ok"], true);
    let kami = Kami::start(&copy);
    let delivered = crate::kami::events(&copy).iter().filter(|e| e["type"] == "OrderDelivered").count();
    assert!(delivered >= acknowledged, "{delivered} of {acknowledged} acknowledged orders are recorded");
    assert!(kami.stop());
}

#[test]
fn every_command_has_help_with_an_example_or_says_what_it_does() {
    let help = String::from_utf8(binary().arg("--help").output().unwrap().stdout).unwrap();
    for command in
        ["serve", "import-keys", "replay", "find", "events", "verify", "rebuild", "channel", "doctor"]
    {
        assert!(help.contains(command), "{command}");
        assert!(run(&[command, "--help"]).status.success());
    }
}
