//! `kami channel list`: the protocols there are.

use channel::{Confidence, Manifest, Protocol};
use serde_json::{Value, json};

use crate::{
    channels::PROTOCOLS,
    cli::{ListChannels, say},
};

/// The capabilities, as the table of the documents orders them.
const CAPABILITIES: [(&str, &str); 8] = [
    ("deliver", "Deliver"),
    ("push_stock", "Push stock"),
    ("read_back", "Read back"),
    ("check_payment", "Check payment"),
    ("refund", "Refund"),
    ("poll", "Poll"),
    ("renew", "Renew"),
    ("procure", "Procure"),
];

pub(super) fn run(options: ListChannels) -> anyhow::Result<()> {
    if options.json.json {
        let all: Vec<Value> = PROTOCOLS.iter().map(described).collect();
        say(&serde_json::to_string(&all)?);
    } else if options.markdown {
        say(&markdown());
    } else {
        for protocol in PROTOCOLS {
            let m = protocol.manifest;
            let can = m.capabilities.names().join(", ").replace('_', " ");
            say(&format!("{:<16} {} / {}", m.code, m.name.0, m.name.1));
            say(&format!("                 outward: {}", if can.is_empty() { "-" } else { &can }));
        }
    }
    Ok(())
}

fn described(protocol: &Protocol) -> Value {
    let m = protocol.manifest;
    let example: Value = serde_json::from_str(protocol.example_settings).unwrap_or_default();
    let confidence: serde_json::Map<String, Value> =
        m.confidence.iter().map(|(part, how)| ((*part).to_owned(), json!(how))).collect();
    json!({
        "code": m.code, "name_en": m.name.0, "name_zh": m.name.1, "inbound": m.inbound,
        "capabilities": m.capabilities, "confidence": confidence,
        "clock_tolerance_secs": m.clock_tolerance_secs, "sources": m.sources, "example_settings": example,
    })
}

/// The table of `docs/channels.md`: how well each part is known stands where the part is.
fn markdown() -> String {
    let titles = CAPABILITIES.map(|(_, title)| title).join(" | ");
    let mut lines = vec![
        format!("| Code | Channel | Inbound | {titles} | Signed time | Built from |"),
        format!("|{}", "---|".repeat(CAPABILITIES.len() + 5)),
    ];
    lines.extend(PROTOCOLS.iter().map(|protocol| row(protocol.manifest)));
    lines.join("\n")
}

fn row(m: &Manifest) -> String {
    let kinds: Vec<String> = m.inbound.iter().map(|kind| format!("{kind:?}").to_lowercase()).collect();
    let has = m.capabilities.names();
    let capability = |(name, _): (&str, &str)| if has.contains(&name) { known(m, name) } else { "–" };
    let time = m.clock_tolerance_secs.map_or_else(|| "–".to_owned(), |secs| format!("±{secs} s"));
    let cells = [
        vec![format!("`{}`", m.code), format!("{} · {}", m.name.0, m.name.1)],
        vec![format!("{}: {}", kinds.join(", "), known(m, "inbound"))],
        CAPABILITIES.map(capability).map(str::to_owned).to_vec(),
        vec![time, m.sources.join("; ").replace('|', "\\|")],
    ];
    format!("| {} |", cells.concat().join(" | "))
}

/// How well a part is known, in a word.
fn known(m: &Manifest, part: &str) -> &'static str {
    match m.confidence.iter().find(|(known, _)| *known == part) {
        Some((_, Confidence::Documented)) => "documented",
        Some((_, Confidence::Sdk)) => "sdk",
        Some((_, Confidence::Unsure)) | None => "unsure",
    }
}
