//! The log in PostgreSQL, without an engine: what it takes of what the server takes, with how many clients, and whether
//! that depends on how many merchants there are or how long their logs are.

mod appends;

use std::{collections::BTreeMap, fmt::Write, sync::Arc, time::Duration};

use event_log::EventLog;
use event_log_postgres::PostgresLog;
use serde::Serialize;

use self::appends::{Ends, against_raw_inserts, commands_per_s, fill};
use super::machine::Machine;

/// Events of one append that is held against a raw insert.
const TOGETHER: usize = 256;
const CLIENTS: [usize; 3] = [1, 16, 64];
const MERCHANTS: [usize; 4] = [1, 10, 100, 1_000];
const LENGTHS: [u64; 5] = [0, 10_000, 100_000, 1_000_000, 10_000_000];
/// The longest log unless another is asked for.
const LENGTH: u64 = 1_000_000;

/// What was measured. Rates are per second, of events that are durable when they are counted.
#[derive(Debug, Serialize)]
pub(crate) struct LogFigures {
    pub(crate) scenario: &'static str,
    /// Events in appends of 256.
    pub(crate) appended_per_s: f64,
    /// The same batches by raw multi-row inserts.
    pub(crate) raw_per_s: f64,
    /// The first as a share of the second.
    pub(crate) of_raw: f64,
    /// Commands of one event, by how many clients send them.
    pub(crate) commands_per_s: BTreeMap<usize, f64>,
    /// Commands of 64 clients, by how many merchants they are of.
    pub(crate) by_merchants: BTreeMap<usize, f64>,
    /// The rate with most merchants as a share of that with one.
    pub(crate) of_one_merchant: f64,
    /// Commands of 64 clients, by how many events the log had before.
    pub(crate) by_length: BTreeMap<u64, f64>,
    /// The rate on the longest log as a share of that on an empty one.
    pub(crate) of_empty: f64,
    /// The same as a share of that on an empty log which was measured right after it, in the same database.
    pub(crate) of_empty_beside: f64,
    pub(crate) machine: Machine,
}

/// Measures on a database, which should hold nothing else: merchants of the run stay in it.
pub(crate) async fn run(
    url: &str,
    limit: Duration,
    length: Option<u64>,
    progress: &dyn Fn(&str),
) -> anyhow::Result<LogFigures> {
    let log: Arc<PostgresLog> = Arc::new(PostgresLog::open(url).await?);
    let shared: Arc<dyn EventLog> = log.clone();
    if !event_log_postgres::settle(url).await? {
        progress("the role may not CHECKPOINT: steps begin while earlier ones are still written back");
    }
    progress("appends, and raw inserts of the same");
    let (appended_per_s, raw_per_s) = against_raw_inserts(&*log, url, TOGETHER, limit).await?;

    let measure = async |ends: Ends, clients: usize| {
        event_log_postgres::settle(url).await?;
        commands_per_s(shared.clone(), ends, clients, limit).await
    };
    let mut by_clients = BTreeMap::new();
    for clients in CLIENTS {
        progress(&format!("{clients} clients"));
        let ends = Ends::claim(&*log, &format!("clients-{clients}"), 1).await?;
        by_clients.insert(clients, measure(ends, clients).await?.0);
    }
    let mut by_merchants = BTreeMap::new();
    for merchants in MERCHANTS {
        progress(&format!("{merchants} merchants"));
        let ends = Ends::claim(&*log, &format!("of-{merchants}"), merchants).await?;
        by_merchants.insert(merchants, measure(ends, 64).await?.0);
    }
    let mut by_length = BTreeMap::new();
    let mut ends = Ends::claim(&*log, "length", 1).await?;
    let merchant = ends.merchants().remove(0);
    for events in LENGTHS.into_iter().filter(|events| *events <= length.unwrap_or(LENGTH)) {
        progress(&format!("a log of {events} events"));
        fill(&*log, &mut ends, &merchant, events).await?;
        let (rate, after) = measure(ends, 64).await?;
        ends = after;
        by_length.insert(events, rate);
    }
    progress("an empty log beside it");
    let (empty, _) = measure(Ends::claim(&*log, "beside", 1).await?, 64).await?;
    let of_empty_beside = by_length.values().next_back().map_or(0.0, |last| last / empty.max(1e-9));
    log.close().await?;
    Ok(LogFigures {
        scenario: "log",
        appended_per_s,
        raw_per_s,
        of_raw: appended_per_s / raw_per_s.max(1e-9),
        commands_per_s: by_clients,
        of_one_merchant: share(&by_merchants),
        by_merchants,
        of_empty: share(&by_length),
        of_empty_beside,
        by_length,
        machine: Machine::this(),
    })
}

/// The last rate as a share of the first.
fn share<K: Ord>(rates: &BTreeMap<K, f64>) -> f64 {
    let ends = rates.values().next_back().zip(rates.values().next());
    ends.map_or(0.0, |(last, first)| last / first.max(1e-9))
}

impl LogFigures {
    /// The figures for people.
    pub(crate) fn table(&self) -> String {
        let mut text = format!(
            "appends    {:.0} events/s, {:.3} of raw inserts ({:.0} /s)",
            self.appended_per_s, self.of_raw, self.raw_per_s
        );
        let mut row = |name: &str, rates: &mut dyn Iterator<Item = (String, f64)>| {
            let rates: Vec<String> = rates.map(|(at, rate)| format!("{at}: {rate:.0}")).collect();
            // Writing to a String cannot fail.
            let _ = write!(text, "\n{name:<10} {}", rates.join(", "));
        };
        row("clients", &mut self.commands_per_s.iter().map(|(at, rate)| (at.to_string(), *rate)));
        row("merchants", &mut self.by_merchants.iter().map(|(at, rate)| (at.to_string(), *rate)));
        row("length", &mut self.by_length.iter().map(|(at, rate)| (at.to_string(), *rate)));
        let _ = write!(
            text,
            "\nflat       {:.3} of one merchant, {:.3} of an empty log, {:.3} of one beside",
            self.of_one_merchant, self.of_empty, self.of_empty_beside
        );
        text
    }
}
