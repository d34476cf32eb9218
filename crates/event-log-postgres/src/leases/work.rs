//! Leases of work that is done beside the nodes: for each kind of work and each merchant one worker at a time.

use std::collections::BTreeMap;

use event_log::LogError;
use sqlx::{Row, postgres::PgRow};
use vocabulary::MerchantId;

use super::{Leases, merchant};
use crate::error::{from_sql, store, to_sql};

/// What a worker says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// The kind of work, which is the name of its leases: `effects`, for example.
    pub work: &'static str,
    /// Its name, for whoever looks.
    pub name: String,
    /// Tells this process from all others.
    pub process: String,
}

impl Leases {
    /// Takes a merchant's work that nobody does, and says in which term; `None` where somebody does. A term is higher than
    /// every one before, also where the table was emptied in between: it counts microseconds.
    pub async fn take_work(&self, worker: &Worker, merchant: &MerchantId) -> Result<Option<u64>, LogError> {
        let row = sqlx::query(
            "INSERT INTO kami_cluster.work AS w (work, merchant, worker, process, term, expires_at) \
             VALUES ($1, $2, $3, $4, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, \
             clock_timestamp() + $5 * interval '1 microsecond') \
             ON CONFLICT (work, merchant) DO UPDATE SET worker = excluded.worker, process = excluded.process, \
             term = greatest(w.term + 1, excluded.term), expires_at = excluded.expires_at \
             WHERE w.expires_at <= clock_timestamp() RETURNING term",
        )
        .bind(worker.work)
        .bind(merchant.as_str())
        .bind(&worker.name)
        .bind(&worker.process)
        .bind(self.micros())
        .fetch_optional(&self.pool)
        .await
        .map_err(store)?;
        row.map(|row| from_sql(row.try_get(0).map_err(store)?)).transpose()
    }

    /// Renews all work of the process whose lease still holds, and returns which that is, with its terms. What is missing
    /// has ended: another may do it already.
    pub async fn renew_work(&self, worker: &Worker) -> Result<BTreeMap<MerchantId, u64>, LogError> {
        let rows = sqlx::query(
            "UPDATE kami_cluster.work SET expires_at = clock_timestamp() + $3 * interval '1 microsecond' \
             WHERE work = $1 AND process = $2 AND expires_at > clock_timestamp() RETURNING merchant, term",
        )
        .bind(worker.work)
        .bind(&worker.process)
        .bind(self.micros())
        .fetch_all(&self.pool)
        .await
        .map_err(store)?;
        let pair = |row: &PgRow| Ok((merchant(row, 0)?, from_sql(row.try_get(1).map_err(store)?)?));
        rows.iter().map(pair).collect()
    }

    /// The name of the worker that does a merchant's work now; `None` where none does.
    pub async fn doing(&self, work: &str, merchant: &MerchantId) -> Result<Option<String>, LogError> {
        let row = sqlx::query(
            "SELECT worker FROM kami_cluster.work \
             WHERE work = $1 AND merchant = $2 AND expires_at > clock_timestamp()",
        )
        .bind(work)
        .bind(merchant.as_str())
        .fetch_optional(&self.pool)
        .await
        .map_err(store)?;
        row.map(|row| row.try_get(0).map_err(store)).transpose()
    }

    /// Ends a lease that the worker holds in this term. One that another has by now is left alone.
    pub async fn give_up_work(
        &self,
        worker: &Worker,
        merchant: &MerchantId,
        term: u64,
    ) -> Result<(), LogError> {
        sqlx::query(
            "UPDATE kami_cluster.work SET expires_at = '-infinity' \
             WHERE work = $1 AND merchant = $2 AND process = $3 AND term = $4",
        )
        .bind(worker.work)
        .bind(merchant.as_str())
        .bind(&worker.process)
        .bind(to_sql(term)?)
        .execute(&self.pool)
        .await
        .map_err(store)?;
        Ok(())
    }
}
