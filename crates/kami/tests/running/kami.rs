//! A running `kami serve`, and a client that signs as an own site does.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

pub(crate) const SECRET: &[u8; 32] = b"TEST-ONLY-shared-secret-32bytes!";

/// The binary under test.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kami"));
    command.env_remove("KAMI_CONFIG").env_remove("KAMI_TOKEN").current_dir(std::env::temp_dir());
    command
}

/// Runs a command to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    binary().args(arguments).output().unwrap()
}

/// A running Kami.
pub(crate) struct Kami {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) data: PathBuf,
    pub(crate) client: reqwest::Client,
}

pub(crate) fn client() -> reqwest::Client {
    // Only plain HTTP is spoken here, but the client wants a provider of TLS to exist.
    let _already = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap()
}

impl Kami {
    /// Starts on a free port and waits until it listens.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_at(data, "127.0.0.1:0".parse().unwrap())
    }

    /// Starts for another merchant than the usual one.
    pub(crate) fn start_for(data: &Path, merchant: &str) -> Self {
        let mut program = binary();
        program.env("KAMI_MERCHANT", merchant);
        Self::start_by(program, data, "127.0.0.1:0".parse().unwrap())
    }

    pub(crate) fn start_at(data: &Path, address: SocketAddr) -> Self {
        Self::start_by(binary(), data, address)
    }

    /// Starts with settings from the environment.
    pub(crate) fn start_with(data: &Path, address: SocketAddr, settings: &[(&str, &str)]) -> Self {
        let mut program = binary();
        program.envs(settings.iter().copied());
        Self::start_by(program, data, address)
    }

    /// Starts with every line it logs in a file, the least important included.
    pub(crate) fn start_logging(data: &Path, to: &Path) -> Self {
        let mut program = binary();
        program.env("KAMI_LOG__LEVEL", "debug");
        let lines = std::fs::File::create(to).unwrap();
        Self::start_to(program, data, "127.0.0.1:0".parse().unwrap(), lines.into())
    }

    fn start_by(program: Command, data: &Path, address: SocketAddr) -> Self {
        Self::start_to(program, data, address, Stdio::null())
    }

    fn start_to(mut program: Command, data: &Path, address: SocketAddr, lines: Stdio) -> Self {
        let mut child = program
            .args(["serve", "--data", data.to_str().unwrap(), "--listen", &address.to_string()])
            .stdout(Stdio::piped())
            .stderr(lines)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().expect("it says where it listens").unwrap();
        let address =
            first.split_whitespace().find_map(|w| w.strip_prefix("http://")).unwrap().parse().unwrap();
        Self { child, address, data: data.to_owned(), client: client() }
    }

    /// `kill -9`: nothing is finished, nothing is said.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(mut self) -> bool {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().success()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn token(&self) -> String {
        std::fs::read_to_string(self.data.join("admin.token")).unwrap().trim().to_owned()
    }

    /// A call of a token holder; panics where it is refused.
    pub(crate) async fn api(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.try_api(method, path, body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    pub(crate) async fn try_api(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.client.request(method, self.url(path)).bearer_auth(self.token());
        let request = if body.is_null() { request } else { request.json(&body) };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    /// Puts keys on stock.
    pub(crate) async fn import(&self, sku: &str, content_type: &str, keys: Vec<u8>) -> (u16, Value) {
        let response = self
            .client
            .post(self.url(&format!("/v1/skus/{sku}/keys")))
            .bearer_auth(self.token())
            .header("content-type", content_type)
            .body(keys)
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// One SKU at ¥28.88, `accounts` of own sites that are answered with keys, and `keys` keys.
    pub(crate) async fn set_up(&self, accounts: &[&str], keys: usize) {
        let sku = json!({"name": "Steam 50", "family": "steam", "key_kind": {"kind": "one_shot"}});
        self.api("PUT", "/v1/skus/steam-50", sku).await;
        let secret = format!("whsec_{}", STANDARD.encode(SECRET));
        for account in accounts {
            let settings = json!({"secrets": [secret], "return_keys": true});
            let connect =
                json!({"account": account, "name": account, "currency": "CNY", "settings": settings});
            self.api("POST", "/v1/channels", connect).await;
        }
        let price = json!({"unit_price": {"minor": 2888, "currency": "CNY"}, "reason": "list"});
        self.api("PUT", "/v1/skus/steam-50/prices", price).await;
        let text: String = (0..keys).map(|n| format!("KEY-{n:06}\n")).collect();
        let (status, answer) = self.import("steam-50", "text/plain", text.into_bytes()).await;
        assert_eq!((status, &answer["stored"]), (200, &json!(keys)), "{answer}");
    }

    /// Sends a signed message; an error is a connection that broke before the answer came.
    pub(crate) async fn send(
        &self,
        account: &str,
        id: &str,
        body: &str,
    ) -> Result<(u16, Vec<u8>), reqwest::Error> {
        send(&self.client, &self.url(&format!("/v1/in/{account}")), id, body).await
    }

    pub(crate) async fn position(&self) -> u64 {
        let ready = self.api("GET", "/readyz", Value::Null).await;
        ready["head_pos"].as_u64().unwrap()
    }
}

impl Drop for Kami {
    fn drop(&mut self) {
        // It may have stopped already.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

pub(crate) fn now_secs() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(crate) fn signature(id: &str, at: u64, body: &[u8]) -> String {
    let content = [format!("{id}.{at}.").as_bytes(), body].concat();
    format!("v1,{}", STANDARD.encode(channel::sign::hmac_sha256(SECRET, &content)))
}

pub(crate) async fn send(
    client: &reqwest::Client,
    url: &str,
    id: &str,
    body: &str,
) -> Result<(u16, Vec<u8>), reqwest::Error> {
    let at = now_secs();
    let response = client
        .post(url)
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", at.to_string())
        .header("webhook-signature", signature(id, at, body.as_bytes()))
        .body(body.to_owned())
        .send()
        .await?;
    let status = response.status().as_u16();
    Ok((status, response.bytes().await?.to_vec()))
}

/// An order of `quantity` units, paid.
pub(crate) fn paid(number: &str, quantity: i64, minor: i64) -> Value {
    json!({"type": "order.paid", "timestamp": "2026-01-02T03:00:00Z", "data": {
        "external_order_id": number, "sku": "steam-50", "quantity": quantity, "amount_minor": minor,
        "currency": "CNY", "occurred_at": "2026-01-02T03:00:00Z"}})
}

/// `kami verify --json` of a data directory.
pub(crate) fn verify(data: &Path) -> Value {
    let output = run(&["verify", "--data", data.to_str().unwrap(), "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.success(), report["ok"] == true);
    report
}

/// Every event of a stopped data directory.
pub(crate) fn events(data: &Path) -> Vec<Value> {
    let output = run(&["events", "export", "--data", data.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
}
