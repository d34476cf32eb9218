//! A server of the tests' own.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{Database, binaries};

/// Starts the server, says so, waits until the line from the test's process ends, however that comes about, and leaves
/// nothing behind.
const KEEPER: &str = r#"
bin=$1; dir=$2; options=$3
if "$bin/pg_ctl" -D "$dir/data" -w -t 120 -l "$dir/server.log" -o "$options" start >/dev/null 2>&1
then echo ready; else cat "$dir/server.log"; exit 1; fi
cat >/dev/null
"$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1
rm -rf "$dir"
"#;

/// What every server of tests runs with: as safe as a real one, and small.
const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", ""),
    ("max_connections", "200"),
    ("shared_buffers", "64MB"),
    ("max_wal_size", "256MB"),
    ("wal_level", "replica"),
];

/// A PostgreSQL server in a directory for temporary files. It ends with this value, or with the test's process.
pub struct Server {
    directory: PathBuf,
    options: String,
    user: Option<(u32, u32)>,
    keeper: Mutex<Option<Child>>,
}

impl Server {
    /// Makes a cluster (superuser `postgres`, no password, checksums) and starts it with these settings besides the
    /// usual ones.
    pub fn start(settings: &[(&str, &str)]) -> Self {
        let server = Self::at(binaries::new_directory(binaries::user()), settings);
        let mut initdb = server.command(&binaries::directory().join("initdb"));
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]);
        initdb.args(["--data-checksums", "--no-sync", "-D"]).arg(server.directory.join("data"));
        succeed(initdb);
        server.start_again();
        server
    }

    /// A read-only copy of this server that follows it, as for a failover.
    pub fn standby(&self) -> Self {
        let standby = Self::at(binaries::new_directory(self.user), &[]);
        let mut copy = self.command(&binaries::directory().join("pg_basebackup"));
        copy.args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--username=postgres", "-h"]);
        copy.arg(&self.directory).arg("-D").arg(standby.directory.join("data"));
        succeed(copy);
        standby.start_again();
        standby
    }

    fn at(directory: PathBuf, settings: &[(&str, &str)]) -> Self {
        let mut options = format!("-k {}", directory.display());
        for (name, value) in SETTINGS.iter().chain(settings) {
            options.push_str(&format!(" -c {name}='{value}'"));
        }
        Self { directory, options, user: binaries::user(), keeper: Mutex::new(None) }
    }

    /// Starts a server that was killed; returns when it takes connections.
    pub fn start_again(&self) {
        let mut keeper = self.command(Path::new("sh"));
        keeper.args(["-c", KEEPER, "keeper"]).arg(binaries::directory()).arg(&self.directory);
        keeper.arg(&self.options).process_group(0);
        let mut keeper = keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(keeper.stdout.take().unwrap());
        while lines.read_line(&mut said).unwrap() > 0 && !said.ends_with("ready\n") {}
        assert!(said.ends_with("ready\n"), "PostgreSQL did not start:\n{said}");
        *self.keeper() = Some(keeper);
    }

    /// Kills every process of the server at once (SIGKILL), as a crash would. What was written to the operating system
    /// survives. Does nothing to a server that does not run.
    pub fn kill(&self) {
        let Some(mut keeper) = self.keeper().take() else { return };
        keeper.kill().unwrap();
        keeper.wait().unwrap();
        let file = self.directory.join("data/postmaster.pid");
        let text = fs::read_to_string(&file).unwrap();
        let postmaster: u32 = text.lines().next().unwrap().parse().unwrap();
        signal("-STOP", &[postmaster]);
        let mut all = binaries::children_of(postmaster);
        all.push(postmaster);
        signal("-KILL", &all);
        while all.iter().any(|process| binaries::is_alive(*process)) {
            std::thread::yield_now();
        }
        // Where nobody buries the dead, the next server would think that this one lives.
        fs::remove_file(file).unwrap();
        fs::remove_file(self.directory.join(".s.PGSQL.5432.lock")).unwrap();
    }

    /// An empty database.
    pub async fn database(&self) -> Database {
        Database::on(&self.url("postgres"), false, "template0").await
    }

    /// How to reach a database of it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", self.directory.display())
    }

    /// Makes it end its waiting for replay, so that it takes writes: what a failover does to a standby.
    pub async fn promote(&self) {
        crate::run(&self.url("postgres"), "SELECT pg_promote(true)").await;
    }

    fn keeper(&self) -> MutexGuard<'_, Option<Child>> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.directory);
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        match self.keeper().take() {
            Some(mut keeper) => {
                drop(keeper.stdin.take());
                keeper.wait().unwrap();
            }
            None => fs::remove_dir_all(&self.directory).unwrap(),
        }
    }
}

fn succeed(mut command: Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn signal(which: &str, processes: &[u32]) {
    let ids = processes.iter().map(u32::to_string);
    // A process that is gone already needs no signal.
    let _status = Command::new("kill").arg(which).args(ids).stderr(Stdio::null()).status().unwrap();
}
