//! Events whose delivery failed: Stripe lists those of the last thirty days.

use channel::{CallOutcome, OutboundRequest, Page, Poll, Response, Unable, Window};
use vocabulary::Timestamp;

use crate::{
    answer::read,
    inbound::{self, EVENTS, Event},
    session::List,
    settings::{Stripe, is_id},
};

impl Poll for Stripe {
    fn name(&self) -> &'static str {
        "events"
    }
    fn every_secs(&self) -> u32 {
        300
    }
    fn window_max_secs(&self) -> u32 {
        7 * 24 * 3600
    }

    fn request(&self, window: &Window, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let (since, until) = (window.since.secs().to_string(), window.until.secs().to_string());
        let mut query = vec![("created[gte]", since.as_str()), ("created[lt]", &until), ("limit", "100")];
        query.extend(EVENTS.iter().map(|kind| ("types[]", *kind)));
        if let Some(cursor) = &window.cursor {
            query.push(("starting_after", cursor));
        }
        Ok(self.get("/v1/events", &query))
    }

    fn interpret(&self, _: &Window, response: Response<'_>, _: Timestamp) -> CallOutcome<Page> {
        let list: List<Event> = match read(response) {
            Ok(list) => list,
            Err(outcome) => return outcome,
        };
        let last = list.data.last().map(|last| last.id.clone());
        let next = last.filter(|_| list.has_more);
        if list.has_more && next.as_deref().is_none_or(|id| !is_id(id)) {
            // Nothing would be known of the events that follow.
            return CallOutcome::Unknown { code: "unreadable_list".to_owned() };
        }
        // What the endpoint would refuse is kept for a person here: refusing it would hold up the rest.
        let read = |event: &Event| {
            inbound::read(self, event).unwrap_or_else(|refusal| inbound::unreadable(&event.id, &refusal))
        };
        let messages = list.data.iter().filter(|event| is_id(&event.id)).map(read).collect();
        CallOutcome::Done(Page { messages, next, confirm: None })
    }
}
