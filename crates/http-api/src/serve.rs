//! The server: HTTP/1.1 with a bound on how long headers may take, on open connections, and on stopping.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};
use tower::ServiceExt;

use crate::claim::Peer;

/// How the server bounds its connections.
#[derive(Debug, Clone, Copy)]
pub struct ServeOptions {
    /// How long a client may take to send its headers, and how long an idle connection is kept.
    pub header_timeout: Duration,
    /// How many connections may be open; others wait to be accepted.
    pub connections: usize,
    /// How long requests under way may take to end once the server stops.
    pub grace: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self { header_timeout: Duration::from_secs(10), connections: 4_096, grace: Duration::from_secs(10) }
    }
}

/// Tells open streams that the server stops: they would never end by themselves.
#[derive(Debug, Clone)]
pub(crate) struct Stopping(watch::Receiver<bool>);

impl Stopping {
    pub(crate) async fn stopped(&mut self) {
        // A sender that is gone has stopped, too.
        let _gone = self.0.wait_for(|stopping| *stopping).await;
    }
}

/// Serves `router` until `shutdown` completes and requests under way have ended, with the default bounds.
///
/// # Errors
/// If the listener fails in a way that does not pass.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    serve_with(listener, router, shutdown, ServeOptions::default()).await
}

/// Serves like [`serve`], with other bounds.
///
/// # Errors
/// If the listener fails in a way that does not pass.
pub async fn serve_with(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
    options: ServeOptions,
) -> io::Result<()> {
    let (stop, stopping) = watch::channel(false);
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(options.connections));
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = async {
            let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
            Ok::<_, io::Error>((listener.accept().await, place))
        };
        let (accepted, place) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accepted => accepted?,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                survive(error).await?;
                continue;
            }
        };
        let connection =
            connection(stream, Peer(peer.ip()), router.clone(), Stopping(stopping.clone()), options);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    stop.send_replace(true);
    if tokio::time::timeout(options.grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way when the server stopped");
    }
    Ok(())
}

fn connection(
    stream: TcpStream,
    peer: Peer,
    router: Router,
    stopping: Stopping,
    options: ServeOptions,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> + Send {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "small packets may be delayed");
    }
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let router = router.clone();
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(stopping.clone());
        request.extensions_mut().insert(peer);
        async move {
            let Ok(response) = router.oneshot(request).await;
            Ok::<_, Infallible>(response)
        }
    });
    http1::Builder::new()
        // Without a timer the header timeout is silently off.
        .timer(TokioTimer::new())
        .header_read_timeout(options.header_timeout)
        .serve_connection(TokioIo::new(stream), service)
}

/// A failed accept concerns one connection, or passes (too many open files); anything else ends the server.
async fn survive(error: io::Error) -> io::Result<()> {
    use io::ErrorKind as E;
    match error.kind() {
        E::ConnectionRefused | E::ConnectionAborted | E::ConnectionReset | E::Interrupted => Ok(()),
        E::InvalidInput | E::NotConnected | E::PermissionDenied => Err(error),
        _ => {
            tracing::warn!(%error, "connections cannot be accepted at the moment");
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok(())
        }
    }
}
