//! How PostgreSQL is reached, and the settings without which a log could lose data.

use std::collections::HashMap;

use event_log::LogError;
use sqlx::{
    ConnectOptions, PgConnection, Row,
    postgres::{PgConnectOptions, PgRow},
};

use crate::error::store;

/// What must be true of a server and of each session that writes, as PostgreSQL prints it.
const WANTED: &[(&str, &[&str], &str)] = &[
    ("fsync", &["on"], "on: without it a crash of the machine loses or garbles commits"),
    ("full_page_writes", &["on"], "on: without it a crash of the machine leaves torn pages"),
    (
        "synchronous_commit",
        &["on", "remote_apply"],
        "on or remote_apply: an append is answered when it is on disk",
    ),
    ("data_sync_retry", &["off"], "off: after a failed flush the server must stop, not try again"),
    ("zero_damaged_pages", &["off"], "off: a damaged page must be an error"),
    ("default_transaction_read_only", &["off"], "off: the log is written"),
    ("server_encoding", &["UTF8"], "UTF8: events are texts of any language"),
];
/// The oldest major version that is tested.
const OLDEST: i64 = 150_000;

/// Reads a URL such as `postgres://user@host/database`. Passwords may come from `PGPASSWORD` or a password file. The
/// error does not repeat the URL, which may hold a password.
pub(crate) fn parse(url: &str) -> Result<PgConnectOptions, LogError> {
    let options: PgConnectOptions = url.parse().map_err(store)?;
    Ok(options.application_name("kami").disable_statement_logging())
}

/// A session that reads. It never waits for a flush, since it stores nothing; and it plans each query for its merchant,
/// or it would look at the parts of all others.
pub(crate) fn reading(options: &PgConnectOptions) -> PgConnectOptions {
    options.clone().options([
        ("default_transaction_read_only", "on"),
        ("synchronous_commit", "off"),
        ("plan_cache_mode", "force_custom_plan"),
    ])
}

/// A session that writes. An append is one statement, so whoever finds a writer's transaction open finds one whose
/// process stands still; nobody waits for it longer than this.
pub(crate) fn writing(options: &PgConnectOptions) -> PgConnectOptions {
    options.clone().options([
        ("default_transaction_isolation", "read committed"),
        ("idle_in_transaction_session_timeout", "10s"),
        ("statement_timeout", "0"),
        // The plans of an append are made once in a session, of tables that may be empty then, and are kept while they grow.
        ("enable_seqscan", "off"),
    ])
}

/// A setting of a server, held against what a log needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub found: String,
    /// What it must be, and why.
    pub wanted: &'static str,
    /// What follows.
    pub judged: Judged,
}

/// What a setting means for a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// Nothing can be lost by it.
    Safe,
    /// Damage would be noticed late.
    Doubtful,
    /// Something acknowledged could be lost: a log is not opened.
    Unsafe,
}

/// Every setting of a server that matters, of a session as one that writes.
pub(crate) async fn examine(connection: &mut PgConnection) -> Result<Vec<Setting>, LogError> {
    let names = WANTED.iter().map(|(name, ..)| *name).chain([
        "server_version_num",
        "server_version",
        "data_checksums",
    ]);
    let rows = sqlx::query("SELECT name, setting FROM pg_settings WHERE name = ANY($1)")
        .bind(names.collect::<Vec<_>>())
        .fetch_all(&mut *connection)
        .await
        .map_err(store)?;
    let pair = |row: &PgRow| Ok((row.try_get(0)?, row.try_get(1)?));
    let found: HashMap<String, String> = rows.iter().map(pair).collect::<Result<_, _>>().map_err(store)?;
    let is_standby: bool =
        sqlx::query_scalar("SELECT pg_is_in_recovery()").fetch_one(connection).await.map_err(store)?;
    Ok(judge(&found, is_standby))
}

/// Refuses a server or a session that could lose data. Asked of every session that is to write: the next one may be on
/// another server.
pub(crate) async fn assert_safe(connection: &mut PgConnection) -> Result<(), LogError> {
    for Setting { name, found, wanted, judged } in examine(connection).await? {
        match judged {
            Judged::Safe => {}
            Judged::Doubtful => {
                tracing::warn!("PostgreSQL's setting {name} is {found}, it should be {wanted}")
            }
            Judged::Unsafe => return Err(LogError::UnsafeSetting { setting: name, found, wanted }),
        }
    }
    Ok(())
}

fn judge(found: &HashMap<String, String>, is_standby: bool) -> Vec<Setting> {
    let value = |name: &str| found.get(name).cloned().unwrap_or_else(|| "not there".to_owned());
    let judged = |is_safe: bool| if is_safe { Judged::Safe } else { Judged::Unsafe };
    let is_new = value("server_version_num").parse::<i64>().unwrap_or(0) >= OLDEST;
    let mut settings = vec![
        Setting {
            name: "server_version",
            found: value("server_version"),
            wanted: "15 or newer",
            judged: judged(is_new),
        },
        Setting {
            name: "pg_is_in_recovery",
            found: if is_standby { "on" } else { "off" }.to_owned(),
            wanted: "off: a standby decides nothing",
            judged: judged(!is_standby),
        },
    ];
    settings.extend(WANTED.iter().map(|(name, safe, wanted)| {
        let found = value(name);
        let judged = judged(safe.contains(&found.as_str()));
        Setting { name, found, wanted, judged }
    }));
    let checksums = value("data_checksums");
    settings.push(Setting {
        name: "data_checksums",
        judged: if checksums == "on" { Judged::Safe } else { Judged::Doubtful },
        found: checksums,
        wanted: "on: without them the server does not notice a page that the disk garbles",
    });
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn safe() -> HashMap<String, String> {
        let pairs = WANTED.iter().map(|(name, safe, _)| ((*name).to_owned(), safe[0].to_owned()));
        let others = [("server_version_num", "150019"), ("data_checksums", "on")];
        pairs.chain(others.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
    }

    /// The settings that are not safe.
    fn faults(found: &HashMap<String, String>, is_standby: bool) -> Vec<(&'static str, Judged)> {
        let judged = judge(found, is_standby).into_iter().filter(|setting| setting.judged != Judged::Safe);
        judged.map(|setting| (setting.name, setting.judged)).collect()
    }

    #[test]
    fn each_setting_is_looked_at_by_name() {
        assert_eq!(faults(&safe(), false), []);
        for (name, ..) in WANTED {
            for value in [Some("other"), None] {
                let mut found = safe();
                found.remove(*name);
                found.extend(value.map(|value| ((*name).to_owned(), value.to_owned())));
                assert_eq!(faults(&found, false), [(*name, Judged::Unsafe)]);
            }
        }
    }

    #[test]
    fn old_servers_and_standbys_are_refused() {
        for version in ["149999", "", "new"] {
            let mut found = safe();
            found.insert("server_version_num".to_owned(), version.to_owned());
            assert_eq!(faults(&found, false), [("server_version", Judged::Unsafe)]);
        }
        assert_eq!(faults(&safe(), true), [("pg_is_in_recovery", Judged::Unsafe)]);
    }

    #[test]
    fn a_server_without_checksums_is_doubtful_and_no_more() {
        for value in [Some("off"), None] {
            let mut found = safe();
            found.remove("data_checksums");
            found.extend(value.map(|value| ("data_checksums".to_owned(), value.to_owned())));
            assert_eq!(faults(&found, false), [("data_checksums", Judged::Doubtful)]);
        }
    }
}
