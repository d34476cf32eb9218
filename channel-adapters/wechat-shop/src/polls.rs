//! What lost pushes told of: orders and after-sales that changed, listed. The lists show numbers alone, so each is read
//! back, once for every window that it is in.

use std::sync::Arc;

use channel::{Ask, CallOutcome, Inbound, Kind, OutboundRequest, Page, Poll, Response, Unable, Window};
use serde::{Deserialize, Serialize};
use vocabulary::Timestamp;

use crate::{
    calls::{found, unknown},
    settings::App,
    shop::AFTERSALE,
    wire::Id,
};

const EVERY_SECS: u32 = 300;

/// Orders that changed.
pub(crate) struct Orders(pub(crate) Arc<App>);
/// After-sales that changed.
pub(crate) struct Aftersales(pub(crate) Arc<App>);

#[derive(Serialize)]
struct ListOrders<'a> {
    update_time_range: Range,
    page_size: u32,
    next_key: &'a str,
}

#[derive(Serialize)]
struct Range {
    start_time: i64,
    end_time: i64,
}

#[derive(Serialize)]
struct ListAftersales<'a> {
    begin_update_time: i64,
    end_update_time: i64,
    next_key: &'a str,
}

/// Either list: each has a name of its own for its numbers.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    order_id_list: Vec<Id>,
    #[serde(default)]
    after_sale_order_id_list: Vec<Id>,
    next_key: Option<String>,
    #[serde(default)]
    has_more: bool,
}

fn cursor(window: &Window) -> &str {
    window.cursor.as_deref().unwrap_or_default()
}

/// A page. `prefix` stands before a number where it is read back.
fn page(
    window: &Window,
    response: Response<'_>,
    prefix: &str,
    ids: fn(&Answer) -> &[Id],
) -> CallOutcome<Page> {
    let answer: Answer = match found(response) {
        Ok(answer) => answer,
        Err(outcome) => return outcome,
    };
    let Some(numbers) = ids(&answer).iter().map(Id::digits).collect::<Option<Vec<_>>>() else {
        return unknown("unreadable_answer");
    };
    let listed = |number: String| Inbound {
        id: Some(format!("listed:{prefix}{number}:{}", window.until.secs())),
        content: Vec::new(),
        kind: Kind::Notice,
        occurred_at: None,
        ask: Ask::ReadBack { external_no: format!("{prefix}{number}") },
    };
    let messages = numbers.into_iter().map(listed).collect();
    let next = answer.next_key.filter(|key| answer.has_more && !key.is_empty());
    CallOutcome::Done(Page { messages, next, confirm: None })
}

impl Poll for Orders {
    fn name(&self) -> &'static str {
        "orders"
    }
    fn every_secs(&self) -> u32 {
        EVERY_SECS
    }
    fn window_max_secs(&self) -> u32 {
        7 * 24 * 3_600
    }
    fn request(&self, window: &Window, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let update_time_range = Range { start_time: window.since.secs(), end_time: window.until.secs() };
        let list = ListOrders { update_time_range, page_size: 100, next_key: cursor(window) };
        self.0.post_json("/channels/ec/order/list/get", &list)
    }
    fn interpret(&self, window: &Window, response: Response<'_>, _: Timestamp) -> CallOutcome<Page> {
        page(window, response, "", |answer| &answer.order_id_list)
    }
}

impl Poll for Aftersales {
    fn name(&self) -> &'static str {
        "aftersales"
    }
    fn every_secs(&self) -> u32 {
        EVERY_SECS
    }
    fn window_max_secs(&self) -> u32 {
        24 * 3_600
    }
    fn request(&self, window: &Window, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let list = ListAftersales {
            begin_update_time: window.since.secs(),
            end_update_time: window.until.secs(),
            next_key: cursor(window),
        };
        self.0.post_json("/channels/ec/aftersale/getaftersalelist", &list)
    }
    fn interpret(&self, window: &Window, response: Response<'_>, _: Timestamp) -> CallOutcome<Page> {
        page(window, response, AFTERSALE, |answer| &answer.after_sale_order_id_list)
    }
}
