//! The SDKs: how they are installed, and how a client that is built on them is run.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use serde_json::Value;

/// A language that clients are written in.
struct Language {
    /// What runs a client.
    program: &'static str,
    /// What is needed besides, asked for its version; and what to install where it is missing.
    tools: [(&'static [&'static str], &'static str); 2],
    /// The files that say which SDKs are installed.
    pins: &'static [&'static str],
    /// Installs what the pins say into a folder, which exists and holds nothing else.
    install: fn(&Path) -> Command,
}

static PYTHON: Language = Language {
    program: "python3",
    tools: [
        (&["python3", "--version"], "Python 3.11 or later as `python3`"),
        (&["python3", "-m", "pip", "--version"], "pip for `python3` (python3-pip)"),
    ],
    pins: &["requirements.txt"],
    install: |into| {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]);
        pip.arg("--target").arg(into).arg("-r").arg(folder().join("requirements.txt"));
        pip
    },
};

static NODE: Language = Language {
    program: "node",
    tools: [(&["node", "--version"], "Node.js 20.18.1 or later as `node`"), (&["npm", "--version"], "npm")],
    pins: &["package.json", "package-lock.json"],
    install: |into| {
        for pins in NODE.pins {
            fs::copy(folder().join(pins), into.join(pins)).unwrap();
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(into);
        npm
    },
};

/// Where the clients are.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk/clients")
}

impl Language {
    /// The folder with the SDKs, which are installed first where they are not there or are other versions.
    fn installed(&self) -> PathBuf {
        let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sdk");
        let (into, marker) = (all.join(self.program), all.join(format!("{}.installed", self.program)));
        fs::create_dir_all(&all).unwrap();
        // Tests may run as several processes.
        let lock = File::create(all.join(format!("{}.lock", self.program))).unwrap();
        lock.lock().unwrap();
        let wanted = self.wanted();
        if fs::read_to_string(&marker).is_ok_and(|found| found == wanted) {
            return into;
        }
        for old in [&marker, &into] {
            let gone = if old.is_dir() { fs::remove_dir_all(old) } else { fs::remove_file(old) };
            assert!(gone.is_ok() || !old.exists(), "{} is in the way: remove it", old.display());
        }
        fs::create_dir_all(&into).unwrap();
        let output = (self.install)(&into).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).replace('\n', " ");
        let pins = self.pins.join(" and ");
        assert!(output.status.success(), "the SDKs of {pins} cannot be installed from the registry: {said}");
        fs::write(&marker, wanted).unwrap();
        into
    }

    /// What the marker of a whole installation says: the interpreter, its installer and every pinned version.
    fn wanted(&self) -> String {
        let mut text = String::new();
        for (tool, needed) in self.tools {
            let output = Command::new(tool[0]).args(&tool[1..]).output();
            let version = output.ok().filter(|output| output.status.success());
            let Some(version) = version else { panic!("the tests of the SDKs need {needed}: install it") };
            text.push_str(&String::from_utf8_lossy(&version.stdout));
        }
        for pins in self.pins {
            text.push_str(&fs::read_to_string(folder().join(pins)).unwrap());
        }
        text
    }
}

/// Runs a client (`name.py` or `name.cjs`) with a job, and returns what it tells. A client that fails, as it does
/// where its SDK disagrees with it, fails the test.
pub(crate) fn run(client: &str, job: &Value) -> Value {
    static SDKS: [OnceLock<PathBuf>; 2] = [OnceLock::new(), OnceLock::new()];
    let python = client.ends_with(".py");
    let (language, sdks) = if python { (&PYTHON, &SDKS[0]) } else { (&NODE, &SDKS[1]) };
    let sdks = sdks.get_or_init(|| language.installed());
    let mut child = Command::new(language.program)
        .arg(folder().join(client))
        .env("PYTHONPATH", sdks)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NODE_PATH", sdks.join("node_modules"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(job.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{client}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
