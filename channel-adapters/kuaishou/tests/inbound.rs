//! What pushes and the e-ticket interface lead to, and how they are answered.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{Adapter, Ask, Inbound, Outcome, RawRequest, Refusal, Reply, Step, Verified, cipher};
use channel_kuaishou::PROTOCOL;
use serde_json::{Value, json};
use std::sync::Arc;
use vocabulary::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
const SECRET: &str = "exampleEticketSecret000001";

fn connect(settings: &str) -> Arc<dyn Adapter> {
    (PROTOCOL.connect)("kuaishou/main".parse().expect("an account"), settings).expect("usable settings")
}

fn request(topic: &str, body: Vec<u8>) -> RawRequest {
    RawRequest {
        method: "POST".into(),
        topic: topic.to_owned(),
        query: String::new(),
        headers: Vec::new(),
        body,
        received_at: NOW,
    }
}

fn push(event: &str, info: &Value) -> RawRequest {
    let plain = json!({ "eventId": "e1", "appKey": "ks660000001", "event": event, "info": info.to_string(),
        "status": 1, "createTime": 1_767_225_600_100_i64, "test": false });
    let padded = cipher::pad(plain.to_string().as_bytes(), 16);
    let sealed = cipher::aes_cbc_encrypt(b"0123456789abcdef", &[0; 16], &padded).expect("a key of 16 bytes");
    request("", STANDARD.encode(sealed).into_bytes())
}

fn send(changes: &[(&str, Value)]) -> RawRequest {
    let mut body = json!({ "oid": 26, "sellerId": 2_161_524_184_u64, "num": 1, "sendType": "virtual",
        "eticketType": "DINING_OPEN_TICKET", "token": "tk&1=2", "certExpireType": 3, "certExpDays": 30 });
    for (name, value) in changes {
        body[*name] = value.clone();
    }
    request(&format!("eticket/{SECRET}/send"), body.to_string().into_bytes())
}

fn read(request: &RawRequest, outcome: &Outcome) -> Result<(Inbound, Reply), Refusal> {
    let adapter = connect(PROTOCOL.example_settings);
    let verified = Verified::new(request, adapter.verify(request, NOW)?);
    let inbound = adapter.parse(&verified)?;
    let reply = adapter.answer(&verified, &inbound, outcome);
    Ok((inbound, reply))
}

fn ask(request: &RawRequest) -> String {
    match read(request, &Outcome::Parked).map(|(inbound, _)| inbound.ask) {
        Ok(Ask::ReadBack { external_no }) => external_no,
        Ok(Ask::Nothing) => "nothing".to_owned(),
        Ok(Ask::Unmapped { kind }) => format!("unmapped {kind}"),
        Ok(_) => "other".to_owned(),
        Err(refusal) => refusal.code.to_owned(),
    }
}

#[test]
fn pushes_lead_to_a_reading_or_to_nothing() {
    let order = json!({ "oid": 26, "sellerId": 2_161_524_184_u64, "status": 30 });
    assert_eq!(ask(&push("kwaishop_order_paySuccess", &order)), "26");
    for event in ["addOrder", "delivering", "deliverySuccess", "orderSuccess", "orderFail", "totalFeeChange"]
    {
        assert_eq!(ask(&push(&format!("kwaishop_order_{event}"), &order)), "nothing", "{event}");
    }
    let refund = json!({ "orderId": 26, "refundId": 77, "handlingWay": 10 });
    for event in ["addRefund", "updateRefund"] {
        assert_eq!(ask(&push(&format!("kwaishop_aftersales_{event}"), &refund)), "refund/77", "{event}");
    }
    assert_eq!(ask(&push("kwaishop_item_x", &order)), "unmapped kwaishop_item_x");
    let foreign = json!({ "oid": 26, "sellerId": 5 });
    assert_eq!(ask(&push("kwaishop_order_paySuccess", &foreign)), "foreign_seller");
    assert_eq!(ask(&push("kwaishop_order_paySuccess", &json!({}))), "bad_order_no");
}

#[test]
fn a_wish_for_codes_leads_to_a_reading_that_keeps_the_token() {
    let (inbound, reply) = read(&send(&[]), &Outcome::Accepted { order: None }).expect("accepted");
    assert_eq!(reply.body, br#"{"result":1,"errorMsg":null,"data":{"orderNo":"26"}}"#);
    let Ask::ReadBack { external_no } = inbound.ask else { panic!("a reading") };
    assert!(external_no.starts_with("eticket/26/"), "{external_no}");
    let (again, _) = read(&send(&[("num", json!(2))]), &Outcome::Parked).expect("accepted");
    assert_eq!((again.id, again.content), (inbound.id.clone(), inbound.content));
    let (other, _) = read(&send(&[("token", json!("tk2"))]), &Outcome::Parked).expect("accepted");
    assert_ne!(other.id, inbound.id);
    for (name, value, code) in [
        ("sendType", json!("delivery"), "bad_eticket"),
        ("token", json!(""), "bad_eticket"),
        ("token", Value::Null, "bad_eticket"),
        ("certExpireType", json!(4), "bad_eticket"),
        ("certExpDays", json!(0), "bad_eticket"),
        ("sellerId", json!(5), "foreign_seller"),
        ("oid", json!(0), "bad_order_no"),
    ] {
        assert_eq!(ask(&send(&[(name, value)])), code, "{name}");
    }
}

#[test]
fn questions_about_codes_are_kept_for_a_person_and_answered_with_a_no() {
    for what in ["query", "destroy"] {
        let asked = request(&format!("eticket/{SECRET}/{what}"), br#"{"oid":26,"token":"tk"}"#.to_vec());
        assert_eq!(ask(&asked), format!("unmapped eticket {what}"));
        let (_, reply) = read(&asked, &Outcome::Parked).expect("accepted");
        assert_eq!(reply.body, br#"{"result":-1,"errorMsg":"refused","data":null}"#);
    }
}

#[test]
fn without_a_secret_of_its_own_the_eticket_interface_is_closed() {
    let line = "  \"eticket_secret\": \"exampleEticketSecret000001\",\n";
    let closed = PROTOCOL.example_settings.replacen(line, "", 1);
    let adapter = connect(&closed);
    assert!(adapter.deliver().is_none());
    for topic in [format!("eticket/{SECRET}/send"), "eticket//send".to_owned(), "x".to_owned()] {
        let refused = adapter.verify(&request(&topic, b"{}".to_vec()), NOW).err();
        assert_eq!(refused.map(|refusal| refusal.step), Some(Step::Signature), "{topic}");
    }
}
