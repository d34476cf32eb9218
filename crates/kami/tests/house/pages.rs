//! What the code offers has its place in the documents, and the documents name nothing else.

use std::{fs, process::Command};

use serde_json::Value;
use vocabulary::Reason;

use crate::{prose, read, root};

/// What the program prints, whatever is set around the test.
fn kami(arguments: &[&str]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_kami")).args(arguments).env_clear().output().unwrap();
    assert!(done.status.success(), "kami {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn every_error_code_has_its_page_and_every_page_its_code() {
    let catalogue = http_api::error_catalogue();
    let index = read("docs/errors/README.md");
    for (code, status, en, zh) in &catalogue {
        let page = read(&format!("docs/errors/{code}.md"));
        for part in [&format!("# `{code}`"), &format!("HTTP {status}"), *en, *zh] {
            assert!(page.contains(part), "docs/errors/{code}.md does not say {part}");
        }
        assert!(index.contains(&format!("[`{code}`]({code}.md)")), "the index lacks {code}");
    }
    for reason in Reason::ALL {
        assert!(catalogue.iter().any(|(code, ..)| *code == reason.code()), "{} has no page", reason.code());
    }
    for entry in fs::read_dir(root().join("docs/errors")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let known = catalogue.iter().any(|(code, ..)| name == format!("{code}.md"));
        assert!(known || name == "README.md", "docs/errors/{name} is of no code");
    }
}

/// The names in the list of commands of a help text.
fn commands(help: &str) -> Vec<String> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names =
        list.take_while(|line| line.starts_with("  ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// The long options of a help text.
fn options(help: &str) -> Vec<&str> {
    let words = help
        .lines()
        .map(str::trim_start)
        .filter(|line| line.starts_with('-'))
        .flat_map(str::split_whitespace);
    words.filter(|word| word.starts_with("--")).map(|word| word.trim_end_matches(',')).collect()
}

fn check_commands(page: &str, path: &[String]) {
    let arguments: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
    let help = kami(&arguments);
    let heading = format!("# `kami {}`", path.join(" "));
    if !path.is_empty() {
        let section = page.split(&heading).nth(1).unwrap_or_else(|| panic!("cli.md has no {heading}"));
        let section = section.split("\n## ").next().unwrap();
        let common = page.split("\n## ").next().unwrap();
        for option in options(&help) {
            assert!(section.contains(option) || common.contains(option), "{heading} does not tell {option}");
        }
    }
    for name in commands(&help) {
        check_commands(page, &[path, &[name]].concat());
    }
}

#[test]
fn every_command_and_option_is_in_the_command_line_page() {
    let page = read("docs/reference/cli.md");
    check_commands(&page, &[]);
    for heading in page.lines().filter(|line| line.starts_with("## `kami ")) {
        let name = heading.trim_start_matches("## `kami ").trim_end_matches('`');
        assert!(commands(&kami(&["--help"])).iter().any(|known| known == name), "there is no command {name}");
    }
}

#[test]
fn every_route_is_in_the_http_page() {
    let page = read("docs/reference/http.md");
    for (path, item) in http_api::openapi().paths.paths {
        let item: Value = serde_json::to_value(item).unwrap();
        for method in
            ["get", "put", "post", "delete", "patch"].iter().filter(|method| item.get(method).is_some())
        {
            let route = format!("`{} {path}`", method.to_uppercase());
            assert!(page.contains(&route), "docs/reference/http.md lacks {route}");
        }
    }
}

#[test]
fn every_setting_is_in_the_configuration_page_with_its_default() {
    let page = read("docs/reference/config.md");
    let defaults: toml::Table = toml::from_str(&read("crates/kami/src/default.toml")).unwrap();
    let check = |name: String, value: &toml::Value| {
        assert!(page.contains(&format!("| `{name}` | `{value}` |")), "config.md lacks `{name}` = {value}");
    };
    for (name, value) in &defaults {
        match value.as_table() {
            Some(section) => section.iter().for_each(|(key, value)| check(format!("{name}.{key}"), value)),
            None => check(name.clone(), value),
        }
    }
}

#[test]
fn every_channel_is_in_the_channels_page_with_what_it_can_do() {
    let (begin, end) = ("<!-- kami channel list --markdown -->\n", "\n<!-- end -->");
    let page = read("docs/channels.md");
    let (head, rest) = page.split_once(begin).expect("channels.md has no place for the table");
    let (table, tail) = rest.split_once(end).expect("the table of channels.md has no end");
    let declared = kami(&["channel", "list", "--markdown"]);
    if std::env::var_os("WRITE_DOCS").is_some() {
        let written = format!("{head}{begin}{}{end}{tail}", declared.trim_end());
        fs::write(root().join("docs/channels.md"), written).unwrap();
        return;
    }
    for (told, row) in table.lines().zip(declared.lines()) {
        assert_eq!(told, row, "docs/channels.md: WRITE_DOCS=1 cargo test -p kami --test house writes it");
    }
    assert_eq!(table.lines().count(), declared.lines().count(), "channels.md has other rows");
    let protocols: Value = serde_json::from_str(&kami(&["channel", "list", "--json"])).unwrap();
    for protocol in protocols.as_array().unwrap() {
        for (part, has) in protocol["capabilities"].as_object().unwrap() {
            let known = protocol["confidence"][part].is_string();
            assert_eq!(known, has.as_bool().unwrap(), "{}: how well is {part} known?", protocol["code"]);
        }
    }
}

#[test]
fn every_page_is_in_the_summary_and_every_decision_in_the_index() {
    let (summary, index) = (read("docs/SUMMARY.md"), read("docs/decisions/README.md"));
    for page in crate::documents() {
        let Ok(page) = page.strip_prefix(root().join("docs")) else { continue };
        let page = page.to_str().unwrap().to_owned();
        assert!(page == "SUMMARY.md" || summary.contains(&format!("({page})")), "SUMMARY.md lacks {page}");
        if let Some(name) = page.strip_prefix("decisions/").filter(|name| *name != "README.md") {
            assert!(index.contains(&format!("({name})")), "the index of decisions lacks {name}");
        }
    }
}

#[test]
fn the_two_readmes_are_twins() {
    let (en, zh) = (read("README.md"), read("README.zh-CN.md"));
    let headings = |text: &str| {
        let levels = prose(text).filter(|line| line.starts_with('#'));
        levels.map(|line| line.chars().take_while(|c| *c == '#').count()).collect::<Vec<_>>()
    };
    assert_eq!(headings(&en), headings(&zh), "the headings differ");
    // Code is the same, but for what is said inside of it.
    let blocks = |text: &str| {
        let fences = text.lines().filter(|line| line.starts_with("```"));
        fences.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(blocks(&en), blocks(&zh), "the code blocks differ");
}
