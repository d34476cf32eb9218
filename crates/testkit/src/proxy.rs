//! A TCP proxy that cuts connections at a given byte.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Where a connection is cut.
#[derive(Debug, Clone, Copy)]
pub enum Cut {
    /// After so many bytes from the client.
    Up(usize),
    /// After so many bytes from the server.
    Down(usize),
}

/// A proxy on a free port of this machine, until it is dropped.
pub struct Proxy {
    address: SocketAddr,
    cuts: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A proxy before `target`. The first connections are cut where `cuts` says, one each; later ones are not.
    pub async fn start(target: SocketAddr, cuts: Vec<Cut>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        let task = tokio::spawn(async move {
            let mut cuts = cuts.into_iter();
            while let Ok((client, _)) = listener.accept().await {
                let (cut, count) = (cuts.next(), counted.clone());
                tokio::spawn(async move {
                    if carry(client, target, cut).await {
                        count.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        Ok(Self { address, cuts: count, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it has cut.
    pub fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Carries bytes both ways, and tells whether the connection was cut.
async fn carry(client: TcpStream, target: SocketAddr, cut: Option<Cut>) -> bool {
    let Ok(server) = TcpStream::connect(target).await else { return false };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (up, down) = match cut {
        Some(Cut::Up(bytes)) => (bytes, usize::MAX),
        Some(Cut::Down(bytes)) => (usize::MAX, bytes),
        None => (usize::MAX, usize::MAX),
    };
    tokio::select! {
        cut = pour(&mut from_client, &mut to_server, up) => cut,
        cut = pour(&mut from_server, &mut to_client, down) => cut,
    }
}

/// Moves at most `left` bytes; true where it stopped because of that.
async fn pour(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut left: usize,
) -> bool {
    let mut buffer = vec![0; 16 * 1024];
    while left > 0 {
        let room = left.min(buffer.len());
        let Ok(read) = from.read(&mut buffer[..room]).await else { return false };
        if read == 0 || to.write_all(&buffer[..read]).await.is_err() {
            return false;
        }
        left -= read;
    }
    true
}
