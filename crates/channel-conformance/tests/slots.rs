//! Slots for JSON that stands inside another field.

use channel::RawRequest;
use channel_conformance::Slot;
use vocabulary::Timestamp;

const IN_FORM: Slot = Slot::Inside(&Slot::Form("json"), "/OrderId");
const IN_JSON: Slot = Slot::Inside(&Slot::Json("/0/data"), "/p_id");
const ENCODED: Slot = Slot::Inside(&Slot::Encoded(&Slot::Json("/msg")), "/tid");

fn with_body(body: &str) -> RawRequest {
    RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: String::new(),
        headers: Vec::new(),
        body: body.into(),
        received_at: Timestamp::from_secs(1),
    }
}

#[test]
fn json_inside_a_field_is_read_set_and_removed() {
    for (slot, body) in [
        (IN_FORM, "json=%7B%22OrderId%22%3A203632092%7D&a=b"),
        (IN_JSON, r#"[{"tag":"1","data":"{\"p_id\":203632092}"}]"#),
        (ENCODED, r#"{"msg":"%7B%22tid%22%3A203632092%7D"}"#),
    ] {
        let request = with_body(body);
        assert_eq!(slot.get(&request).as_deref(), Some("203632092"), "{body}");
        let changed = slot.set(&request, "7").expect("a place");
        assert_eq!(slot.get(&changed).as_deref(), Some("7"), "{body}");
        assert_eq!(
            slot.set(&changed, "203632092").and_then(|it| slot.get(&it)),
            slot.get(&request),
            "{body}"
        );
        assert_eq!(slot.remove(&request).and_then(|it| slot.get(&it)), None, "{body}");
        assert_eq!(slot.get(&with_body("{}")), None);
    }
}

#[test]
fn a_number_stays_a_number_unless_text_is_asked_for() {
    let request = with_body(r#"[{"data":"{\"p_id\":1}"}]"#);
    let body = |request: Option<RawRequest>| request.map(|it| String::from_utf8_lossy(&it.body).into_owned());
    assert_eq!(body(IN_JSON.set(&request, "2")).as_deref(), Some(r#"[{"data":"{\"p_id\":2}"}]"#));
    assert_eq!(body(IN_JSON.set_text(&request, "2")).as_deref(), Some(r#"[{"data":"{\"p_id\":\"2\"}"}]"#));
}
