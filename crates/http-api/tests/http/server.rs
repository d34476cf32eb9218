use std::{net::SocketAddr, time::Duration};

use axum::{Router, routing::get};
use http_api::{ServeOptions, serve_with};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

use crate::world::World;

type Server = (SocketAddr, oneshot::Sender<()>, JoinHandle<std::io::Result<()>>);

async fn start(router: Router, options: ServeOptions) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let shutdown = async move {
        stopped.await.unwrap();
    };
    (address, stop, tokio::spawn(serve_with(listener, router, shutdown, options)))
}

/// Sends a request and reads until the server closes the connection.
async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).await.unwrap();
    text
}

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn a_client_that_does_not_finish_its_headers_is_dropped() {
    let router = Router::new().route("/healthz", get(async || "ok"));
    let options = ServeOptions { header_timeout: Duration::from_millis(50), ..ServeOptions::default() };
    let (address, stop, server) = start(router, options).await;
    for half in ["", "GET /healthz HTTP/1.1\r\nhost: x\r\n"] {
        let told = exchange(address, half).await;
        assert!(!told.contains("200 OK"), "{told}");
    }
    assert!(exchange(address, HEALTH).await.ends_with("ok"));
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_connection_waits_for_its_place_and_gets_it() {
    let router = Router::new().route("/healthz", get(async || "ok"));
    let options = ServeOptions { connections: 1, ..ServeOptions::default() };
    let (address, stop, server) = start(router, options).await;
    let answers =
        tokio::join!(exchange(address, HEALTH), exchange(address, HEALTH), exchange(address, HEALTH));
    assert!([answers.0, answers.1, answers.2].iter().all(|answer| answer.ends_with("ok")));
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_open_stream_ends_when_the_server_stops() {
    let world = World::stocked(0).await;
    let options = ServeOptions { grace: Duration::from_secs(3600), ..ServeOptions::default() };
    let (address, stop, server) = start(world.router.clone(), options).await;
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /v1/stream?from_pos=1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        world.token()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 12];
    socket.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    stop.send(()).unwrap();
    let mut rest = String::new();
    socket.read_to_string(&mut rest).await.unwrap();
    assert!(rest.contains("id:") && rest.ends_with("0\r\n\r\n"), "{rest}");
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_server_stops() {
    let (begun, started) = oneshot::channel();
    let (go, gone) = oneshot::channel();
    let once = std::sync::Mutex::new(Some((begun, gone)));
    let once = std::sync::Arc::new(once);
    let slow = move || {
        let taken = once.lock().unwrap().take();
        async move {
            let (begun, gone) = taken.unwrap();
            begun.send(()).unwrap();
            gone.await.unwrap();
            "done"
        }
    };
    let router = Router::new().route("/healthz", get(slow));
    let (address, stop, server) = start(router, ServeOptions::default()).await;
    let asked = tokio::spawn(async move { exchange(address, HEALTH).await });
    started.await.unwrap();
    stop.send(()).unwrap();
    go.send(()).unwrap();
    assert!(asked.await.unwrap().ends_with("done"));
    server.await.unwrap().unwrap();
}
