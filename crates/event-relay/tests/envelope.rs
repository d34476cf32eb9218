//! The envelope: what comes out is what went in, and others read it as a CloudEvent.
#![expect(clippy::unwrap_used, reason = "a test")]

use cloudevents::{AttributesReader, Data, Event, event::ExtensionValue};
use event_relay::{EnvelopeError, envelope, names};
use events::{RecordedEvent, chain};
use projection::testkit::plausible_history;
use proptest::prelude::*;
use serde_json::Value;
use vocabulary::{Position, StreamVersion, Timestamp};

fn events_of_any_kind() -> impl Strategy<Value = RecordedEvent> {
    let texts = ("[a-z0-9-]{1,32}", "[a-z]{1,8}-[A-Za-z0-9._-]{1,40}", "[A-Z][A-Za-z]{0,30}", "\\PC{0,40}");
    let numbers = (1..u64::MAX, any::<u64>(), any::<u16>(), any::<i64>());
    let texts_in_json = proptest::collection::vec("\\PC{0,20}", 0..4);
    (texts, numbers, 0..253_402_300_799_999_999_i64, any::<[u8; 32]>(), texts_in_json).prop_map(
        |(
            (merchant, stream, type_name, word),
            (position, version, schema, occurred),
            recorded,
            hash,
            list,
        )| {
            RecordedEvent {
                merchant: merchant.parse().unwrap(),
                position: Position(position),
                stream: stream.parse().unwrap(),
                version: StreamVersion(version),
                type_name,
                schema_version: schema,
                payload: serde_json::json!({ "list": list, "n": [1.50, 1e3], "word": word }).to_string(),
                metadata: serde_json::json!({ "actor": word }).to_string(),
                occurred_at: Timestamp::from_micros(occurred),
                recorded_at: Timestamp::from_micros(recorded),
                hash,
            }
        },
    )
}

proptest! {
    #[test]
    fn an_event_comes_out_of_its_envelope_byte_for_byte(event in events_of_any_kind()) {
        prop_assert_eq!(envelope::read(&envelope::write(&event).unwrap()).unwrap(), event);
    }

    #[test]
    fn an_envelope_of_arbitrary_bytes_is_refused_and_nothing_panics(bytes in any::<Vec<u8>>()) {
        prop_assert!(envelope::read(&bytes).is_err());
    }
}

#[test]
fn the_hashes_of_a_log_can_be_computed_from_its_envelopes() {
    let mut before = chain::GENESIS;
    for event in plausible_history(3, 400) {
        let read = envelope::read(&envelope::write(&event).unwrap()).unwrap();
        assert_eq!(chain::link(&before, &read), read.hash);
        before = read.hash;
    }
}

#[test]
fn spaces_and_the_order_of_fields_inside_a_payload_are_kept() {
    let mut event = plausible_history(3, 1).swap_remove(0);
    event.payload = r#"{"z": 1.0,  "a":"\u5361","b":1e2}"#.to_owned();
    let text = envelope::write(&event).unwrap();
    assert_eq!(envelope::read(&text).unwrap().payload, event.payload);
    for broken in [" {}", "{}\n", "{", "", "{} {}"] {
        event.payload = broken.to_owned();
        assert!(envelope::write(&event).is_err(), "{broken:?}");
    }
}

#[test]
fn the_official_library_reads_an_envelope_as_a_cloud_event() {
    for event in plausible_history(5, 300) {
        let text = envelope::write(&event).unwrap();
        let read: Event = serde_json::from_slice(&text).unwrap();
        assert_eq!(read.specversion().as_str(), "1.0");
        assert_eq!(read.id(), format!("demo:{}", event.position));
        assert_eq!(read.source(), "/merchants/demo");
        assert_eq!(read.ty(), format!("kami.{}", event.type_name));
        assert_eq!(read.subject(), Some(event.stream.as_str()));
        assert_eq!(read.time().unwrap().timestamp_micros(), event.occurred_at.micros());
        assert_eq!(read.datacontenttype(), Some("application/json"));
        let schema = format!("urn:kami:schema:{}:{}", event.type_name, event.schema_version);
        assert_eq!(read.dataschema().map(|schema| schema.as_str()), Some(schema.as_str()));
        let Some(Data::Json(data)) = read.data() else { panic!("{:?}", read.data()) };
        assert_eq!(*data, serde_json::from_str::<Value>(&event.payload).unwrap());
        let extension = |name: &str| read.extension(name).cloned();
        let text_of = |text: String| Some(ExtensionValue::String(text));
        assert_eq!(extension("position"), text_of(event.position.to_string()));
        assert_eq!(extension("version"), text_of(event.version.to_string()));
        assert_eq!(extension("schemaversion"), Some(ExtensionValue::Integer(event.schema_version.into())));
        assert_eq!(extension("recordedtime"), text_of(event.recorded_at.to_string()));
        assert_eq!(extension("metadata"), text_of(event.metadata.clone()));
        for (name, _) in read.iter_extensions() {
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{name}");
        }
    }
}

#[test]
fn an_envelope_that_contradicts_itself_is_refused() {
    let event = plausible_history(5, 1).swap_remove(0);
    let good: Value = serde_json::from_slice(&envelope::write(&event).unwrap()).unwrap();
    let refused = |name: &str, value: Value| {
        let mut changed = good.clone();
        changed[name] = value;
        envelope::read(changed.to_string().as_bytes()).unwrap_err()
    };
    for (name, value) in [
        ("specversion", "0.3"),
        ("id", "demo:2"),
        ("source", "demo"),
        ("type", "OrderPlaced"),
        ("position", "-1"),
        ("version", "x"),
        ("hash", "00"),
    ] {
        let error = refused(name, value.into());
        assert!(matches!(error, EnvelopeError::Attribute { .. }), "{name}: {error}");
    }
    assert!(matches!(refused("subject", "a b".into()), EnvelopeError::Parse(_)));
    assert!(matches!(refused("recordedtime", "yesterday".into()), EnvelopeError::Malformed(_)));
}

#[test]
fn an_event_is_published_under_its_merchant_kind_and_type() {
    let event = plausible_history(5, 1).swap_remove(0);
    assert_eq!(names::subject(&event), format!("kami.demo.{}.{}", event.stream.kind(), event.type_name));
    assert_eq!(names::stream(&event.merchant), "kami-demo");
    assert_eq!(names::subjects(&event.merchant), "kami.demo.>");
}
