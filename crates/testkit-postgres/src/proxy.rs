//! A line between a client and a server that breaks where a test wants it to.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use sqlx::postgres::PgConnectOptions;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
    task::JoinSet,
};

/// Where a line breaks: at a message of the protocol, counted from the moment the cut is set, over the lines that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Before the n-th message of the client reaches the server.
    BeforeRequest(usize),
    /// After the n-th message of the client has reached the server; nothing comes back any more.
    AfterRequest(usize),
    /// Before the n-th message of the server reaches the client.
    BeforeReply(usize),
}

/// A proxy on a port of the loopback interface. It knows the protocol's framing, and nothing else. Of all lines through
/// it, those count on which a statement with a certain text was prepared, from that message on.
pub struct Proxy {
    port: u16,
    state: Arc<State>,
    _lines: JoinSet<()>,
}

struct State {
    socket: PathBuf,
    marker: Vec<u8>,
    /// Told to break every line that counts.
    broken: watch::Sender<u64>,
    cut: Mutex<Option<Cut>>,
    requests: AtomicUsize,
    replies: AtomicUsize,
    cuts: AtomicUsize,
}

/// What becomes of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Pass,
    Lose,
    PassAndCut,
}

impl Proxy {
    /// A proxy in front of the server of a URL, which names a directory of sockets. Lines with a statement that holds
    /// `marker` count.
    pub async fn new(url: &str, marker: &str) -> Self {
        let options: PgConnectOptions = url.parse().unwrap();
        let directory = options.get_socket().expect("the proxy reaches servers over a socket");
        let socket = directory.join(format!(".s.PGSQL.{}", options.get_port()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            socket,
            marker: marker.as_bytes().to_vec(),
            broken: watch::Sender::new(0),
            cut: Mutex::new(None),
            requests: AtomicUsize::new(0),
            replies: AtomicUsize::new(0),
            cuts: AtomicUsize::new(0),
        });
        let mut lines = JoinSet::new();
        let accepting = state.clone();
        lines.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                open.spawn(carry(accepting.clone(), client));
            }
        });
        Self { port, state, _lines: lines }
    }

    /// The URL of a database, by way of this proxy.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// Counts from now on, and breaks one line there.
    pub fn cut(&self, at: Cut) {
        *self.state.cut.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
        self.state.requests.store(0, Ordering::SeqCst);
        self.state.replies.store(0, Ordering::SeqCst);
    }

    /// Breaks every line that counts, now.
    pub fn break_lines(&self) {
        self.state.broken.send_modify(|times| *times += 1);
    }

    /// Counts from now on without a break.
    pub fn count(&self) {
        self.cut(Cut::BeforeRequest(usize::MAX));
    }

    /// How many messages of the client and of the server passed since the count began.
    pub fn counted(&self) -> (usize, usize) {
        (self.state.requests.load(Ordering::SeqCst), self.state.replies.load(Ordering::SeqCst))
    }

    /// How many lines were broken so far.
    pub fn cuts(&self) -> usize {
        self.state.cuts.load(Ordering::SeqCst)
    }
}

impl State {
    /// Takes the cut, if it is due: each breaks one line only.
    fn take(&self, is_due: impl Fn(Cut) -> Option<Fate>) -> Fate {
        let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        match cut.and_then(is_due) {
            None => Fate::Pass,
            Some(fate) => {
                *cut = None;
                self.cuts.fetch_add(1, Ordering::SeqCst);
                fate
            }
        }
    }
    fn request(&self) -> Fate {
        let n = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        self.take(|cut| match cut {
            Cut::BeforeRequest(at) if at == n => Some(Fate::Lose),
            Cut::AfterRequest(at) if at == n => Some(Fate::PassAndCut),
            _ => None,
        })
    }
    fn reply(&self) -> Fate {
        let n = self.replies.fetch_add(1, Ordering::SeqCst) + 1;
        self.take(|cut| if cut == Cut::BeforeReply(n) { Some(Fate::Lose) } else { None })
    }
}

async fn carry(state: Arc<State>, client: TcpStream) {
    // A server that is down looks like a line that breaks at once.
    let Ok(server) = UnixStream::connect(&state.socket).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let counts = AtomicBool::new(false);
    let mut broken = state.broken.subscribe();
    // Whichever direction ends first takes the line down, in both.
    tokio::select! {
        _ = async {
            let mut is_first = true;
            while let Some(message) = read(&mut from_client, is_first).await {
                is_first = false;
                if message.windows(state.marker.len()).any(|part| part == state.marker) {
                    counts.store(true, Ordering::SeqCst);
                }
                let fate = if counts.load(Ordering::SeqCst) { state.request() } else { Fate::Pass };
                if fate == Fate::Lose || !write(&mut to_server, &message).await {
                    return;
                }
                if fate == Fate::PassAndCut {
                    // The client is cut off; the server still reads what has reached it.
                    return;
                }
            }
        } => {}
        _ = async {
            while let Some(message) = read(&mut from_server, false).await {
                let fate = if counts.load(Ordering::SeqCst) { state.reply() } else { Fate::Pass };
                if fate == Fate::Lose || !write(&mut to_client, &message).await {
                    return;
                }
            }
        } => {}
        _ = async {
            while broken.changed().await.is_ok() && !counts.load(Ordering::SeqCst) {}
        } => {}
    }
}

/// One message: a kind (which the first of a client has not), a length that counts itself, and a body.
async fn read(from: &mut (impl AsyncRead + Unpin), is_first: bool) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    if !is_first {
        message.push(from.read_u8().await.ok()?);
    }
    let length = from.read_u32().await.ok()?;
    message.extend(length.to_be_bytes());
    let start = message.len();
    message.resize(start + usize::try_from(length).ok()?.checked_sub(4)?, 0);
    from.read_exact(&mut message[start..]).await.ok()?;
    Some(message)
}

async fn write(to: &mut (impl AsyncWrite + Unpin), message: &[u8]) -> bool {
    to.write_all(message).await.is_ok() && to.flush().await.is_ok()
}
