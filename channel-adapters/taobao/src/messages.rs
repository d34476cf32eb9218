//! The message queue (TMC), taken by HTTP: consumed, and confirmed once kept.

use std::sync::Arc;

use channel::{
    Ask, CallOutcome, Inbound, Kind, OutboundRequest, Page, Poll, Response, Unable, Window, strict_json,
};
use serde::Deserialize;
use vocabulary::Timestamp;

use crate::{
    api::{Params, Parts, either, refused},
    settings::Settings,
    status::{Topic, topic},
    wire::{Text, clip, time},
};

/// How many messages a page has; the platform allows 10 to 200, and 200 to be confirmed at once.
const QUANTITY: usize = 100;

pub(crate) struct MessagePoll(pub(crate) Arc<Settings>);

#[derive(Deserialize)]
struct Consumed {
    #[serde(default)]
    messages: Messages,
}

#[derive(Deserialize, Default)]
struct Messages {
    #[serde(default)]
    tmc_message: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    id: Text,
    topic: String,
    content: String,
    #[serde(default)]
    user_id: Text,
    #[serde(default)]
    pub_time: Text,
}

#[derive(Deserialize)]
struct Content {
    tid: Text,
}

impl Message {
    /// A message only hints at a trade; its number is all that is used of it.
    fn read(&self) -> Option<Inbound> {
        let id = self.id.id()?;
        let tid = || {
            let content: Content = strict_json::from_slice(self.content.as_bytes()).ok()?;
            content.tid.id().map(str::to_owned)
        };
        let ask = match (topic(&self.topic), tid()) {
            (Topic::Changed, Some(external_no)) => Ask::ReadBack { external_no },
            (Topic::Idle, Some(_)) => Ask::Nothing,
            _ => Ask::Unmapped { kind: clip(&self.topic) },
        };
        Some(Inbound {
            id: Some(format!("tmc:{id}")),
            content: format!("{}|{}", self.topic, self.content).into_bytes(),
            kind: Kind::Notice,
            occurred_at: time(&self.pub_time.0),
            ask,
        })
    }
}

impl MessagePoll {
    fn group(&self) -> Params {
        self.0.group_name.iter().map(|name| ("group_name", name.clone())).collect()
    }
}

impl Poll for MessagePoll {
    fn name(&self) -> &'static str {
        "messages"
    }
    fn every_secs(&self) -> u32 {
        10
    }
    /// A queue has no windows.
    fn window_max_secs(&self) -> u32 {
        86_400
    }
    fn overlap_secs(&self) -> u32 {
        0
    }

    fn request(&self, _: &Window, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let mut params = self.group();
        params.push(("quantity", QUANTITY.to_string()));
        Ok(self.0.app_call("taobao.tmc.messages.consume", params, now))
    }

    /// Messages of other sellers are neither taken nor confirmed: they belong to another shop of the app.
    fn interpret(&self, _: &Window, response: Response<'_>, _: Timestamp) -> CallOutcome<Page> {
        either(Parts::of(response).and_then(|parts| {
            let Consumed { messages } = parts.part("tmc_messages_consume_response")?;
            let seller = self.0.seller_id.to_string();
            let (mut kept, mut ids) = (Vec::new(), Vec::new());
            for message in messages.tmc_message.iter().filter(|message| message.user_id.0 == seller) {
                let Some(inbound) = message.read() else { return Ok(refused("unreadable_message")) };
                kept.push(inbound);
                ids.push(message.id.0.as_str());
            }
            // While nothing of a full page is ours, another page would be the same messages again.
            let more = messages.tmc_message.len() >= QUANTITY && !ids.is_empty();
            Ok(CallOutcome::Done(Page {
                messages: kept,
                next: more.then(|| "more".to_owned()),
                confirm: (!ids.is_empty()).then(|| ids.join(",")),
            }))
        }))
    }

    fn confirm(&self, state: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let mut params = self.group();
        params.push(("s_message_ids", state.to_owned()));
        Ok(self.0.app_call("taobao.tmc.messages.confirm", params, now))
    }

    fn interpret_confirm(&self, _: &str, response: Response<'_>) -> CallOutcome<()> {
        #[derive(Deserialize)]
        struct Confirmed {
            is_success: bool,
        }
        either(Parts::of(response).and_then(|parts| {
            let Confirmed { is_success } = parts.part("tmc_messages_confirm_response")?;
            Ok(if is_success { CallOutcome::Done(()) } else { refused("no_success") })
        }))
    }
}
