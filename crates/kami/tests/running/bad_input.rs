//! Bad input gets a clear answer, shows in the inbox with its failing step, and leaves the log as it was.

use serde_json::{Value, json};

use crate::kami::{Kami, now_secs, paid, signature};

type Headers = Vec<(&'static str, String)>;

struct Raw<'a> {
    path: &'a str,
    headers: Headers,
    body: Vec<u8>,
}

fn signed(id: &str, body: &[u8]) -> Headers {
    let at = now_secs();
    vec![
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", at.to_string()),
        ("webhook-signature", signature(id, at, body)),
    ]
}

async fn post(kami: &Kami, raw: Raw<'_>) -> (u16, Value) {
    let mut request = kami.client.post(kami.url(raw.path)).body(raw.body);
    for (name, value) in raw.headers {
        request = request.header(name, value);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or(Value::Null))
}

/// The newest message of the inbox: verdict and reason.
async fn newest(kami: &Kami) -> (String, String) {
    let inbox = kami.api("GET", "/v1/inbox?account=generic/own&limit=1", Value::Null).await;
    let row = &inbox["messages"][0];
    (row["verdict"].as_str().unwrap().to_owned(), row["reason"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn every_bad_message_is_answered_shown_in_the_inbox_and_without_effect() {
    let dir = tempfile::tempdir().unwrap();
    let kami = Kami::start(dir.path());
    kami.set_up(&["generic/own"], 5).await;
    let before = kami.position().await;
    let order = |quantity: Value, minor: Value| {
        let mut message = paid("A-1", 1, 2888);
        message["data"]["quantity"] = quantity;
        message["data"]["amount_minor"] = minor;
        message
    };
    let mut currency = paid("A-1", 1, 2888);
    currency["data"]["currency"] = json!("XXX");
    let mut sku = paid("A-1", 1, 2888);
    sku["data"]["sku"] = json!("nothing");
    let deep = format!("{{\"type\":\"order.paid\",\"data\":{}{}}}", "[".repeat(2_000), "]".repeat(2_000));
    let cases: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("wrong sku", sku.to_string().into_bytes(), 422, "rejected:unknown_item"),
        ("wrong currency", currency.to_string().into_bytes(), 400, "refused:meaning"),
        (
            "one minor unit less",
            order(json!(1), json!(2887)).to_string().into_bytes(),
            422,
            "rejected:amount_mismatch",
        ),
        (
            "one minor unit more",
            order(json!(1), json!(2889)).to_string().into_bytes(),
            422,
            "rejected:amount_mismatch",
        ),
        ("quantity 0", order(json!(0), json!(2888)).to_string().into_bytes(), 400, "refused:meaning"),
        ("quantity -1", order(json!(-1), json!(2888)).to_string().into_bytes(), 400, "refused:meaning"),
        (
            "quantity 2^31",
            order(json!(2_147_483_648_u64), json!(2888)).to_string().into_bytes(),
            400,
            "refused:meaning",
        ),
        (
            "amount 1e309",
            paid("A-1", 1, 7).to_string().replace(":7,", ":1e309,").into_bytes(),
            400,
            "refused:",
        ),
        (
            "not UTF-8",
            b"{\"type\":\"order.paid\",\"data\":{\"sku\":\"\xff\xfe\"}}".to_vec(),
            400,
            "refused:format",
        ),
        ("too deep", deep.into_bytes(), 400, "refused:format"),
        ("not JSON", b"hello".to_vec(), 400, "refused:format"),
        ("empty", Vec::new(), 400, "refused:format"),
    ];
    for (number, (name, body, status, verdict)) in cases.into_iter().enumerate() {
        let headers = signed(&format!("bad-{number}"), &body);
        let answer = post(&kami, Raw { path: "/v1/in/generic/own", headers, body }).await;
        assert_eq!(answer.0, status, "{name}: {}", answer.1);
        let (shown, reason) = newest(&kami).await;
        assert!(format!("{shown}:{reason}").starts_with(verdict), "{name}: {shown}:{reason}");
    }
    assert_eq!(kami.position().await, before, "the log is as it was");
    assert!(kami.stop());
}

#[tokio::test]
async fn what_is_not_proven_is_refused_and_told_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let kami = Kami::start(dir.path());
    kami.set_up(&["generic/own"], 5).await;
    let before = kami.position().await;
    let body = paid("A-1", 1, 2888).to_string().into_bytes();
    let with = |change: &dyn Fn(&mut Headers)| {
        let mut headers = signed("m-1", &body);
        change(&mut headers);
        Raw { path: "/v1/in/generic/own", headers, body: body.clone() }
    };
    let stale = now_secs() - 301;
    let cases: Vec<(Raw<'_>, &str)> = vec![
        (with(&|h| h[3].1 = h[3].1.replace("v1,", "v1,A")), "signature:"),
        (with(&|h| h[3].1 = String::new()), "signature:"),
        (with(&|h| drop(h.remove(3))), "signature:"),
        (with(&|h| h[1].1 = "m-2".to_owned()), "signature:"),
        (
            with(&|h| {
                h[2].1 = stale.to_string();
                h[3].1 = signature("m-1", stale, &body);
            }),
            "time:",
        ),
    ];
    let mut answers = Vec::new();
    for (raw, step) in cases {
        answers.push(post(&kami, raw).await);
        let (verdict, reason) = newest(&kami).await;
        assert_eq!(verdict, "refused");
        assert!(reason.starts_with(step), "{reason}");
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "the answers tell the cases apart");
    assert_eq!(answers[0].0, 401);
    let headers = signed("m-9", &body);
    let unknown = post(&kami, Raw { path: "/v1/in/generic/nobody", headers, body: body.clone() }).await;
    assert_eq!(unknown.0, 404);
    let huge = vec![b' '; 256 * 1024 + 1];
    let headers = signed("m-10", &huge);
    let answer = post(&kami, Raw { path: "/v1/in/generic/own", headers, body: huge }).await;
    assert_eq!(answer.0, 413);
    assert_eq!(newest(&kami).await.0, "refused");
    assert_eq!(kami.position().await, before);
    assert!(kami.stop());
}

#[tokio::test]
async fn a_key_file_is_read_line_by_line_and_every_bad_line_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let kami = Kami::start(dir.path());
    kami.set_up(&["generic/own"], 0).await;
    let text = [
        &b"\xef\xbb\xbfAAAA-1\r\nAAAA-2\r\n\r\nAAAA-1\r\n"[..],
        &vec![b'x'; 1_000_000],
        b"\nAAAA-3\xff\nAAAA-4",
    ]
    .concat();
    let (status, answer) = kami.import("steam-50", "text/plain", text).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!((&answer["stored"], &answer["duplicates"]), (&json!(3), &json!(1)), "{answer}");
    let codes: Vec<(u64, &str)> = answer["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["line"].as_u64().unwrap(), line["code"].as_str().unwrap()))
        .collect();
    assert_eq!(codes.len(), 2, "{codes:?}");
    assert_eq!((codes[0].0, codes[1].0), (5, 6));
    assert!(!answer.to_string().contains("AAAA"), "no key is echoed");
    let (status, answer) = kami.import("steam-50", "text/csv", b"number,secret\na,b\n".to_vec()).await;
    assert!(status >= 400 || answer["stored"] == 0, "{status} {answer}");
    let (status, _) = kami.import("nothing", "text/plain", b"AAAA-9\n".to_vec()).await;
    assert_eq!(status, 404);
    assert!(kami.stop());
    assert_eq!(crate::kami::verify(dir.path())["violations"], json!([]));
}
