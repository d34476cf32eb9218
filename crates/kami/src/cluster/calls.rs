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
        let _out = self.out.token();
        if self.tenure.is_good() {
            return self.http.send(request, timeout).await;
        }
        drop(_out);
        // Nothing is said before the merchant's events are somebody else's: the attempt was none.
        self.tenure.over().await;
        Err(TransportFailure::NotSent)
    }
}
