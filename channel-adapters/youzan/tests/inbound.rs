//! Pushes: who may speak, and what each means.

use channel::{Adapter, Ask, Inbound, RawRequest, Refusal, Step, Verified, legacy_sign::md5_hex};
use channel_youzan::PROTOCOL;
use serde_json::{Value, json};
use std::sync::Arc;
use vocabulary::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn adapter() -> Arc<dyn Adapter> {
    (PROTOCOL.connect)("youzan/main".parse().expect("an account"), PROTOCOL.example_settings).expect("usable")
}

fn read(request: &RawRequest) -> Result<Inbound, Refusal> {
    let adapter = adapter();
    let proof = adapter.verify(request, NOW)?;
    adapter.parse(&Verified::new(request, proof))
}

fn request(body: &Value, header: bool) -> RawRequest {
    let mut body = body.clone();
    if let (false, Some(msg)) = (header, body["msg"].as_str()) {
        body["sign"] = md5_hex(format!("a1b2c3d4e5f6a7b8c9{msg}{SECRET}").as_bytes()).into();
    }
    let body = body.to_string();
    let sign = md5_hex(format!("a1b2c3d4e5f6a7b8c9{body}{SECRET}").as_bytes());
    RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: String::new(),
        headers: if header { vec![("Event-Sign".into(), sign.into_bytes())] } else { Vec::new() },
        body: body.into_bytes(),
        received_at: NOW,
    }
}

fn push(msg: Value) -> Value {
    json!({"client_id": "a1b2c3d4e5f6a7b8c9", "kdt_id": 63077, "type": "trade_TradeBuyerPay", "id": "E9", "msg": msg})
}

fn ask(body: &Value, header: bool) -> String {
    match read(&request(body, header)).map(|inbound| inbound.ask) {
        Ok(Ask::ReadBack { external_no }) => external_no,
        Ok(Ask::Nothing) => "nothing".to_owned(),
        Ok(Ask::Unmapped { kind }) => kind,
        Ok(_) => "other".to_owned(),
        Err(refusal) => refusal.code.to_owned(),
    }
}

#[test]
fn the_order_is_named_by_what_is_signed_and_by_nothing_else() {
    let whole =
        push(json!("%7B%22full_order_info%22%3A%7B%22order_info%22%3A%7B%22tid%22%3A%22E1%22%7D%7D%7D"));
    let short = push(json!("%7B%22tid%22%3A%22E2%22,+%22close_type%22%3A1%7D"));
    for header in [false, true] {
        assert_eq!((ask(&whole, header).as_str(), ask(&short, header).as_str()), ("E1", "E2"));
    }
    let object = push(json!({"tid": "E3", "refund_id": "1"}));
    assert_eq!((ask(&object, true).as_str(), ask(&object, false).as_str()), ("E3", "missing_signature"));
    let nameless = push(json!("%7B%22item_id%22%3A1%7D"));
    assert_eq!(ask(&nameless, true), "message without tid");
    assert_eq!(ask(&push(json!("%7B%22tid%22%3A%22E/../1%22%7D")), true), "message without tid");
    for (broken, code) in [("%7B", "malformed_json"), ("%7B%22tid%22:1,%22tid%22:2%7D", "malformed_json")] {
        assert_eq!(ask(&push(json!(broken)), false), code);
    }
}

#[test]
fn a_probe_asks_for_nothing_where_its_flag_is_signed() {
    let mut probe = push(json!("%7B%22tid%22%3A%22E1%22%7D"));
    probe["test"] = true.into();
    assert_eq!((ask(&probe, true).as_str(), ask(&probe, false).as_str()), ("nothing", "E1"));
}

#[test]
fn a_push_of_another_app_or_shop_is_refused() {
    for (field, value, code) in
        [("client_id", json!("other"), "unknown_app"), ("kdt_id", json!(1), "unknown_shop")]
    {
        let mut foreign = push(json!("%7B%22tid%22%3A%22E1%22%7D"));
        foreign[field] = value;
        assert_eq!(ask(&foreign, true), code);
    }
}

#[test]
fn a_bad_header_is_not_made_good_by_a_good_field() {
    let mut both = request(&push(json!("%7B%22tid%22%3A%22E1%22%7D")), false);
    assert!(read(&both).is_ok());
    both.headers.push(("event-sign".into(), b"00".to_vec()));
    assert_eq!(read(&both).err().map(|refusal| refusal.step), Some(Step::Signature));
}

#[test]
fn the_same_message_sent_again_is_a_repeat() {
    let first = push(json!("%7B%22tid%22%3A%22E1%22%7D"));
    let mut again = first.clone();
    again["sendCount"] = 1.into();
    let of =
        |body: &Value| read(&request(body, true)).map(|inbound| (inbound.id, inbound.content)).expect("read");
    assert!(of(&first) == of(&again));
}
