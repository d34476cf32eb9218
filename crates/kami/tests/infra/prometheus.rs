//! The alerts ask for figures that there are.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{read, root, yaml};

/// The names of figures in a text.
fn figures(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("kami_")).map(str::to_owned).collect()
}

/// The figures that the program keeps, as its sources name them.
fn kept() -> BTreeSet<String> {
    let (mut found, mut todo) = (BTreeSet::new(), vec![root().join("crates")]);
    while let Some(folder) = todo.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                todo.push(path);
            } else if is_source(&path) {
                let text = fs::read_to_string(&path).unwrap();
                let quoted = text.split('"').skip(1).step_by(2).filter(|word| word.starts_with("kami_"));
                found.extend(quoted.map(str::to_owned));
            }
        }
    }
    found
}

fn is_source(path: &Path) -> bool {
    let text = path.to_string_lossy();
    text.contains("/src/") && text.ends_with(".rs")
}

#[test]
fn every_alert_asks_for_a_figure_that_is_kept_and_says_what_it_means() {
    let rules = yaml(&read("prometheus/kami.rules.yaml")).remove(0);
    let kept = kept();
    assert!(kept.contains("kami_http_requests_total"));
    let mut asked = 0;
    for rule in rules["groups"][0]["rules"].as_array().unwrap() {
        let names = figures(rule["expr"].as_str().unwrap());
        for name in &names {
            assert!(kept.contains(name), "{}: nobody keeps {name}", rule["alert"]);
        }
        asked += names.len();
        assert!(rule["annotations"]["summary"].is_string(), "{rule}");
        assert!(["page", "ticket"].contains(&rule["labels"]["severity"].as_str().unwrap()), "{rule}");
    }
    assert!(asked >= 7);
}
