//! NATS with the settings that are shipped, and with others.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{files, program, read};

fn server() -> std::path::PathBuf {
    testkit::nats::program(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap()
}

#[test]
fn the_server_takes_every_shipped_configuration_and_each_flushes_always() {
    let found = files("nats-server.conf");
    assert_eq!(found.len(), 2, "{found:?}");
    for path in found {
        let checked = Command::new(server()).arg("-t").arg("-c").arg(&path).output().unwrap();
        assert!(checked.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&checked.stderr));
        assert!(fs::read_to_string(&path).unwrap().contains("sync_interval: always"), "{}", path.display());
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already.
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap()
}

/// What the doctor says of a server that runs with a configuration, on other ports and in another folder.
fn doctor(configuration: &str) -> (bool, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let (address, monitor) = (free(), free());
    let store = folder.path().join("store");
    let text = configuration
        .replace("127.0.0.1:4222", &address.to_string())
        .replace("127.0.0.1:8222", &monitor.to_string())
        .replace("/var/lib/nats", store.to_str().unwrap());
    let file = folder.path().join("nats-server.conf");
    fs::write(&file, text).unwrap();
    let child = Command::new(server()).arg("-c").arg(&file).stderr(Stdio::null()).spawn().unwrap();
    let _running = Running(child);
    while [address, monitor].iter().any(|address| TcpStream::connect(address).is_err()) {
        std::thread::yield_now();
    }
    let data = folder.path().join("data");
    let output = program::kami()
        .args(["doctor", "--json", "--data", data.to_str().unwrap()])
        .args(["--nats-monitor", &format!("http://{monitor}")])
        .env("KAMI_NATS_URL", format!("nats://{address}"))
        .env("KAMI_LISTEN", "127.0.0.1:0")
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.success(), told["ok"] == true);
    let found = told["findings"].as_array().unwrap().iter().filter(|found| found["what"] == "NATS");
    let said = found.map(|found| format!("{}: {}", found["level"].as_str().unwrap(), found["detail"]));
    (output.status.success(), said.collect())
}

#[test]
fn the_doctor_is_content_with_the_shipped_server_and_names_one_that_flushes_late() {
    let shipped = read("nats/nats-server.conf");
    let (ok, said) = doctor(&shipped);
    assert!(ok && said.len() == 3 && said.iter().all(|line| line.starts_with("ok")), "{said:?}");
    let (ok, said) = doctor(&shipped.replace("sync_interval: always", "sync_interval: \"2m\""));
    assert!(
        !ok && said.iter().any(|line| line.starts_with("fail") && line.contains("sync_interval is 120 s")),
        "{said:?}"
    );
}
