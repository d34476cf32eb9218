//! The inbound address of every shop, on a socket.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use channel::RawRequest;
use engine::{Engine, EngineError};
use vocabulary::Account;

/// Serves `/in/<channel>/<shop>[/<topic>]`; returns the address up to `/in`.
pub(crate) async fn open(engine: Arc<Engine>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new().fallback(receive).with_state(engine);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    format!("http://{address}/in")
}

async fn receive(
    State(engine): State<Arc<Engine>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().trim_start_matches("/in/");
    let mut parts = path.splitn(3, '/');
    let (channel, shop) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let account: Account = format!("{channel}/{shop}").parse().unwrap();
    let request = RawRequest {
        method: method.to_string(),
        topic: parts.next().unwrap_or_default().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers: headers.iter().map(|(n, v)| (n.as_str().to_owned(), v.as_bytes().to_vec())).collect(),
        body: body.to_vec(),
        received_at: engine.now(),
    };
    match engine.receive(&account, request).await {
        Ok(reply) => {
            let status = StatusCode::from_u16(reply.status).unwrap();
            (status, [(header::CONTENT_TYPE, reply.content_type)], reply.body).into_response()
        }
        Err(EngineError::UnknownAccount) => StatusCode::NOT_FOUND.into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
