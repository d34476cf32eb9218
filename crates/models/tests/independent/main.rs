//! Our figures against those of others: a Python package for buyers' worth, and a few lines of Python for the fifths.
//!
//! Where there is no Python, or no way to its packages, the tests say so and check nothing.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it left out"
)]

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use models::{
    ltv::{BgNbd, GammaGamma, History, Spending},
    rfm::{Purchases, rfm},
};

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/cdnow.csv");

struct Buyer {
    repeats: u32,
    last_days: i32,
    seen_days: i32,
    cents: i64,
}

impl Buyer {
    fn history(&self) -> History {
        let weeks = |days: i32| f64::from(days) / 7.0;
        History { repeats: self.repeats, last: weeks(self.last_days), seen: weeks(self.seen_days) }
    }
    /// In dollars.
    fn spending(&self) -> Spending {
        let purchases = f64::from(self.repeats.max(1));
        Spending { purchases: self.repeats, mean: self.cents as f64 / 100.0 / purchases }
    }
}

fn buyers() -> Vec<Buyer> {
    let mut reader = csv::Reader::from_path(FIXTURE).unwrap();
    let rows = reader.deserialize::<(u32, i32, i32, i64, u32)>().map(Result::unwrap);
    rows.map(|(repeats, last_days, seen_days, cents, _)| Buyer { repeats, last_days, seen_days, cents })
        .collect()
}

fn has_python() -> bool {
    let version =
        Command::new("python3").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// The folder with the package, which is fetched once into the build's own folder.
fn lifetimes() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lifetimes-0.11.3");
    let can_import = |folder: &Path| {
        let import = ["-c", "import lifetimes"];
        let tried =
            Command::new("python3").args(import).env("PYTHONPATH", folder).stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    };
    if !can_import(&folder) {
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"];
        let mut install = Command::new("python3");
        install.args(pip).arg(&folder).arg("lifetimes==0.11.3").stdout(Stdio::null()).stderr(Stdio::null());
        if !install.status().is_ok_and(|status| status.success()) || !can_import(&folder) {
            return None;
        }
    }
    Some(folder)
}

/// The numbers that a script prints, line by line.
fn run(script: &str, packages: Option<&Path>) -> Vec<Vec<f64>> {
    let script = format!("{}/tests/independent/{script}", env!("CARGO_MANIFEST_DIR"));
    let mut python = Command::new("python3");
    python.arg(&script).arg(FIXTURE);
    if let Some(folder) = packages {
        python.env("PYTHONPATH", folder);
    }
    let done = python.output().unwrap();
    assert!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
    let text = String::from_utf8(done.stdout).unwrap();
    text.lines().map(|line| line.split(' ').map(|number| number.parse().unwrap()).collect()).collect()
}

fn near(what: &str, ours: f64, theirs: f64, part: f64) {
    assert!((ours - theirs).abs() <= part * theirs.abs().max(1e-6), "{what}: {ours}, theirs {theirs}");
}

#[test]
fn c8_buyers_worth_is_what_an_independent_package_says() {
    let Some(packages) = has_python().then(lifetimes).flatten() else {
        println!("left out: no Python, or no way to its packages");
        return;
    };
    let theirs = run("buyers_worth.py", Some(&packages));
    let buyers = buyers();
    let often = BgNbd::fit(&buyers.iter().map(Buyer::history).collect::<Vec<_>>()).unwrap();
    let much = GammaGamma::fit(&buyers.iter().map(Buyer::spending).collect::<Vec<_>>()).unwrap();
    let ours = [often.r, often.alpha, often.a, often.b, much.p, much.q, much.v];
    for ((name, ours), theirs) in ["r", "alpha", "a", "b", "p", "q", "v"].iter().zip(ours).zip(&theirs[0]) {
        near(name, ours, *theirs, 0.001);
    }
    assert_eq!(theirs.len() - 1, buyers.len());
    for (row, (buyer, theirs)) in buyers.iter().zip(&theirs[1..]).enumerate() {
        let [expected, alive, value] = theirs[..] else { panic!("row {row}: {theirs:?}") };
        near(&format!("purchases of {row}"), often.expected(&buyer.history(), 39.0), expected, 0.001);
        near(&format!("{row} alive"), often.p_alive(&buyer.history()), alive, 0.001);
        if buyer.repeats > 0 {
            near(&format!("value of {row}"), much.expected(&buyer.spending()), value, 0.001);
        }
    }
}

#[test]
fn fifths_are_what_comparing_each_with_each_gives() {
    if !has_python() {
        println!("left out: no Python");
        return;
    }
    let theirs = run("fifths.py", None);
    let purchases = |buyer: &Buyer| Purchases {
        recency_days: (buyer.seen_days - buyer.last_days).into(),
        frequency_count: buyer.repeats.into(),
        monetary_minor: buyer.cents,
    };
    let ours = rfm(&buyers().iter().map(purchases).collect::<Vec<_>>());
    assert_eq!(ours.len(), 2_357);
    for (row, ours) in ours.iter().enumerate() {
        let theirs = [theirs[0][row], theirs[1][row], theirs[2][row]];
        assert_eq!([ours.recency, ours.frequency, ours.monetary].map(f64::from), theirs, "row {row}");
    }
}
