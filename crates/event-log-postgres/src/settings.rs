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
    ])
}

/// Refuses a server or a session that could lose data. Asked of every session that is to write: the next one may be on
/// another server.
pub(crate) async fn assert_safe(connection: &mut PgConnection) -> Result<(), LogError> {
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
    check(&found, is_standby)?;
    if found.get("data_checksums").is_some_and(|value| value == "off") {
        tracing::warn!(
            "PostgreSQL keeps no data checksums: a page that the disk garbles is not noticed by it"
        );
    }
    Ok(())
}

fn check(found: &HashMap<String, String>, is_standby: bool) -> Result<(), LogError> {
    let value = |name: &str| found.get(name).cloned().unwrap_or_else(|| "not there".to_owned());
    let version = value("server_version_num");
    if version.parse::<i64>().unwrap_or(0) < OLDEST {
        let (setting, found, wanted) = ("server_version", value("server_version"), "15 or newer");
        return Err(LogError::UnsafeSetting { setting, found, wanted });
    }
    if is_standby {
        let (setting, found, wanted) =
            ("pg_is_in_recovery", "on".to_owned(), "off: a standby decides nothing");
        return Err(LogError::UnsafeSetting { setting, found, wanted });
    }
    for (setting, safe, wanted) in WANTED {
        let found = value(setting);
        if !safe.contains(&found.as_str()) {
            return Err(LogError::UnsafeSetting { setting, found, wanted });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn safe() -> HashMap<String, String> {
        let pairs = WANTED.iter().map(|(name, safe, _)| ((*name).to_owned(), safe[0].to_owned()));
        pairs.chain([("server_version_num".to_owned(), "150019".to_owned())]).collect()
    }

    #[test]
    fn each_setting_is_looked_at_by_name() {
        check(&safe(), false).unwrap();
        for (name, ..) in WANTED {
            for value in [Some("other"), None] {
                let mut found = safe();
                found.remove(*name);
                found.extend(value.map(|value| ((*name).to_owned(), value.to_owned())));
                let refused = check(&found, false);
                assert!(
                    matches!(&refused, Err(LogError::UnsafeSetting { setting, .. }) if setting == name),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn old_servers_and_standbys_are_refused() {
        for version in ["149999", "", "new"] {
            let mut found = safe();
            found.insert("server_version_num".to_owned(), version.to_owned());
            let refused = check(&found, false);
            assert!(matches!(refused, Err(LogError::UnsafeSetting { setting: "server_version", .. })));
        }
        let refused = check(&safe(), true);
        assert!(matches!(refused, Err(LogError::UnsafeSetting { setting: "pg_is_in_recovery", .. })));
    }
}
