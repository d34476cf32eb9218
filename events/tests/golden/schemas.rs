//! The committed JSON Schemas are those of the types, and the golden files have their shape.
//!
//! `KAMI_WRITE_GOLDEN=1 cargo test -p events` writes the schemas of the newest versions anew. A schema of an
//! older version has no type any more that it could be made from, so it stays as it was released.

use std::{fs, sync::LazyLock};

use serde_json::{Value, json};

use crate::{
    CATALOGUE, RELEASED,
    files::{self, Named},
    newest, parsed,
    shape::misfits,
};

/// The committed schemas, those of the newest versions written first where this run may write.
static COMMITTED: LazyLock<Vec<Named>> = LazyLock::new(|| {
    if files::may_write() {
        write_changed();
    }
    files::all("schemas")
});

fn write_changed() {
    for (name, version, generated) in CATALOGUE.iter() {
        let path = files::path("schemas").join(format!("{name}.v{version}.json"));
        let current =
            fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
        if current.as_ref() != Some(generated) {
            fs::write(&path, format!("{generated:#}\n")).unwrap();
        }
    }
}

fn committed(type_name: &str, version: u16) -> Value {
    let file = format!("{type_name}.v{version}.json");
    parsed(
        COMMITTED
            .iter()
            .find(|schema| schema.file == file)
            .unwrap_or_else(|| panic!("schemas/{file} is missing")),
    )
}

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    for (name, version, generated) in CATALOGUE.iter() {
        assert_eq!(committed(name, *version), *generated, "the schema of {name} is out of date");
    }
}

#[test]
fn every_schema_has_its_type_and_every_version_of_a_type_its_schema() {
    for (name, newest, _) in CATALOGUE.iter() {
        for version in 1..=*newest {
            committed(name, version);
        }
    }
    for schema in COMMITTED.iter() {
        let known = newest(&schema.type_name).is_some_and(|newest| (1..=newest).contains(&schema.version));
        assert!(known, "schemas/{} has no type of that version", schema.file);
    }
}

#[test]
fn every_golden_file_has_the_shape_of_its_schema() {
    for file in RELEASED.iter() {
        let found = misfits(&committed(&file.type_name, file.version), &parsed(file));
        assert!(found.is_empty(), "{}: {found:?}", file.file);
    }
}

#[test]
fn the_check_of_shapes_finds_what_does_not_fit() {
    let schema = committed("DeliveryAttempted", 1);
    let outcome = json!({"outcome": "retry_after", "secs": 30, "code": "busy"});
    let fits = json!({"delivery": 1, "attempt": 2, "outcome": outcome});
    assert_eq!(misfits(&schema, &fits), Vec::<String>::new());
    let with = |field: &str, value: Value| {
        let mut changed = fits.clone();
        changed[field] = value;
        misfits(&schema, &changed).len()
    };
    assert_eq!(misfits(&schema, &json!({})).len(), 3, "three required fields");
    assert_eq!(with("extra", json!(1)), 1, "an unknown field");
    assert_eq!(with("attempt", json!("2")), 1, "a text for a number");
    assert_eq!(with("attempt", json!(-1)), 1, "a number below its least");
    assert_eq!(with("attempt", json!(1.5)), 1, "a fraction for a whole number");
    assert_eq!(with("outcome", json!({"outcome": "lost"})), 1, "an unknown word");
    assert_eq!(with("outcome", json!({"outcome": "refused"})), 1, "a choice without its field");
    assert_eq!(with("outcome", json!(null)), 1, "nothing for something");
}
