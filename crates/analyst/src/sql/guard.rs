//! The connection a query runs on: what it can see, and what it may name.

use std::{
    collections::HashSet,
    fmt::Write,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use ring::rand::{SecureRandom, SystemRandom};
use rusqlite::{
    Connection, OpenFlags,
    config::DbConfig,
    hooks::{AuthAction, AuthContext, Authorization},
    limits::Limit,
};
use vocabulary::Position;

use super::{Question, TEXT_MAX};
use crate::Source;

/// The longest value, in bytes. The largest cells of read models are some tens of kilobytes.
const VALUE_MAX: i32 = 1 << 20;

/// Tables of the read models' database that are shown beside the declared ones.
const SYSTEM: [&str; 3] = ["sys_projection", "sys_rebuild", "sys_column"];

/// SQLite's functions that only compute. Not among them: those that load code, tell about the library, or draw
/// lots.
const FUNCTIONS: &str = "abs acos acosh asin asinh atan atan2 atanh avg ceil ceiling char coalesce concat concat_ws \
cos cosh count cume_dist current_date current_time current_timestamp date datetime degrees dense_rank exp first_value \
floor format glob group_concat hex if ifnull iif instr json json_array json_array_length json_error_position \
json_extract json_group_array json_group_object json_insert json_object json_patch json_pretty json_quote json_remove \
json_replace json_set json_type json_valid julianday lag last_value lead length like likelihood likely ln log log10 \
log2 lower ltrim max median min mod nth_value ntile nullif octet_length percent_rank percentile percentile_cont \
percentile_disc pi pow power printf quote radians rank replace round row_number rtrim sign sin sinh sqrt strftime \
string_agg subtype substr substring sum tan tanh time timediff total trim trunc typeof unhex unicode unistr \
unistr_quote unixepoch unlikely upper zeroblob -> ->>";

/// What the authorizer said no to last.
pub(super) struct Refusal(Arc<Mutex<Option<String>>>);

impl Refusal {
    pub(super) fn told(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A connection with the merchant's rows in temporary views, at one moment, and the name of what they stand before.
/// Nothing is forbidden yet.
pub(super) fn open(question: &Question, sources: &[Source]) -> rusqlite::Result<(Connection, String)> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_in_memory_with_flags(flags)?;
    conn.busy_timeout(std::time::Duration::from_secs(1))?;
    // Sorters that outgrow the cache go to files, not into memory. Set later, this would drop the views.
    conn.execute_batch("PRAGMA temp_store = file; PRAGMA cache_size = -8192;")?;
    let hidden = drawn_name()?;
    conn.execute(&format!("ATTACH ?1 AS {hidden}"), [read_only(&question.views)])?;
    let merchant = question.merchant.as_str().replace('\'', "''");
    let mut views = String::new();
    for source in sources {
        let names: Vec<String> = source.headings().into_iter().map(|heading| heading.name).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(
            views,
            "CREATE TEMP VIEW {0} AS SELECT {1} FROM {hidden}.{0} WHERE merchant = '{merchant}';",
            source.name,
            names.join(", ")
        );
    }
    let (log_head, now) = (question.log_head, question.now.secs());
    let _ = writeln!(
        views,
        "CREATE TEMP VIEW sys_projection AS SELECT p.name, version, head_pos, max({log_head} - head_pos, 0) AS lag_events,
           iif(head_pos >= {log_head}, 0, max({now} - head_recorded_epoch, 0) * 1000) AS lag_ms,
           head_recorded_at, head_recorded_epoch, last_rebuild_s, digest
           FROM {hidden}.sys_projection p LEFT JOIN {hidden}.sys_rebuild r ON r.merchant = p.merchant AND r.name = p.name
           WHERE p.merchant = '{merchant}';
         CREATE TEMP VIEW sys_rebuild AS SELECT name, pos, last_rebuild_s, digest FROM {hidden}.sys_rebuild
           WHERE merchant = '{merchant}';
         CREATE TEMP VIEW sys_column AS SELECT projection, table_name, column_name, place, meaning_en, meaning_zh
           FROM {hidden}.sys_column;"
    );
    conn.execute_batch(&views)?;
    conn.execute_batch("BEGIN;")?;
    Ok((conn, hidden))
}

/// The last position that all read models contain. It begins the moment that the query sees.
pub(super) fn head(conn: &Connection, projections: &[&str]) -> rusqlite::Result<Position> {
    let known: i64 = conn.query_row("SELECT COUNT(*) FROM sys_projection", [], |row| row.get(0))?;
    let least: Option<i64> =
        conn.query_row("SELECT MIN(head_pos) FROM sys_projection", [], |row| row.get(0))?;
    let all_began = usize::try_from(known).is_ok_and(|known| known >= projections.len());
    Ok(Position(least.filter(|_| all_began).and_then(|head| u64::try_from(head).ok()).unwrap_or(0)))
}

/// Forbids everything but reading the views.
pub(super) fn close(conn: &Connection, hidden: String, sources: &[Source]) -> rusqlite::Result<Refusal> {
    conn.execute_batch("PRAGMA query_only = true;")?;
    for (setting, value) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, false),
    ] {
        conn.set_db_config(setting, value)?;
    }
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_LENGTH, VALUE_MAX),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, i32::try_from(TEXT_MAX).unwrap_or(i32::MAX)),
        (Limit::SQLITE_LIMIT_COLUMN, 500),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 50),
        (Limit::SQLITE_LIMIT_VDBE_OP, 250_000),
        (Limit::SQLITE_LIMIT_FUNCTION_ARG, 64),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        // Matching a pattern takes as many steps as text and pattern have characters, multiplied, in one go.
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200),
        (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 1),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        conn.set_limit(limit, value)?;
    }
    let shown: HashSet<&'static str> = sources.iter().map(|source| source.name).chain(SYSTEM).collect();
    let functions: HashSet<&'static str> = FUNCTIONS.split_whitespace().collect();
    let refusal = Refusal(Arc::default());
    let told = refusal.0.clone();
    let rules = Rules { hidden, shown, functions };
    conn.authorizer(Some(move |context: AuthContext<'_>| match rules.judge(&context) {
        None => Authorization::Allow,
        Some(what) => {
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(what);
            Authorization::Deny
        }
    }))?;
    Ok(refusal)
}

/// What a query may name.
struct Rules {
    hidden: String,
    shown: HashSet<&'static str>,
    functions: HashSet<&'static str>,
}

impl Rules {
    /// What is wrong with something that a query names.
    fn judge(&self, context: &AuthContext<'_>) -> Option<String> {
        let why = match context.action {
            AuthAction::Select | AuthAction::Recursive => return None,
            AuthAction::Function { function_name } => {
                let known = self.functions.contains(function_name.to_ascii_lowercase().as_str());
                (!known).then_some("a function is used that is not allowed")
            }
            AuthAction::Read { table_name, column_name } => {
                let name = table_name.to_ascii_lowercase();
                let may =
                    self.is_shown(&name, column_name, context) || is_own_part(&name, column_name, context);
                (!may).then_some("a table is read that is not shown; see sys_column")
            }
            AuthAction::Pragma { .. } => Some("PRAGMA is not allowed"),
            AuthAction::Attach { .. } | AuthAction::Detach { .. } => Some("databases cannot be attached"),
            _ => Some("only a SELECT may be run"),
        };
        why.map(str::to_owned)
    }

    /// Whether it is one of the views, or read by one of them. Every name that is shown has a view in front: what lies
    /// behind it cannot be named, and it would not do to ask who reads it, for a query may call its parts as it likes.
    fn is_shown(&self, name: &str, column: &str, context: &AuthContext<'_>) -> bool {
        let hidden = context.database_name == Some(self.hidden.as_str());
        let direct = hidden && context.accessor.is_none() && !column.is_empty();
        !direct && (self.shown.contains(name) || matches!(name, "json_each" | "json_tree"))
    }
}

/// Whether it is a part that the query names itself (`WITH …`). SQLite asks about those that no column is read of.
fn is_own_part(name: &str, column: &str, context: &AuthContext<'_>) -> bool {
    let systems = ["sqlite_", "sys_", "pragma_", "dbstat", "fts", "_"];
    column.is_empty()
        && context.database_name.is_none()
        && !systems.iter().any(|start| name.starts_with(start))
}

/// A name nobody can guess: what is hidden behind the views cannot be named.
fn drawn_name() -> rusqlite::Result<String> {
    let mut bytes = [0_u8; 16];
    let drawn = SystemRandom::new().fill(&mut bytes);
    drawn.map_err(|_| rusqlite::Error::InvalidParameterName("no randomness".to_owned()))?;
    Ok(format!("v{}", hex::encode(bytes)))
}

/// The address of a file that is opened for reading only.
pub(crate) fn read_only(path: &Path) -> String {
    let mut address = String::from("file:");
    for c in path.to_string_lossy().chars() {
        match c {
            '%' => address.push_str("%25"),
            '?' => address.push_str("%3f"),
            '#' => address.push_str("%23"),
            c => address.push(c),
        }
    }
    address.push_str("?mode=ro");
    address
}
