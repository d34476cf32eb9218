//! `kami channel`: the protocols there are, trying them, and starting a new one.

mod explain;
mod list;
mod pasted;
mod scaffold;
mod traffic;
mod vectors;

use std::{path::Path, process::ExitCode};

use anyhow::{Context, anyhow};
use channel::Protocol;
use serde_json::Value;

use crate::{
    channels::PROTOCOLS,
    cli::{Channel, TestChannel, say},
    config::Config,
};

pub(super) async fn run(config: &Config, what: Channel) -> anyhow::Result<ExitCode> {
    match what {
        Channel::List(options) => list::run(options)?,
        Channel::Explain(options) => explain::run(config, options).await?,
        Channel::New(options) => scaffold::run(&options)?,
        Channel::Test(options) => return test(config, options).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn test(config: &Config, options: TestChannel) -> anyhow::Result<ExitCode> {
    if let Some(file) = &options.record {
        protocol(&options.name)?;
        traffic::record(config, &options, file).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let verdicts = match &options.replay {
        Some(file) => traffic::replay(protocol(&options.name)?, &options, file)?,
        None => {
            let judged = versions(&options.name)?.into_iter().map(|one| vectors::judge(one, &options));
            judged.collect::<Result<Vec<_>, _>>()?.concat()
        }
    };
    report(&verdicts, options.json.json)
}

/// The protocol of a code; of a code without its version (`epay`), all versions.
fn versions(code: &str) -> anyhow::Result<Vec<&'static Protocol>> {
    let is_version = |protocol: &&Protocol| {
        let rest = protocol.manifest.code.strip_prefix(code).and_then(|rest| rest.strip_prefix("-v"));
        rest.is_some_and(|number| number.parse::<u8>().is_ok())
    };
    let all: Vec<&Protocol> = PROTOCOLS.iter().filter(is_version).collect();
    if all.is_empty() { Ok(vec![protocol(code)?]) } else { Ok(all) }
}

/// The protocol of a code.
fn protocol(code: &str) -> anyhow::Result<&'static Protocol> {
    PROTOCOLS
        .iter()
        .find(|protocol| protocol.manifest.code == code)
        .ok_or_else(|| anyhow!("{code} is no protocol of this build; `kami channel list` names them"))
}

/// The settings of a file, or a protocol's example, without the help.
fn settings(protocol: &Protocol, file: Option<&Path>) -> anyhow::Result<Value> {
    let text = match file {
        Some(file) => std::fs::read_to_string(file).with_context(|| format!("{}", file.display()))?,
        None => protocol.example_settings.to_owned(),
    };
    let mut settings: Value = serde_json::from_str(&text).context("the settings are no JSON")?;
    if let Some(fields) = settings.as_object_mut() {
        fields.remove("_help");
    }
    Ok(settings)
}

/// How one request was judged.
#[derive(Clone, serde::Serialize)]
struct Judged {
    name: String,
    verdict: Verdict,
    why: String,
}

#[derive(Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Passed,
    Failed,
    Skipped,
}

/// Tells every verdict; fails where one failed, or where nothing was judged.
fn report(all: &[Judged], json: bool) -> anyhow::Result<ExitCode> {
    let count = |verdict| all.iter().filter(|judged| judged.verdict == verdict).count();
    let (passed, failed) = (count(Verdict::Passed), count(Verdict::Failed));
    if json {
        say(&serde_json::to_string(all)?);
    } else {
        for Judged { name, verdict, why } in all {
            let word = match verdict {
                Verdict::Passed => "passed",
                Verdict::Failed => "FAILED",
                Verdict::Skipped => "skipped",
            };
            say(format!("{word:<8} {name}  {why}").trim_end());
        }
        say(&format!("{passed} passed, {failed} failed, {} skipped", count(Verdict::Skipped)));
    }
    Ok(if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
