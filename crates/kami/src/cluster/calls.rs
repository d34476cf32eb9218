//! Calls to channels, for as long as the node may make them: of a call that is out, a node that takes over knows nothing.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use channel::{OutboundRequest, OutboundResponse, TransportFailure};
use engine::Http;
use tokio_util::task::TaskTracker;

use super::tenure::Tenure;

/// Sends calls while a tenure is good.
pub(super) struct Calls {
    pub(super) http: Arc<dyn Http>,
    pub(super) tenure: Arc<Tenure>,
    /// The calls that are out.
    pub(super) out: TaskTracker,
}

#[async_trait]
impl Http for Calls {
    async fn send(
        &self,
        request: &OutboundRequest,
        timeout: Duration,
    ) -> Result<OutboundResponse, TransportFailure> {
        let out = self.out.token();
        if self.tenure.is_good() {
            return self.http.send(request, timeout).await;
        }
        drop(out);
        // Nothing is said before the merchant's events are somebody else's: the attempt was none.
        self.tenure.over().await;
        Err(TransportFailure::NotSent)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::Instant;

    use super::*;

    /// Counts what is sent.
    #[derive(Default)]
    struct Counted(AtomicUsize);

    #[async_trait]
    impl Http for Counted {
        async fn send(
            &self,
            _request: &OutboundRequest,
            _timeout: Duration,
        ) -> Result<OutboundResponse, TransportFailure> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Err(TransportFailure::NoAnswer)
        }
    }

    #[tokio::test]
    async fn a_node_that_leaves_calls_nobody_and_says_so_only_when_it_has_left() {
        let http = Arc::new(Counted::default());
        let tenure = Tenure::until(Instant::now() + Duration::from_secs(3_600));
        let calls = Calls { http: http.clone(), tenure: tenure.clone(), out: TaskTracker::new() };
        let (url, headers, body) = ("https://channel.example/".to_owned(), Vec::new(), Vec::new());
        let request = OutboundRequest { method: "GET", url, headers, body };
        let failure = async || calls.send(&request, Duration::ZERO).await.err();
        assert_eq!(failure().await, Some(TransportFailure::NoAnswer));
        tenure.leave();
        let mut waiting = Box::pin(failure());
        assert!(
            futures::poll!(&mut waiting).is_pending(),
            "it would be an attempt while the engine still runs"
        );
        calls.out.close();
        calls.out.wait().await;
        tenure.end();
        assert_eq!(waiting.await, Some(TransportFailure::NotSent));
        assert_eq!(http.0.load(Ordering::SeqCst), 1);
    }
}
