//! A stub of a KurrentDB server, for tests only: the calls that a log needs (append, read, catch-up subscription, and
//! what a client asks for when it connects), over a real socket. Its streams lie in memory and outlive connections and
//! restarts. It can be told to misbehave ([`Fault`]), and be made with a flaw that no server must have ([`Flaw`]).
//!
//! It is written after the documented protocol and is no proof of how a server behaves. Tests that need no fault run
//! against a real server where `KAMI_TEST_KURRENTDB` names one: see [`Place`].
#![warn(missing_docs)]

#[expect(clippy::result_large_err, reason = "the error of the protocol's library")]
mod service;
mod store;
mod wire;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::Notify,
    task::{AbortHandle, JoinSet},
};

use crate::store::Store;

/// What becomes of one append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is refused: the server is not ready.
    Unavailable,
    /// All connections are cut before it is stored.
    CutBefore,
    /// It is stored, and all connections are cut before it is answered.
    CutAfter,
    /// All connections are cut, and it is stored only after its stream was read once more.
    StoredLate,
    /// It is stored and never answered.
    SilentAfter,
    /// It waits until [`Server::release`].
    Held,
    /// Nothing: the fault planned after it is the next one's.
    Spared,
}

/// What a server must not do; for controls that must fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Stores every append, whatever revision it expects.
    IgnoresRevisions,
    /// Does not recognise a repeat.
    ForgetsIds,
    /// Stores the first half of an append and calls it stored.
    StoresHalf,
}

/// What connections share.
struct Shared {
    store: Store,
    port: u16,
    connections: Mutex<Vec<AbortHandle>>,
    released: Notify,
}

impl Shared {
    /// Cuts all connections; never returns to whoever called over one of them.
    async fn cut<T>(&self) -> T {
        self.hang_up();
        futures::future::pending().await
    }

    fn hang_up(&self) {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.drain(..).for_each(|connection| connection.abort());
    }
}

/// A server on a port of its own. Dropping it ends it.
pub struct Server {
    shared: Arc<Shared>,
    listening: Mutex<JoinSet<()>>,
}

impl Server {
    /// Starts a server without streams. Panics when no port can be had.
    pub async fn start() -> Self {
        Self::with(Store::new(None)).await
    }

    /// Starts a server that has a flaw.
    pub async fn flawed(flaw: Flaw) -> Self {
        Self::with(Store::new(Some(flaw))).await
    }

    /// Starts another server with the same streams.
    pub async fn copy(&self) -> Self {
        Self::with(self.shared.store.copy()).await
    }

    async fn with(store: Store) -> Self {
        let listener = listen(0).unwrap_or_else(|error| panic!("the stub cannot listen: {error}"));
        let port = listener.local_addr().map_or(0, |address| address.port());
        let shared = Arc::new(Shared { store, port, connections: Mutex::default(), released: Notify::new() });
        let mut listening = JoinSet::new();
        listening.spawn(serve(shared.clone(), listener));
        Self { shared, listening: Mutex::new(listening) }
    }

    /// Where it is found, as KurrentDB's clients write it.
    pub fn url(&self) -> String {
        format!("esdb://127.0.0.1:{}?tls=false", self.shared.port)
    }

    /// What the next append to a stream suffers whose name contains a text.
    pub fn next_append(&self, stream: &str, fault: Fault) {
        self.shared.store.plan(stream, fault);
    }

    /// How many planned faults have not happened yet.
    pub fn planned(&self) -> usize {
        self.shared.store.planned()
    }

    /// How many appends reached the store, repeats and refused ones too.
    pub fn appends(&self) -> u64 {
        self.shared.store.appends()
    }

    /// Sets how much one append may hold, in bytes; 1 MiB at first.
    pub fn limit(&self, bytes: usize) {
        self.shared.store.limit(bytes);
    }

    /// Lets an append go on that was held.
    pub fn release(&self) {
        self.shared.released.notify_one();
    }

    /// Cuts all connections.
    pub fn cut(&self) {
        self.shared.hang_up();
    }

    /// Goes down: cuts all connections and takes none until [`Server::up`].
    pub fn down(&self) {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
        self.shared.hang_up();
    }

    /// Comes up again after [`Server::down`], on the same port, with the streams it had.
    pub async fn up(&self) {
        let mut ended = {
            let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *listening)
        };
        // Only when the old listener is gone is its port free.
        while ended.join_next().await.is_some() {}
        let listener =
            listen(self.shared.port).unwrap_or_else(|error| panic!("the stub cannot listen: {error}"));
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        listening.spawn(serve(self.shared.clone(), listener));
    }

    /// How many events a stream has.
    pub fn len(&self, stream: &str) -> usize {
        self.shared.store.len(&bytes::Bytes::copy_from_slice(stream.as_bytes()))
    }

    /// The names of its streams, in order.
    pub fn streams(&self) -> Vec<String> {
        self.shared.store.names()
    }

    /// Changes the payload of an event behind everybody's back.
    pub fn alter(&self, stream: &str, revision: usize, change: impl FnOnce(&[u8]) -> Vec<u8>) {
        self.shared.store.tamper(stream, |events| {
            if let Some(stored) = events.get_mut(revision) {
                stored.event.data = change(&stored.event.data).into();
            }
        });
    }

    /// Loses all events of a stream from a revision on, as a server does that was restored from a backup.
    pub fn lose(&self, stream: &str, from: usize) {
        self.shared.store.tamper(stream, |events| events.truncate(from));
    }

    /// The types of a stream's events, in order.
    pub fn types(&self, stream: &str) -> Vec<String> {
        let events = self.shared.store.read(&bytes::Bytes::copy_from_slice(stream.as_bytes()), 0, usize::MAX);
        let kind = |stored: store::Stored| stored.event.metadata.get("type").cloned().unwrap_or_default();
        events.unwrap_or_default().into_iter().map(kind).collect()
    }
}

fn listen(port: u16) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], port)))?;
    socket.listen(1_024)
}

async fn serve(shared: Arc<Shared>, listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        let of = shared.clone();
        let answers = hyper::service::service_fn(move |request| {
            let shared = of.clone();
            async move { Ok::<_, std::convert::Infallible>(service::answer(shared, request).await) }
        });
        let connection = tokio::spawn(async move {
            let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            // A client that hangs up is no fault of the stub's.
            let _ended = http.serve_connection(TokioIo::new(stream), answers).await;
        });
        let mut connections = shared.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.retain(|connection| !connection.is_finished());
        connections.push(connection.abort_handle());
    }
}

/// A place for one log: a stub of its own, or streams with a prefix of their own on the server that
/// `KAMI_TEST_KURRENTDB` names (an address such as `esdb://localhost:2113?tls=false`).
pub struct Place {
    url: String,
    _stub: Option<Server>,
}

impl Place {
    /// A place without a log.
    pub async fn new() -> Self {
        let named = std::env::var("KAMI_TEST_KURRENTDB").ok().filter(|url| !url.is_empty());
        match named {
            Some(url) => {
                let (and, prefix) =
                    (if url.contains('?') { '&' } else { '?' }, uuid::Uuid::now_v7().simple());
                Self { url: format!("{url}{and}kamiPrefix=test-{prefix}"), _stub: None }
            }
            None => {
                let stub = Server::start().await;
                Self { url: stub.url(), _stub: Some(stub) }
            }
        }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }
}
