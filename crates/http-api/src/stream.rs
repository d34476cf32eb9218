//! The log as it grows: pages of events, and a stream that can be resumed at any position.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use events::RecordedEvent;
use futures::stream;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, watch};
use vocabulary::Position;

use crate::{
    api::Shared,
    event_view::EventView,
    extract::Params,
    problem::{self, Problem},
    serve::Stopping,
};

const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1_000;
/// Events that a stream reads ahead.
const AHEAD: usize = 500;
/// How often a stream says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often a stream looks for events that another process appended.
const POLL: Duration = Duration::from_secs(5);

/// Which part of the log.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Part {
    /// Events after this position (0, the whole log).
    after: Option<u64>,
    /// At most so many (100; up to 1000).
    limit: Option<usize>,
}

/// A page of the log, oldest first.
#[utoipa::path(get, path = "/v1/events", tag = "events", params(Part), responses((status = 200, body = Value)))]
pub(crate) async fn events(
    State(api): State<Shared>,
    Params(part): Params<Part>,
) -> Result<Json<Value>, Problem> {
    let limit = part.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let after = Position(part.after.unwrap_or(0));
    let events = api.engine.log().read_log(api.merchant(), after, limit).await?;
    let next = events.last().filter(|_| events.len() == limit).map(|last| last.position);
    let events: Vec<EventView> = events.into_iter().map(EventView::of).collect::<Result<_, _>>()?;
    Ok(Json(json!({ "events": events, "next": next })))
}

/// Where to begin.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct From {
    /// The first position to send; from now on where not given. A `Last-Event-ID` header goes before it.
    from_pos: Option<u64>,
    /// Where more than so many events wait to be sent, they are left out, and an event `gap` says which (`from` and
    /// `to`): for a reader that would rather fetch anew than catch up. Without it nothing is ever left out.
    gap_after: Option<u64>,
}

/// The log as it grows, as server-sent events: `id` is the position, `event` the type, `data` the event. Begins
/// after `Last-Event-ID` where that is given. A comment is sent every 15 s.
#[utoipa::path(get, path = "/v1/stream", tag = "events", params(From),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = 503)))]
pub(crate) async fn follow(
    State(api): State<Shared>,
    Params(from): Params<From>,
    headers: HeaderMap,
    stopping: Option<axum::Extension<Stopping>>,
) -> Result<Response, Problem> {
    let permit = api.streams.clone().try_acquire_owned();
    let permit = permit.map_err(|_| Problem::new(problem::BUSY).detail("too many streams are open"))?;
    let resumed = headers.get("last-event-id").map(|id| id.to_str().ok().and_then(|id| id.parse().ok()));
    let after = match (resumed, from.from_pos) {
        (Some(Some(last)), _) => Position(last),
        (Some(None), _) => return Err(Problem::parameter("Last-Event-ID is a position")),
        (None, Some(first)) => Position(first.saturating_sub(1)),
        (None, None) => {
            api.engine.log().head(api.merchant()).await?.map(|head| head.position).unwrap_or_default()
        }
    };
    let news = api.engine.log().watch(api.merchant());
    let stopping = stopping.map(|axum::Extension(stopping)| stopping);
    let gap_after = from.gap_after.unwrap_or(u64::MAX);
    let tail = Tail { api, after, gap_after, ready: VecDeque::new(), news, stopping, _permit: permit };
    let events = stream::unfold(tail, |mut tail| async move {
        let event = tail.next().await?;
        Some((Ok::<Event, Infallible>(event), tail))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("alive")).into_response())
}

/// One open stream.
struct Tail {
    api: Shared,
    after: Position,
    gap_after: u64,
    ready: VecDeque<RecordedEvent>,
    news: watch::Receiver<Position>,
    stopping: Option<Stopping>,
    _permit: OwnedSemaphorePermit,
}

impl Tail {
    /// The next event; none when the server stops or the log cannot be read: the client comes again and resumes.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return self.shown(event);
            }
            let head = *self.news.borrow_and_update();
            if head.0.saturating_sub(self.after.0) > self.gap_after {
                return Some(self.gap(head));
            }
            let log = self.api.engine.log();
            let page = log.read_log(self.api.merchant(), self.after, AHEAD).await;
            self.ready = page.inspect_err(|error| tracing::error!(%error, "a stream ends")).ok()?.into();
            if self.ready.is_empty() && !self.wait().await {
                return None;
            }
        }
    }

    /// Waits until there may be more; false when the server stops.
    async fn wait(&mut self) -> bool {
        let stopped = async {
            match &mut self.stopping {
                Some(stopping) => stopping.stopped().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stopped => false,
            // Without a writer in this process nobody tells: then look now and then.
            Ok(()) = self.news.changed() => true,
            () = tokio::time::sleep(POLL) => true,
        }
    }

    /// Leaves out what waits.
    fn gap(&mut self, head: Position) -> Event {
        let told = json!({ "from": self.after.0 + 1, "to": head });
        self.after = head;
        Event::default().id(head.to_string()).event("gap").data(told.to_string())
    }

    fn shown(&mut self, event: RecordedEvent) -> Option<Event> {
        let (position, name) = (event.position, event.type_name.clone());
        let view = EventView::of(event).ok()?;
        let data = serde_json::to_string(&view)
            .inspect_err(|error| tracing::error!(%error, "a stream ends at an event that cannot be written"));
        self.after = position;
        Some(Event::default().id(position.to_string()).event(name).data(data.ok()?))
    }
}
