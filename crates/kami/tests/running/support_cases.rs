//! The eight cases of the support desk, on the demo's data, with the commands that the page gives.

use std::path::Path;

use serde_json::{Value, json};

use crate::kami::{Kami, events, run, verify};

fn kami(arguments: &[&str]) -> String {
    let done = run(arguments);
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// Orders in which something happened.
fn orders_with<'a>(log: &'a [Value], name: &str) -> Vec<&'a str> {
    let of_type = log.iter().filter(|event| event["type"] == name);
    of_type.map(|event| event["stream"].as_str().unwrap()).filter(|s| s.starts_with("order-")).collect()
}

fn replay(data: &Path, order: &str, more: &[&str]) -> String {
    kami(&[&["replay", "order", order, "--data", data.to_str().unwrap()], more].concat())
}

fn steps(data: &Path, order: &str) -> Vec<Value> {
    let told: Value = serde_json::from_str(&replay(data, order, &["--json"])).unwrap();
    told["steps"].as_array().unwrap().clone()
}

#[tokio::test]
async fn s10_each_of_the_eight_cases_is_solved_by_the_commands_of_its_page() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("demo");
    let place = data.to_str().unwrap();
    kami(&["demo", "--exit", "--json", "--days", "18", "--data", place]);
    let log = events(&data);
    assert_eq!(verify(&data)["ok"], true);

    // 1 and 2: a bad key, and the batch it came from.
    let bad = orders_with(&log, "KeyReplaced")[0];
    let told = replay(&data, bad, &[]);
    assert!(told.contains("KeyReplaced") && told.contains("the cost is borne by the supplier"), "{told}");
    assert!(told.contains("/lines/0/keys/0: "), "{told}");
    let reason = |event: &&Value| event["payload"]["reason"] == "bad_keys_in_batch";
    let quarantined: Vec<&Value> =
        log.iter().filter(|e| e["type"] == "KeysQuarantined").filter(reason).collect();
    assert_eq!(quarantined.len(), 1, "the third bad key has the batch quarantined");

    // 4: called off, and charged.
    let charged = orders_with(&log, "OrderCancelled").into_iter().find(|order| {
        log.iter().any(|e| e["stream"] == *order && e["payload"]["reason"] == "paid_after_cancel")
    });
    let graph: Value =
        serde_json::from_str(&replay(&data, charged.unwrap(), &["--causes", "--json"])).unwrap();
    let types: Vec<&str> =
        graph["nodes"].as_array().unwrap().iter().filter_map(|node| node["type"].as_str()).collect();
    assert!(types.contains(&"RefundDue") && types.contains(&"RefundSettled"), "{types:?}");
    assert!(!types.contains(&"OrderDelivered"));
    let tried = |edge: &Value| edge["kind"] == "attempted";
    assert!(graph["edges"].as_array().unwrap().iter().any(tried), "{graph}");

    // 5: a wait for goods.
    let waited = orders_with(&log, "OrderBackordered").pop().unwrap();
    let wait = |steps: &[Value]| {
        let from = steps.iter().position(|step| step["type"] == "OrderBackordered").unwrap();
        steps[from + 1]["elapsed_ms"].as_i64().unwrap()
    };
    assert!(wait(&steps(&data, waited)) > 60_000);

    // 6: a refund that was turned down, and the state just before.
    let refused = orders_with(&log, "RefundRefused")[0];
    let all = steps(&data, refused);
    let at = all.iter().position(|step| step["type"] == "RefundRefused").unwrap();
    assert_eq!(all[at]["actor"]["kind"], "staff");
    let before = all[at - 1]["position"].to_string();
    let state: Value = serde_json::from_str(&replay(&data, refused, &["--at", &before, "--json"])).unwrap();
    let requested = |refund: &Value| refund["state"] == "requested";
    assert!(state["state"]["refunds"].as_object().unwrap().values().any(requested), "{state}");
    assert_eq!(state["state"], all[at - 1]["state"]);

    // 3: money that does not fit: the order knows nothing of it, the inbox does.
    let server = Kami::start_for(&data, "demo");
    let path = "/v1/inbox?verdict=rejected&account=epay-v1%2Fmain";
    let rejected = server.api("GET", path, Value::Null).await["messages"].clone();
    let misfit = rejected.as_array().unwrap().iter().find(|row| row["reason"] == "amount_mismatch").unwrap();
    let path = format!("/v1/inbox/{}", misfit["message"].as_str().unwrap());
    let query = server.api("GET", &path, Value::Null).await["request"]["query"].as_str().unwrap().to_owned();
    let number = query.split("out_trade_no=").nth(1).unwrap().split('&').next().unwrap().replace("%2D", "-");
    let unpaid = replay(&data, &format!("generic:{number}"), &[]);
    assert!(unpaid.contains("ReservationExpired") && !unpaid.contains("PaymentConfirmed"), "{unpaid}");

    // 7: keys once more, on the record.
    let lost = orders_with(&log, "OrderDelivered")[0];
    let why = json!({ "reason": "lost by the buyer" });
    let (status, _) = server.try_api("POST", &format!("/v1/orders/{lost}/resend"), why.clone()).await;
    assert!([200, 409].contains(&status), "{status}");
    let seen = server.api("POST", &format!("/v1/orders/{lost}/reveal"), why).await;
    assert!(!seen["keys"].as_array().unwrap().is_empty());
    let path = format!("/v1/orders/{lost}/events?limit=500&min_pos={}", seen["last_pos"]);
    let mine = server.api("GET", &path, Value::Null).await;
    let reveal = mine["events"].as_array().unwrap().iter().rfind(|e| e["type"] == "KeysRevealed").unwrap();
    assert_eq!(reveal["payload"]["reason"], "lost by the buyer");

    // 8: a file for the supplier, and a bent one.
    let (case, bent) = (home.path().join("case.json"), home.path().join("bent.json"));
    let (file, url) = (case.to_str().unwrap(), server.url(""));
    kami(&["events", "export", "--order", bad, "--out", file, "--data", place, "--server", &url]);
    assert_eq!(kami(&["replay", "--file", file]).trim(), told.trim(), "the same history");
    let text = std::fs::read_to_string(&case).unwrap();
    std::fs::write(&bent, text.replacen("supplier", "buyer", 1)).unwrap();
    for arguments in [vec!["replay", "--file"], vec!["events", "import", "--data", place]] {
        let refused = run(&[&arguments[..], &[bent.to_str().unwrap()]].concat());
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains("was changed: its hash does not fit"), "{said}");
    }
    let taken: Value =
        serde_json::from_str(&kami(&["events", "import", "--data", place, "--json", file])).unwrap();
    let shown =
        server.api("GET", &format!("/v1/imported/{}", taken["id"].as_str().unwrap()), Value::Null).await;
    assert_eq!(shown["order"], bad);
    let path = format!("/v1/orders/{bad}/events?min_pos={}", server.position().await);
    let exported = server.api("GET", &path, Value::Null).await;
    let last = exported["events"].as_array().unwrap().last().unwrap();
    assert_eq!(last["type"], "ExportMade");
    assert!(server.stop());
    assert_eq!(verify(&data)["ok"], true);
}
