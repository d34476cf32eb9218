//! A real PostgreSQL for tests.
//!
//! A test binary has one [`Server`], shared by its tests, and each test a [`Database`] of its own. The server is the one
//! that `KAMI_TEST_POSTGRES` names (a URL of a superuser), else a fresh one: made with the installed `initdb` in the
//! directory for temporary files, reached over a socket there, gone with the test's process however that ends.
//! PostgreSQL refuses to run as root, so for root it runs as the user `postgres`.
//!
//! Tests that break a server make one of their own ([`Server::start`]), kill it and start it again. A [`Proxy`] stands
//! between a client and a server and cuts the line at a message of choice.
#![warn(missing_docs)]
#![expect(clippy::unwrap_used, reason = "for tests: a failure is a panic")]

mod binaries;
mod proxy;
mod server;

use std::sync::{
    OnceLock,
    atomic::{AtomicU32, Ordering},
};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

pub use proxy::{Cut, Proxy};
pub use server::Server;

/// A database for one test. On a server that was given it is dropped in the end.
pub struct Database {
    url: String,
    name: String,
    /// Where to drop it; `None` where the whole server goes.
    drop_at: Option<String>,
}

impl Database {
    /// An empty database on the server that the tests of this process share.
    pub async fn new() -> Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        match std::env::var("KAMI_TEST_POSTGRES") {
            Ok(given) => Self::on(&given, true, "template0").await,
            Err(_) => SHARED.get_or_init(|| Server::start(&[])).database().await,
        }
    }

    pub(crate) async fn on(server: &str, drop_in_the_end: bool, template: &str) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("kami_test_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        run(server, &format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE {template}")).await;
        let url = with_database(server, &name);
        Self { url, name, drop_at: drop_in_the_end.then(|| server.to_owned()) }
    }

    /// A database with the same content. Nobody may be connected to this one.
    pub async fn copy(&self) -> Self {
        Self::on(&with_database(&self.url, "postgres"), self.drop_at.is_some(), &self.name).await
    }

    /// How to reach it, as its owner.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A connection beside those of what is tested.
    pub async fn connect(&self) -> PgConnection {
        connect(&self.url).await
    }

    /// Runs statements, as any other program would.
    pub async fn run(&self, sql: &str) {
        run(&self.url, sql).await;
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Some(server) = self.drop_at.take() else { return };
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run(&server, &sql));
        });
        dropping.join().unwrap();
    }
}

/// The URL with another database.
fn with_database(server: &str, name: &str) -> String {
    let (path, query) = server.split_once('?').map_or((server, None), |(path, query)| (path, Some(query)));
    let (scheme, rest) = path.split_once("://").expect("KAMI_TEST_POSTGRES is not a URL");
    let host = rest.split('/').next().unwrap();
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{scheme}://{host}/{name}{query}")
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap_or_else(|error| panic!("PostgreSQL at {url}: {error}"))
}

async fn run(url: &str, sql: &str) {
    let mut connection = connect(url).await;
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    connection.close().await.unwrap();
}
