//! From one cell back to the events that made it.
//!
//! A declared [`projection::Trace`] names the histories a row is made of. These are then folded event by event, in a
//! private database, and the events that changed the cell are told, with its value before and after. Where that does
//! not give the cell's value (it also depends on something else), the whole histories are told.

use std::sync::{Arc, atomic::AtomicBool};

use event_log::{EventLog, LogError};
use events::RecordedEvent;
use projection::{Gives, Pick, Projection, Views, ViewsError};
use serde_json::Value;
use vocabulary::{MerchantId, Position, StreamId, StreamVersion, Timestamp};

use crate::{
    Filter, Source, page,
    sql::{self, Budget, Question, SqlError},
};

/// Most events that are told of a cell. Where there are more, [`Explained::query`] finds them.
pub const EVENTS_MAX: usize = 1_000;

/// How the events belong to the cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// Folding the event changed the cell; all those that did are told.
    Changed,
    /// The event is of the histories that the row is made of.
    History,
    /// It is the newest that touched the row: how others are found is not declared.
    Newest,
}

impl Because {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::History => "history",
            Self::Newest => "newest",
        }
    }
}

/// One event behind a cell.
#[derive(Debug, Clone)]
pub struct Step {
    /// The event.
    pub event: RecordedEvent,
    /// The cell before and after it, where that is known. `null` also stands for a row that was not there.
    pub change: Option<(Value, Value)>,
}

/// A cell, and the events that made it.
#[derive(Debug, Clone)]
pub struct Explained {
    /// Its value.
    pub value: Value,
    /// The last position that its row contains.
    pub head: Position,
    /// How the events belong to it.
    pub because: Because,
    /// The events in the order of the log, at most [`EVENTS_MAX`].
    pub events: Vec<Step>,
    /// Whether these are all.
    pub is_complete: bool,
    /// Finds, as a query in SQL, the positions of all events of the histories, or the names of their streams.
    pub query: Option<String>,
}

/// Why a cell cannot be explained.
#[derive(Debug, thiserror::Error)]
pub enum CellError {
    /// The source has no such column.
    #[error("there is no such column")]
    NoColumn,
    /// The source has no row with that key.
    #[error("there is no row with this key")]
    NoRow,
    /// The read models cannot be read.
    #[error("read models cannot be read")]
    Store(#[from] sqlx::Error),
    /// The read models cannot be folded.
    #[error("read models cannot be folded")]
    Views(#[from] ViewsError),
    /// The log cannot be read.
    #[error("log cannot be read")]
    Log(#[from] LogError),
    /// The declared trace cannot be followed.
    #[error("the trace of {source_name} cannot be followed")]
    Trace {
        /// The table or view.
        source_name: &'static str,
        /// Why.
        source: SqlError,
    },
    /// The program is stopping.
    #[error("the program is stopping")]
    Stopped,
}

/// Which cell.
pub struct Cell<'c> {
    /// The read models it stands in.
    pub views: Arc<Views>,
    /// Whose.
    pub merchant: &'c MerchantId,
    /// The table or view.
    pub source: &'c Source,
    /// The values of its key columns, in their order.
    pub key: &'c [Value],
    /// The column.
    pub column: &'c str,
}

/// The events that made a cell.
pub async fn explain(log: &dyn EventLog, cell: &Cell<'_>) -> Result<Explained, CellError> {
    let Some(place) = cell.source.headings().iter().position(|heading| heading.name == cell.column) else {
        return Err(CellError::NoColumn);
    };
    let (row, head) = cell.row(&cell.views).await?;
    let row = row.ok_or(CellError::NoRow)?;
    let value = row[place].clone();
    let newest = cell.last_pos(&row);
    let (query, mut found) = match cell.source.trace() {
        Some((gives, select)) => candidates(log, cell, gives, &cell.filled(&select, &row), head).await?,
        None => (String::new(), Vec::new()),
    };
    if found.is_empty() {
        let events = read(log, cell.merchant, &[newest]).await?;
        let events = events.into_iter().map(|event| Step { event, change: None }).collect();
        return Ok(Explained {
            value,
            head,
            because: Because::Newest,
            events,
            is_complete: false,
            query: None,
        });
    }
    let is_complete = found.len() <= EVENTS_MAX;
    found.truncate(EVENTS_MAX);
    if is_complete && let Some(events) = changes(cell, place, &value, &found).await? {
        return Ok(Explained {
            value,
            head,
            because: Because::Changed,
            events,
            is_complete,
            query: Some(query),
        });
    }
    let events = found.into_iter().map(|event| Step { event, change: None }).collect();
    Ok(Explained { value, head, because: Because::History, events, is_complete, query: Some(query) })
}

impl Cell<'_> {
    /// The row with the cell's key, and the last position it contains.
    async fn row(&self, views: &Views) -> Result<(Option<Vec<Value>>, Position), CellError> {
        let filters = Filter::key(self.source, self.key).ok_or(CellError::NoRow)?;
        let mut conn = views.reader().acquire().await?;
        let mut found = page(&mut conn, self.merchant, self.source, &filters, None, 1).await?;
        Ok((found.sheet.rows.pop(), found.head))
    }

    fn last_pos(&self, row: &[Value]) -> Position {
        let place = self.source.headings().iter().position(|heading| heading.name == "last_pos");
        Position(place.and_then(|place| row[place].as_u64()).unwrap_or_default())
    }

    /// A trace's query with the row's values in place of `:column`.
    fn filled(&self, select: &str, row: &[Value]) -> String {
        let headings = self.source.headings();
        let mut parts = select.split(':');
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(part.len());
            let (name, rest) = part.split_at(end);
            match headings.iter().position(|heading| heading.name == name) {
                Some(place) => text.push_str(&literal(&row[place])),
                None => {
                    text.push(':');
                    text.push_str(name);
                }
            }
            text.push_str(rest);
        }
        text
    }
}

fn literal(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Bool(flag) => i32::from(*flag).to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("'{}'", text.replace('\'', "''")),
        other => format!("'{}'", other.to_string().replace('\'', "''")),
    }
}

/// The query that finds the events of the histories, and those up to `head`, one more than are told at most.
async fn candidates(
    log: &dyn EventLog,
    cell: &Cell<'_>,
    gives: Gives,
    select: &str,
    head: Position,
) -> Result<(String, Vec<RecordedEvent>), CellError> {
    let query = match gives {
        Gives::Positions | Gives::Streams => select.to_owned(),
        Gives::Orders => {
            format!("SELECT DISTINCT pos FROM fct_order_event WHERE order_id IN ({select}) ORDER BY pos")
        }
    };
    let found = ask(cell, format!("SELECT * FROM ({query}) LIMIT {}", EVENTS_MAX + 1)).await?;
    let events = if gives == Gives::Streams {
        let streams = found.iter().filter_map(Value::as_str).filter_map(|name| name.parse().ok()).collect();
        of_streams(log, cell.merchant, streams, head).await?
    } else {
        let positions: Vec<Position> = found.iter().filter_map(Value::as_u64).map(Position).collect();
        read(log, cell.merchant, &positions).await?
    };
    Ok((query, events.into_iter().filter(|event| event.position <= head).collect()))
}

/// The first column of what a query gives, asked as an analyst would.
async fn ask(cell: &Cell<'_>, text: String) -> Result<Vec<Value>, CellError> {
    let question = Question {
        views: cell.views.path().to_owned(),
        merchant: cell.merchant.clone(),
        projections: cell.views.projections().to_vec(),
        log_head: Position(0),
        now: Timestamp::from_secs(0),
        text,
        budget: Budget::default(),
        given_up: Arc::new(AtomicBool::new(false)),
    };
    let asked =
        tokio::task::spawn_blocking(move || sql::run(&question)).await.map_err(|_| CellError::Stopped)?;
    let answer = asked.map_err(|source| CellError::Trace { source_name: cell.source.name, source })?;
    Ok(answer.sheet.rows.into_iter().filter_map(|row| row.into_iter().next()).collect())
}

async fn of_streams(
    log: &dyn EventLog,
    merchant: &MerchantId,
    streams: Vec<StreamId>,
    head: Position,
) -> Result<Vec<RecordedEvent>, CellError> {
    let mut all = Vec::new();
    for stream in streams {
        all.extend(log.read_stream(merchant, &stream, StreamVersion(0), EVENTS_MAX + 1).await?);
    }
    all.retain(|event| event.position <= head);
    all.sort_by_key(|event| event.position);
    Ok(all)
}

async fn read(
    log: &dyn EventLog,
    merchant: &MerchantId,
    positions: &[Position],
) -> Result<Vec<RecordedEvent>, CellError> {
    let mut all = Vec::with_capacity(positions.len());
    for position in positions.iter().filter(|position| position.0 > 0) {
        all.extend(log.read_log(merchant, Position(position.0 - 1), 1).await?);
    }
    Ok(all)
}

/// The events that change the cell when they are folded one after the other; none where that does not end at its
/// value.
async fn changes(
    cell: &Cell<'_>,
    place: usize,
    value: &Value,
    events: &[RecordedEvent],
) -> Result<Option<Vec<Step>>, CellError> {
    let needed = |projection: &&Arc<dyn Projection>| {
        let name = projection.name();
        name == cell.source.projection.name() || cell.source.reads.contains(&name)
    };
    let projections = cell.views.projections().iter().filter(needed).cloned().collect();
    let mut pick = Pick::new(cell.merchant, projections).await?;
    let mut steps = Vec::new();
    let mut before: Option<Value> = None;
    for event in events {
        pick.take(event.clone()).await?;
        let (row, _) = cell.row(pick.views()).await?;
        let after = row.map(|row| row[place].clone());
        if after != before {
            let told = |cell: &Option<Value>| cell.clone().unwrap_or(Value::Null);
            steps.push(Step { event: event.clone(), change: Some((told(&before), told(&after))) });
            before = after;
        }
    }
    Ok((before.as_ref() == Some(value)).then_some(steps))
}
