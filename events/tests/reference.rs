//! The reference page of all event types is up to date.
//!
//! `KAMI_WRITE_GOLDEN=1 cargo test -p events` writes it anew.

use std::fs;

use events::Fact;

#[path = "../examples/catalogue/page.rs"]
mod page;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/event-catalogue.md");

#[test]
fn the_page_is_what_the_catalogue_says() {
    let generated = page::page();
    if std::env::var_os("KAMI_WRITE_GOLDEN").is_some_and(|value| value == "1") {
        fs::write(PAGE, &generated).unwrap();
    }
    assert_eq!(
        fs::read_to_string(PAGE).unwrap(),
        generated,
        "docs/reference/event-catalogue.md is out of date"
    );
}

#[test]
fn every_event_type_has_a_line_with_a_stream_and_a_meaning() {
    let page = page::page();
    for (name, version, _) in Fact::catalogue() {
        let start = format!("| `{name}` | {version} | `{}-<", Fact::stream_kind(name).unwrap());
        let line = page
            .lines()
            .find(|line| line.starts_with(&start))
            .unwrap_or_else(|| panic!("{name} has no line"));
        let meaning = line.split(" | ").last().unwrap().trim_end_matches(" |");
        assert!(meaning.len() > 10 && meaning.ends_with('.'), "{line}");
    }
    assert_eq!(Fact::stream_kind("ParcelSent"), None);
}
