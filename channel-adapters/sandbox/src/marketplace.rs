//! The marketplace itself: it places orders, hears of deliveries, stock and refunds, keeps its own books, and
//! misbehaves in the ways that real marketplaces do, from a seed.
//!
//! Written independently of the adapter: it shares no function with it, its own signature check included, so that a
//! mistake on one side shows on the other. What it decides follows from the seed and the order's or call's number,
//! not from the moment, so that a run can be repeated.
//!
//! ```no_run
//! # async fn play() -> Result<(), channel_sandbox::marketplace::StartError> {
//! use channel_sandbox::marketplace::{Marketplace, Options};
//! let target = "http://127.0.0.1:8080/v1/in/sandbox/main".to_owned();
//! let market = Marketplace::start(Options { target, orders: 100, duplicates: 10, ..Options::default() }).await?;
//! market.run().await;
//! assert!(market.ledger().surprises.is_empty());
//! # Ok(())
//! # }
//! ```

mod books;
mod courier;
mod endpoints;
mod fate;
mod ledger;
mod options;
mod report;
mod scripts;
mod sign;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

pub use courier::Answer;
pub use ledger::{Delivery, Ledger, Order, Payment, Refund, RefundStatus, Standing, Stock};
pub use options::{Clock, Good, Options, Way};
pub use report::{Latency, Report};

/// Why a marketplace cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address to listen at is taken or not ours.
    #[error("cannot listen at {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// An option cannot be used.
    #[error("option {0}")]
    Option(&'static str),
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
    /// The TLS library does not know its own protocol versions.
    #[error("TLS is not usable")]
    Tls(#[source] rustls::Error),
}

/// A running marketplace. It stops when this is dropped.
pub struct Marketplace {
    market: Arc<Market>,
    address: SocketAddr,
    server: JoinHandle<std::io::Result<()>>,
}

/// What its tasks share.
struct Market {
    options: Options,
    client: reqwest::Client,
    ledger: Mutex<Ledger>,
    stats: Mutex<report::Stats>,
    /// How often each outward call came, for the misbehaviour that ends after a while.
    calls: Mutex<HashMap<String, u32>>,
    /// Tasks that still have something to say.
    open: watch::Sender<usize>,
    next_order: AtomicU64,
    finished: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Marketplace {
    /// Starts serving. Orders are placed by [`Marketplace::run`] or one by one.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        options.check()?;
        let failed = |error| StartError::Listen(options.listen, error);
        let listener = TcpListener::bind(options.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let market = Arc::new(Market {
            client: courier::client()?,
            ledger: Mutex::default(),
            stats: Mutex::default(),
            calls: Mutex::default(),
            open: watch::Sender::new(0),
            next_order: AtomicU64::new(0),
            finished: AtomicBool::new(false),
            options,
        });
        let routes = endpoints::routes(market.clone());
        let server = tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(Self { market, address, server })
    }

    /// Its address, for the account's `base_url`: no slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The books as they stand.
    pub fn ledger(&self) -> Ledger {
        lock(&self.market.ledger).clone()
    }

    /// The figures of the run as they stand.
    pub fn report(&self) -> Report {
        self.market.report()
    }

    /// Places all orders of the options, at their rate, and returns when everything that they made the marketplace
    /// say has been answered or given up. Waits until the shop answers before it begins.
    pub async fn run(&self) {
        self.market.clone().run().await;
        self.quiet().await;
        self.market.finished.store(true, Ordering::SeqCst);
    }

    /// Places one order and returns its number once the shop has answered or was given up.
    pub async fn place(&self, way: Way, item: &str, quantity: u32) -> String {
        let index = self.market.next_order.fetch_add(1, Ordering::SeqCst);
        let number = self.market.open_order(index, way, item, quantity);
        self.market.clone().play(number.clone()).await;
        number
    }

    /// The buyer calls an order off; returns what the shop says to it.
    pub async fn cancel(&self, number: &str) -> Answer {
        self.market.cancel(number).await
    }

    /// The buyer asks for all their money back; returns what the shop says to it.
    pub async fn request_refund(&self, number: &str) -> Answer {
        self.market.request_refund(number).await
    }

    /// Asks the shop something, or tells it anything: a message of its own under a topic.
    pub async fn say(&self, topic: &str, message: &str, body: &serde_json::Value) -> Answer {
        self.market.say(topic, message, body).await
    }

    /// Returns when no message is under way: what deliveries and refunds made the marketplace say included.
    pub async fn quiet(&self) {
        let mut open = self.market.open.subscribe();
        // The sender lives as long as the marketplace, so this ends by the count alone.
        let _closed = open.wait_for(|count| *count == 0).await;
    }
}

impl Drop for Marketplace {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Market {
    /// Runs something whose end [`Marketplace::quiet`] waits for.
    fn spawn<F: Future<Output = ()> + Send + 'static>(self: &Arc<Self>, work: F) {
        self.open.send_modify(|count| *count += 1);
        let market = self.clone();
        tokio::spawn(async move {
            work.await;
            market.open.send_modify(|count| *count -= 1);
        });
    }
}
