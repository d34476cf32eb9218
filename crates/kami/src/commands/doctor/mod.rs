//! `kami doctor`: what could lose data or keep Kami from starting, before it does.

mod files;
mod log;
mod nats;

use std::process::ExitCode;

use serde_json::json;

use crate::{
    cli::{Doctor, say},
    config::Config,
};

/// What was looked at, and how it is.
struct Finding {
    what: &'static str,
    level: Level,
    detail: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Ok,
    /// A person should know; nothing is lost by it alone.
    Warn,
    /// Kami would not start, or something acknowledged could be lost.
    Fail,
}

impl Finding {
    fn ok(what: &'static str, detail: impl Into<String>) -> Self {
        Self { what, level: Level::Ok, detail: detail.into() }
    }
    fn warn(what: &'static str, detail: impl Into<String>) -> Self {
        Self { what, level: Level::Warn, detail: detail.into() }
    }
    fn fail(what: &'static str, detail: impl Into<String>) -> Self {
        Self { what, level: Level::Fail, detail: detail.into() }
    }
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        }
    }
}

pub(super) async fn run(config: &Config, options: Doctor) -> anyhow::Result<ExitCode> {
    let mut findings = vec![files::data(config), files::room(config), files::private(config)];
    findings.extend(files::key(config));
    findings.extend([files::restored(config), port(config), files::sqlite(config).await]);
    findings.extend(log::log(config).await);
    findings.push(log::vault(config).await);
    findings.extend(nats::nats(config, options.nats_monitor.as_deref()).await);
    let ok = findings.iter().all(|finding| finding.level != Level::Fail);
    if options.json.json {
        let one = |f: &Finding| {
            let level = f.level.word().to_lowercase();
            json!({"what": f.what, "ok": f.level != Level::Fail, "level": level, "detail": f.detail})
        };
        let findings: Vec<_> = findings.iter().map(one).collect();
        say(&json!({"ok": ok, "findings": findings}).to_string());
    } else {
        for finding in &findings {
            say(&format!("{:<4} {}: {}", finding.level.word(), finding.what, finding.detail));
        }
    }
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn port(config: &Config) -> Finding {
    let what = "address";
    match std::net::TcpListener::bind(&config.listen) {
        Ok(_) => Finding::ok(what, format!("{} is free", config.listen)),
        Err(error) => Finding::fail(what, format!("{}: {error}", config.listen)),
    }
}
