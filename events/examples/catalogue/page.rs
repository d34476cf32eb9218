//! The reference page of all event types, made from the catalogue and the types' own documentation.

use std::fmt::Write;

use events::Fact;

const HEAD: &str = "\
# Event catalogue

Everything that can be recorded, in the order of the catalogue. The type name and the schema version are
stored with each event; the payload is JSON. Its fields are in `events/schemas/<name>.v<version>.json`, and a
stored payload of each type is in `events/golden/`. An event is never edited once released: an optional field
may be added to a version, any other change is a new version, and events of the old one are lifted when they
are read.

This page is generated: `KAMI_WRITE_GOLDEN=1 cargo test -p events` writes it, and
`cargo run -p events --example catalogue` prints it.

| event | version | stream | what it says |
|---|---|---|---|
";

/// The page as Markdown.
pub(crate) fn page() -> String {
    Fact::catalogue().into_iter().fold(HEAD.to_owned(), |mut page, (name, version, schema)| {
        let stream = stream(Fact::stream_kind(name).unwrap_or_default());
        let description = schema.get("description").and_then(|text| text.as_str()).unwrap_or_default();
        let meaning = first_sentence(description).replace('|', "\\|");
        // Writing to a `String` cannot fail.
        let _ = writeln!(page, "| `{name}` | {version} | `{stream}` | {meaning} |");
        page
    })
}

/// How the streams of a kind are named.
fn stream(kind: &str) -> String {
    let key = match kind {
        "channel" => "<channel>.<shop>",
        "order" => "<uuid>",
        "buyer" => "<pseudonym>",
        "procurement" => "<our number>",
        _ => "<sku>",
    };
    format!("{kind}-{key}")
}

/// The text up to its first full stop, on one line.
fn first_sentence(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.split_once(". ").map_or(line.clone(), |(first, _)| format!("{first}."))
}
