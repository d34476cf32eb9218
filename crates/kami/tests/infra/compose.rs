//! `compose.yaml`: three nodes and what they need. Containers cannot be run where tests run: what can be known of the
//! file without them is checked.

use std::{collections::BTreeSet, os::unix::fs::PermissionsExt, process::Command};

use serde_json::Value;

use crate::{infra, program, read, texts, yaml};

fn compose() -> Value {
    yaml(&read("compose/compose.yaml")).remove(0)
}

fn nodes(compose: &Value) -> Vec<(&String, &Value)> {
    let services = compose["services"].as_object().unwrap().iter();
    services.filter(|(_, service)| service["image"] == "kami").collect()
}

#[test]
fn three_nodes_call_the_program_as_it_can_be_called() {
    let compose = compose();
    let nodes = nodes(&compose);
    assert_eq!(nodes.len(), 3);
    let settings = program::check_configuration(&infra("compose/kami.toml"));
    let listen = program::port(settings["listen"].as_str().unwrap());
    let mut ports = BTreeSet::new();
    for (name, node) in nodes {
        program::check_call(&texts(&node["command"]));
        let environment = node["environment"].as_object().unwrap();
        environment.keys().for_each(|variable| program::check_variable(variable));
        assert_eq!(environment["KAMI_CLUSTER__NODE"], **name, "each node has a name of its own");
        for port in texts(&node["ports"]) {
            assert_eq!(program::port(port), listen);
            assert!(port.starts_with("127.0.0.1:"), "{port} is open to the world");
            assert!(ports.insert(port.to_owned()), "{port} twice");
        }
        let probe = texts(&node["healthcheck"]["test"]).join(" ");
        assert!(probe.contains(&format!("/127.0.0.1/{listen}")) && probe.contains("GET /readyz "), "{probe}");
        assert_eq!((&node["read_only"], &node["cap_drop"][0]), (&true.into(), &"ALL".into()));
        assert_eq!(node["ulimits"]["core"], 0, "a memory dump would hold keys");
        let data = settings["data"].as_str().unwrap();
        assert!(
            texts(&node["volumes"]).contains(&format!("{name}:{data}").as_str()),
            "{name} keeps its data"
        );
    }
}

#[test]
fn everything_that_is_mounted_or_waited_for_is_there() {
    let compose = compose();
    let services = compose["services"].as_object().unwrap();
    let secrets = compose["secrets"].as_object().unwrap();
    for (name, service) in services {
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let source = volume.as_str().unwrap().split(':').next().unwrap();
            if source.starts_with('.') {
                assert!(infra("compose").join(source).exists(), "{name}: {source}");
            } else {
                assert!(compose["volumes"].get(source).is_some(), "{name}: {source}");
            }
        }
        for secret in service["secrets"].as_array().into_iter().flatten() {
            assert!(secrets.contains_key(secret.as_str().unwrap()), "{name}: {secret}");
        }
        let waits: Vec<String> = match &service["depends_on"] {
            Value::Object(map) => map.keys().cloned().collect(),
            list => {
                list.as_array().into_iter().flatten().map(|one| one.as_str().unwrap().to_owned()).collect()
            }
        };
        for other in waits {
            assert!(services.contains_key(&other), "{name} waits for {other}");
        }
        let image = service["image"].as_str().unwrap();
        assert!(image == "kami" || image.split_once(':').is_some_and(|(_, tag)| tag != "latest"), "{image}");
    }
    assert_eq!(services["kurrentdb"]["profiles"][0], "kurrentdb", "only for whoever asks for it");
    let settings: toml::Table = toml::from_str(&read("compose/kami.toml")).unwrap();
    for (key, service) in [("log_url", "postgres"), ("vault_url", "postgres"), ("nats_url", "nats")] {
        let address = settings[key].as_str().unwrap();
        let host = address.split(['@', '/']).find(|part| part.split(':').next() == Some(service));
        assert!(host.is_some() && services.contains_key(service), "{key} = {address}");
    }
    let initdb = services["postgres"]["environment"]["POSTGRES_INITDB_ARGS"].as_str().unwrap();
    assert!(initdb.contains("--data-checksums"));
}

#[test]
fn the_secrets_that_are_made_are_the_ones_that_are_mounted_and_kami_takes_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("secrets.sh");
    std::fs::copy(infra("compose/secrets.sh"), &script).unwrap();
    let make = || assert!(Command::new("sh").arg(&script).status().unwrap().success());
    make();
    let secret = |name: &str| std::fs::read_to_string(folder.path().join("secrets").join(name)).unwrap();
    let before = secret("kek");
    make();
    assert_eq!(secret("kek"), before, "a key that is there is kept");
    assert_eq!(secret("pgpass"), format!("*:*:*:kami:{}\n", secret("pgpassword")));
    for (name, file) in compose()["secrets"].as_object().unwrap() {
        let path = folder.path().join(file["file"].as_str().unwrap());
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} can be read by others");
    }
    let data = folder.path().join("data");
    let told = program::kami()
        .args(["doctor", "--json", "--data", data.to_str().unwrap()])
        .env("KAMI_KEK_FILE", folder.path().join("secrets/kek"))
        .env("KAMI_LISTEN", "127.0.0.1:0")
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    let key = told["findings"].as_array().unwrap().iter().find(|found| found["what"] == "key-encryption key");
    assert_eq!(key.unwrap()["level"], "ok", "{told}");
}
