//! Values that must stay secret are planted in a real run and looked for in everything that it leaves: its log lines, what
//! it prints, its errors, its exports, and the files beside the sealed ones.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::kami::{Kami, paid, run};

const KEY: &str = "KEY-000000";
const PHONE: &str = "13877776666";
const OPEN_ID: &str = "oCanaryOpenId7";
const EMAIL: &str = "canary@example.cn";
const SECRET_IN_SETTINGS: &str = "canary-deliver-token-7";

const PLANTED: [&str; 5] = [KEY, PHONE, OPEN_ID, EMAIL, SECRET_IN_SETTINGS];

fn check(place: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    for planted in PLANTED {
        assert!(!text.contains(&planted.to_lowercase()), "{place} holds {planted}");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// An order of a buyer about whom much is known, and all the ways of asking for it, right and wrong.
async fn use_everything(kami: &Kami, dir: &Path) {
    kami.set_up(&["generic/own"], 3).await;
    let pushing = json!({"account": "generic/far", "name": "Far", "currency": "CNY", "settings":
        {"secrets": ["whsec_VEVTVC1PTkxZLXNoYXJlZC1zZWNyZXQtMzJieXRlcyE="], "deliver_url": SECRET_IN_SETTINGS}});
    let (status, refused) = kami.try_api("POST", "/v1/channels", pushing).await;
    assert_eq!(status, 422, "{refused}");
    check("the refusal of settings", refused.to_string().as_bytes());
    let mut order = paid("C-1", 1, 2888);
    order["data"]["buyer_ref"] = json!(OPEN_ID);
    order["data"]["buyer"] = json!({"phone": PHONE, "phone_verified": true, "email": EMAIL});
    let (status, answer) = kami.send("generic/own", "m-1", &order.to_string()).await.unwrap();
    assert_eq!(status, 200);
    assert!(String::from_utf8(answer).unwrap().contains(KEY), "the planted key is the one that was sold");
    let position = kami.position().await;
    for text in [KEY, PHONE, OPEN_ID, EMAIL] {
        let wanted = json!({"text": text, "min_pos": position});
        let found = kami.api("POST", "/v1/find", wanted).await;
        assert_eq!(found["matches"].as_array().map(Vec::len), Some(1), "{text}: {found}");
        check("what was found", found.to_string().as_bytes());
        // Nobody can tell what a platform calls somebody from a word.
        let note = if text == OPEN_ID { "   ".to_owned() } else { format!("call {text}") };
        for (method, path, body) in [
            ("POST", "/v1/find", json!({ "txt": text })),
            ("POST", "/v1/sql", json!({"query": format!("SELEC {text}")})),
            ("POST", "/v1/orders/C-1/note", json!({ "text": note })),
            ("GET", &format!("/v1/orders/{text}"), Value::Null),
        ] {
            let (status, refused) = kami.try_api(method, path, body).await;
            assert!((400..500).contains(&status), "{method} {path}: {status}");
            check(path, refused.to_string().as_bytes());
        }
    }
    let forged = json!({"type": KEY, "data": {"phone": PHONE}}).to_string();
    let response = kami.client.post(kami.url("/v1/in/generic/own")).body(forged).send().await.unwrap();
    check("the answer to a forged message", &response.bytes().await.unwrap());
    export(kami, dir);
}

fn export(kami: &Kami, dir: &Path) {
    let data = kami.data.to_str().unwrap().to_owned();
    for format in ["csv", "ndjson", "parquet"] {
        let to = dir.join("exports").join(format);
        let (flag, url) = (format!("--{format}"), kami.url(""));
        let done = run(&["export", &flag, to.to_str().unwrap(), "--data", &data, "--server", &url]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        check("what an export prints", &[done.stdout, done.stderr].concat());
    }
}

#[tokio::test]
async fn a6_s6_what_was_planted_is_in_no_log_line_error_export_or_open_file_of_a_real_run() {
    let dir = tempfile::tempdir().unwrap();
    let (data, lines) = (dir.path().join("data"), dir.path().join("lines.txt"));
    let kami = Kami::start_logging(&data, &lines);
    use_everything(&kami, dir.path()).await;
    assert!(kami.stop());

    let logged = std::fs::read(&lines).unwrap();
    assert!(logged.len() > 1_000, "it logs what it does: {}", String::from_utf8_lossy(&logged));
    check("a log line", &logged);
    let place = data.to_str().unwrap();
    for arguments in [
        vec!["events", "export", "--data", place],
        vec!["replay", "order", "C-1", "--data", place, "--json"],
        vec!["find", "C-1", "--data", place, "--json"],
        vec!["verify", "--data", place],
    ] {
        let done = run(&arguments);
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        check(&arguments.join(" "), &[done.stdout, done.stderr].concat());
    }
    let exported = files(&dir.path().join("exports"));
    assert!(exported.len() > 60, "{} files", exported.len());
    for path in exported.iter().chain(&files(&data)) {
        check(&path.display().to_string(), &std::fs::read(path).unwrap());
    }
}
