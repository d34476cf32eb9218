//! Published vectors, and vectors computed with Alipay's own libraries.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use std::sync::Arc;

use channel::{Adapter, Ask, Inbound, Outcome, RawRequest, Refusal, Verified};
use channel_conformance::{Vector, Vectors, judge_vectors};
use serde_json::Value;
use vocabulary::{Currency, Money, Timestamp};

fn connect(settings: &Value) -> Arc<dyn Adapter> {
    (channel_alipay::PROTOCOL.connect)("alipay/shop-1".parse().unwrap(), &settings.to_string()).unwrap()
}

fn request(vector: &Vector) -> RawRequest {
    RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: String::new(),
        headers: Vec::new(),
        body: vector.text("/input/form_body").into(),
        received_at: Timestamp::from_secs(1_767_322_800),
    }
}

/// What an accepted notification must have been read as, by its fields.
fn check(vector: &Vector, request: &RawRequest, inbound: &Inbound) {
    let fields = request.form().unwrap();
    let field = |name: &str| fields.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value);
    match (&inbound.ask, field("refund_fee")) {
        (Ask::Payment(payment), "") => {
            assert_eq!(payment.external_no, field("out_trade_no"), "{}", vector.name);
            assert_eq!(payment.txn, field("trade_no"), "{}", vector.name);
            let total = Money::from_major_text(field("total_amount"), Currency::CNY).unwrap();
            assert_eq!(payment.amount, total, "{}", vector.name);
        }
        (Ask::RefundSettled(refund), fee) => {
            assert_eq!(fee, field("total_amount"), "{}", vector.name);
            assert_eq!(refund.external_no, field("out_trade_no"), "{}", vector.name);
            assert_eq!(
                (refund.refund.as_str(), refund.amount),
                (field("out_biz_no"), None),
                "{}",
                vector.name
            );
        }
        (other, _) => panic!("{}: {}", vector.name, channel_conformance::ask_text(other)),
    }
}

fn judge(vector: &Vector) {
    let mut settings = platform::settings("https://pay.example", false);
    settings["alipay_public_key"] = vector.text("/keys/alipay_public_key_pem").into();
    settings["app_id"] = vector.text("/keys/app_id").into();
    settings["seller_id"] = vector.text("/keys/seller_id").into();
    let (adapter, request) = (connect(&settings), request(vector));
    let verified = || -> Result<Verified<'_>, Refusal> {
        Ok(Verified::new(&request, adapter.verify(&request, request.received_at)?))
    };
    let ack = vector.text("/expected/ack_body").as_bytes();
    match verified().and_then(|verified| Ok((adapter.parse(&verified)?, verified))) {
        Ok((inbound, verified)) => {
            assert!(vector.accepted(), "{} was accepted", vector.name);
            check(vector, &request, &inbound);
            assert_eq!(adapter.signed_text(&request).unwrap(), vector.text("/expected/canonical"));
            assert_eq!(adapter.answer(&verified, &inbound, &Outcome::Accepted { order: None }).body, ack);
        }
        Err(refusal) => {
            assert!(!vector.accepted(), "{}: {refusal}", vector.name);
            assert_eq!(refusal.code, vector.text("/expected/reason"), "{}", vector.name);
            assert_eq!(adapter.refuse(&request, &refusal).body, ack, "{}", vector.name);
        }
    }
}

#[test]
fn every_vector_is_judged_as_expected() {
    let vectors = Vectors::read(include_str!("../fixtures/alipay.json"));
    vectors.scheme("alipay-notify").into_iter().for_each(judge);
    let adapter = connect(&platform::settings("https://pay.example", false));
    for vector in vectors.scheme("alipay-notify-canonical") {
        let text = adapter.signed_text(&request(vector)).unwrap();
        assert_eq!(text, vector.text("/expected/canonical"), "{}", vector.name);
    }
    // Computed by the protocol's own schemes, below.
    vectors.scheme("alipay-request-sign");
    vectors.assert_all_used();
}

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    judge_vectors(&[channel_alipay::PROTOCOL], include_str!("../fixtures/alipay.json"), &[]);
}
