//! Published and independently computed vectors.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use channel::{Ask, RawRequest, Refusal, Verified};
use channel_conformance::{Vector, Vectors, judge_vectors};
use channel_telegram::{PROTOCOL, mini_app_user};
use serde_json::json;
use vocabulary::{Currency, Money, Secret, Timestamp};

use platform::{NOW, TOKEN};

fn judge(vector: &Vector) {
    let name = &vector.name;
    let settings = json!({ "bot_token": TOKEN, "secret_token": vector.text("/keys/secret_token") });
    let adapter = (PROTOCOL.connect)("telegram/shop-1".parse().unwrap(), &settings.to_string()).unwrap();
    let headers = vector.texts("/input/headers");
    let request = RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: String::new(),
        headers: headers.into_iter().map(|(name, value)| (name.to_lowercase(), value.into_bytes())).collect(),
        body: vector.text("/input/body").into(),
        received_at: NOW,
    };
    let read = || -> Result<Ask, Refusal> {
        let proof = adapter.verify(&request, NOW)?;
        Ok(adapter.parse(&Verified::new(&request, proof))?.ask)
    };
    match read() {
        Ok(ask) => {
            assert!(vector.accepted(), "{name}");
            let kind = match ask {
                Ask::OrderQuery { external_no: Some(no), .. } if no == "CK20260102000001" => {
                    "pre_checkout_query"
                }
                Ask::Payment(payment) => {
                    assert_eq!(payment.amount, Money::new(150, Currency::XTR), "{name}");
                    assert_eq!(payment.external_no, "CK20260102000001", "{name}");
                    let (user, charge) = payment.txn.split_once(':').unwrap();
                    assert_eq!(charge, "stxTESTsharedcharge0000000001", "{name}");
                    assert!(
                        !user.is_empty() && !user.contains("777000111"),
                        "the buyer stands in the log: {name}"
                    );
                    "successful_payment"
                }
                Ask::RefundSettled(refund) if refund.external_no == "CK20260102000001" => "refunded_payment",
                _ => "something else",
            };
            assert_eq!(kind, vector.text("/expected/kind"), "{name}");
        }
        Err(refusal) => {
            assert!(!vector.accepted(), "{name}: {refusal}");
            assert!(["bad_secret", "missing_header"].contains(&refusal.code), "{name}: {refusal}");
            assert_eq!(adapter.refuse(&request, &refusal).status, 401, "{name}");
        }
    }
}

fn launch(vector: &Vector) {
    let name = &vector.name;
    let token = Secret::new(vector.text("/keys/bot_token").to_owned());
    let data = vector.text("/input/init_data");
    let shown = vector.text("/expected/data_check_string");
    let field = |name: &str| shown.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
    let at: i64 = field("auth_date=").parse().unwrap();
    let read = |data: &str, secs: i64| {
        mini_app_user(&token, data, 3_600, Timestamp::from_secs(at + secs)).map(|user| user.id)
    };
    let user: serde_json::Value = serde_json::from_str(&field("user=")).unwrap();
    assert_eq!(read(data, 3_600).is_ok(), vector.accepted(), "{name}");
    assert_eq!(read(data, 0).ok(), user["id"].as_i64(), "{name}");
    assert_eq!(read(data, 3_601).unwrap_err().code, "stale_timestamp", "{name}");
    for forged in [
        data.replace("42", "43"),
        data.replace("hash=", "hush="),
        format!("{data}&zz=1"),
        format!("{data}&auth_date=1"),
        data.replace("query_id=test", "query_id=test%0Azz=1"),
        String::new(),
    ] {
        assert!(read(&forged, 0).is_err(), "{name}: {forged}");
    }
    let other = Secret::new("42:OTHER".to_owned());
    assert!(mini_app_user(&other, data, 3_600, Timestamp::from_secs(at)).is_err(), "{name}");
}

#[test]
fn every_vector_is_judged_as_expected() {
    let vectors = Vectors::read(include_str!("../fixtures/telegram.json"));
    vectors.scheme("telegram-webhook").into_iter().for_each(judge);
    vectors.scheme("telegram-webapp-init-data").into_iter().for_each(launch);
    vectors.assert_all_used();
}

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    judge_vectors(&[PROTOCOL], include_str!("../fixtures/telegram.json"), &[]);
}
