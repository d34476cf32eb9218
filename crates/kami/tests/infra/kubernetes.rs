//! The manifests for Kubernetes, as they are and, where kubectl is installed, as it renders them. No cluster is asked.

use std::{collections::BTreeSet, process::Command};

use serde_json::Value;

use crate::{infra, program, read, texts, yaml};

fn manifests() -> Vec<Value> {
    let kustomization = yaml(&read("kubernetes/kustomization.yaml")).remove(0);
    let resources = texts(&kustomization["resources"]).into_iter();
    resources.flat_map(|name| yaml(&read(&format!("kubernetes/{name}")))).collect()
}

fn of_kind<'a>(all: &'a [Value], kind: &str) -> Vec<&'a Value> {
    all.iter().filter(|manifest| manifest["kind"] == kind).collect()
}

/// The pods that are made.
fn pods(all: &[Value]) -> Vec<&Value> {
    let made = all.iter().filter(|manifest| !manifest["spec"]["template"].is_null());
    made.map(|manifest| &manifest["spec"]["template"]).collect()
}

fn list(value: &Value) -> Vec<&Value> {
    value.as_array().into_iter().flatten().collect()
}

fn check(all: &[Value]) {
    let settings = program::check_configuration(&infra("kubernetes/kami.toml"));
    let listen = program::port(settings["listen"].as_str().unwrap());
    assert_eq!(pods(all).len(), 2);
    for pod in pods(all) {
        let spec = &pod["spec"];
        assert_eq!(spec["securityContext"]["runAsNonRoot"], true);
        assert_eq!(spec["securityContext"]["runAsUser"], 10001, "the user of the image");
        assert_eq!(spec["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
        assert_eq!(spec["automountServiceAccountToken"], false);
        // A stopping server waits ten seconds for requests under way.
        assert!(spec["terminationGracePeriodSeconds"].as_u64().unwrap() >= 30);
        let volumes: BTreeSet<&str> = list(&spec["volumes"])
            .iter()
            .map(|volume| volume["name"].as_str().unwrap())
            .chain(["data"])
            .collect();
        let containers = [list(&spec["containers"]), list(&spec["initContainers"])].concat();
        for container in containers {
            let context = &container["securityContext"];
            assert_eq!(context["readOnlyRootFilesystem"], true, "{container}");
            assert_eq!(context["allowPrivilegeEscalation"], false, "{container}");
            assert_eq!(context["capabilities"]["drop"][0], "ALL", "{container}");
            assert!(container["resources"]["limits"]["memory"].is_string(), "{container}");
            for mount in list(&container["volumeMounts"]) {
                assert!(volumes.contains(mount["name"].as_str().unwrap()), "{mount}");
            }
            if container["args"].is_array() {
                program::check_call(&texts(&container["args"]));
            }
            for variable in list(&container["env"]) {
                program::check_variable(variable["name"].as_str().unwrap());
                let is_secret = variable["name"] == "PGPASSWORD";
                assert_eq!(is_secret, variable["valueFrom"]["secretKeyRef"].is_object(), "{variable}");
            }
        }
    }

    let node = &of_kind(all, "StatefulSet")[0]["spec"];
    let kami = &node["template"]["spec"]["containers"][0];
    assert_eq!(kami["ports"][0]["containerPort"], listen);
    let routes = http_api::openapi().paths.paths;
    for (probe, path) in
        [("startupProbe", "/readyz"), ("readinessProbe", "/readyz"), ("livenessProbe", "/healthz")]
    {
        assert_eq!(kami[probe]["httpGet"]["path"], path);
        assert_eq!(kami[probe]["httpGet"]["port"], kami["ports"][0]["name"]);
        assert!(routes.contains_key(path));
    }
    let scraped = &node["template"]["metadata"]["annotations"];
    assert_eq!(scraped["prometheus.io/port"], listen.to_string());
    assert!(routes.contains_key(scraped["prometheus.io/path"].as_str().unwrap()));
    let mounted = |path: &str| list(&kami["volumeMounts"]).iter().any(|mount| mount["mountPath"] == path);
    assert!(mounted(settings["data"].as_str().unwrap()), "the data outlives the pod");
    let key = settings["kek_file"].as_str().unwrap();
    let init = &node["template"]["spec"]["initContainers"][0];
    assert_eq!(texts(&init["command"]).last(), Some(&key), "the key is put where the settings look for it");
    assert!(mounted(key.rsplit_once('/').unwrap().0));

    let labels = node["template"]["metadata"]["labels"].as_object().unwrap();
    let chosen =
        |selector: &Value| selector.as_object().unwrap().iter().all(|(name, value)| &labels[name] == value);
    assert!(chosen(&node["selector"]["matchLabels"]));
    for service in of_kind(all, "Service") {
        assert!(chosen(&service["spec"]["selector"]), "{service}");
        assert_eq!(service["spec"]["ports"][0]["targetPort"], kami["ports"][0]["name"]);
    }
    let names: Vec<&Value> =
        of_kind(all, "Service").iter().map(|service| &service["metadata"]["name"]).collect();
    assert!(names.contains(&&node["serviceName"]));
    let budget = of_kind(all, "PodDisruptionBudget")[0];
    assert_eq!(budget["spec"]["maxUnavailable"], 1);
    assert!(chosen(&budget["spec"]["selector"]["matchLabels"]));
    policies(all, &settings, listen);
}

/// Whatever the settings name can be reached, and nothing is open that nobody uses.
fn policies(all: &[Value], settings: &toml::Table, listen: u64) {
    let policies = of_kind(all, "NetworkPolicy");
    let nobody = policies.iter().find(|policy| policy["metadata"]["name"] == "nobody").unwrap();
    assert!(nobody["spec"]["ingress"].is_null() && nobody["spec"]["egress"].is_null());
    assert_eq!(nobody["spec"]["podSelector"], serde_json::json!({}));
    let nodes = policies.iter().find(|policy| policy["metadata"]["name"] == "nodes").unwrap();
    for rule in list(&nodes["spec"]["ingress"]) {
        assert!(!list(&rule["from"]).is_empty(), "everybody may come in");
        assert!(list(&rule["ports"]).iter().all(|port| port["port"] == listen));
    }
    let opened = |namespace: &str, port: u64| {
        list(&nodes["spec"]["egress"]).iter().any(|rule| {
            let to = &rule["to"][0]["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"];
            to == namespace && list(&rule["ports"]).iter().any(|open| open["port"] == port)
        })
    };
    for (key, default) in [("log_url", 5432), ("vault_url", 5432), ("nats_url", 4222)] {
        let address = settings[key].as_str().unwrap().split("//").nth(1).unwrap();
        let host = address.split('/').next().unwrap().rsplit('@').next().unwrap();
        let port = host.split_once(':').map_or(default, |(_, port)| port.parse().unwrap());
        let namespace = host.split('.').nth(1).unwrap();
        assert!(opened(namespace, port), "{key}: {namespace}, port {port}");
    }
    let world =
        list(&nodes["spec"]["egress"]).into_iter().find(|rule| rule["to"][0]["ipBlock"].is_object()).unwrap();
    let closed = texts(&world["to"][0]["ipBlock"]["except"]);
    assert!(closed.contains(&"169.254.0.0/16"), "the cloud's metadata is nobody's business");
    assert_eq!(world["ports"][0]["port"], 443);
}

#[test]
fn the_manifests_fit_the_program_and_each_other() {
    check(&manifests());
}

#[test]
fn kustomize_renders_the_same_where_kubectl_is_installed() {
    let Ok(output) = Command::new("kubectl").arg("kustomize").arg(infra("kubernetes")).output() else {
        // Without it, what the files themselves say is checked by the test above.
        assert!(manifests().len() >= 8);
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rendered = yaml(std::str::from_utf8(&output.stdout).unwrap());
    assert_eq!(rendered.len(), manifests().len() + 1, "and the settings");
    check(&rendered);
    assert!(rendered.iter().all(|one| one["kind"] == "Namespace" || one["metadata"]["namespace"] == "kami"));
    let settings = of_kind(&rendered, "ConfigMap")[0]["metadata"]["name"].as_str().unwrap();
    for pod in pods(&rendered) {
        let used =
            list(&pod["spec"]["volumes"]).into_iter().find(|volume| volume["name"] == "settings").unwrap();
        assert_eq!(used["configMap"]["name"], settings, "a change of the settings rolls the pods");
        assert!(!pod.to_string().contains("\"image\":\"kami\""), "the image has an address");
    }
}
