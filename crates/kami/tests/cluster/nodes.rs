//! Nodes, and what they share.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Lines},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::nats::NatsServer;
use testkit_postgres::{Database, Server};

use crate::kami::{SECRET, binary, client};

/// How often something is looked for before a test gives up: each look takes at least ten milliseconds.
pub(crate) const LOOKS: usize = 6_000;

/// The services that nodes share, and their merchants.
pub(crate) struct Cluster {
    pub(crate) postgres: Server,
    database: Database,
    pub(crate) nats: NatsServer,
    dir: TempDir,
    merchants: Vec<String>,
    settings: Vec<(&'static str, String)>,
}

impl Cluster {
    /// A database and a NATS server of their own, and no node yet. The first merchant is the one without a prefix.
    pub(crate) async fn of(merchants: &[&str]) -> Self {
        let postgres = Server::start(&[]);
        let database = postgres.database().await;
        let nats = NatsServer::start(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap();
        let merchants = merchants.iter().map(|name| (*name).to_owned()).collect();
        Self { postgres, database, nats, dir: tempfile::tempdir().unwrap(), merchants, settings: Vec::new() }
    }

    /// Has all nodes that are started from now on run with one more setting.
    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.settings.push((name, value.to_owned()));
    }

    /// Starts a node, and waits until it listens.
    pub(crate) fn start(&self, name: &str) -> Node {
        self.try_start(name, name).unwrap_or_else(|said| panic!("node {name} did not start: {said}"))
    }

    /// Starts a node with a data directory of another name; the error is what it says where it ends instead.
    pub(crate) fn try_start(&self, name: &str, directory: &str) -> Result<Node, String> {
        let data = self.dir.path().join(directory);
        // Free now, and very likely still free in a moment.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = self.command(name, &data);
        command
            .args(["serve", "--data", data.to_str().unwrap(), "--listen", &address.to_string()])
            .env("KAMI_CLUSTER__ADVERTISE", format!("http://{address}"));
        let (child, lines, first) = spawn(command, &data)?;
        assert!(first.contains(&address.to_string()), "{first}");
        let (client, token) = (client(), self.token());
        Ok(Node { name: name.to_owned(), child, _lines: lines, address, data, client, token })
    }

    /// Starts a worker that makes calls to channels, and waits until it says so.
    pub(crate) fn start_worker(&self, name: &str) -> Worker {
        self.worker(name, "effects", &format!("Calls to channels are made by worker {name}"))
    }

    /// Starts a worker that sends webhooks to partners, and waits until it says so.
    pub(crate) fn start_partner_worker(&self, name: &str) -> Worker {
        self.worker(name, "partners", &format!("Partners of {} are told", self.merchants[0]))
    }

    fn worker(&self, name: &str, what: &str, says: &str) -> Worker {
        let data = self.dir.path().join(name);
        let mut command = self.command(name, &data);
        command.args(["worker", what, "--data", data.to_str().unwrap()]);
        let (child, lines, first) = spawn(command, &data).unwrap();
        assert!(first.contains(says), "{first}");
        Worker { child, _lines: lines, data }
    }

    /// The program with what nodes and workers share.
    fn command(&self, name: &str, data: &Path) -> Command {
        fs::create_dir_all(data).unwrap();
        let mut command = binary();
        command
            .env("KAMI_LOG_URL", self.database.url())
            .env("KAMI_VAULT_URL", "log")
            .env("KAMI_NATS_URL", self.nats.url())
            .env("KAMI_KEK_FILE", self.dir.path().join("kek"))
            .env("KAMI_MERCHANT", &self.merchants[0])
            .env("KAMI_MERCHANTS", self.merchants.join(","))
            .env("KAMI_CLUSTER__NODE", name)
            .env("KAMI_CLUSTER__LEASE_MS", "2000")
            .envs(self.settings.iter().map(|(name, value)| (*name, value)));
        command
    }

    /// Starts several nodes.
    pub(crate) fn start_all(&self, names: &[&str]) -> Vec<Node> {
        names.iter().map(|name| self.start(name)).collect()
    }

    /// The token that the first node made, once there is one. The vault is there from then on.
    fn token(&self) -> String {
        for entry in fs::read_dir(self.dir.path()).unwrap() {
            let data = entry.unwrap().path();
            if let Ok(token) = fs::read_to_string(data.join("admin.token")) {
                return token.trim().to_owned();
            }
        }
        panic!("no node made a token")
    }

    /// A session beside those of the nodes.
    pub(crate) async fn session(&self) -> sqlx::PgConnection {
        self.database.connect().await
    }

    /// `kami verify` over the log and the vault, and the read models of one node.
    pub(crate) fn verify(&self, node: &Path) {
        let output = self.kami(node, &self.merchants[0], &["verify", "--json"]);
        let report: Value = serde_json::from_slice(&output).unwrap();
        assert_eq!(report["violations"], json!([]), "{report}");
    }

    /// Every event of a merchant.
    pub(crate) fn events(&self, node: &Path, merchant: &str) -> Vec<Value> {
        let output = self.kami(node, merchant, &["events", "export"]);
        output.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
    }

    fn kami(&self, data: &Path, merchant: &str, arguments: &[&str]) -> Vec<u8> {
        let mut command = binary();
        command
            .env("KAMI_LOG_URL", self.database.url())
            .env("KAMI_VAULT_URL", "log")
            .env("KAMI_MERCHANT", merchant);
        command.env("KAMI_KEK_FILE", self.dir.path().join("kek"));
        let output = command.arg("--data").arg(data).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.stdout.is_empty(), "{arguments:?}: {said}");
        output.stdout
    }
}

/// What a process says on its standard output. A program whose words nobody can hear any more ends.
type Words = Lines<BufReader<ChildStdout>>;

/// Starts a program, and waits for the first thing it says; the error is what it says where it ends instead.
fn spawn(mut command: Command, data: &Path) -> Result<(Child, Words, String), String> {
    let log = File::options().create(true).append(true).open(data.join("stderr")).unwrap();
    let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let Some(Ok(first)) = lines.next() else {
        child.wait().unwrap();
        return Err(fs::read_to_string(data.join("stderr")).unwrap());
    };
    Ok((child, lines, first))
}

fn send_signal(child: &Child, which: &str) {
    let done = Command::new("kill").args([which, &child.id().to_string()]).status().unwrap();
    assert!(done.success());
}

/// A running worker.
pub(crate) struct Worker {
    child: Child,
    _lines: Words,
    data: PathBuf,
}

impl Worker {
    /// Sends the process a signal.
    pub(crate) fn signal(&self, which: &str) {
        send_signal(&self.child, which);
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(mut self) {
        self.signal("-TERM");
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{}", self.said());
    }

    /// What it has said so far.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.data.join("stderr")).unwrap_or_default()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have stopped already.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// A running node.
pub(crate) struct Node {
    pub(crate) name: String,
    child: Child,
    _lines: Words,
    pub(crate) address: SocketAddr,
    pub(crate) data: PathBuf,
    pub(crate) client: reqwest::Client,
    pub(crate) token: String,
}

impl Node {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A call of a token holder.
    pub(crate) async fn try_api(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.client.request(method, self.url(path)).bearer_auth(&self.token);
        let request = if body.is_null() { request } else { request.json(&body) };
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or(Value::Null))
    }

    /// An answer that is read as it comes.
    pub(crate) async fn stream(&self, path: &str) -> reqwest::Response {
        let response = self.client.get(self.url(path)).bearer_auth(&self.token).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response
    }

    /// The same, again for as long as the answer is 503, as a caller does; panics where it is refused.
    pub(crate) async fn api(&self, method: &str, path: &str, body: Value) -> Value {
        for _ in 0..LOOKS {
            match self.try_api(method, path, body.clone()).await {
                (503, _) => tokio::time::sleep(Duration::from_millis(10)).await,
                // A key file that broke off may be sent again.
                (status, answer) => {
                    assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
                    return answer;
                }
            }
        }
        panic!("{method} {path} was never answered but with 503")
    }

    /// One SKU at ¥28.88, accounts of own sites that are answered with keys, and `keys` keys.
    pub(crate) async fn set_up(&self, merchant: &str, accounts: &[&str], keys: usize) {
        let at = |path: &str| format!("/m/{merchant}{path}");
        let sku = json!({"name": "Steam 50", "family": "steam", "key_kind": {"kind": "one_shot"}});
        self.api("PUT", &at("/v1/skus/steam-50"), sku).await;
        let secret = format!("whsec_{}", STANDARD.encode(SECRET));
        for account in accounts {
            let settings = json!({"secrets": [secret], "return_keys": true});
            let connect =
                json!({"account": account, "name": account, "currency": "CNY", "settings": settings});
            self.api("POST", &at("/v1/channels"), connect).await;
        }
        let price = json!({"unit_price": {"minor": 2888, "currency": "CNY"}, "reason": "list"});
        self.api("PUT", &at("/v1/skus/steam-50/prices"), price).await;
        let text: String = (0..keys).map(|n| format!("{merchant}-KEY-{n:06}\n")).collect();
        let request = self.client.post(self.url(&at("/v1/skus/steam-50/keys"))).bearer_auth(&self.token);
        let response = request.header("content-type", "text/plain").body(text).send().await.unwrap();
        let (status, answer) = (response.status(), response.json::<Value>().await.unwrap());
        assert_eq!((status.as_u16(), &answer["stored"]), (200, &json!(keys)), "{answer}");
    }

    /// What `/readyz` says of the node; null where it says nothing.
    pub(crate) async fn ready(&self) -> Value {
        match self.client.get(self.url("/readyz")).send().await {
            Ok(response) => response.json().await.unwrap_or(Value::Null),
            Err(_) => Value::Null,
        }
    }

    /// The merchants that the node says it serves.
    pub(crate) async fn serves(&self) -> Vec<String> {
        let ready = self.ready().await;
        let all = ready["serves"].as_array().cloned().unwrap_or_default();
        all.iter().map(|held| held["merchant"].as_str().unwrap().to_owned()).collect()
    }

    /// A figure of `/metrics`; 0 where it is not there.
    pub(crate) async fn figure(&self, name: &str) -> f64 {
        let text = self.client.get(self.url("/metrics")).send().await.unwrap().text().await.unwrap();
        let line = text.lines().find(|line| line.starts_with(name) && !line.starts_with('#'));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0.0)
    }

    /// Sends the process a signal.
    pub(crate) fn signal(&self, which: &str) {
        send_signal(&self.child, which);
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(mut self) -> PathBuf {
        self.signal("-TERM");
        let status = self.child.wait().unwrap();
        let said = fs::read_to_string(self.data.join("stderr")).unwrap_or_default();
        assert!(status.success(), "node {}: {said}", self.name);
        self.data.clone()
    }

    /// Waits until the process has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// What it has said so far.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.data.join("stderr")).unwrap_or_default()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have stopped already.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Looks until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..LOOKS {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

/// The node that serves a merchant, once one does; nodes that are told to be left out are not asked.
pub(crate) async fn owner(nodes: &[Node], merchant: &str, but: Option<&str>) -> usize {
    for _ in 0..LOOKS {
        for (at, node) in nodes.iter().enumerate() {
            if Some(node.name.as_str()) != but && node.serves().await.iter().any(|name| name == merchant) {
                return at;
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nobody serves {merchant}")
}

/// Waits until every node knows all the others and all merchants are served by exactly one of them, evenly.
pub(crate) async fn settled(nodes: &[Node], merchants: usize) {
    until("every merchant is served, evenly", async || {
        let mut loads = Vec::new();
        for node in nodes {
            if node.ready().await["nodes"].as_array().map(Vec::len) != Some(nodes.len()) {
                return false;
            }
            loads.push(node.serves().await.len());
        }
        loads.iter().sum::<usize>() == merchants
            && loads.iter().all(|load| *load <= merchants.div_ceil(nodes.len()))
    })
    .await;
}
