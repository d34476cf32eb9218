//! The stock store: `cqrs-es` on `postgres-es`, as its documentation sets it up.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use postgres_es::{PostgresCqrs, default_postgress_pool, postgres_cqrs};
use serde::{Deserialize, Serialize};
use sqlx::{Pool, Postgres};
use uuid::Uuid;

use crate::appends::PAYLOAD;

/// The table that `postgres-es` wants.
const TABLE: &str = "
    DROP TABLE IF EXISTS events;
    CREATE TABLE events (
        aggregate_type text                         NOT NULL,
        aggregate_id   text                         NOT NULL,
        sequence       bigint CHECK (sequence >= 0) NOT NULL,
        event_type     text                         NOT NULL,
        event_version  text                         NOT NULL,
        payload        json                         NOT NULL,
        metadata       json                         NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, sequence)
    )";

/// An aggregate that takes one command and has one event.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Order;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Placed {
    order: serde_json::Value,
}

impl DomainEvent for Placed {
    fn event_type(&self) -> String {
        "OrderPlaced".to_owned()
    }
    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

impl Aggregate for Order {
    const TYPE: &'static str = "order";
    type Command = Placed;
    type Event = Placed;
    type Error = std::convert::Infallible;
    type Services = ();

    async fn handle(&mut self, command: Placed, _: &(), sink: &EventSink<Self>) -> Result<(), Self::Error> {
        sink.write(command, self).await;
        Ok(())
    }

    fn apply(&mut self, _: Placed) {}
}

/// An empty stock store in a database.
pub(crate) async fn open(url: &str) -> anyhow::Result<Pool<Postgres>> {
    let pool = default_postgress_pool(url).await;
    sqlx::raw_sql(TABLE).execute(&pool).await?;
    Ok(pool)
}

/// Commands per second, each to an aggregate of its own with a time-ordered name.
pub(crate) async fn commands_per_s(
    pool: &Pool<Postgres>,
    clients: usize,
    limit: Duration,
) -> anyhow::Result<f64> {
    let cqrs: Arc<PostgresCqrs<Order>> = Arc::new(postgres_cqrs(pool.clone(), Vec::new(), ()));
    let order: serde_json::Value = serde_json::from_str(PAYLOAD)?;
    let (answered, started) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let clients = (0..clients).map(|_| {
        let (cqrs, answered, order) = (cqrs.clone(), answered.clone(), order.clone());
        tokio::spawn(async move {
            while started.elapsed() < limit {
                let id = format!("order-{}", Uuid::now_v7().simple());
                let done = cqrs.execute(&id, Placed { order: order.clone() }).await;
                done.map_err(|error| anyhow::anyhow!("{error:?}"))?;
                answered.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await??;
    }
    Ok(answered.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64().max(1e-9))
}
