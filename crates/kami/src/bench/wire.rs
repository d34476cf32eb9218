//! A lean HTTP/1.1 client: one kept-alive connection, requests that were rendered beforehand, answers with a stated
//! length. It shares its machine with what it measures, so it does no more than that.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The longest head of an answer, in bytes.
const HEAD_MAX: usize = 16 * 1024;

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: Box<[u8]>,
}

/// A connection.
pub(crate) struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Wire {
    /// Connects.
    pub(crate) async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true).context("a connection without delay")?;
        Ok(Self { stream, read: Vec::with_capacity(4_096) })
    }

    /// Sends a rendered request, or a part of one.
    pub(crate) async fn send(&mut self, request: &[u8]) -> anyhow::Result<()> {
        self.stream.write_all(request).await.context("sending a request")
    }

    /// Waits for the answer to the request that was sent.
    pub(crate) async fn receive(&mut self) -> anyhow::Result<Answer> {
        self.read.clear();
        let head = loop {
            self.more().await?;
            if let Some(head) = Head::read(&self.read)? {
                break head;
            }
            if self.read.len() > HEAD_MAX {
                bail!("the head of an answer is too long");
            }
        };
        let end = head.length + head.body;
        while self.read.len() < end {
            self.more().await?;
        }
        if self.read.len() > end {
            bail!("the answer is longer than it says");
        }
        Ok(Answer { status: head.status, body: self.read[head.length..end].into() })
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        if self.stream.read_buf(&mut self.read).await.context("reading an answer")? == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }
}

struct Head {
    status: u16,
    /// Of the head itself, with the blank line.
    length: usize,
    /// Of the body.
    body: usize,
}

impl Head {
    /// The head, once it is complete.
    fn read(bytes: &[u8]) -> anyhow::Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
        let text = std::str::from_utf8(&bytes[..end]).context("the head of an answer")?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let body = lines
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.trim().parse().ok());
        match (status, body) {
            (Some(status), Some(body)) => Ok(Some(Self { status, length: end + 4, body })),
            _ => bail!("an answer without a status or a length: {text}"),
        }
    }
}

/// Renders a request with a body of a stated length; the body may follow apart.
pub(crate) fn head(method: &str, path: &str, headers: &[(&str, &str)], body: u64) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: kami\r\ncontent-length: {body}\r\n");
    for (name, value) in headers {
        text.extend([name, ": ", value, "\r\n"]);
    }
    text.push_str("\r\n");
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_complete() {
        let text = b"HTTP/1.1 422 Unprocessable Entity\r\nContent-Length: 2\r\nx: y\r\n\r\n{}";
        for cut in 0..text.len() - 2 {
            assert!(Head::read(&text[..cut]).unwrap().is_none(), "{cut}");
        }
        let head = Head::read(text).unwrap().unwrap();
        assert_eq!((head.status, head.body), (422, 2));
        assert_eq!(&text[head.length..], b"{}");
    }

    #[test]
    fn an_answer_without_a_length_is_not_understood() {
        assert!(Head::read(b"HTTP/1.1 200 OK\r\nx: y\r\n\r\n").is_err());
    }
}
