//! The log, the server that keeps it, the clock, and the vault that belongs to it.

use engine::{Clock, SystemClock};
use event_log_postgres::Judged;
use vocabulary::Timestamp;

use super::{super::open, Finding};
use crate::{
    config::Config,
    kept_at::KeptAt,
    log::{Log, LogUrl},
};

/// Clocks that are further apart than this make signed messages fail (they allow for 300 s), and orders confusing.
const APART_MAX: i64 = 30;

pub(super) async fn log(config: &Config) -> Vec<Finding> {
    let mut findings = match &config.log_url {
        Some(url) if url.is_postgres() => server(url).await,
        _ => Vec::new(),
    };
    findings.push(clock());
    if config.log_url.is_none() && !config.data.join("log.db").exists() {
        findings.push(match config.data.join("vault.db").exists() {
            true => {
                Finding::fail("log", "there is a vault but no log.db: put back the log that it belongs to")
            }
            false => Finding::ok("log", "is made at the first start"),
        });
        return findings;
    }
    findings.push(match content(config).await {
        Ok(finding) => finding,
        Err(error) => Finding::fail("log", format!("{error:#}")),
    });
    findings
}

async fn server(url: &LogUrl) -> Vec<Finding> {
    let what = "PostgreSQL";
    let found = match event_log_postgres::examine(url.expose()).await {
        Ok(found) => found,
        Err(error) => {
            let error = anyhow::Error::new(error);
            return vec![Finding::fail(what, format!("cannot be asked: {error:#}"))];
        }
    };
    let mut findings = Vec::new();
    for setting in &found.settings {
        let detail = format!("{} is {}, it must be {}", setting.name, setting.found, setting.wanted);
        match setting.judged {
            Judged::Safe => {}
            Judged::Doubtful => findings.push(Finding::warn(what, detail)),
            Judged::Unsafe => findings.push(Finding::fail(what, detail)),
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok(what, "every setting keeps what is committed"));
    }
    let apart = apart(SystemClock.now(), found.clock);
    findings.push(if apart > APART_MAX {
        Finding::fail("clock", format!("PostgreSQL's clock is {apart} s from ours"))
    } else {
        Finding::ok("clock", format!("PostgreSQL's clock is within {APART_MAX} s of ours"))
    });
    findings
}

fn apart(one: Timestamp, other: Timestamp) -> i64 {
    (one.secs() - other.secs()).abs()
}

fn clock() -> Finding {
    let year = chrono::Datelike::year(&SystemClock.now().to_utc());
    match (2026..2100).contains(&year) {
        true => Finding::ok("clock", format!("the year is {year}")),
        false => Finding::fail("clock", format!("the year is {year}")),
    }
}

/// The log can be read, nothing in it is of tomorrow, and it is not without its vault.
async fn content(config: &Config) -> anyhow::Result<Finding> {
    let what = "log";
    let log = Log::read(&config.data, config.log_url.as_ref()).await?;
    let mut events = 0;
    for merchant in log.merchants().await? {
        let Some(head) = log.head(&merchant).await? else { continue };
        events += head.position.0;
        let ahead = head.recorded_at.secs() - SystemClock.now().secs();
        if head.position.0 > 0 && ahead > APART_MAX {
            let detail =
                format!("the last event of {merchant} was recorded {ahead} s from now: a clock is wrong");
            return Ok(Finding::fail("clock", detail));
        }
    }
    let told = log.told().await;
    log.close().await?;
    // Whether each key of the log lies in the vault is for `kami verify` to say.
    let has_vault = config.vault_at != KeptAt::Data || config.data.join("vault.db").exists();
    Ok(match (events, has_vault) {
        (1.., false) => {
            Finding::fail(what, format!("it has {events} events, but there is no vault.db beside it"))
        }
        _ => Finding::ok(what, format!("{told}: {events} events")),
    })
}

/// The vault can be opened with the key that is here.
pub(super) async fn vault(config: &Config) -> Finding {
    let what = "vault";
    let is_new = config.vault_at == KeptAt::Data && !config.data.join("vault.db").exists();
    if is_new || !config.kek_file.exists() {
        return match config.vault_place() {
            Ok(_) => Finding::ok(what, "is made at the first start"),
            Err(error) => Finding::fail(what, format!("{error:#}")),
        };
    }
    match open::vault(config).await {
        Ok(vault) => {
            vault.close().await;
            Finding::ok(what, "can be opened")
        }
        Err(error) => Finding::fail(what, format!("{error:#}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_apart_in_both_directions() {
        let at = Timestamp::from_secs;
        assert_eq!((apart(at(100), at(131)), apart(at(131), at(100))), (31, 31));
    }
}
