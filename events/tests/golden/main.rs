//! Every payload ever released still reads, and today's build stores what its golden files say.
//!
//! `golden/<Type>.v<N>.json` is a stored payload with every field; `<Type>.v<N>.min.json` one without the
//! optional fields; other labels show other words of an enumeration. A golden file is never changed. A field
//! added to a type stays absent in the examples there are and appears in a new one with a label of its own.
//! `KAMI_WRITE_GOLDEN=1 cargo test -p events` writes the files that are missing.
#![expect(clippy::unwrap_used, reason = "a test")]

mod examples;
mod schemas;

#[path = "../support/files.rs"]
mod files;
#[path = "../support/shape.rs"]
mod shape;

use std::{collections::BTreeSet, fs, io::Write, sync::LazyLock};

use events::Fact;
use files::Named;
use serde_json::Value;

/// The released files. What is missing is written first where this run may write, so that every test sees the
/// same.
static RELEASED: LazyLock<Vec<Named>> = LazyLock::new(|| {
    if files::may_write() {
        write_missing();
    }
    files::all("golden")
});

/// The catalogue with each schema as plain JSON, made once because making it is slow.
static CATALOGUE: LazyLock<Vec<(&str, u16, Value)>> = LazyLock::new(|| {
    let typed = Fact::catalogue().into_iter();
    typed.map(|(name, version, schema)| (name, version, schema.to_value())).collect()
});

fn write_missing() {
    for (file, fact) in examples::all() {
        let path = files::path("golden").join(file);
        if let Ok(mut new) = fs::File::create_new(&path) {
            writeln!(new, "{}", fact.to_json()).unwrap();
        }
        assert!(path.exists(), "{} cannot be written", path.display());
    }
}

/// The newest version of a type, if there is such a type.
fn newest(type_name: &str) -> Option<u16> {
    CATALOGUE.iter().find(|(name, ..)| *name == type_name).map(|(_, version, _)| *version)
}

/// The released files that hold the newest version of their type.
fn of_the_newest_version() -> impl Iterator<Item = &'static Named> {
    RELEASED.iter().filter(|file| newest(&file.type_name) == Some(file.version))
}

fn stored(file: &Named) -> &str {
    file.text.strip_suffix('\n').unwrap_or_else(|| panic!("{} does not end with its line", file.file))
}

fn parsed(file: &Named) -> Value {
    serde_json::from_str(&file.text).unwrap_or_else(|error| panic!("{}: {error}", file.file))
}

#[test]
fn every_released_file_reads_as_todays_type() {
    for file in RELEASED.iter() {
        let fact = Fact::decode(&file.type_name, file.version, stored(file))
            .unwrap_or_else(|error| panic!("{}: {error:?}", file.file));
        assert_eq!(fact.type_name(), file.type_name);
        assert_eq!(Some(fact.schema_version()), newest(&file.type_name));
        let again = Fact::decode(fact.type_name(), fact.schema_version(), &fact.to_json()).unwrap();
        assert_eq!(again, fact, "{} does not survive being stored anew", file.file);
    }
}

#[test]
fn a_file_of_the_newest_version_is_byte_for_byte_what_this_build_stores() {
    for file in of_the_newest_version() {
        let fact = Fact::decode(&file.type_name, file.version, stored(file)).unwrap();
        assert_eq!(fact.to_json(), stored(file), "{}", file.file);
    }
}

#[test]
fn every_file_has_its_type_and_every_version_of_every_type_has_its_file() {
    let released: BTreeSet<&str> = RELEASED.iter().map(|file| file.file.as_str()).collect();
    for (name, newest, _) in CATALOGUE.iter() {
        for version in 1..=*newest {
            let file = format!("{name}.v{version}.json");
            assert!(released.contains(file.as_str()), "{file} is missing");
        }
    }
    for file in RELEASED.iter() {
        let known = newest(&file.type_name).is_some_and(|newest| (1..=newest).contains(&file.version));
        assert!(known, "{} has no type of that version", file.file);
    }
}

#[test]
fn the_examples_and_the_files_of_the_newest_versions_are_the_same() {
    let examples = examples::all();
    for (name, fact) in &examples {
        let file =
            RELEASED.iter().find(|file| file.file == *name).unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!(stored(file), fact.to_json(), "{name}");
    }
    for file in of_the_newest_version() {
        assert!(examples.iter().any(|(name, _)| *name == file.file), "{} has no example", file.file);
    }
}

#[test]
fn together_the_files_of_a_type_show_every_field_and_each_optional_one_absent() {
    for (name, _, schema) in CATALOGUE.iter() {
        let payloads: Vec<Value> =
            of_the_newest_version().filter(|f| f.type_name == *name).map(parsed).collect();
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for field in schema["properties"].as_object().into_iter().flat_map(|fields| fields.keys()) {
            assert!(
                payloads.iter().any(|payload| payload.get(field).is_some()),
                "{name}.{field} is never there"
            );
            let optional = !required.contains(&Value::from(field.as_str()));
            let absent = payloads.iter().any(|payload| payload.get(field).is_none());
            assert_eq!(optional, absent, "{name}.{field} is optional or absent, but not both");
        }
    }
}

#[test]
fn every_word_of_every_enumeration_is_in_some_file() {
    for (name, _, schema) in CATALOGUE.iter() {
        for word in words(schema) {
            let quoted = Value::from(word.as_str()).to_string();
            assert!(of_the_newest_version().any(|file| file.text.contains(&quoted)), "{quoted} of {name}");
        }
    }
}

/// The words that a schema lets stand anywhere in it.
fn words(schema: &Value) -> Vec<String> {
    let below = match schema {
        Value::Object(fields) => fields.values().flat_map(words).collect(),
        Value::Array(items) => items.iter().flat_map(words).collect::<Vec<_>>(),
        _ => Vec::new(),
    };
    let listed = schema["enum"].as_array().into_iter().flatten().chain(schema.get("const"));
    listed.filter_map(Value::as_str).map(str::to_owned).chain(below).collect()
}
