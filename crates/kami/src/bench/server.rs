//! The programs that are measured: this binary, started anew as child processes on ports of their own.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStdout, Command},
};

use super::{
    machine,
    wire::{self, Answer, Wire},
};
use crate::commands::TOKEN_FILE;

/// What children tell people, in their directory.
const MESSAGES: &str = "messages.txt";
/// How long a child may take to say where it listens.
const START_MAX: Duration = Duration::from_secs(120);
/// How long a child may take to stop when told to.
const STOP_MAX: Duration = Duration::from_secs(60);

/// A child process that serves HTTP. Killed if it is dropped before it was stopped.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// From the start of the process until it answered that it is ready.
    pub(crate) ready_after: Duration,
}

impl Server {
    /// Starts `kami serve` on a data directory, with the default settings whatever the caller's are.
    pub(crate) async fn kami(data: &Path) -> anyhow::Result<Self> {
        let mut arguments = vec!["--data".into(), data.as_os_str().to_owned()];
        arguments.extend(["serve", "--listen", "127.0.0.1:0"].map(Into::into));
        Self::start(data, arguments, "/readyz").await
    }

    /// Starts the bare server that sets the ceiling.
    pub(crate) async fn bare(directory: &Path) -> anyhow::Result<Self> {
        Self::start(directory, vec!["bench-http".into()], "/").await
    }

    async fn start(
        directory: &Path,
        arguments: Vec<std::ffi::OsString>,
        ready: &str,
    ) -> anyhow::Result<Self> {
        let mut command = program(directory)?;
        let messages = directory.join(MESSAGES);
        let stderr =
            File::options().create(true).append(true).open(&messages).context("a file for messages")?;
        command.args(arguments).stdout(Stdio::piped()).stderr(stderr).kill_on_drop(true);
        let started = Instant::now();
        let mut child = command.spawn().context("this program cannot be started a second time")?;
        let output = child.stdout.take().context("the output of the server")?;
        let address =
            tokio::time::timeout(START_MAX, address(output)).await.context("the server did not start")?;
        let address = address.with_context(|| fs::read_to_string(messages).unwrap_or_default())?;
        let mut server = Self { child, address, ready_after: Duration::ZERO };
        let answer = server.ask("GET", ready, &[], b"").await?;
        if answer.status != 200 {
            bail!("the server is not ready: {}", String::from_utf8_lossy(&answer.body));
        }
        server.ready_after = started.elapsed();
        Ok(server)
    }

    /// One request on a connection of its own.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> anyhow::Result<Answer> {
        let mut wire = Wire::connect(self.address).await?;
        let mut request = wire::head(method, path, headers, body.len() as u64);
        request.extend_from_slice(body);
        wire.send(&request).await?;
        wire.receive().await
    }

    /// The last position of the log.
    pub(crate) async fn position(&self) -> anyhow::Result<u64> {
        let answer = self.ask("GET", "/readyz", &[], b"").await?;
        let answer: Value = serde_json::from_slice(&answer.body).context("the answer of /readyz")?;
        answer["head_pos"].as_u64().context("no position in the answer of /readyz")
    }

    /// The most memory it has held so far, in MiB.
    pub(crate) fn peak_mib(&self) -> Option<u64> {
        machine::peak_mib(self.child.id()?)
    }

    /// The processor time it has used so far.
    pub(crate) fn processor_time(&self) -> Option<Duration> {
        machine::processor_time(self.child.id()?)
    }

    /// Asks the process to stop, and waits until it has.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let process = self.child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        kill_process(process.context("the server has ended by itself")?, Signal::TERM)
            .context("stopping the server")?;
        let ended =
            tokio::time::timeout(STOP_MAX, self.child.wait()).await.context("the server does not stop")?;
        let status = ended.context("the server's end")?;
        if status.success() { Ok(()) } else { Err(anyhow!("the server ended with {status}")) }
    }

    /// Kills the process where it stands.
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("killing the server")
    }
}

/// This binary, without what the caller's surroundings would change about it.
pub(crate) fn program(directory: &Path) -> anyhow::Result<Command> {
    let path: PathBuf = std::env::current_exe().context("where this program is")?;
    let mut command = Command::new(path);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("KAMI_") {
            command.env_remove(name);
        }
    }
    // What is done once a night must not be done while something is measured.
    command.env("KAMI_MODELS__NIGHTLY_HOUR", "-1");
    // A `kami.toml` beside the caller is not read, either.
    command.current_dir(directory);
    Ok(command)
}

/// The token that `kami serve` left in its data directory.
pub(crate) fn token(data: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(data.join(TOKEN_FILE)).context("the token of the server")?;
    Ok(text.trim().to_owned())
}

/// Reads where a child listens from the first line it prints.
async fn address(output: ChildStdout) -> anyhow::Result<SocketAddr> {
    let mut lines = BufReader::new(output).lines();
    let line = lines.next_line().await.context("the output of the server")?;
    let line = line.context("the server ended before it listened")?;
    let address = line.split_once("http://").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
    // Whoever prints into a closed pipe fails: the rest is read, too.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    address.with_context(|| format!("no address in {line:?}"))
}
