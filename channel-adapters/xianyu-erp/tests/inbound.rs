//! Pushes: who may speak, what each means, how it is acknowledged.

use std::sync::Arc;

use channel::{
    Adapter, Ask, Inbound, Kind, Outcome, RawRequest, Refusal, Rejected, Step, Verified, legacy_sign::md5_hex,
};
use channel_xianyu_erp::PROTOCOL;
use serde_json::Value;
use vocabulary::{Reason, Timestamp};

const NOW: Timestamp = Timestamp::from_secs(1_767_225_601);
const PUSH: &str = r#"{"seller_id":912345678901,"user_name":"虚拟小店","order_no":"1929063817978999932","order_type":7,"order_status":12,"refund_status":0,"modify_time":1767225600,"product_id":441160510721413,"item_id":709548670377}"#;
const PRODUCT: &str = r#"{"product_id":441160510721413,"product_status":22,"publish_status":2,"item_biz_type":2,"price":1200,"stock":7,"user_name":"虚拟小店","modify_time":1767225600}"#;

fn connect(settings: &str) -> Arc<dyn Adapter> {
    (PROTOCOL.connect)("xianyu-erp/main".parse().expect("an account"), settings).expect("usable settings")
}

fn adapter() -> Arc<dyn Adapter> {
    connect(PROTOCOL.example_settings)
}

fn request(topic: &str, query: &str, body: &str) -> RawRequest {
    RawRequest {
        method: "POST".into(),
        topic: topic.into(),
        query: query.into(),
        headers: vec![("content-type".into(), b"application/json; charset=utf-8".to_vec())],
        body: body.as_bytes().to_vec(),
        received_at: NOW,
    }
}

fn signed(topic: &str, body: &str) -> RawRequest {
    let (at, digest) = (NOW.secs(), md5_hex(body.as_bytes()));
    let sign = md5_hex(format!("410000000000001,{digest},{at},erpSecretErpSecretErpSecret00001").as_bytes());
    request(topic, &format!("appid=410000000000001&timestamp={at}&sign={sign}"), body)
}

fn parse(topic: &str, body: &str) -> Result<Inbound, Refusal> {
    let (adapter, request) = (adapter(), signed(topic, body));
    let proof = adapter.verify(&request, NOW)?;
    adapter.parse(&Verified::new(&request, proof))
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

#[test]
fn every_erp_vector_is_accepted_in_time_and_refused_late_or_tampered() {
    let all: Vec<Value> = serde_json::from_str(include_str!("../fixtures/xianyu.json")).expect("JSON");
    let mut seen = 0;
    for vector in all.iter().filter(|v| text(&v["scheme"]).starts_with("xianyu-erp-md5")) {
        let (keys, query) = (&vector["keys"], &vector["input"]["query"]);
        let seller = query["seller_id"].as_str();
        let adapter = connect(&format!(
            r#"{{"app_key":{},"app_secret":"{}","seller_id":{}}}"#,
            text(&keys["app_key"]),
            text(&keys["app_secret"]),
            seller.unwrap_or("null"),
        ));
        let (appid, timestamp) = (text(&query["appid"]), text(&query["timestamp"]));
        let seller = seller.map(|id| format!("&seller_id={id}")).unwrap_or_default();
        let sign = text(&vector["expected"]["sign"]);
        let body = text(&vector["input"]["body"]);
        let query = format!("appid={appid}&timestamp={timestamp}{seller}&sign={sign}");
        let now = Timestamp::from_secs(timestamp.parse().expect("seconds"));
        let verdict = |query: &str, body: &str, now| {
            let proof = adapter.verify(&request("order", query, body), now);
            proof.map(|proof| assert!(proof.is_signed())).map_err(|refusal| refusal.code)
        };
        assert_eq!(verdict(&query, body, now), Ok(()), "{}", vector["name"]);
        assert_eq!(verdict(&query, body, now.plus_secs(301)), Err("stale_timestamp"));
        assert_eq!(verdict(&query, &format!("{body} "), now), Err("bad_signature"));
        assert_eq!(verdict(&query.replace(timestamp, "1636087299"), body, now), Err("bad_signature"));
        seen += 1;
    }
    assert_eq!(seen, 4);
}

#[test]
fn a_partner_app_refuses_the_other_formula_and_another_seller() {
    let partner = PROTOCOL.example_settings.replacen("\"app_secret\"", "\"seller_id\": 7, \"app_secret\"", 1);
    let partner = connect(&partner);
    let plain = signed("order", PUSH);
    assert_eq!(partner.verify(&plain, NOW).err().map(|r| r.code), Some("bad_signature"));
    let mut other = plain;
    other.query.push_str("&seller_id=8");
    assert_eq!(partner.verify(&other, NOW).err().map(|r| r.code), Some("unknown_seller"));
}

#[test]
fn an_order_push_asks_for_the_truth_and_believes_nothing() {
    let inbound = parse("order", PUSH).expect("parsed");
    assert_eq!(inbound.id.as_deref(), Some("1929063817978999932:12:0:1767225600"));
    assert_eq!(inbound.kind, Kind::Notice);
    assert_eq!(inbound.occurred_at.map(|at| at.secs()), Some(1_767_225_600));
    assert!(inbound.content == PUSH.as_bytes());
    let Ask::ReadBack { external_no } = inbound.ask else { panic!("a read-back") };
    assert_eq!(external_no, "1929063817978999932");
}

#[test]
fn a_push_with_a_wrong_fact_is_refused() {
    for (from, to, step) in [
        ("\"order_no\":\"1929063817978999932\"", "\"order_no\":1929063817978999932", Step::Meaning),
        ("1929063817978999932", "", Step::Meaning),
        ("1929063817978999932", "a/../b", Step::Meaning),
        ("\"modify_time\":1767225600", "\"modify_time\":0", Step::Meaning),
        ("\"modify_time\":1767225600", "\"modify_time\":9223372036854775808", Step::Meaning),
        ("\"order_status\":12", "\"order_status\":\"12\"", Step::Meaning),
        ("\"order_status\":12", "\"order_status\":12,\"order_status\":11", Step::Format),
        ("\"refund_status\":0,", "", Step::Meaning),
    ] {
        let body = PUSH.replacen(from, to, 1);
        assert_ne!(body, PUSH);
        assert_eq!(parse("order", &body).err().map(|r| r.step), Some(step), "{to}");
    }
}

#[test]
fn product_and_task_pushes_ask_for_nothing_and_each_is_one_message() {
    let first = parse("product", PRODUCT).expect("parsed");
    let second = parse("product", &PRODUCT.replace(":7,", ":6,")).expect("parsed");
    assert!(matches!(first.ask, Ask::Nothing) && first.id != second.id && first.id.is_some());
    let task = parse("task", r#"{"task":1}"#).expect("parsed");
    assert!(matches!(task.ask, Ask::Nothing) && task.id.is_some());
    for topic in ["", "orders", "order/x"] {
        let refusal = parse(topic, PUSH).err().expect("refused");
        assert_eq!((refusal.step, refusal.code), (Step::Meaning, "unsupported_topic"), "{topic}");
    }
}

#[test]
fn every_outcome_is_acknowledged_because_a_repeat_mends_none() {
    let (adapter, request) = (adapter(), signed("order", PUSH));
    let verified = Verified::new(&request, adapter.verify(&request, NOW).expect("signed"));
    let inbound = adapter.parse(&verified).expect("parsed");
    let rejected = |reason| Outcome::Rejected(Rejected { reason, detail: String::new() });
    let plain = [Outcome::Accepted { order: None }, Outcome::Parked, Outcome::Offers(Vec::new())];
    for outcome in plain.into_iter().chain(Reason::ALL.iter().map(|reason| rejected(*reason))) {
        let reply = adapter.answer(&verified, &inbound, &outcome);
        assert_eq!(reply.status, 200);
        assert!(reply.body == r#"{"result":"success","msg":"接收成功"}"#.as_bytes());
    }
}

#[test]
fn a_refusal_says_fail_so_that_the_platform_tries_again() {
    for (step, status) in [
        (Step::Signature, 401),
        (Step::Time, 401),
        (Step::Size, 413),
        (Step::Format, 400),
        (Step::Meaning, 400),
    ] {
        let reply = adapter().refuse(&signed("order", PUSH), &Refusal::new(step, "any", ""));
        assert_eq!(reply.status, status);
        let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
        assert_eq!(body["result"], "fail");
    }
}
