use std::collections::{BTreeMap, BTreeSet};

use axum::{
    body::{Body, to_bytes},
    http::{Request, Response},
};
use tower::ServiceExt;

use super::*;

const SIZE_MAX: usize = 60 * 1024;

/// The page for buyers.
const CLAIM: &str = "/claim";

async fn ask(path: &str, known: Option<&str>) -> Response<Body> {
    let request = Request::get(path);
    let request = match known {
        Some(tag) => request.header(header::IF_NONE_MATCH, tag),
        None => request,
    };
    router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

fn text(asset: &Asset) -> &'static str {
    std::str::from_utf8(asset.content).unwrap()
}

fn texts() -> impl Iterator<Item = (&'static str, &'static str)> {
    ASSETS.iter().filter(|asset| asset.content_type != "image/png").map(|asset| (asset.path, text(asset)))
}

fn file(path: &str) -> &'static str {
    texts().find(|(found, _)| *found == path).unwrap().1
}

#[tokio::test]
async fn every_file_is_served_with_headers_that_bind_the_browser() {
    for asset in ASSETS {
        let response = ask(asset.path, None).await;
        assert_eq!(response.status(), 200, "{}", asset.path);
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), asset.content_type);
        assert_eq!(header("cache-control"), "no-cache");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        let policy = header("content-security-policy");
        for rule in
            ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"]
        {
            assert!(policy.split("; ").any(|found| found == rule), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(to_bytes(response.into_body(), SIZE_MAX).await.unwrap(), asset.content);
    }
}

#[tokio::test]
async fn a_file_that_the_browser_has_is_not_sent_again() {
    let tag = ask("/console/app.js", None).await.headers()["etag"].to_str().unwrap().to_owned();
    for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}")] {
        let again = ask("/console/app.js", Some(&known)).await;
        assert_eq!(again.status(), 304, "{known}");
        assert_eq!(again.headers()["etag"], tag.as_str());
        assert!(to_bytes(again.into_body(), 10).await.unwrap().is_empty());
    }
    assert_eq!(ask("/console/app.js", Some("\"other\"")).await.status(), 200);
    assert_ne!(ask("/console/app.css", None).await.headers()["etag"], tag.as_str());
}

#[tokio::test]
async fn the_root_leads_to_the_console() {
    for path in ["/", "/console/"] {
        let response = ask(path, None).await;
        assert!(response.status().is_redirection());
        assert_eq!(response.headers()["location"], HOME);
    }
}

#[test]
fn the_console_is_small() {
    let own = ASSETS.iter().filter(|asset| asset.path.starts_with(HOME));
    let size: usize = own.map(|asset| asset.content.len()).sum();
    assert!(size <= SIZE_MAX, "{size} bytes");
}

#[test]
fn nothing_is_loaded_from_elsewhere_and_no_text_becomes_markup_or_code() {
    let forbidden = [
        "http://",
        "https://",
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "localStorage.setItem(\"kami.token",
        "style=",
        "@import",
    ];
    for (path, content) in texts() {
        for word in forbidden {
            assert!(!content.contains(word), "{path} has {word}");
        }
    }
    // A handler or script inside the page would be refused by the policy, and fail silently.
    for page in [HOME, CLAIM] {
        assert_eq!(file(page).matches("<script").count(), 1);
        assert!(!file(page).contains(" on"));
    }
}

#[test]
fn every_module_that_is_imported_is_served() {
    for (path, content) in texts() {
        for import in content.split(" from \"./").skip(1) {
            let module = import.split('"').next().unwrap();
            let address = format!("/console/{module}");
            assert!(ASSETS.iter().any(|asset| asset.path == address), "{path} imports {module}");
        }
    }
    for address in [HOME, CLAIM].into_iter().flat_map(|page| file(page).split('"')) {
        let served = ASSETS.iter().any(|asset| asset.path == address);
        assert!(served || !address.starts_with('/'), "{address}");
    }
}

/// The table of texts: key to Chinese and English.
fn words() -> BTreeMap<String, (String, String)> {
    let mut all = BTreeMap::new();
    let mut group = "";
    let table = file("/console/words.js").split("const WORDS = {\n").nth(1).unwrap();
    for line in table.split("\n};").next().unwrap().lines() {
        if let Some(name) = line.strip_suffix(": {") {
            group = name.trim();
        } else if let Some((name, pair)) = line.trim().split_once(": [") {
            let pair = pair.strip_suffix("],").unwrap_or_else(|| panic!("{line}"));
            let (zh, en) = pair.split_once("\", \"").unwrap_or_else(|| panic!("{line} has one language"));
            let texts = (zh.trim_start_matches('"').to_owned(), en.trim_end_matches('"').to_owned());
            assert!(all.insert(format!("{group}.{name}"), texts).is_none(), "{group}.{name} comes twice");
        } else {
            assert_eq!(line, "  },");
        }
    }
    all
}

/// The parts of a text that are filled in.
fn places(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect()
}

#[test]
fn every_text_exists_in_both_languages_with_the_same_places_to_fill_in() {
    let all = words();
    assert!(all.len() > 100, "{}", all.len());
    for (key, (zh, en)) in &all {
        assert!(!zh.is_empty() && !en.is_empty(), "{key}");
        assert!(
            en.is_ascii() || en.chars().all(|c| !('\u{4e00}'..='\u{9fff}').contains(&c)),
            "{key} is Chinese: {en}"
        );
        assert_eq!(places(zh), places(en), "{key}");
    }
}

#[test]
fn every_text_that_is_asked_for_exists_and_every_text_is_asked_for() {
    let all = words();
    let groups: BTreeSet<&str> = all.keys().filter_map(|key| key.split('.').next()).collect();
    let mut wanted = BTreeSet::new();
    let mut whole_groups = BTreeSet::new();
    for (_, content) in texts().filter(|(path, _)| path.ends_with(".js") && !path.ends_with("words.js")) {
        for literal in content.split(['"', '`']) {
            let Some((group, name)) = literal.split_once('.').filter(|(group, _)| groups.contains(group))
            else {
                continue;
            };
            if name.starts_with("${") {
                whole_groups.insert(group);
            } else if name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
                assert!(all.contains_key(literal), "{literal} has no text");
                wanted.insert(literal);
            }
        }
    }
    // Where the end of a key is computed, or taken from a table of groups, the whole group is asked for.
    whole_groups.insert("orders");
    for key in all.keys() {
        let group = key.split('.').next().unwrap();
        assert!(
            wanted.contains(key.as_str()) || whole_groups.contains(group),
            "{key} is asked for by nobody"
        );
    }
}

/// The light and dark colours of the style, by name.
fn colours() -> BTreeMap<&'static str, [f64; 2]> {
    let mut all = BTreeMap::new();
    for declared in file("/console/app.css").split(": light-dark(").collect::<Vec<_>>().windows(2) {
        let name = declared[0].rsplit(' ').next().unwrap();
        let pair = declared[1].split(')').next().unwrap();
        let (light, dark) = pair.split_once(", ").unwrap();
        all.insert(name, [luminance(light), luminance(dark)]);
    }
    all
}

/// The relative luminance of `#rrggbb`, as the web's accessibility guidelines define it.
fn luminance(colour: &str) -> f64 {
    let part = |from: usize| {
        let c = f64::from(u8::from_str_radix(&colour[from..from + 2], 16).unwrap()) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
}

#[test]
fn every_colour_can_be_read_on_every_ground_in_light_and_in_dark() {
    let all = colours();
    let grounds = ["--ground", "--card", "--soft"];
    let texts: Vec<_> =
        all.iter().filter(|(name, _)| !grounds.contains(name) && **name != "--edge").collect();
    assert!(texts.len() > 10, "{}", texts.len());
    for (name, colour) in texts {
        for ground in grounds {
            for mode in 0..2 {
                let (a, b) = (colour[mode], all[ground][mode]);
                let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                assert!(contrast >= 4.5, "{name} on {ground}: {contrast:.2}");
            }
        }
    }
}

/// The texts of a table in the buyers' page: key to Chinese and English, on one line or on several.
fn claim_texts(table: &str) -> BTreeMap<&'static str, Vec<&'static str>> {
    let body = file("/claim/claim.js").split(&format!("const {table} = {{\n")).nth(1).unwrap();
    let body = body.split("\n};").next().unwrap();
    let entries = body.split("],").filter_map(|entry| entry.split_once(": ["));
    entries.map(|(key, texts)| (key.trim(), texts.split('"').skip(1).step_by(2).collect())).collect()
}

#[test]
fn the_buyers_page_speaks_both_languages_and_knows_every_word_it_asks_for() {
    let (say, status) = (claim_texts("SAY"), claim_texts("STATUS"));
    assert!(say.len() >= 10 && status.len() == 10, "{} {}", say.len(), status.len());
    for (key, texts) in say.iter().chain(&status) {
        assert_eq!(texts.len(), 2, "{key} {texts:?}");
        // The switch itself is named in the other language.
        let english = texts[usize::from(*key != "language")];
        assert!(english.chars().all(|c| !('\u{4e00}'..='\u{9fff}').contains(&c)), "{key}: {english}");
    }
    for word in file(CLAIM).split("data-say=\"").skip(1) {
        let key = word.split('"').next().unwrap();
        assert!(say.contains_key(key), "{key}");
    }
}
