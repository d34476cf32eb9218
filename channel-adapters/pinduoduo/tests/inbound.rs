//! Frames: who may speak, and what each means.

mod frames {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use channel::{RawRequest, sign::hmac_sha256};
    use vocabulary::Timestamp;

    pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_767_225_601);
    const KEY: &str = "cGRkLXJlbGF5LXNlY3JldC0wMTIzNDU2Nzg5YWI=";

    pub(crate) fn signed(id: &str, body: &str) -> RawRequest {
        let key = STANDARD.decode(KEY).expect("Base64");
        let sent_at = NOW.secs().to_string();
        let tag = hmac_sha256(&key, format!("{id}.{sent_at}.{body}").as_bytes());
        let headers = [
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", sent_at),
            ("webhook-signature", format!("v2,AAAA v1,{}", STANDARD.encode(tag))),
        ];
        RawRequest {
            method: "POST".into(),
            topic: String::new(),
            query: String::new(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.into_bytes())).into(),
            body: body.as_bytes().to_vec(),
            received_at: NOW,
        }
    }
}

use std::sync::Arc;

use channel::{Adapter, Ask, Inbound, RawRequest, Refusal, Step, Verified};
use channel_pinduoduo::PROTOCOL;
use frames::{NOW, signed};

const FRAME: &str = r#"{"id":9007199254740993,"commandType":"Common","time":1767225600123,"sendTime":1767225600120,"message":{"type":"pdd_trade_TradeConfirmed","mallID":171504183,"content":"{\"mall_id\":171504183,\"tid\":\"260101-123456789012345\"}"}}"#;

fn connect(settings: &str) -> Arc<dyn Adapter> {
    (PROTOCOL.connect)("pinduoduo/main".parse().expect("an account"), settings).expect("usable settings")
}

fn read(request: &RawRequest) -> Result<Inbound, Refusal> {
    let adapter = connect(PROTOCOL.example_settings);
    let proof = adapter.verify(request, NOW)?;
    adapter.parse(&Verified::new(request, proof))
}

fn parse(body: &str) -> Result<Inbound, Refusal> {
    read(&signed("m-1", body))
}

#[test]
fn a_frame_only_hints_and_keeps_its_whole_number() {
    let inbound = parse(FRAME).expect("parsed");
    assert_eq!(inbound.id.as_deref(), Some("pmc:9007199254740993:pdd_trade_TradeConfirmed"));
    assert_eq!(inbound.occurred_at.map(|at| at.micros()), Some(1_767_225_600_123_000));
    let Ask::ReadBack { external_no } = inbound.ask else { panic!("a read-back") };
    assert_eq!(external_no, "260101-123456789012345");
    let later = FRAME.replace("1767225600120", "1767229999000");
    let again = parse(&later).expect("parsed");
    assert!(again.id == inbound.id && again.content == inbound.content, "sent again, it is a repeat");
}

#[test]
fn every_topic_has_its_meaning() {
    let ask = |kind: &str| match parse(&FRAME.replace("pdd_trade_TradeConfirmed", kind)).expect("parsed").ask
    {
        Ask::ReadBack { .. } => "read".to_owned(),
        Ask::Nothing => "nothing".to_owned(),
        Ask::Unmapped { kind } => kind,
        _ => "other".to_owned(),
    };
    for kind in ["TradeRiskChanged", "TradeConfirmed"] {
        assert_eq!(ask(&format!("pdd_trade_{kind}")), "read");
    }
    for kind in ["RefundCreated", "RefundAgreeAgreement", "RefundClosed"] {
        assert_eq!(ask(&format!("pdd_refund_{kind}")), "read");
    }
    for kind in ["TradeSellerShip", "TradeSuccess", "TradeMemoModified", "TradeLogisticsAddressChanged"] {
        assert_eq!(ask(&format!("pdd_trade_{kind}")), "nothing");
    }
    assert_eq!(ask("pdd_goods_GoodsDown"), "pdd_goods_GoodsDown");
}

#[test]
fn a_frame_with_a_wrong_fact_is_refused() {
    for (from, to, step) in [
        ("\"mallID\":171504183", "\"mallID\":1", Step::Meaning),
        ("\\\"mall_id\\\":171504183", "\\\"mall_id\\\":1", Step::Meaning),
        ("260101-123456789012345", "", Step::Meaning),
        ("260101-123456789012345", "260101/../1", Step::Meaning),
        ("\"commandType\":\"Common\"", "\"commandType\":\"HeartBeat\"", Step::Meaning),
        ("\"time\":1767225600123,", "", Step::Meaning),
        ("\"time\":1767225600123", "\"time\":0", Step::Meaning),
        ("\"id\":9007199254740993", "\"id\":9223372036854775808", Step::Meaning),
        ("\"id\":9007199254740993", "\"id\":1,\"id\":2", Step::Format),
        ("{\\\"mall_id\\\":171504183,", "{\\\"tid\\\":\\\"1\\\",\\\"mall_id\\\":171504183,", Step::Format),
    ] {
        let body = FRAME.replacen(from, to, 1);
        assert_ne!(body, FRAME);
        assert_eq!(parse(&body).err().map(|refusal| refusal.step), Some(step), "{to}");
    }
    let mut elsewhere = signed("m-1", FRAME);
    elsewhere.topic = "order".into();
    assert_eq!(read(&elsewhere).err().map(|refusal| refusal.code), Some("unsupported_topic"));
}

#[test]
fn an_id_with_a_dot_and_a_shop_without_a_relay_are_refused() {
    assert_eq!(read(&signed("m.1", FRAME)).err().map(|r| r.code), Some("malformed_header"));
    let without = connect(r#"{"client_id":"a","client_secret":"b","mall_id":1,"access_token":"c"}"#);
    assert_eq!(without.verify(&signed("m-1", FRAME), NOW).err().map(|r| r.code), Some("no_relay"));
    assert!(without.deliver().is_none() && without.renew().is_none());
}
