//! Backing up a shop that sells, losing it, bringing it back, and selling on.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use testkit_postgres::Database;

use crate::kami::{Kami, binary, client, events, paid, run, send, verify};

const ACCOUNT: &str = "generic/own";
const KEYS: usize = 2_000;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What a command says as JSON.
fn told(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refused(output: &Output, part: &str) {
    assert!(!output.status.success(), "it was not refused: {}", String::from_utf8_lossy(&output.stdout));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(part), "{part} is missing in: {said}");
}

fn run_with(settings: &[(&str, &str)], arguments: &[&str]) -> Output {
    binary().envs(settings.iter().copied()).args(arguments).output().unwrap()
}

/// Buyers that go on buying until they are told to stop.
struct Buyers {
    over: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Buyers {
    fn start(kami: &Kami, prefix: &'static str) -> Self {
        let (over, served) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let url = kami.url(&format!("/v1/in/{ACCOUNT}"));
        let tasks = (0..6).map(|buyer| {
            let (over, served, url) = (over.clone(), served.clone(), url.clone());
            tokio::spawn(async move {
                let client = client();
                for n in 0.. {
                    if over.load(Ordering::SeqCst) {
                        return;
                    }
                    let number = format!("{prefix}-{buyer}-{n}");
                    let answer = send(&client, &url, &number, &paid(&number, 1, 2888).to_string()).await;
                    assert_eq!(answer.unwrap().0, 200);
                    served.fetch_add(1, Ordering::SeqCst);
                }
            })
        });
        Self { tasks: tasks.collect(), over, served }
    }

    fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }

    /// Waits until so many were served.
    async fn reach(&self, wanted: usize) {
        while self.served() < wanted {
            assert!(self.tasks.iter().all(|task| !task.is_finished()), "a buyer has given up");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn stop(self) -> usize {
        self.over.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
        self.served.load(Ordering::SeqCst)
    }
}

/// Backs up in the middle of a sale that goes on afterwards.
async fn back_up_while_selling(kami: &Kami, settings: &[(&str, &str)], backup: &Path, kek: &Path) -> Value {
    let buyers = Buyers::start(kami, "B");
    buyers.reach(30).await;
    let settings: Vec<(String, String)> =
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let (data, to, kek) = (kami.data.clone(), backup.to_owned(), kek.to_owned());
    let running = tokio::task::spawn_blocking(move || {
        let arguments = ["backup", text(&to), "--kek-to", text(&kek), "--data", text(&data), "--json"];
        binary().envs(settings).args(arguments).output().unwrap()
    });
    let taken = told(&running.await.unwrap());
    let before = buyers.served();
    buyers.reach(before + 30).await;
    buyers.stop().await;
    taken
}

/// Puts the key that was kept where a restored installation looks for it.
fn bring_key(kek: &Path, data: &Path) {
    fs::create_dir_all(data).unwrap();
    fs::copy(kek, data.join("kek")).unwrap();
}

/// The drill: the first backup of a sale, a lost machine, and the sale goes on elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_shop_backed_up_while_it_sells_comes_back_whole_and_sells_on_once_its_end_is_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let place = |name: &str| dir.path().join(name);
    let (lost, backup, kek, back) = (place("lost"), place("backup"), place("kek"), place("back"));
    let mut kami = Kami::start(&lost);
    kami.set_up(&[ACCOUNT], KEYS).await;
    let taken = back_up_while_selling(&kami, &[], &backup, &kek).await;
    let end = &taken["merchants"][0];
    let (position, outside) = (end["position"].as_u64().unwrap(), kami.position().await);
    assert!(position < outside, "the sale went on behind the backup");
    let token = fs::read(lost.join("admin.token")).unwrap();
    kami.kill();
    drop(kami);
    fs::remove_dir_all(&lost).unwrap();

    bring_key(&kek, &back);
    let data = text(&back);
    let proof = told(&run(&["restore", text(&backup), "--data", data, "--json"]));
    assert_eq!(proof["merchants"][0], *end, "chain and digests are those of the manifest");
    assert!(end["read_models"].as_array().unwrap().len() > 3);
    assert_eq!((&proof["key_fits"], &proof["incomparable"]), (&json!(true), &json!([])));
    assert_eq!(verify(&back)["merchants"][0]["head_hash"], end["head_hash"]);

    let serve = ["serve", "--data", data, "--listen", "127.0.0.1:0"];
    refused(&run(&serve), "restore --accept");
    let accept = |position: &str| {
        run(&["restore", "--accept", position, "--reason", "the disk is gone", "--data", data, "--json"])
    };
    refused(&accept(&(position - 1).to_string()), "nobody can know less");
    let accepted = told(&accept(&outside.to_string()));
    assert_eq!(accepted["accepted"][0]["lost"], outside - position);
    refused(&accept("nothing-lost"), "accepted already");

    let kami = Kami::start(&back);
    fs::write(back.join("admin.token"), token).unwrap();
    let buyers = Buyers::start(&kami, "C");
    buyers.reach(30).await;
    buyers.stop().await;
    assert!(kami.stop());
    assert_eq!(verify(&back)["violations"], json!([]));
    let history = events(&back);
    let hash = &history[usize::try_from(position).unwrap() - 1]["hash"];
    assert_eq!(*hash, end["head_hash"], "what was sold since continues the chain");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_postgresql_is_backed_up_while_it_is_written_and_comes_back_there_or_in_a_file() {
    let (database, other) = (Database::new().await, Database::new().await);
    let dir = tempfile::tempdir().unwrap();
    let place = |name: &str| dir.path().join(name);
    let settings = [("KAMI_LOG_URL", database.url())];
    let kami = Kami::start_with(&place("data"), "127.0.0.1:0".parse().unwrap(), &settings);
    kami.set_up(&[ACCOUNT], KEYS).await;
    let (backup, kek) = (place("backup"), place("kek"));
    let taken = back_up_while_selling(&kami, &settings, &backup, &kek).await;
    let end = &taken["merchants"][0];
    assert!(end["position"].as_u64().unwrap() < kami.position().await);
    assert!(kami.stop());

    for (name, settings) in [("file", vec![]), ("database", vec![("KAMI_LOG_URL", other.url())])] {
        let back = place(name);
        bring_key(&kek, &back);
        let proof = told(&run_with(&settings, &["restore", text(&backup), "--data", text(&back), "--json"]));
        assert_eq!(proof["merchants"][0], *end, "{name}");
        let accept = ["restore", "--accept", "nothing-lost", "--reason", "a drill", "--data", text(&back)];
        assert!(run(&accept).status.success());
        let kami = Kami::start_with(&back, "127.0.0.1:0".parse().unwrap(), &settings);
        let sold = kami.send(ACCOUNT, "after", &paid("after", 1, 2888).to_string()).await.unwrap();
        assert_eq!(sold.0, 200, "{name}");
        assert!(kami.stop());
        let report = run_with(&settings, &["verify", "--data", text(&back), "--json"]);
        assert_eq!(told(&report)["violations"], json!([]), "{name}");
    }
    let again =
        run_with(&[("KAMI_LOG_URL", other.url())], &["restore", text(&backup), "--data", text(&place("x"))]);
    refused(&again, "the database is not empty");
}

/// A stopped shop with one sale, and its backup.
async fn a_backup(dir: &Path) -> (PathBuf, PathBuf) {
    let (data, backup) = (dir.join("data"), dir.join("backup"));
    let kami = Kami::start(&data);
    kami.set_up(&[ACCOUNT], 20).await;
    let sold = kami.send(ACCOUNT, "A-1", &paid("A-1", 1, 2888).to_string()).await.unwrap();
    assert_eq!(sold.0, 200);
    assert!(kami.stop());
    told(&run(&["backup", text(&backup), "--data", text(&data), "--json"]));
    (data, backup)
}

#[tokio::test]
async fn one_flipped_byte_anywhere_in_a_backup_is_refused_and_nothing_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let (_data, backup) = a_backup(dir.path()).await;
    let target = dir.path().join("target");
    let mut tried = 0;
    for entry in fs::read_dir(&backup).unwrap() {
        let path = entry.unwrap().path();
        let good = fs::read(&path).unwrap();
        for place in [0, good.len() / 3, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[place] ^= 0x20;
            fs::write(&path, bad).unwrap();
            let restored = run(&["restore", text(&backup), "--data", text(&target)]);
            assert!(!restored.status.success(), "{}, byte {place}", path.display());
            assert!(!target.exists(), "{}, byte {place}", path.display());
            tried += 1;
        }
        fs::write(&path, good).unwrap();
    }
    assert_eq!(tried, 5 * 4, "log, vault, settings, manifest and its hash");
    assert!(run(&["restore", text(&backup), "--data", text(&target)]).status.success());
}

#[tokio::test]
async fn a_backup_holds_no_key_in_clear_and_not_the_key_that_opens_it() {
    let dir = tempfile::tempdir().unwrap();
    let (data, backup) = a_backup(dir.path()).await;
    let kek = fs::read_to_string(data.join("kek")).unwrap();
    let raw = hex::decode(kek.trim()).unwrap();
    let token = fs::read_to_string(data.join("admin.token")).unwrap();
    for entry in fs::read_dir(&backup).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        for secret in [kek.trim().as_bytes(), &raw, token.trim().as_bytes(), b"KEY-0000"] {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret), "{}", path.display());
        }
    }
    let inside = backup.join("kek");
    let again = dir.path().join("again");
    let nested = again.join("kek");
    refused(&run(&["backup", text(&again), "--kek-to", text(&nested), "--data", text(&data)]), "inside");
    refused(&run(&["backup", text(&backup), "--data", text(&data)]), "is not empty");
    assert!(!inside.exists() && !again.exists());
}

#[tokio::test]
async fn a_restore_writes_over_nothing_and_says_whether_the_key_fits() {
    let dir = tempfile::tempdir().unwrap();
    let (data, backup) = a_backup(dir.path()).await;
    let kept = fs::read(data.join("log.db")).unwrap();
    refused(&run(&["restore", text(&backup), "--data", text(&data)]), "is not empty");
    assert_eq!(fs::read(data.join("log.db")).unwrap(), kept);

    let restore = |name: &str, kek: Option<&str>| {
        let target = dir.path().join(name);
        if let Some(kek) = kek {
            fs::create_dir(&target).unwrap();
            fs::write(target.join("kek"), kek).unwrap();
        }
        told(&run(&["restore", text(&backup), "--data", text(&target), "--json"]))["key_fits"].clone()
    };
    assert_eq!(restore("without", None), Value::Null);
    assert!(!dir.path().join("without/kek").exists(), "no new key is made for an old vault");
    assert_eq!(restore("wrong", Some(&"ab".repeat(32))), false);
    assert_eq!(restore("right", Some(&fs::read_to_string(data.join("kek")).unwrap())), true);
}

#[tokio::test]
async fn a_log_that_breaks_a_promise_is_no_backup() {
    let dir = tempfile::tempdir().unwrap();
    let (data, _backup) = a_backup(dir.path()).await;
    let path = data.join("log.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut log = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query("UPDATE event SET payload = payload || ' ' WHERE position = 3")
        .execute(&mut log)
        .await
        .unwrap();
    sqlx::Connection::close(log).await.unwrap();
    let again = dir.path().join("again");
    refused(&run(&["backup", text(&again), "--data", text(&data)]), "it is no backup");
    assert!(!again.join("manifest.json").exists());
    refused(
        &run(&["restore", text(&again), "--data", text(&dir.path().join("x"))]),
        "no readable manifest.json",
    );
}
