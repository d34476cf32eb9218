//! How many events a second are published to a NATS server of this machine, and followed from it with every hash
//! checked: `cargo run --release -p event-relay --example relay_rate -- [events]`.

use std::{env, sync::Arc, time::Instant};

use anyhow::{Context, Result};
use event_relay::{Client, Follow, FollowOptions, Place, Relay, RelayOptions};
use projection::testkit::{MemoryLog, merchant, plausible_history};
use testkit::nats::NatsServer;
use vocabulary::Position;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the program's output")]
async fn main() -> Result<()> {
    let wanted = env::args().nth(1).map_or(Ok(100_000), |text| text.parse()).context("a number of events")?;
    let server = NatsServer::start(&env::temp_dir().join("kami-nats")).map_err(anyhow::Error::msg)?;
    let history = plausible_history(7, wanted);
    let head = Position(history.len() as u64);
    let log = Arc::new(MemoryLog::holding(history));

    let relay = Relay::new(log, &merchant(), client(&server).await?, RelayOptions::default());
    let mut progress = relay.progress();
    let started = Instant::now();
    let publishing = tokio::spawn(relay.run());
    progress.wait_for(|progress| progress.position == head).await?;
    println!("published: {:.0} events/s", rate(head, started));
    publishing.abort();

    let mut follow =
        Follow::new(client(&server).await?, &merchant(), "rate", Place::START, FollowOptions::default());
    let started = Instant::now();
    while follow.place().position < head {
        follow.next().await?;
        follow.applied(follow.place().position).await;
    }
    println!("followed:  {:.0} events/s", rate(head, started));
    Ok(())
}

async fn client(server: &NatsServer) -> Result<Client> {
    Ok(async_nats::connect(server.url()).await?)
}

fn rate(events: Position, since: Instant) -> f64 {
    events.0 as f64 / since.elapsed().as_secs_f64()
}
