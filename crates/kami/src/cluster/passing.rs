//! Requests that another node answers. What has a bound goes over NATS, sealed with the merchant's key, which only nodes
//! have: tokens and card keys are in clear nowhere on the way. What may be of any length is streamed over HTTP.

use std::{net::IpAddr, sync::Arc, time::Duration};

use anyhow::Context;
use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header, request},
    response::Response,
};
use bytes::Bytes;
use cluster::{
    AskError, Asked, Bus, Door,
    wire::{self, AnswerHead, Cover, Garbled, RequestHead},
};
use event_log_postgres::leases::Node;
use futures::StreamExt;
use http_api::{Peer, placed};
use tokio::sync::Semaphore;
use vault::Vault;
use vocabulary::MerchantId;

use super::{
    desk::{Desk, Place},
    front::peer,
    sealed::{Opener, PASSED_ON, Sent},
};
use crate::http_client;

/// Says which node passed a request on. It is not passed on again.
pub(super) const PASSED_ON_BY: HeaderName = HeaderName::from_static("kami-passed-on-by");
/// How long an answer may take: longer than the merchant's node gives itself.
const PATIENCE: Duration = Duration::from_secs(35);
/// How many requests of other nodes are answered at once.
const AT_ONCE: usize = 1_024;
/// The largest answer that is passed on.
const ANSWER_MAX: usize = 64 << 20;
/// What a connection says about itself and not about the request.
const OF_THE_CONNECTION: [HeaderName; 7] = [
    header::CONNECTION,
    header::HOST,
    header::PROXY_AUTHENTICATE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// A request that was read to its end, to be given to whoever answers it.
pub(super) struct Kept {
    parts: request::Parts,
    body: Bytes,
    peer: Option<IpAddr>,
}

impl Kept {
    /// Reads a request; of a body that is too large only so much that whoever gets it sees that it is. `None` where it
    /// ends early.
    pub(super) async fn of(request: Request) -> Option<Self> {
        let peer = peer(&request);
        let (parts, body) = request.into_parts();
        let mut pieces = body.into_data_stream();
        let mut body = Vec::new();
        while let Some(piece) = pieces.next().await {
            body.extend_from_slice(&piece.ok()?);
            if body.len() > placed::BODY_MAX {
                body.truncate(placed::BODY_MAX + 1);
                break;
            }
        }
        Some(Self { parts, body: body.into(), peer })
    }

    /// The request, for this node to answer.
    pub(super) fn request(&self) -> Request {
        Request::from_parts(self.parts.clone(), self.body.clone().into())
    }

    fn head(&self, from: &str) -> RequestHead {
        RequestHead {
            from: from.to_owned(),
            method: self.parts.method.to_string(),
            target: self.parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            headers: written(&self.parts.headers),
            peer: self.peer,
        }
    }
}

/// What passes requests on and takes in those of others. Clones share it.
#[derive(Clone)]
pub(super) struct Passing {
    bus: Bus,
    opener: Opener,
    node: Arc<str>,
    client: reqwest::Client,
}

impl Passing {
    pub(super) fn new(bus: Bus, vault: Arc<Vault>, node: &str) -> anyhow::Result<Self> {
        let client = http_client::builder()?.no_proxy().build().context("the HTTP client cannot be made")?;
        Ok(Self { bus, opener: Opener::new(PASSED_ON, vault), node: node.into(), client })
    }

    /// Has a node answer a request.
    pub(super) async fn pass(
        &self,
        node: &Node,
        merchant: &MerchantId,
        kept: &Kept,
    ) -> Result<Response, AskError> {
        let answered = self.ask(node, merchant, kept).await;
        let outcome = match &answered {
            Ok(_) => "answered",
            Err(error) if error.is_harmless() => "not_taken",
            Err(_) => "unanswered",
        };
        metrics::counter!("kami_cluster_passed_on_total", "outcome" => outcome).increment(1);
        answered
    }

    async fn ask(&self, node: &Node, merchant: &MerchantId, kept: &Kept) -> Result<Response, AskError> {
        let keys = self.opener.keys(merchant).await.ok_or(AskError::Away)?;
        let request = wire::write(&kept.head(&self.node), &kept.body).map_err(|_| AskError::TooLarge)?;
        let mut sent = Sent::seal(PASSED_ON, &keys, merchant, node.protocol, &request)
            .map_err(|_| AskError::TooLarge)?;
        let message = std::mem::take(&mut sent.message);
        let answer = self.bus.ask(&node.name, Door::Http, message, PATIENCE).await?;
        // From here on the node has acted.
        let opened = sent.answer(&keys, &answer).ok_or(AskError::Silent)?;
        response(&opened.into()).map_err(|_| AskError::Silent)
    }

    /// Has a node answer a request over HTTP, both ways as a stream.
    pub(super) async fn stream(&self, node: &Node, merchant: &MerchantId, request: Request) -> Response {
        if node.advertise.is_empty() {
            return placed::not_owner(&format!("ask node {}, which has no address for this one", node.name));
        }
        let peer = peer(&request);
        let (parts, body) = request.into_parts();
        let target = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        let mut headers = parts.headers;
        OF_THE_CONNECTION.iter().for_each(|name| drop(headers.remove(name)));
        if let Ok(name) = HeaderValue::from_str(&self.node) {
            headers.insert(PASSED_ON_BY, name);
        }
        if let Some(value) = peer.and_then(|peer| HeaderValue::from_str(&peer.to_string()).ok()) {
            headers.append("x-forwarded-for", value);
        }
        let sent = self
            .client
            .request(parts.method, format!("{}/m/{merchant}{target}", node.advertise))
            .headers(headers)
            .body(reqwest::Body::wrap_stream(body.into_data_stream()))
            .send()
            .await;
        let response = match sent {
            Ok(response) => response,
            Err(error) if error.is_connect() => return placed::not_owner("its node cannot be connected to"),
            Err(error) => {
                tracing::debug!(error = %error.without_url(), "a node did not answer");
                return placed::unanswered();
            }
        };
        let mut passed = Response::new(Body::empty());
        *passed.status_mut() = response.status();
        *passed.headers_mut() = response.headers().clone();
        OF_THE_CONNECTION.iter().for_each(|name| drop(passed.headers_mut().remove(name)));
        *passed.body_mut() = Body::from_stream(response.bytes_stream());
        passed
    }

    /// Answers the requests of other nodes, for ever.
    pub(super) async fn take_in(self, desk: Desk) {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let Ok(requests) = self.bus.requests(Door::Http).await else {
            tracing::error!("other nodes cannot pass requests on to this one");
            return;
        };
        let mut requests = std::pin::pin!(requests);
        while let Some(asked) = requests.next().await {
            let Ok(place) = places.clone().acquire_owned().await else { return };
            let (this, desk) = (self.clone(), desk.clone());
            tokio::spawn(async move {
                if let Err(error) = this.answer(&desk, asked).await {
                    tracing::debug!(%error, "an answer could not be given to the node that asked");
                }
                drop(place);
            });
        }
    }

    async fn answer(&self, desk: &Desk, asked: Asked) -> Result<(), AskError> {
        let Ok((cover, sealed)) = wire::read::<Cover>(&asked.payload) else { return asked.not_mine().await };
        let Place::Here(held) = desk.place(&cover.merchant) else { return asked.not_mine().await };
        let merchant = cover.merchant.clone();
        let Some(mut received) = self.opener.open(cover, &sealed).await else {
            return asked.not_mine().await;
        };
        let Ok(request) = read(std::mem::take(&mut received.plain)) else {
            tracing::warn!(%merchant, "a request of another node is not readable");
            return asked.not_mine().await;
        };
        let Ok(response) = held.answer(request).await else { return asked.not_mine().await };
        let answer = whole(response).await.map_err(|_| AskError::Silent)?;
        asked.answer(&received.seal_answer(&answer)).await
    }
}

fn written(headers: &HeaderMap) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.to_string(), wire::latin(value.as_bytes()))).collect()
}

fn headers(told: &[(String, String)]) -> Result<HeaderMap, Garbled> {
    let mut headers = HeaderMap::with_capacity(told.len());
    for (name, value) in told {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Garbled)?;
        headers.append(name, HeaderValue::from_bytes(&wire::bytes_of(value)?).map_err(|_| Garbled)?);
    }
    Ok(headers)
}

fn read(opened: Vec<u8>) -> Result<Request, Garbled> {
    let (head, body) = wire::read::<RequestHead>(&opened.into())?;
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = Method::from_bytes(head.method.as_bytes()).map_err(|_| Garbled)?;
    *request.uri_mut() = head.target.parse::<Uri>().map_err(|_| Garbled)?;
    *request.headers_mut() = headers(&head.headers)?;
    if let Some(peer) = head.peer {
        request.extensions_mut().insert(Peer(peer));
    }
    Ok(request)
}

fn response(opened: &Bytes) -> Result<Response, Garbled> {
    let (head, body) = wire::read::<AnswerHead>(opened)?;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(head.status).map_err(|_| Garbled)?;
    *response.headers_mut() = headers(&head.headers)?;
    Ok(response)
}

/// An answer with its whole body.
async fn whole(response: Response) -> Result<Vec<u8>, Garbled> {
    let (parts, body) = response.into_parts();
    let head = AnswerHead { status: parts.status.as_u16(), headers: written(&parts.headers) };
    match to_bytes(body, ANSWER_MAX).await {
        Ok(body) => wire::write(&head, &body),
        Err(_) => {
            let (parts, body) = placed::not_owner("the answer is too large to be passed on").into_parts();
            let head = AnswerHead { status: parts.status.as_u16(), headers: written(&parts.headers) };
            wire::write(&head, &to_bytes(body, ANSWER_MAX).await.map_err(|_| Garbled)?)
        }
    }
}
