//! Links between documents lead somewhere.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{documents, prose, root};

/// The targets of a document's links, code left out.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        let mut in_code = false;
        // A link inside of `code` is none.
        let plain: String = line
            .chars()
            .filter(|c| {
                in_code ^= *c == '`';
                !in_code
            })
            .collect();
        for part in plain.split("](").skip(1) {
            let target = part.split(')').next().unwrap_or_default();
            found.push(target.split(' ').next().unwrap_or_default().to_owned());
        }
    }
    found
}

/// A heading as it is named in an address.
fn slug(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>().to_lowercase()
}

fn has_heading(path: &Path, anchor: &str) -> bool {
    let text = fs::read_to_string(path).unwrap();
    prose(&text).filter(|line| line.starts_with('#')).any(|line| slug(line.trim_start_matches('#')) == anchor)
}

#[test]
fn every_relative_link_leads_to_a_file_and_its_heading() {
    let mut broken = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let shown = document.strip_prefix(root()).unwrap().display().to_string();
        for link in
            links(&text).into_iter().filter(|link| !link.contains("://") && !link.starts_with("mailto:"))
        {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target: PathBuf = match file {
                "" => document.clone(),
                file => document.parent().unwrap().join(file),
            };
            if !target.exists() {
                broken.push(format!("{shown}: {link} is not there"));
            } else if !anchor.is_empty() && !has_heading(&target, anchor) {
                broken.push(format!("{shown}: {link} names a heading that is not there"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn links_are_found_in_prose_and_not_in_code() {
    let text = "see [a](b.md#c-d) and `[x](y.md)`\n```\n[z](w.md)\n```\n![p](q.svg \"t\")";
    assert_eq!(links(text), ["b.md#c-d", "q.svg"]);
    assert_eq!(slug(" A process is killed, 中文"), "a-process-is-killed-中文");
}
