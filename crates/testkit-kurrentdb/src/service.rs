//! The calls of the protocol, over HTTP/2.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, future, stream};
use hyper::body::Incoming;
use tokio_stream::wrappers::WatchStream;
use tonic::{
    Request, Response, Status, Streaming, body::BoxBody, codec::ProstCodec, metadata::MetadataValue,
    server::Grpc,
};
use tower::service_fn;

use crate::{
    Fault, Shared,
    store::{Asked, Outcome, Stored},
    wire::{
        AppendContent, AppendReq, AppendResp, AppendResult, ClusterInfo, Confirmation, Count, Empty,
        Endpoint, Expected, From, Id, IdValue, Member, NotFound, ReadContent, ReadEvent, ReadPosition,
        ReadReq, ReadResp, Recorded, StreamIdentifier, Success, SuccessPosition, SuccessRevision,
        SupportedMethod, SupportedMethods, Wrong, WrongCurrent, WrongExpected,
    },
};

type Responses = stream::BoxStream<'static, Result<ReadResp, Status>>;

/// Answers one call.
pub(crate) async fn answer(shared: Arc<Shared>, request: http::Request<Incoming>) -> http::Response<BoxBody> {
    match request.uri().path() {
        "/event_store.client.streams.Streams/Append" => {
            let call = move |request| append(shared.clone(), request);
            Grpc::new(ProstCodec::default()).client_streaming(service_fn(call), request).await
        }
        "/event_store.client.streams.Streams/Read" => {
            let call = move |request| future::ready(read(&shared, request));
            Grpc::new(ProstCodec::default()).server_streaming(service_fn(call), request).await
        }
        "/event_store.client.server_features.ServerFeatures/GetSupportedMethods" => {
            let call = move |_: Request<Empty>| future::ready(Ok(Response::new(features())));
            Grpc::new(ProstCodec::default()).unary(service_fn(call), request).await
        }
        "/event_store.client.gossip.Gossip/Read" => {
            let call = move |_: Request<Empty>| future::ready(Ok(Response::new(gossip(shared.port))));
            Grpc::new(ProstCodec::default()).unary(service_fn(call), request).await
        }
        _ => Status::unimplemented("the stub does not know this call").into_http(),
    }
}

fn features() -> SupportedMethods {
    let method = |method: &str| SupportedMethod {
        method: method.to_owned(),
        service: "event_store.client.streams.streams".to_owned(),
    };
    SupportedMethods { methods: ["append", "read"].map(method).into(), version: "25.0.0".to_owned() }
}

fn gossip(port: u16) -> ClusterInfo {
    const LEADER: i32 = 8;
    let endpoint = Endpoint { address: "127.0.0.1".to_owned(), port: port.into() };
    let (instance, endpoint) = (Some(id(uuid::Uuid::nil().to_string())), Some(endpoint));
    ClusterInfo { members: vec![Member { instance, time_stamp: 0, state: LEADER, is_alive: true, endpoint }] }
}

fn id(text: String) -> Id {
    Id { value: Some(IdValue::Text(text)) }
}

fn id_text(id: Option<Id>) -> Result<String, Status> {
    match id.and_then(|id| id.value) {
        Some(IdValue::Text(text)) => Ok(text),
        Some(IdValue::Structured(parts)) => {
            Ok(uuid::Uuid::from_u64_pair(parts.most as u64, parts.least as u64).to_string())
        }
        None => Err(Status::invalid_argument("an event has no id")),
    }
}

async fn append(
    shared: Arc<Shared>,
    request: Request<Streaming<AppendReq>>,
) -> Result<Response<AppendResp>, Status> {
    let asked = asked(request.into_inner()).await?;
    let expected = asked.expected;
    let outcome = match shared.store.take_fault(&asked.stream) {
        None | Some(Fault::Spared) => shared.store.append(asked),
        Some(Fault::Held) => {
            shared.released.notified().await;
            shared.store.append(asked)
        }
        Some(Fault::Unavailable) => return Err(Status::unavailable("the server is not ready")),
        Some(Fault::CutBefore) => return shared.cut().await,
        Some(Fault::CutAfter) => {
            shared.store.append(asked);
            return shared.cut().await;
        }
        Some(Fault::StoredLate) => {
            shared.store.keep_for_later(asked);
            return shared.cut().await;
        }
        Some(Fault::SilentAfter) => {
            shared.store.append(asked);
            return future::pending().await;
        }
    };
    match outcome {
        Outcome::Stored(revision) => Ok(Response::new(AppendResp {
            result: Some(AppendResult::Success(Success {
                current: Some(SuccessRevision::Revision(revision)),
                position: Some(SuccessPosition::None(())),
            })),
        })),
        Outcome::Wrong(current) => Ok(Response::new(AppendResp { result: Some(wrong(current, expected)) })),
        Outcome::TooLarge(limit) => {
            let mut status = Status::invalid_argument(format!("Maximum Append Size of {limit} Exceeded."));
            let word = MetadataValue::from_static("maximum-append-size-exceeded");
            status.metadata_mut().insert("exception", word);
            Err(status)
        }
    }
}

fn wrong(current: Option<u64>, expected: Expected) -> AppendResult {
    let current = Some(current.map_or(WrongCurrent::NoStream(()), WrongCurrent::Revision));
    let expected = Some(match expected {
        Expected::Revision(revision) => WrongExpected::Revision(revision),
        Expected::NoStream(()) => WrongExpected::NoStream(()),
        Expected::Any(()) => WrongExpected::Any(()),
        Expected::StreamExists(()) => WrongExpected::StreamExists(()),
    });
    AppendResult::Wrong(Wrong { current, expected })
}

async fn asked(mut messages: Streaming<AppendReq>) -> Result<Asked, Status> {
    let mut asked = None;
    while let Some(message) = messages.message().await? {
        match (message.content, &mut asked) {
            (Some(AppendContent::Options(options)), None) => {
                let stream = options.stream.map(|stream| stream.name).unwrap_or_default();
                let expected = options.expected.unwrap_or(Expected::Any(()));
                asked = Some(Asked { stream, expected, events: Vec::new() });
            }
            (Some(AppendContent::Proposed(mut event)), Some(asked)) => {
                asked.events.push(Stored { id: id_text(event.id.take())?, event });
            }
            _ => return Err(Status::invalid_argument("an append begins with its options")),
        }
    }
    asked.ok_or_else(|| Status::invalid_argument("an append of nothing"))
}

fn read(shared: &Arc<Shared>, request: Request<ReadReq>) -> Result<Response<Responses>, Status> {
    let options = request.into_inner().options.ok_or_else(|| Status::invalid_argument("no options"))?;
    let of = options.stream.ok_or_else(|| Status::unimplemented("the stub reads single streams"))?;
    let name = of.stream.map(|stream| stream.name).unwrap_or_default();
    if options.direction != 0 {
        return Err(Status::unimplemented("the stub reads forwards"));
    }
    match options.count {
        Some(Count::Subscription(())) => {
            let next = match of.from {
                Some(From::Revision(revision)) => revision as usize + 1,
                Some(From::End(())) => shared.store.len(&name),
                Some(From::Start(())) | None => 0,
            };
            Ok(Response::new(subscribe(shared.clone(), name, next)))
        }
        Some(Count::Events(count)) => {
            let from = match of.from {
                Some(From::Revision(revision)) => revision as usize,
                Some(From::End(())) => shared.store.len(&name),
                Some(From::Start(())) | None => 0,
            };
            let limit = usize::try_from(count).unwrap_or(usize::MAX);
            let Some(events) = shared.store.read(&name, from, limit) else {
                let stream = Some(StreamIdentifier { name });
                let missing = ReadResp { content: Some(ReadContent::NotFound(NotFound { stream })) };
                return Ok(Response::new(stream::iter([Ok(missing)]).boxed()));
            };
            let events = (from..).zip(events).map(move |(at, event)| Ok(shown(&name, at, event)));
            Ok(Response::new(stream::iter(events.collect::<Vec<_>>()).boxed()))
        }
        None => Err(Status::invalid_argument("neither a count nor a subscription")),
    }
}

/// All events from a revision on, for ever.
fn subscribe(shared: Arc<Shared>, name: Bytes, next: usize) -> Responses {
    let confirmed = Confirmation { subscription: uuid::Uuid::now_v7().to_string() };
    let confirmed = Ok(ReadResp { content: Some(ReadContent::Confirmation(confirmed)) });
    let changes = WatchStream::new(shared.store.changes());
    let mut next = next;
    let told = changes.flat_map(move |_| {
        let events = shared.store.read(&name, next, usize::MAX).unwrap_or_default();
        let from = next;
        next += events.len();
        let shown: Vec<_> = (from..).zip(events).map(|(at, event)| Ok(shown(&name, at, event))).collect();
        stream::iter(shown)
    });
    stream::iter([confirmed]).chain(told).boxed()
}

fn shown(name: &Bytes, at: usize, Stored { id: text, event }: Stored) -> ReadResp {
    let mut metadata = event.metadata;
    // The server says when it stored an event, in ticks of 100 ns.
    metadata.entry("created".to_owned()).or_insert_with(|| "0".to_owned());
    let recorded = Recorded {
        id: Some(id(text)),
        stream: Some(StreamIdentifier { name: name.clone() }),
        revision: at as u64,
        prepare: at as u64,
        commit: at as u64,
        metadata,
        custom_metadata: event.custom_metadata,
        data: event.data,
    };
    let position = Some(ReadPosition::None(()));
    ReadResp { content: Some(ReadContent::Event(ReadEvent { event: Some(recorded), position })) }
}
