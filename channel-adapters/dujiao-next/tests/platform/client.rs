//! A small client for calls that a test sends itself: plain HTTP to this machine.

use channel::{OutboundRequest, OutboundResponse, TransportFailure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Sends a call and reads what comes, as the engine's own client would report it.
pub(crate) async fn send(request: &OutboundRequest) -> Result<OutboundResponse, TransportFailure> {
    let rest = request.url.strip_prefix("http://").ok_or(TransportFailure::NotSent)?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host).await.map_err(|_| TransportFailure::NotSent)?;
    let mut head = format!("{} /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n", request.method);
    for (name, value) in &request.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", request.body.len()));
    let lost = |_| TransportFailure::NoAnswer;
    stream.write_all(head.as_bytes()).await.map_err(lost)?;
    stream.write_all(&request.body).await.map_err(lost)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.map_err(lost)?;
    read(&answer).ok_or(TransportFailure::NoAnswer)
}

/// Status, headers and body; `None` where the body is not whole.
fn read(answer: &[u8]) -> Option<OutboundResponse> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let body = answer[end + 4..].to_vec();
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let pair = |line: &str| line.split_once(": ").map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned()));
    let headers: Vec<(String, String)> = lines.filter_map(pair).collect();
    let value = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    let whole = value("content-length").and_then(|length| length.parse().ok()) == Some(body.len());
    let retry_after = value("retry-after").and_then(|secs| secs.parse().ok());
    whole.then_some(OutboundResponse { status, headers, retry_after, body })
}
