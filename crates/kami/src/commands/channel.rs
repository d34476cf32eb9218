//! `kami channel`: the protocols there are.

use serde_json::{Value, json};

use crate::{
    channels::PROTOCOLS,
    cli::{Json, say},
};

pub(super) fn list(options: Json) -> anyhow::Result<()> {
    if options.json {
        let all: Vec<Value> = PROTOCOLS
            .iter()
            .map(|protocol| {
                let m = protocol.manifest;
                let example: Value = serde_json::from_str(protocol.example_settings).unwrap_or_default();
                json!({
                    "code": m.code, "name_en": m.name.0, "name_zh": m.name.1, "inbound": m.inbound,
                    "capabilities": m.capabilities, "clock_tolerance_secs": m.clock_tolerance_secs,
                    "sources": m.sources, "example_settings": example,
                })
            })
            .collect();
        say(&serde_json::to_string(&all)?);
        return Ok(());
    }
    for protocol in PROTOCOLS {
        let m = protocol.manifest;
        let c = m.capabilities;
        let can: Vec<&str> = [
            (c.deliver, "deliver"),
            (c.push_stock, "push stock"),
            (c.read_back, "read back"),
            (c.check_payment, "check payment"),
            (c.refund, "refund"),
        ]
        .into_iter()
        .filter_map(|(has, name)| has.then_some(name))
        .collect();
        say(&format!("{:<16} {} / {}", m.code, m.name.0, m.name.1));
        say(&format!(
            "                 outward: {}",
            if can.is_empty() { "-".to_owned() } else { can.join(", ") }
        ));
    }
    Ok(())
}
