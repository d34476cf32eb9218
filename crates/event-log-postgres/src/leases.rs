//! Leases: which node serves which merchant, and for how long. PostgreSQL's clock alone judges when one ends.
//!
//! A lease keeps nodes out of each other's way; it keeps nothing safe. What does is the epoch in every append: whoever
//! takes a merchant over claims it ([`event_log::EventLog::claim`]), and from then on the one before is refused.

mod work;

use std::{collections::BTreeMap, time::Duration};

use event_log::LogError;
use sqlx::{
    PgPool, Row,
    postgres::{PgPoolOptions, PgRow},
    raw_sql,
};
use vocabulary::{Epoch, MerchantId};

use crate::{
    error::{damaged, from_sql, store, to_sql},
    settings,
};

pub use work::Worker;

const SCHEMA: &str = include_str!("migrations/cluster.sql");
/// One node makes the tables, the others wait for it: PostgreSQL lets only one of two succeed.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtext('kami_cluster.schema'))";

/// What a node says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Tells this process from all others that ever had the name.
    pub process: String,
    /// Where the others reach its HTTP, `http://10.0.0.5:7300`; empty where they cannot.
    pub advertise: String,
    /// Its build.
    pub version: String,
    /// The newest form of forwarded requests that it reads.
    pub protocol: i32,
    /// Whom it may serve.
    pub merchants: Vec<MerchantId>,
    /// How many of them at once.
    pub at_most: u32,
    /// Whether it takes merchants; false while it is leaving.
    pub takes: bool,
}

/// A lease that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The node that holds it.
    pub node: String,
    /// The node's process.
    pub process: String,
    /// Raised whenever somebody takes it.
    pub term: u64,
    /// The log's epoch under which the node serves; 0 until it does.
    pub epoch: Epoch,
}

/// How things stand at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The nodes that are alive, by name.
    pub nodes: BTreeMap<String, Node>,
    /// Every merchant that any node ever named; `None` where nobody has a lease that holds.
    pub leases: BTreeMap<MerchantId, Option<Lease>>,
}

/// The leases of a database, for one node.
#[derive(Debug)]
pub struct Leases {
    pool: PgPool,
    lasts: Duration,
}

impl Leases {
    /// Opens the leases of a database, making their tables the first time. Each lease and sign of life holds for
    /// `lasts`; no question waits longer than a third of that.
    pub async fn open(url: &str, lasts: Duration) -> Result<Self, LogError> {
        let patience = lasts / 3;
        let timeout = format!("{}ms", patience.as_millis().max(1));
        let options =
            settings::parse(url)?.options([("statement_timeout", &*timeout), ("lock_timeout", &*timeout)]);
        let pool = PgPoolOptions::new().max_connections(2).acquire_timeout(patience);
        let pool = pool.connect_with(options).await.map_err(store)?;
        let mut transaction = pool.begin().await.map_err(store)?;
        sqlx::query(LOCK).execute(&mut *transaction).await.map_err(store)?;
        raw_sql(SCHEMA).execute(&mut *transaction).await.map_err(store)?;
        transaction.commit().await.map_err(store)?;
        Ok(Self { pool, lasts })
    }

    /// How long a lease holds from when it was taken or renewed.
    pub fn lasts(&self) -> Duration {
        self.lasts
    }

    /// Gives a sign of life and makes the node's merchants known. False where another process with this name is alive.
    pub async fn live(&self, node: &Node) -> Result<bool, LogError> {
        let merchants: Vec<&str> = node.merchants.iter().map(MerchantId::as_str).collect();
        let done = sqlx::query(
            "INSERT INTO kami_cluster.node AS n \
             (node, process, advertise, version, protocol, merchants, at_most, takes, alive_until) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp() + $9 * interval '1 microsecond') \
             ON CONFLICT (node) DO UPDATE SET process = excluded.process, advertise = excluded.advertise, \
             version = excluded.version, protocol = excluded.protocol, merchants = excluded.merchants, \
             at_most = excluded.at_most, takes = excluded.takes, alive_until = excluded.alive_until \
             WHERE n.process = excluded.process OR n.alive_until <= clock_timestamp()",
        )
        .bind(&node.name)
        .bind(&node.process)
        .bind(&node.advertise)
        .bind(&node.version)
        .bind(node.protocol)
        .bind(&merchants)
        .bind(i32::try_from(node.at_most).unwrap_or(i32::MAX))
        .bind(node.takes)
        .bind(self.micros())
        .execute(&self.pool)
        .await
        .map_err(store)?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO kami_cluster.lease (merchant) SELECT new FROM unnest($1::text[]) AS new \
             WHERE NOT EXISTS (SELECT FROM kami_cluster.lease WHERE merchant = new) ON CONFLICT DO NOTHING",
        )
        .bind(&merchants)
        .execute(&self.pool)
        .await
        .map_err(store)?;
        Ok(true)
    }

    /// Takes a merchant that nobody holds, and says in which term; `None` where somebody does.
    pub async fn take(&self, node: &Node, merchant: &MerchantId) -> Result<Option<u64>, LogError> {
        let row = sqlx::query(
            "UPDATE kami_cluster.lease SET node = $2, process = $3, term = term + 1, epoch = 0, \
             expires_at = clock_timestamp() + $4 * interval '1 microsecond' \
             WHERE merchant = $1 AND expires_at <= clock_timestamp() RETURNING term",
        )
        .bind(merchant.as_str())
        .bind(&node.name)
        .bind(&node.process)
        .bind(self.micros())
        .fetch_optional(&self.pool)
        .await
        .map_err(store)?;
        row.map(|row| from_sql(row.try_get(0).map_err(store)?)).transpose()
    }

    /// Renews every lease of the process that still holds, and returns which those are, with their terms. One that is
    /// missing has ended: somebody else may have it already.
    pub async fn renew(&self, node: &Node) -> Result<BTreeMap<MerchantId, u64>, LogError> {
        let rows = sqlx::query(
            "UPDATE kami_cluster.lease SET expires_at = clock_timestamp() + $3 * interval '1 microsecond' \
             WHERE node = $1 AND process = $2 AND expires_at > clock_timestamp() RETURNING merchant, term",
        )
        .bind(&node.name)
        .bind(&node.process)
        .bind(self.micros())
        .fetch_all(&self.pool)
        .await
        .map_err(store)?;
        let pair = |row: &PgRow| Ok((merchant(row, 0)?, from_sql(row.try_get(1).map_err(store)?)?));
        rows.iter().map(pair).collect()
    }

    /// Tells others that the node serves the merchant now, in this epoch of the log. False where the lease has ended.
    pub async fn serve(
        &self,
        node: &Node,
        merchant: &MerchantId,
        term: u64,
        epoch: Epoch,
    ) -> Result<bool, LogError> {
        let done = sqlx::query(
            "UPDATE kami_cluster.lease SET epoch = $5, \
             expires_at = clock_timestamp() + $6 * interval '1 microsecond' \
             WHERE merchant = $1 AND node = $2 AND process = $3 AND term = $4 AND expires_at > clock_timestamp()",
        )
        .bind(merchant.as_str())
        .bind(&node.name)
        .bind(&node.process)
        .bind(to_sql(term)?)
        .bind(to_sql(epoch.0)?)
        .bind(self.micros())
        .execute(&self.pool)
        .await
        .map_err(store)?;
        Ok(done.rows_affected() > 0)
    }

    /// Ends a lease that the node holds in this term. One that somebody else has by now is left alone.
    pub async fn give_up(&self, node: &Node, merchant: &MerchantId, term: u64) -> Result<(), LogError> {
        sqlx::query(
            "UPDATE kami_cluster.lease SET expires_at = '-infinity', epoch = 0 \
             WHERE merchant = $1 AND node = $2 AND process = $3 AND term = $4",
        )
        .bind(merchant.as_str())
        .bind(&node.name)
        .bind(&node.process)
        .bind(to_sql(term)?)
        .execute(&self.pool)
        .await
        .map_err(store)?;
        Ok(())
    }

    /// Ends the node's sign of life at once.
    pub async fn leave(&self, node: &Node) -> Result<(), LogError> {
        sqlx::query("DELETE FROM kami_cluster.node WHERE node = $1 AND process = $2")
            .bind(&node.name)
            .bind(&node.process)
            .execute(&self.pool)
            .await
            .map_err(store)?;
        Ok(())
    }

    /// Who is alive, and who holds what.
    pub async fn standing(&self) -> Result<Standing, LogError> {
        let nodes = sqlx::query(
            "SELECT node, process, advertise, version, protocol, merchants, at_most, takes \
             FROM kami_cluster.node WHERE alive_until > clock_timestamp()",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store)?;
        let leases = sqlx::query(
            "SELECT merchant, node, process, term, epoch, expires_at > clock_timestamp() FROM kami_cluster.lease",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(store)?;
        let nodes = nodes.iter().map(node).collect::<Result<Vec<_>, _>>()?;
        Ok(Standing {
            nodes: nodes.into_iter().map(|node| (node.name.clone(), node)).collect(),
            leases: leases.iter().map(lease).collect::<Result<_, _>>()?,
        })
    }

    /// Ends the sessions.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    fn micros(&self) -> i64 {
        i64::try_from(self.lasts.as_micros()).unwrap_or(i64::MAX)
    }
}

fn merchant(row: &PgRow, at: usize) -> Result<MerchantId, LogError> {
    named(row.try_get(at).map_err(store)?)
}

fn named(text: &str) -> Result<MerchantId, LogError> {
    text.parse().map_err(|_| damaged("a lease is of something that is no merchant"))
}

fn node(row: &PgRow) -> Result<Node, LogError> {
    let text = |at: usize| row.try_get::<String, _>(at).map_err(store);
    let merchants: Vec<String> = row.try_get(5).map_err(store)?;
    Ok(Node {
        name: text(0)?,
        process: text(1)?,
        advertise: text(2)?,
        version: text(3)?,
        protocol: row.try_get(4).map_err(store)?,
        merchants: merchants.iter().map(|text| named(text)).collect::<Result<_, _>>()?,
        at_most: u32::try_from(row.try_get::<i32, _>(6).map_err(store)?).unwrap_or(0),
        takes: row.try_get(7).map_err(store)?,
    })
}

fn lease(row: &PgRow) -> Result<(MerchantId, Option<Lease>), LogError> {
    let counter = |at: usize| from_sql(row.try_get(at).map_err(store)?);
    let held = Lease {
        node: row.try_get(1).map_err(store)?,
        process: row.try_get(2).map_err(store)?,
        term: counter(3)?,
        epoch: Epoch(counter(4)?),
    };
    let holds: bool = row.try_get(5).map_err(store)?;
    Ok((merchant(row, 0)?, holds.then_some(held)))
}
