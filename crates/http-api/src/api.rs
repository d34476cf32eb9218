//! What the routes share.

use std::{path::PathBuf, sync::Arc, time::Duration};

use engine::Engine;
use metrics_exporter_prometheus::PrometheusHandle;
use projection::{Projection, Projections, Views};
use tokio::sync::{Mutex, Semaphore};
use vocabulary::{Account, MerchantId, Position};

use crate::{
    as_of::Past,
    claim::Tries,
    problem::{self, Problem},
    reveals::Reveals,
    subscriptions::Telling,
    table,
};

/// How long a question that names a position waits for the read models to get there.
const CATCH_UP: Duration = Duration::from_secs(2);

/// How many queries in SQL run at once: each may take a processor for seconds.
const QUERIES: usize = 2;

/// How much one request may ask for.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The largest body of a request, in bytes; key imports have their own limit.
    pub body_bytes: usize,
    /// The largest key file, in bytes.
    pub import_bytes: u64,
    /// How long a request may take, and how long an import may be silent.
    pub timeout: Duration,
    /// How many event streams may be open at once.
    pub streams: usize,
    /// How often one token holder may have card keys shown in clear, in any hour.
    pub reveals_per_hour: u32,
    /// How long a claim without a token takes at least, right or wrong: time must not tell them apart.
    pub claim_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 256 * 1024,
            import_bytes: 1 << 30,
            timeout: Duration::from_secs(30),
            streams: 256,
            reveals_per_hour: 30,
            claim_time: Duration::from_millis(300),
        }
    }
}

/// What can be set about an [`Api`].
#[derive(Clone, Default)]
pub struct ApiOptions {
    /// Where `/metrics` reads; without it the route answers 404.
    pub metrics: Option<PrometheusHandle>,
    /// The bounds.
    pub limits: Limits,
    /// Where histories that came from elsewhere are kept; without it there are none.
    pub imported: Option<PathBuf>,
}

/// One merchant's API: the engine that decides and the read models that answer.
pub struct Api {
    pub(crate) engine: Arc<Engine>,
    pub(crate) projections: Arc<Projections>,
    pub(crate) options: ApiOptions,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) past: Mutex<Past>,
    pub(crate) reveals: Reveals,
    pub(crate) tries: Tries,
    pub(crate) queries: Arc<Semaphore>,
    pub(crate) telling: Option<Telling>,
}

/// The state of every route.
pub(crate) type Shared = Arc<Api>;

impl Api {
    /// An API over an engine and read models that follow its log.
    pub fn new(engine: Arc<Engine>, projections: Arc<Projections>, options: ApiOptions) -> Self {
        let streams = Arc::new(Semaphore::new(options.limits.streams));
        let queries = Arc::new(Semaphore::new(QUERIES));
        Self {
            engine,
            projections,
            options,
            streams,
            past: Mutex::default(),
            reveals: Reveals::default(),
            tries: Tries::default(),
            queries,
            telling: None,
        }
    }

    /// Lets token holders say which partners are told of events; without it there are no subscriptions.
    pub fn telling(self, telling: Telling) -> Self {
        Self { telling: Some(telling), ..self }
    }

    pub(crate) fn merchant(&self) -> &MerchantId {
        self.engine.merchant()
    }

    pub(crate) fn views(&self) -> &Arc<Views> {
        self.projections.views()
    }

    /// Counts a showing of keys in clear; refuses where this holder had too many lately.
    pub(crate) fn count_reveal(&self, holder: &str) -> Result<(), Problem> {
        self.reveals.take(holder, self.engine.now(), self.options.limits.reveals_per_hour)
    }

    /// The end of the log.
    pub(crate) async fn log_head(&self) -> Result<Position, Problem> {
        Ok(self.engine.log().head(self.merchant()).await?.map(|head| head.position).unwrap_or_default())
    }

    /// Waits until every read model contains `position`; a caller who just wrote thereby reads what it wrote.
    pub(crate) async fn caught_up(&self, position: Option<u64>) -> Result<(), Problem> {
        let Some(position) = position else { return Ok(()) };
        let wait = self.projections.wait_for(self.merchant(), Position(position));
        match tokio::time::timeout(CATCH_UP, wait).await {
            Ok(done) => Ok(done?),
            Err(_) => {
                let lag = self.projections.lag(self.merchant()).await?;
                let events = lag.iter().map(|lag| lag.events).max().unwrap_or_default();
                Err(Problem::new(problem::BEHIND)
                    .detail(format!("read models lack {events} events of the log")))
            }
        }
    }

    /// The live rows. Those of these projections that count messages are counted up to now first.
    pub(crate) async fn live(&self, projections: &[&str]) -> Result<Arc<Views>, Problem> {
        let counts = |it: &Arc<dyn Projection>| it.tallies().is_some() && projections.contains(&it.name());
        if self.views().projections().iter().any(counts) {
            self.views().tally(self.engine.log().as_ref(), self.merchant(), None).await?;
        }
        Ok(self.views().clone())
    }

    /// The connected accounts, and whose order numbers each shares.
    pub(crate) async fn accounts(&self) -> Result<Vec<(Account, Account)>, Problem> {
        let rows = table::all(self, "channel_row").await?;
        let account =
            |row: &serde_json::Value, column: &str| row[column].as_str().and_then(|text| text.parse().ok());
        Ok(rows
            .iter()
            .filter_map(|row| Some((account(row, "channel")?, account(row, "orders_of")?)))
            .collect())
    }
}
