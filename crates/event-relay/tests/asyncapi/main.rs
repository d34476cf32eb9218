//! The AsyncAPI document of what is published is made from the catalogue of events.
//!
//! `KAMI_WRITE_GOLDEN=1 cargo test -p event-relay --test asyncapi` writes it anew.

mod document;
mod yaml;

use std::{fs, path::Path};

use event_relay::{envelope, names};
use events::Fact;
use projection::testkit::plausible_history;
use serde_json::Value;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/asyncapi.yaml");

#[test]
fn the_committed_document_is_what_the_catalogue_says() {
    let generated = format!("{}{}", document::HEAD, yaml::written(&document::document()));
    if std::env::var_os("KAMI_WRITE_GOLDEN").is_some_and(|value| value == "1") {
        fs::write(PAGE, &generated).unwrap();
    }
    assert_eq!(fs::read_to_string(PAGE).unwrap(), generated, "docs/reference/asyncapi.yaml is out of date");
}

/// Every `$ref` below a value.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| match (name.as_str(), value) {
            ("$ref", Value::String(target)) => found.push(target.clone()),
            _ => references(value, found),
        }),
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_to_a_part_of_the_document_or_to_a_committed_schema() {
    let document = document::document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > Fact::catalogue().len());
    for target in found {
        let is_there = match target.strip_prefix('#') {
            Some(pointer) => document.pointer(pointer).is_some(),
            None => Path::new(PAGE).parent().unwrap().join(&target).is_file(),
        };
        assert!(is_there, "{target} is not there");
    }
}

#[test]
fn every_event_type_is_a_message_of_the_channel_it_is_published_to() {
    let document = document::document();
    for (name, version, _) in Fact::catalogue() {
        let kind = Fact::stream_kind(name).unwrap();
        let channel = &document["channels"][kind];
        assert!(channel["messages"][name].is_object(), "{name}");
        let types = channel["parameters"]["type"]["enum"].as_array().unwrap();
        assert!(types.iter().any(|known| known == name), "{name}");
        let own = &document["components"]["messages"][name]["payload"]["allOf"][1]["properties"];
        assert_eq!(own["type"]["const"], format!("kami.{name}"));
        assert_eq!(own["schemaversion"]["maximum"], version);
    }
}

#[test]
fn what_is_published_has_the_address_and_the_attributes_that_the_document_tells() {
    let document = document::document();
    let told = &document["components"]["schemas"]["CloudEvent"];
    for event in plausible_history(7, 500) {
        let kind = event.stream.kind();
        let address = document["channels"][kind]["address"].as_str().unwrap();
        let address =
            address.replace("{merchant}", event.merchant.as_str()).replace("{type}", &event.type_name);
        assert_eq!(names::subject(&event), address);
        let text = envelope::write(&event).unwrap();
        let published: Value = serde_json::from_slice(&text).unwrap();
        for (name, value) in published.as_object().unwrap() {
            let attribute = &told["properties"][name];
            let fits = match attribute["type"].as_str() {
                Some("string") => value.is_string(),
                Some("integer") => value.is_u64(),
                Some("object") => value.is_object(),
                _ => false,
            };
            assert!(fits, "{name} is not told, or otherwise: {attribute}");
        }
        for required in told["required"].as_array().unwrap() {
            assert!(!published[required.as_str().unwrap()].is_null(), "{required} is missing");
        }
    }
}
