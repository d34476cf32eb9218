//! Published and independently computed vectors.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod gateway;

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{Adapter, Ask, Inbound, Outcome, Protocol, Refusal, Verified, sign::RsaSigner};
use channel_conformance::{Vector, Vectors, judge_vectors};
use channel_epay::{Gateway, PayPage, V1, V2, Version};
use std::sync::Arc;
use vocabulary::{Currency, Money, Timestamp};

fn connect(protocol: Protocol, settings: &serde_json::Value) -> Arc<dyn Adapter> {
    let account = format!("{}/shop-1", protocol.manifest.code).parse().unwrap();
    (protocol.connect)(account, &settings.to_string()).unwrap()
}

fn v2_settings() -> serde_json::Value {
    serde_json::from_str(V2.example_settings).unwrap()
}

fn judge(vector: &Vector, adapter: &dyn Adapter, now: Timestamp) {
    let name = &vector.name;
    let request =
        gateway::notification(vector.text("/input/method"), vector.text("/input/params_urlencoded"));
    let read = || -> Result<Inbound, Refusal> {
        let proof = adapter.verify(&request, now)?;
        adapter.parse(&Verified::new(&request, proof))
    };
    match read() {
        Ok(inbound) if vector.accepted() => {
            let Ask::Payment(payment) = &inbound.ask else { panic!("{name} is a payment") };
            assert_eq!(payment.external_no, "CK20260102000001", "{name}");
            assert_eq!(payment.txn, "2026010211000012345", "{name}");
            assert_eq!(payment.amount, Money::new(2888, Currency::CNY), "{name}");
            let verified = Verified::new(&request, adapter.verify(&request, now).unwrap());
            let reply = adapter.answer(&verified, &inbound, &Outcome::Accepted { order: None });
            assert_eq!(reply.body, vector.text("/expected/ack_body").as_bytes(), "{name}");
            let signed = vector.text("/expected/canonical").replace("&timestamp=1767322800", "");
            assert_eq!(String::from_utf8(inbound.content).unwrap(), signed, "{name}");
        }
        Ok(inbound) => {
            assert_eq!(vector.text("/expected/reason"), "not_a_success_status", "{name}");
            assert!(matches!(inbound.ask, Ask::Nothing), "{name}");
        }
        Err(refusal) => {
            assert!(!vector.accepted(), "{name}: {refusal}");
            let code = match vector.text("/expected/reason") {
                "timestamp_out_of_tolerance" => "stale_timestamp",
                other => other,
            };
            assert_eq!(refusal.code, code, "{name}");
            assert_eq!(adapter.refuse(&request, &refusal).body, b"fail", "{name}");
        }
    }
}

/// What a request of the vector's parameters is signed as.
fn canonical(vector: &Vector) -> String {
    let mut query = vector.texts("/input/params");
    query.retain(|(_, value)| !value.is_empty());
    let slot = |request, (name, value): &(String, String)| {
        let name: &'static str = Box::leak(name.clone().into_boxed_str());
        channel_conformance::Slot::Query(name).set(&request, value).unwrap()
    };
    gateway::canonical(&query.iter().fold(gateway::notification("GET", ""), slot)).unwrap()
}

#[test]
fn every_vector_is_judged_as_expected() {
    let vectors = Vectors::read(include_str!("../fixtures/epay.json"));
    for vector in vectors.scheme("epay-v1-notify") {
        let settings = serde_json::json!({
            "base_url": "https://pay.example/", "pid": vector.text("/keys/pid"), "key": vector.text("/keys/key"),
        });
        judge(vector, connect(V1, &settings).as_ref(), gateway::NOW);
    }
    for vector in vectors.scheme("epay-v2-notify") {
        let mut settings = v2_settings();
        settings["platform_public_key"] = vector.text("/keys/platform_public_key_b64").into();
        judge(vector, connect(V2, &settings).as_ref(), Timestamp::from_secs(vector.integer("/input/now")));
    }
    for vector in vectors.scheme("epay-v1-sign") {
        let text = canonical(vector);
        assert_eq!(text, vector.text("/expected/canonical"));
        let sign = channel::legacy_sign::md5_hex(format!("{text}{}", vector.text("/keys/key")).as_bytes());
        assert_eq!(sign, vector.text("/expected/sign"));
    }
    for vector in vectors.scheme("epay-v2-sign") {
        let pem = vector.text("/keys/merchant_private_key_pem");
        let der: String = pem.lines().filter(|line| !line.starts_with("---")).collect();
        let signer = RsaSigner::from_pkcs8(&STANDARD.decode(der).unwrap()).unwrap();
        let text = canonical(vector);
        assert_eq!(text, vector.text("/expected/canonical"));
        let sign = STANDARD.encode(signer.sign_sha256(text.as_bytes()).unwrap());
        assert_eq!(sign, vector.text("/expected/sign"));
        // The same key in PEM armour connects too.
        let mut settings = v2_settings();
        settings["merchant_private_key"] = pem.into();
        connect(V2, &settings);
    }
    vectors.assert_all_used();
}

fn page() -> PayPage<'static> {
    PayPage {
        out_trade_no: "CK20260102000001",
        name: "Steam 50 元卡",
        money: Money::new(2888, Currency::CNY),
        pay_type: Some("alipay"),
        notify_url: "https://shop.example/notify/epay",
        return_url: "https://shop.example/return",
    }
}

/// The parameters of an address, and its path.
fn open(url: &str) -> (String, Vec<(String, String)>) {
    let (path, query) = url.split_once('?').unwrap();
    (path.to_owned(), gateway::notification("GET", query).query_pairs().unwrap())
}

#[test]
fn the_pay_page_of_v1_is_signed_with_the_key() {
    let gateway = Gateway::open(Version::V1, gateway::V1_SETTINGS).unwrap();
    let url = gateway.pay_url(&page(), gateway::NOW).unwrap();
    let (path, pairs) = open(&url);
    assert_eq!(path, "https://pay.example/submit.php");
    let value = |name: &str| pairs.iter().find(|(n, _)| n == name).unwrap().1.as_str();
    assert_eq!(value("money"), "28.88");
    assert_eq!(value("sign_type"), "MD5");
    let again = gateway::sign_v1(&gateway::notification("GET", url.split_once('?').unwrap().1), gateway::KEY)
        .unwrap();
    assert!(again.query_pairs().unwrap().contains(&("sign".into(), value("sign").into())));
    assert!(!url.contains(gateway::KEY));
}

#[test]
fn the_pay_page_of_v2_is_signed_with_the_merchants_key_and_the_time() {
    let example = v2_settings();
    let gateway = Gateway::open(Version::V2, V2.example_settings).unwrap();
    let url = gateway.pay_url(&page(), gateway::NOW).unwrap();
    let (path, pairs) = open(&url);
    assert_eq!(path, "https://pay.example/api/pay/submit");
    assert!(pairs.contains(&("timestamp".into(), "1767322800".into())));
    let key = example["merchant_private_key"].as_str().unwrap();
    let again = gateway::sign_v2(&gateway::notification("GET", url.split_once('?').unwrap().1), key).unwrap();
    let sign = pairs.iter().find(|(name, _)| name == "sign").unwrap();
    assert!(again.query_pairs().unwrap().contains(sign));
}

#[test]
fn a_pay_page_that_could_not_be_notified_of_is_not_built() {
    let gateway = Gateway::open(Version::V1, gateway::V1_SETTINGS).unwrap();
    let bad = [
        PayPage { notify_url: "https://shop.example/notify?ch=7", ..page() },
        PayPage { out_trade_no: "a&b", ..page() },
        PayPage { out_trade_no: "", ..page() },
        PayPage { name: " ", ..page() },
        PayPage { name: "x&out_trade_no=CK2", ..page() },
        PayPage { money: Money::new(2888, Currency::USD), ..page() },
        PayPage { money: Money::new(0, Currency::CNY), ..page() },
    ];
    for page in bad {
        assert!(gateway.pay_url(&page, gateway::NOW).is_err(), "{page:?}");
    }
}

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    judge_vectors(&[V1, V2], include_str!("../fixtures/epay.json"), &[]);
}
