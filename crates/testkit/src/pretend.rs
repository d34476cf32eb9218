//! What all pretend servers have in common: a socket on this machine, a ledger behind a lock, faults on demand.

use std::{
    collections::VecDeque,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{AppendHeaders, IntoResponse, Response},
};
use futures::stream;
use tokio::{net::TcpListener, task::JoinHandle};
use vocabulary::Timestamp;

use crate::form::{self, Pairs};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A clock that stands still.
pub fn clock_at(now: Timestamp) -> Clock {
    Arc::new(move || now)
}

/// Something that goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection breaks before the call is acted on.
    HangUpBefore,
    /// The call is acted on, then the connection breaks: what a caller sees of a time-out after success.
    HangUpAfter,
    /// This status, without acting.
    ErrorBefore(u16),
    /// Acts, then this status: a success reported as an error.
    ErrorAfter(u16),
    /// 429 with these seconds to wait, without acting.
    TooMany(u32),
    /// Acts, and signs the answer wrongly; where answers are not signed, the answer is no JSON.
    WrongSignature,
}

/// A call as a platform sees it.
pub struct Call {
    /// `GET`, `POST`, …
    pub method: String,
    /// With the slash in front.
    pub path: String,
    /// The query's parameters.
    pub query: Pairs,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
    /// When it came.
    pub now: Timestamp,
}

impl Call {
    /// The body as a form.
    pub fn form(&self) -> Vec<(String, String)> {
        form::read(&String::from_utf8_lossy(&self.body))
    }
    /// A parameter of the query; empty where it is missing.
    pub fn param(&self, name: &str) -> &str {
        form::get(&self.query, name)
    }
    /// A header; empty where it is missing.
    pub fn header(&self, name: &str) -> &str {
        form::get(&self.headers, name)
    }
}

/// What a platform answers: a status and a JSON body.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

impl Answer {
    /// 200 with a body.
    pub fn ok(body: &serde_json::Value) -> Self {
        Self { status: 200, body: body.to_string() }
    }
}

/// A platform: it acts on calls and keeps books of its own.
pub trait Platform: Send + 'static {
    /// Acts on a call. `spoil` asks for a wrongly signed answer.
    fn answer(&mut self, call: &Call, spoil: bool) -> Answer;

    /// Headers of the answer just given, for platforms that sign theirs. `spoil` asks for a wrong signature.
    fn headers(&mut self, call: &Call, answer: &Answer, spoil: bool) -> Vec<(&'static str, String)> {
        let _ = (call, answer, spoil);
        Vec::new()
    }
}

/// What became of orders at a platform since somebody last looked: what those compare who keep books beside it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct News {
    /// Deliveries that were acted on: the order's number, and SHA-256 of the text of each key in hex.
    pub handed: Vec<(String, Vec<String>)>,
    /// What went back to buyers: the order's number, and how much, in fen.
    pub paid_back: Vec<(String, i64)>,
}

/// A platform that keeps books of orders or payments, and tells what became of them.
pub trait Bookkeeper: Platform {
    /// What happened since this was last asked.
    fn news(&mut self) -> News;
    /// Calls that it did not believe.
    fn forged_calls(&self) -> u32;
}

/// A pretend server. It stops when this is dropped.
pub struct Pretend<P> {
    shared: Arc<Shared<P>>,
    address: SocketAddr,
    server: JoinHandle<io::Result<()>>,
}

struct Shared<P> {
    platform: Mutex<P>,
    /// For each of the next calls the fault that it meets, if any.
    faults: Mutex<VecDeque<Option<Fault>>>,
    clock: Clock,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<P: Platform> Pretend<P> {
    /// Starts a platform on a free port of this machine.
    pub async fn start(platform: P, clock: Clock) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { platform: Mutex::new(platform), faults: Mutex::default(), clock });
        let routes = Router::new().fallback(serve::<P>).with_state(shared.clone());
        let server = tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(Self { shared, address, server })
    }

    /// Its address, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next call that no earlier fault waits for goes wrong in this way.
    pub fn next(&self, fault: Fault) {
        self.after(0, fault);
    }

    /// So many calls go well, after those that earlier faults wait for; the one that follows goes wrong in this way.
    pub fn after(&self, calls: usize, fault: Fault) {
        let mut faults = lock(&self.shared.faults);
        faults.extend(std::iter::repeat_n(None, calls));
        faults.push_back(Some(fault));
    }

    /// How many faults no call has met yet.
    pub fn faults_left(&self) -> usize {
        lock(&self.shared.faults).iter().flatten().count()
    }

    /// Looks into the platform's books, or changes them.
    pub fn with<T>(&self, look: impl FnOnce(&mut P) -> T) -> T {
        look(&mut lock(&self.shared.platform))
    }
}

impl<P> Drop for Pretend<P> {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve<P: Platform>(
    State(shared): State<Arc<Shared<P>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let call = Call {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: form::read(uri.query().unwrap_or_default()),
        headers: headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        body: body.to_vec(),
        now: (shared.clock)(),
    };
    let fault = lock(&shared.faults).pop_front().flatten();
    match fault {
        Some(Fault::HangUpBefore) => return hang_up(),
        Some(Fault::ErrorBefore(status)) => return reply(status, String::new()),
        Some(Fault::TooMany(secs)) => {
            let wait = [(header::RETRY_AFTER, secs.to_string())];
            return (StatusCode::TOO_MANY_REQUESTS, wait).into_response();
        }
        _ => {}
    }
    let spoil = fault == Some(Fault::WrongSignature);
    let (answer, headers) = {
        let mut platform = lock(&shared.platform);
        let answer = platform.answer(&call, spoil);
        let headers = platform.headers(&call, &answer, spoil);
        (answer, headers)
    };
    match fault {
        Some(Fault::HangUpAfter) => hang_up(),
        Some(Fault::ErrorAfter(status)) => reply(status, "oops".to_owned()),
        _ => (AppendHeaders(headers), reply(answer.status, answer.body)).into_response(),
    }
}

fn reply(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// An answer whose body never comes.
fn hang_up() -> Response {
    let broken: Result<Bytes, io::Error> = Err(io::ErrorKind::ConnectionReset.into());
    Body::from_stream(stream::iter([broken])).into_response()
}
