//! One merchant that this node serves.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context;
use axum::{Router, extract::Request, response::Response};
use engine::{Engine, EngineError, EngineOptions};
use http_api::Api;
use metrics::Label;
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use vocabulary::{Epoch, MerchantId};

use super::{calls::Calls, ground::Ground, tenure::Tenure};
use crate::{channels, mirroring::Mirroring, nightly::Nightly, partners::Telling, publishing::Publishing};

/// How long requests that were taken in may take to end before the merchant is handed over all the same.
const REQUESTS: Duration = Duration::from_secs(3);
/// How long calls to channels may take. A call without its answer is asked about by whoever takes over.
const CALLS: Duration = Duration::from_millis(500);

/// A merchant's engine and everything that runs beside it.
pub(super) struct Held {
    pub(super) merchant: MerchantId,
    pub(super) term: u64,
    pub(super) epoch: Epoch,
    pub(super) tenure: Arc<Tenure>,
    engine: Arc<Engine>,
    router: Router,
    /// The requests that are under way.
    requests: TaskTracker,
    /// The calls that are out.
    calls: TaskTracker,
    beside: Mutex<Option<Beside>>,
}

/// What runs beside the engine until the merchant is somebody else's.
struct Beside {
    _publishing: Publishing,
    _told: Telling,
    _mirroring: Option<Mirroring>,
    _nightly: Nightly,
}

impl Held {
    /// Takes the merchant's log over and starts everything. From here on every other node is refused by the log.
    pub(super) async fn open(
        ground: &Ground,
        merchant: &MerchantId,
        term: u64,
        tenure: Arc<Tenure>,
    ) -> anyhow::Result<Arc<Self>> {
        let calls = TaskTracker::new();
        let http = Calls { http: ground.http.clone(), tenure: tenure.clone(), out: calls.clone() };
        let engine = Engine::open(EngineOptions {
            merchant: merchant.clone(),
            log: ground.log.shared(),
            writer: ground.writer.clone(),
            vault: ground.vault.clone(),
            clock: ground.clock.clone(),
            ids: ground.ids.clone(),
            http: Arc::new(http),
            protocols: channels::PROTOCOLS,
            policy: ground.policy.clone(),
        })
        .await
        .context("the engine cannot be started")?;
        let head = ground.log.head(merchant).await.context("the log cannot be read")?;
        let (telling, told) = Telling::start(&ground.config, &engine).await?;
        let api = Api::new(engine.clone(), ground.projections.clone(), ground.api.clone()).telling(telling);
        let api = Arc::new(api);
        let labels = vec![Label::new("merchant", merchant.to_string())];
        let beside = Beside {
            _publishing: Publishing::over(ground.nats.clone(), &engine, labels),
            _told: told,
            _mirroring: Mirroring::start(ground.config.views_url()?, ground.projections.views(), merchant),
            _nightly: Nightly::start(&api, ground.config.nightly_hour),
        };
        Ok(Arc::new(Self {
            merchant: merchant.clone(),
            term,
            epoch: head.map(|head| head.epoch).unwrap_or_default(),
            tenure,
            engine,
            router: http_api::router(api),
            requests: TaskTracker::new(),
            calls,
            beside: Mutex::new(Some(beside)),
        }))
    }

    /// Answers a request, or gives it back where this node no longer may.
    pub(super) async fn answer(&self, request: Request) -> Result<Response, Request> {
        // Counted first: whoever hands over looks at the count after it has said that it leaves.
        let _under_way = self.requests.token();
        if !self.tenure.is_good() {
            return Err(request);
        }
        let Ok(response) = self.router.clone().oneshot(request).await;
        Ok(response)
    }

    /// Answers a worker that makes this merchant's calls; `None` where this node no longer may. Outcomes are taken in for
    /// as long as what was begun may go on; calls are handed out until the merchant is handed over.
    pub(super) async fn answer_worker(&self, message: &[u8]) -> Option<Vec<u8>> {
        if !self.tenure.holds() {
            return None;
        }
        let answered = self.engine.answer_worker(message).await;
        answered.inspect_err(|error| tracing::debug!(%error, "a worker got no answer")).ok()
    }

    /// Returns when the engine has broken down or the time is up; says whether it was the engine.
    pub(super) async fn lost(&self) -> bool {
        tokio::select! {
            () = self.engine.failed() => true,
            () = self.tenure.over() => false,
        }
    }

    /// Finishes what was taken in, keeps a snapshot, and acts no more. Says how long it took.
    pub(super) async fn hand_over(&self) -> Duration {
        let begun = Instant::now();
        self.tenure.leave();
        self.engine.hand_out_no_more();
        self.requests.close();
        if timeout(REQUESTS, self.requests.wait()).await.is_err() {
            tracing::warn!(merchant = %self.merchant, "requests were still under way when the merchant was handed over");
        }
        self.calls.close();
        let all_calls = async { tokio::join!(self.calls.wait(), self.engine.calls_told()) };
        // What is still out is in the log as begun.
        let _out = timeout(CALLS, all_calls).await;
        self.stop().await;
        begun.elapsed()
    }

    /// Acts no more, and lets what runs come to its end.
    pub(super) fn abandon(self: Arc<Self>) {
        self.tenure.end();
        self.engine.hand_out_no_more();
        tokio::spawn(async move { self.stop().await });
    }

    async fn stop(&self) {
        drop(self.beside.lock().unwrap_or_else(PoisonError::into_inner).take());
        match self.engine.stop().await {
            Ok(()) | Err(EngineError::Stopped) => {}
            Err(error) => {
                let cause = anyhow::Error::new(error);
                tracing::warn!(merchant = %self.merchant, cause = format!("{cause:#}"), "the engine had broken down");
            }
        }
        self.tenure.end();
    }
}
