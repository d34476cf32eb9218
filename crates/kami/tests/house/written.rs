//! Parts of pages that are written from the code: `WRITE_DOCS=1 cargo test -p kami --test house` writes them, and
//! without it they must be what would be written.

use std::{
    collections::BTreeSet,
    fmt::Write,
    fs,
    sync::{Mutex, PoisonError},
};

use events::Fact;
use projection::{Column, Kind, Projection};
use serde_json::Value;

use crate::{read, root};

/// The read models, in the order of the page.
const READ_MODELS: [&dyn Projection; 9] = [
    &projection_marts::Marts,
    &projection_orders::Orders,
    &projection_quotas::Quotas,
    &projection_timeline::Timeline,
    &projection_sales::Sales,
    &projection_journeys::Journeys,
    &projection_people::People,
    &projection_insight::Insight,
    &projection_inbox::Inbox,
];

/// Tests run side by side, and several write one page.
static WRITING: Mutex<()> = Mutex::new(());

/// Holds what stands between a marker and the next end against the text, or writes it there.
fn check(page: &str, marker: &str, text: &str) {
    let _guard = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let whole = read(page);
    let begin = format!("<!-- {marker} -->\n");
    let (head, rest) =
        whole.split_once(&begin).unwrap_or_else(|| panic!("{page} has no place for the {marker}"));
    let (told, tail) =
        rest.split_once("<!-- end -->").unwrap_or_else(|| panic!("the {marker} of {page} have no end"));
    if std::env::var_os("WRITE_DOCS").is_some() {
        fs::write(root().join(page), format!("{head}{begin}{text}<!-- end -->{tail}")).unwrap();
        return;
    }
    for (told, wanted) in told.lines().zip(text.lines()) {
        assert_eq!(told, wanted, "{page}: WRITE_DOCS=1 cargo test -p kami --test house writes it");
    }
    assert_eq!(told.lines().count(), text.lines().count(), "{page}: the {marker} have other lines");
}

fn event_row(name: &str, version: u16, schema: &Value) -> String {
    let said = schema["description"].as_str().unwrap().replace(['[', ']'], "").replace('\n', " ");
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let named = schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    let optional: BTreeSet<&str> = named.filter(|name| !required.contains(name)).collect();
    let fields = required.iter().map(|name| format!("`{name}`"));
    let fields: Vec<String> = fields.chain(optional.iter().map(|name| format!("`{name}?`"))).collect();
    format!("| `{name}` | {version} | {said} | {} |\n", fields.join(", "))
}

#[test]
fn every_event_type_is_in_the_events_page() {
    let page = "docs/reference/events.md";
    let catalogue = Fact::catalogue();
    let kinds: BTreeSet<&str> = catalogue.iter().filter_map(|(name, ..)| Fact::stream_kind(name)).collect();
    for kind in kinds {
        let mut rows = String::from("| Event | v | What happened | Fields |\n|---|---|---|---|\n");
        for (name, version, schema) in &catalogue {
            if Fact::stream_kind(name) == Some(kind) {
                rows.push_str(&event_row(name, *version, schema.as_value()));
            }
        }
        check(page, &format!("events of {kind}"), &rows);
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Int => "integer",
        Kind::Real => "number",
        Kind::At => "instant",
        Kind::Date => "date",
        Kind::Flag => "0 or 1",
        Kind::Json => "JSON",
    }
}

fn section(text: &mut String, name: &str, said: &str, key: usize, columns: &[Column]) {
    let _ = write!(text, "### `{name}`\n\n{said}\n\n| Column | Kind | Meaning | 含义 |\n|---|---|---|---|\n");
    for (place, column) in columns.iter().enumerate() {
        let bold = if place < key { "**" } else { "" };
        let absent = if column.nullable { ", may be NULL" } else { "" };
        let _ = writeln!(
            text,
            "| {bold}`{}`{bold} | {}{absent} | {} | {} |",
            column.name,
            kind(column.kind),
            column.en,
            column.zh
        );
    }
    text.push('\n');
}

#[test]
fn every_read_model_is_in_the_tables_page() {
    let mut text = String::from("\n");
    for model in READ_MODELS {
        for view in model.views() {
            let reads = view.reads.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let said = format!("{} {} View over {reads}.", view.en, view.zh);
            section(&mut text, view.name, &said, view.key, view.columns);
        }
        for table in model.tables() {
            let said = format!("{} {} Table of `{}`.", table.en, table.zh, model.name());
            section(&mut text, table.name, &said, table.key, table.columns);
        }
    }
    check("docs/reference/data.md", "read models", &text);
}

#[test]
fn every_metric_is_in_the_tables_page_and_stands_in_a_view() {
    let mut text =
        String::from("| Metric | 指标 | Formula | Meaning | 含义 | Columns |\n|---|---|---|---|---|---|\n");
    for metric in projection_marts::METRICS {
        for (view, column) in metric.columns {
            let mut views =
                READ_MODELS.iter().flat_map(|model| model.views()).filter(|known| known.name == *view);
            let is_there = views.any(|known| known.columns.iter().any(|known| known.name == *column));
            assert!(is_there, "{} stands in no {view}.{column}", metric.en);
        }
        let columns: Vec<String> =
            metric.columns.iter().map(|(view, column)| format!("`{view}.{column}`")).collect();
        let (en, zh) = (metric.en, metric.zh);
        let (means_en, means_zh) = (metric.means_en, metric.means_zh);
        let _ = writeln!(
            text,
            "| {en} | {zh} | `{}` | {means_en} | {means_zh} | {} |",
            metric.formula,
            columns.join(", ")
        );
    }
    check("docs/reference/data.md", "metrics", &text);
}

#[test]
fn every_table_of_the_log_and_the_vault_is_in_the_tables_page() {
    let page = read("docs/reference/data.md");
    for file in ["crates/event-log-sqlite/src/schema.sql", "crates/vault/src/schema.sql"] {
        for table in read(file).split("CREATE TABLE ").skip(1) {
            let (name, rest) = table.split_once(" (").unwrap();
            let section = page.split(&format!("`{name}`\n")).nth(1);
            let section = section.unwrap_or_else(|| panic!("data.md has no table {name}"));
            let section = section.split("\n### ").next().unwrap();
            let columns = rest.lines().skip(1).take_while(|line| !line.starts_with(')'));
            for column in columns.filter_map(|line| line.split_whitespace().next()) {
                let is_column = column.chars().all(|c| c.is_ascii_lowercase() || c == '_');
                let told = section.contains(&format!("| `{column}` |"));
                assert!(!is_column || told, "data.md lacks {name}.{column}");
            }
        }
    }
}
