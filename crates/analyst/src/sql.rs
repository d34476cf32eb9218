//! One SELECT of somebody who is not trusted, over the rows of one merchant.
//!
//! The query runs on a connection of its own, whose main database is empty. The read models are attached for
//! reading under a name that is drawn anew each time, and in front of each table stands a temporary view with the
//! rows of one merchant. What the query names is looked at by SQLite's authorizer while it is compiled; what it
//! costs is counted while it runs.

mod guard;
mod shape;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use projection::{Kind, Projection};
use rusqlite::{Connection, ErrorCode, Row, types::ValueRef};
use serde_json::Value;
use vocabulary::{MerchantId, Position, Timestamp};

use crate::{Heading, Sheet, sources};
pub(crate) use guard::read_only;
pub use shape::shape;

/// The longest query, in bytes.
pub const TEXT_MAX: usize = 20_000;

/// SQLite's instructions between two looks at the budget.
const STEPS_PER_LOOK: u32 = 1_000;

/// How much a query may cost.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Instructions of SQLite's machine.
    pub steps: u64,
    /// Time, from the beginning.
    pub time: Duration,
    /// Rows that are given.
    pub rows: usize,
    /// Bytes of all cells that are given.
    pub bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { steps: 2_000_000_000, time: Duration::from_secs(10), rows: 100_000, bytes: 64 << 20 }
    }
}

/// A query, and what it is asked of.
pub struct Question {
    /// The file of the read models ([`projection::Views::path`]).
    pub views: PathBuf,
    /// Whose rows.
    pub merchant: MerchantId,
    /// The read models that lie there.
    pub projections: Vec<Arc<dyn Projection>>,
    /// The end of the log, which `sys_projection` is held against.
    pub log_head: Position,
    /// The time by our clock, which `sys_projection` is held against.
    pub now: Timestamp,
    /// The query.
    pub text: String,
    /// What it may cost.
    pub budget: Budget,
    /// Set when nobody waits for the answer any more.
    pub given_up: Arc<AtomicBool>,
}

/// What a query gave.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The rows. Kinds are told from the cells: whole numbers, numbers, else text; bytes are hexadecimal text.
    pub sheet: Sheet,
    /// The last position that all read models contain.
    pub head: Position,
    /// SQLite's instructions, rounded down to a thousand.
    pub steps: u64,
}

/// Why a query gave nothing. The texts repeat no literal of the query.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// It may not be run.
    #[error("{0}")]
    Refused(String),
    /// It cannot be run.
    #[error("{0}")]
    Failed(String),
    /// It costs too much.
    #[error("{why}")]
    OverBudget {
        /// Which part of the budget.
        why: &'static str,
        /// SQLite's instructions when it was stopped, rounded down to a thousand.
        steps: u64,
    },
    /// The read models cannot be opened.
    #[error("read models cannot be asked")]
    Broken(#[source] rusqlite::Error),
}

/// Runs a query to its end. Blocks; call it where that is allowed.
pub fn run(question: &Question) -> Result<Answer, SqlError> {
    if question.text.len() > TEXT_MAX {
        return Err(SqlError::Refused(format!("a query has at most {TEXT_MAX} bytes")));
    }
    if shape::statements(&question.text) > 1 {
        return Err(SqlError::Refused("one statement at a time".to_owned()));
    }
    if !shape::is_query(&question.text) {
        return Err(SqlError::Refused("only a SELECT may be run".to_owned()));
    }
    let sources = sources(&question.projections);
    let (conn, hidden) = guard::open(question, &sources).map_err(SqlError::Broken)?;
    let names: Vec<&str> = question.projections.iter().map(|projection| projection.name()).collect();
    let head = guard::head(&conn, &names).map_err(SqlError::Broken)?;
    let why = guard::close(&conn, hidden, &sources).map_err(SqlError::Broken)?;
    let meter = Meter::start(&conn, question).map_err(SqlError::Broken)?;
    let sheet = read(&conn, question).map_err(|stopped| match stopped {
        Stopped::Sql(error) => meter.judge(&error, why.told()),
        Stopped::TooMany(why) => SqlError::OverBudget { why, steps: meter.steps() },
        Stopped::Refused(why) => SqlError::Refused(why.to_owned()),
    })?;
    Ok(Answer { sheet, head, steps: meter.steps() })
}

/// Counts what a query costs, and stops it.
struct Meter {
    steps: Arc<AtomicU64>,
    stopped: Arc<AtomicBool>,
}

impl Meter {
    fn start(conn: &Connection, question: &Question) -> rusqlite::Result<Self> {
        let meter = Self { steps: Arc::default(), stopped: Arc::default() };
        let (steps, stopped, given_up) =
            (meter.steps.clone(), meter.stopped.clone(), question.given_up.clone());
        let (budget, since) = (question.budget, Instant::now());
        let look = move || {
            let spent = steps.fetch_add(STEPS_PER_LOOK.into(), Ordering::Relaxed) + u64::from(STEPS_PER_LOOK);
            let stop =
                spent > budget.steps || since.elapsed() > budget.time || given_up.load(Ordering::Relaxed);
            stopped.fetch_or(stop, Ordering::Relaxed);
            stop
        };
        conn.progress_handler(i32::try_from(STEPS_PER_LOOK).unwrap_or(i32::MAX), Some(look))?;
        Ok(meter)
    }
    fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }
    /// What an error of SQLite means to whoever asked.
    fn judge(&self, error: &rusqlite::Error, refused: Option<String>) -> SqlError {
        if self.stopped.load(Ordering::Relaxed) {
            return SqlError::OverBudget { why: "the query takes too long", steps: self.steps() };
        }
        if let Some(what) = refused {
            return SqlError::Refused(what);
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::AuthorizationForStatementDenied) => SqlError::Refused("not allowed".to_owned()),
            Some(ErrorCode::TooBig) => {
                SqlError::OverBudget { why: "a value is too large", steps: self.steps() }
            }
            Some(ErrorCode::OutOfMemory | ErrorCode::DiskFull) => {
                SqlError::OverBudget { why: "the query needs too much room", steps: self.steps() }
            }
            _ => SqlError::Failed(shape::without_digits(&message(error))),
        }
    }
}

fn message(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        rusqlite::Error::SqliteFailure(_, Some(told)) => told.clone(),
        rusqlite::Error::MultipleStatement => "one statement at a time".to_owned(),
        other => other.to_string(),
    }
}

enum Stopped {
    Sql(rusqlite::Error),
    TooMany(&'static str),
    Refused(&'static str),
}

impl From<rusqlite::Error> for Stopped {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

fn read(conn: &Connection, question: &Question) -> Result<Sheet, Stopped> {
    let mut statement = conn.prepare(&question.text)?;
    if statement.column_count() == 0 || !statement.readonly() || statement.is_explain() != 0 {
        return Err(Stopped::Refused("only a SELECT may be run"));
    }
    if statement.parameter_count() > 0 {
        return Err(Stopped::Refused("a query has no parameters"));
    }
    let names = unique(statement.column_names());
    let (width, mut rows) = (names.len(), Vec::new());
    let mut found = statement.raw_query();
    let mut bytes = 0_usize;
    while let Some(row) = found.next()? {
        if rows.len() >= question.budget.rows {
            return Err(Stopped::TooMany("the query gives too many rows"));
        }
        let cells = cells(row, width)?;
        bytes += cells.iter().map(|(_, size)| size + size_of::<Value>()).sum::<usize>();
        if bytes > question.budget.bytes {
            return Err(Stopped::TooMany("the query gives too much"));
        }
        rows.push(cells.into_iter().map(|(cell, _)| cell).collect::<Vec<Value>>());
    }
    let heading = |(place, name)| Heading { name, kind: kind(&rows, place) };
    Ok(Sheet { headings: names.into_iter().enumerate().map(heading).collect(), rows })
}

/// The cells of a row, each with the bytes it takes.
fn cells(row: &Row<'_>, width: usize) -> rusqlite::Result<Vec<(Value, usize)>> {
    let cell = |place| {
        Ok(match row.get_ref(place)? {
            ValueRef::Null => (Value::Null, 0),
            ValueRef::Integer(number) => (Value::from(number), 0),
            ValueRef::Real(number) => (Value::from(number), 0),
            ValueRef::Text(text) => (Value::from(String::from_utf8_lossy(text)), text.len()),
            ValueRef::Blob(bytes) => (Value::from(hex::encode(bytes)), 2 * bytes.len()),
        })
    };
    (0..width).map(cell).collect()
}

fn kind(rows: &[Vec<Value>], place: usize) -> Kind {
    let mut kind = None;
    for cell in rows.iter().map(|row| &row[place]).filter(|cell| !cell.is_null()) {
        kind = match (kind, cell) {
            (None | Some(Kind::Int), cell) if cell.is_i64() => Some(Kind::Int),
            (None | Some(Kind::Int | Kind::Real), cell) if cell.is_number() => Some(Kind::Real),
            _ => return Kind::Text,
        };
    }
    kind.unwrap_or(Kind::Text)
}

/// The names of the columns; the second `n` is `n_2`.
fn unique(names: Vec<&str>) -> Vec<String> {
    let mut taken: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        let mut candidate = name.to_owned();
        let mut count = 1;
        while taken.contains(&candidate) {
            count += 1;
            candidate = format!("{name}_{count}");
        }
        taken.push(candidate);
    }
    taken
}
