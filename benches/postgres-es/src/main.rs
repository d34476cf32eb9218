//! The log in PostgreSQL and the crate `postgres-es`, doing the same on the same server in one run: a command is one event
//! of an aggregate of its own, with the same payload, answered when it is durable.
//!
//!     cargo run --release -- postgres://user@host/an_empty_database [seconds]

#[path = "../../../crates/kami/src/bench/log/appends.rs"]
#[allow(dead_code)]
mod appends;
mod stock;

use std::{sync::Arc, time::Duration};

use event_log_postgres::PostgresLog;

use appends::{Ends, against_raw_inserts, commands_per_s};

const CLIENTS: [usize; 3] = [1, 16, 64];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or_else(|| anyhow::anyhow!("name a PostgreSQL database to measure in"))?;
    let seconds = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let limit = Duration::from_secs(seconds);
    let log = Arc::new(PostgresLog::open(&url).await?);
    let stock = stock::open(&url).await?;
    let (appended, raw) = against_raw_inserts(&*log, &url, 256, limit).await?;
    println!("raw inserts {raw:.0} events/s, appends {appended:.0}: {:.3}", appended / raw.max(1e-9));
    println!("clients  log /s  postgres-es /s  ratio");
    for clients in CLIENTS {
        let ends = Ends::claim(&*log, &format!("against-{clients}"), 1).await?;
        let (ours, _) = commands_per_s(log.clone(), ends, clients, limit).await?;
        let theirs = stock::commands_per_s(&stock, clients, limit).await?;
        println!("{clients:>7}  {ours:>6.0}  {theirs:>14.0}  {:>5.1}", ours / theirs.max(1e-9));
    }
    Ok(log.close().await?)
}
